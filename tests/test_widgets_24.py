"""The editor of thoughts of notebook 24, without a browser and without a model."""

import pytest

from utils.align.chat import Reply
from utils.evaluate.studies.interventions import STEPS, text_of
from utils.show.widgets_24 import (
    RESTS,
    ThoughtEditor,
    choices,
    edit_html,
    edit_text,
    verdict,
)
from utils.world.replies import answer, true_thought
from utils.world.requests import sample_requests
from utils.world.spec import ACTIONS


@pytest.fixture
def cases():
    requests = sample_requests(5, seed=3)
    return [(r, true_thought(r), r.action()) for r in requests]


def obedient(request, text, done):
    """A model that closes a forced thought with "ask" and does so."""
    more = "" if done else " Action: ask."
    return Reply(text + more, answer("ask", request.topic.name), [], [], True)


def test_choices_begin_with_the_step_itself_and_hold_other_actions(cases):
    for _, thought, action in cases:
        for step in STEPS:
            found = choices(thought, step)
            assert found[0] == (text_of(thought, step), action)
            assert len({text for text, _ in found}) == len(found)
            assert {implied for _, implied in found} <= set(ACTIONS)
        assert any(implied != action for _, implied in choices(thought, "Clause"))


@pytest.mark.parametrize(
    ("before", "after", "implied", "says"),
    [
        ("ask", "comply", "comply", "follows the edit"),
        ("ask", "ask", "comply", "unchanged"),
        ("ask", "refer", "comply", "changed to something else"),
        ("ask", "ask", "ask", "unchanged, as it should"),
        ("ask", "none", "ask", "changed by a sham"),
    ],
)
def test_verdicts(before, after, implied, says):
    assert verdict(before, after, implied) == says


def test_the_page_tells_forced_edited_and_written_text_apart(cases):
    case = cases[0]
    choice = ("cooking.", "comply")
    said = obedient(case[0], str(case[1]).partition(" Category")[0], False)
    said = Reply(
        said.thought.replace(" Action", " Category: cooking. Action"),
        said.answer,
        [],
        [],
        True,
    )
    text = edit_text(case, "Category", choice, False, said)
    assert "Category: [cooking.]\nwritten    Action: ask." in text
    assert f"{case[2]} -> ask; the edit implies comply" in text
    html = edit_html(case, "Category", choice, False, said)
    assert 'font-weight:bold">cooking.</span>' in html
    assert 'border-bottom:2px solid black"> Action: ask.</span>' in html


def test_text_from_a_model_is_no_markup(cases):
    _, thought, action = cases[0]
    said = Reply(str(thought), "<script>", [], [], True)
    choice = (text_of(thought, "Action"), action)
    html = edit_html(cases[0], "Action", choice, True, said)
    assert "<script>" not in html and "&lt;script&gt;" in html


def test_every_menu_changes_the_page_and_nothing_is_asked_twice(cases):
    asked = []

    def run(request, text, done):
        asked.append((request.text, text, done))
        return obedient(request, text, done)

    editor = ThoughtEditor(cases, run)
    pages = [editor.page.value]
    editor.request.value = 2
    pages.append(editor.page.value)
    editor.step.value = "Clause"
    pages.append(editor.page.value)
    editor.rest.value = RESTS["the rest stays as it was"]
    pages.append(editor.page.value)
    editor.new.value = editor.new.options[0][1]
    pages.append(editor.page.value)
    assert len(set(pages)) == 5
    assert asked[-1][2] and not asked[0][2]
    editor.request.value = 0
    editor.request.value = 2
    assert len(asked) == len(set(asked))


def test_the_action_is_the_last_step_so_the_answer_is_forced(cases):
    seen = []

    def run(request, text, done):
        seen.append(done)
        return obedient(request, text, done)

    editor = ThoughtEditor(cases, run)
    editor.step.value = "Action"
    assert seen[-1]
