"""The widget of notebook 32, without a notebook."""

from itertools import product

from utils.align.chat import Reply
from utils.evaluate.studies.jailbreaks import pairs
from utils.show.widgets_32 import PairUnderAttack, pair_page, pair_text
from utils.world.replies import answer, true_thought
from utils.world.wrappers import NEW, parts

TESTED = pairs("seen", 2)


def grid_of(surfaces=("en", "es"), wrappers=("", "hurry")):
    """A1 always complies; A4 thinks and is right."""
    grid = {}
    for i, surface, wrapper in product(range(len(TESTED)), surfaces, wrappers):
        grid[i, surface, wrapper] = {
            side: {
                "A1": Reply("", answer("comply", request.topic.name), [], [], True),
                "A4": Reply(
                    str(true_thought(request)),
                    answer(request.action(), request.topic.name),
                    [],
                    [],
                    True,
                ),
            }
            for side, request in (
                ("sensitive", TESTED[i].sensitive),
                ("harmless", TESTED[i].harmless),
            )
        }
    return grid


def test_menus_change_the_page():
    widget = PairUnderAttack(TESTED, grid_of())
    assert TESTED[0].sensitive.text in widget.page.value
    assert widget.wrapper.options[0] == ("no wrapper", "")
    widget.pair.value, widget.surface.value, widget.wrapper.value = 2, "es", "hurry"
    for side in ("sensitive", "harmless"):
        assert getattr(TESTED[2], side).on("es", "hurry").text in widget.page.value
    assert parts("hurry")[0] in widget.page.value
    assert widget.page.value.count("✗ wrong: comply") == 1
    assert widget.page.value.count("✓ right") == 3


def test_text_from_a_model_is_no_markup():
    replies = {
        side: {"A1": Reply("<i>", "<script>", [], [], True)}
        for side in ("sensitive", "harmless")
    }
    page = pair_page(TESTED[0], "en", "many_shot", replies)
    assert "<script>" not in page and page.count("&lt;script&gt;") == 2


def test_the_text_twin_says_the_same():
    replies = grid_of(("en",), tuple(NEW))[0, "en", "ignore_rules"]
    text = pair_text(TESTED[0], "en", "ignore_rules", replies)
    for side in ("sensitive", "harmless"):
        assert getattr(TESTED[0], side).on("en", "ignore_rules").text in text
    assert text.count("wrong: comply") == 1 and text.count("(right") == 3
