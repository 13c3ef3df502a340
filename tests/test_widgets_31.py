"""The widget of notebook 31, without a notebook."""

from utils.align.chat import Reply
from utils.show.widgets_31 import SideBySide, as_text, side_by_side
from utils.world.replies import answer, true_thought
from utils.world.requests import sample_requests


def grid_of(requests, surfaces):
    """A1 always complies, A4 thinks and is right."""
    grid = {}
    for i, request in enumerate(requests):
        topic = request.topic.name
        thought, action = str(true_thought(request)), request.action()
        for surface in surfaces:
            grid[i, surface] = {
                "A1": Reply("", answer("comply", topic), [], [], True),
                "A4": Reply(thought, answer(action, topic), [], [], True),
            }
    return grid


def test_menus_change_the_page():
    requests = sample_requests(3, seed=1, actions=("refuse",))
    widget = SideBySide(requests, grid_of(requests, ("en", "de")))
    assert requests[0].text in widget.page.value
    widget.request.value, widget.surface.value = 2, "de"
    assert requests[2].on("de").text in widget.page.value
    assert widget.page.value.count("✗ wrong: comply") == 1
    assert widget.page.value.count("✓ right: refuse") == 1


def test_text_from_a_model_is_no_markup():
    (request,) = sample_requests(1, seed=1)
    page = side_by_side(request, {"A1": Reply("", "<script>", [], [], True)})
    assert "<script>" not in page
    assert "&lt;script&gt;" in page


def test_the_text_twin_says_the_same():
    (request,) = sample_requests(1, seed=1, actions=("refuse",))
    replies = grid_of([request], ["en"])[0, "en"]
    text = as_text(request, replies)
    assert "wrong: comply" in text and "right: refuse" in text
    assert str(true_thought(request)) in text
