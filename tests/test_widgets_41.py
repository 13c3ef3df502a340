"""The reply browser of notebook 41, without a browser."""

import pytest

from utils.show.widgets_41 import ReplyBrowser, place_of, reply_html, reply_text


def row(arm: str, start: str, surface: str, wrapper: str = "") -> dict:
    said = [[f"{surface} {wrapper} {i}?", f"{arm} {start} <{i}>", "A."] for i in (0, 1)]
    if arm == "answers":
        said = [[asked, "", answer] for asked, _, answer in said]
    keys = {"kind": "plain", "surface": surface, "wrapper": wrapper, "topics": "seen"}
    return {"arm": arm, "start": start, "said": said} | keys


ROWS = [
    row(arm, start, surface)
    for arm in ("deliberate", "answers")
    for start in ("plain", "words")
    for surface in ("en", "es")
]


def test_every_control_shows_something_else():
    widget = ReplyBrowser([*ROWS, {"arm": "answers", "kind": "training"}])
    seen = [widget.text.value]
    for control, value in (
        (widget.request, 1),
        (widget.place, "es, seen"),
        (widget.left, "deliberate, words"),
        (widget.right, "deliberate, plain"),
    ):
        control.value = value
        seen.append(widget.text.value)
    assert len(set(seen)) == 5


def test_a_student_that_was_not_asked_there_is_named():
    widget = ReplyBrowser([*ROWS, row("deliberate", "plain", "en", "hurry")])
    widget.place.value = "en, seen, wrapper hurry"
    assert "answers, words</b><div>was not asked here" in widget.text.value


def test_a_reply_in_words_and_in_html_has_all_its_parts():
    text = reply_text(ROWS[1], 0)
    assert text.split("\n") == [
        "deliberate, plain | es, seen",
        "asked:   es  0?",
        "thought: deliberate plain <0>",
        "answer:  A.",
    ]
    assert "thought" not in reply_text(ROWS[-1], 0)
    assert "&lt;0&gt;" in reply_html(ROWS[1], 0)
    phrasing = ROWS[0] | {"kind": "phrasing", "topics": "held_out"}
    assert place_of(phrasing) == "en, held out, new phrasing"


def test_rows_without_replies_are_refused():
    with pytest.raises(ValueError, match="rows with `said`"):
        ReplyBrowser([{"arm": "answers", "kind": "training"}])
