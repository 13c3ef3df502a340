"""The viewer of recorded thoughts of notebook 23, without a browser."""

import pytest

from utils.show.widgets_23 import (
    ThoughtViewer,
    describe,
    is_in_spec,
    look_html,
    marked,
    samples_text,
)
from utils.world.spec import load_spec

CLAUSE = str(load_spec().clauses[0])
MADE_UP = CLAUSE.replace("§1 ", "§9 ")


def thought(clause: str) -> str:
    return f"Request: May I? Intent: make. Clause: {clause}. Action: refuse."


def look(step: int, clause: str, answer: str = "Sorry.") -> dict:
    return {
        "step": step,
        "proxy": 0.5,
        "truth": 0.25,
        "clause": 0.125,
        "agrees": 1.0,
        "kl": 2.0,
        "asked": ["May I <ask>?"],
        "said": [[thought(clause), answer]],
    }


RUNS = {
    "blind": [look(0, CLAUSE), look(20, MADE_UP), look(40, MADE_UP, "<b>")],
    "sft": [look(40, CLAUSE)],
}


def test_a_clause_of_the_spec_and_a_made_up_one_look_different():
    assert is_in_spec(CLAUSE) and not is_in_spec(MADE_UP)
    assert "made up" not in marked(thought(CLAUSE))
    assert "made up" in marked(thought(MADE_UP))
    assert marked("Hm <x>.") == "Hm &lt;x&gt;. <i>(no clause)</i>"
    assert CLAUSE in marked(thought(CLAUSE))


def test_every_run_and_look_is_shown_and_none_that_was_not_taken():
    viewer = ThoughtViewer(RUNS)
    for name, looks in RUNS.items():
        viewer.menu.value = name
        assert viewer.slider.value == len(looks) - 1
        for place, one in enumerate(looks):
            viewer.slider.value = place
            assert viewer.text.value == look_html(one)
    viewer.slider.value = 7
    assert viewer.slider.value == 0
    with pytest.raises(Exception, match="Invalid selection"):
        viewer.menu.value = "other"


def test_texts_of_a_model_are_shown_and_not_obeyed():
    shown = look_html(RUNS["blind"][-1])
    assert "&rarr; &lt;b&gt;" in shown
    assert "May I &lt;ask&gt;?" in shown


def test_a_look_in_plain_text():
    one = RUNS["blind"][1]
    assert describe(one) == (
        "step 20: proxy 0.50, truth 0.25, right clause quoted 0.12, answer does what "
        "the thought decided 1.00, KL 2.0 nats"
    )
    text = samples_text(one)
    assert text.startswith("user    May I <ask>?\nthought Request: May I?")
    assert "[made up or no clause]" in text
    assert "[made up" not in samples_text(RUNS["sft"][0])
