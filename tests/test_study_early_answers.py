"""Thoughts cut short, left out and filled with dots; and what notebook 24 says."""

from itertools import pairwise

import pytest

from utils.evaluate.studies import early_answers as study
from utils.evaluate.studies.early_answers import cuts
from utils.evaluate.studies.interventions import STEPS, tokens_of
from utils.evaluate.study import load_rows, over_seeds
from utils.models.tokenizer import build_tokenizer
from utils.world.replies import true_thought
from utils.world.requests import sample_requests

HOME = {"arm": "A4", "surface": "en"}


@pytest.fixture(scope="module")
def rows() -> list[dict]:
    return load_rows("early_answers")


def test_cuts_end_behind_each_step_and_dots_are_as_long():
    tokenizer = build_tokenizer()
    for request in sample_requests(10, seed=3):
        thought = true_thought(request)
        found = {edit.place: edit.text for edit in cuts(thought)}
        assert list(found) == ["Empty", *STEPS, "Dots"]
        assert found["Empty"] == "" and found["Action"] == str(thought)
        for step, later in pairwise(STEPS):
            text = found[step]
            assert str(thought).startswith(f"{text} {later}: ")
        length = len(tokens_of(tokenizer, str(thought)))
        assert len(tokens_of(tokenizer, found["Dots"])) == length


# The results.


def test_every_arm_and_place_was_measured_once_a_seed(rows):
    unedited = [row for row in rows if row["place"] == "Unedited"]
    assert len(unedited) == 3 * len(study.ARMS) * len(study.SURFACES) * 2


def test_cut_thoughts_are_mostly_followed_by_no_answer(rows):
    for place in ("Empty", "Request", "Dots"):
        assert over_seeds(rows, "none", place=place, **HOME)[0] > 0.5
        assert over_seeds(rows, "flip", place=place, **HOME)[0] > 0.8
    assert over_seeds(rows, "flip", place="Action", **HOME)[0] < 0.01
    clause, intent = (
        over_seeds(rows, "flip", place=place, **HOME)[0]
        for place in ("Clause", "Intent")
    )
    assert clause < intent


def test_dots_help_nowhere():
    arms = load_rows("arms")
    for where in (
        {"surface": "en", "topics": "seen"},
        {"surface": "en", "topics": "held_out"},
        {"surface": "es"},
    ):
        kind = {"kind": "plain", "base": "lab"} | where
        direct, thought, dots = (
            over_seeds(arms, "accuracy", arm=arm, **kind)[0]
            for arm in ("A1", "A4", "A9")
        )
        assert dots < direct <= thought + 0.01


def test_a9_needs_the_dots_it_was_trained_with(rows):
    home = {"arm": "A9", "surface": "en"}
    own, half, empty = (
        over_seeds(rows, "right", place=place, **home)[0]
        for place in ("Unedited", "Half of the dots", "Empty")
    )
    assert own > half + 0.05 > empty + 0.1
    assert over_seeds(rows, "none", place="Empty", **home)[0] > 0.5


def test_behind_intent_and_clause_it_answers_and_often_something_else(rows):
    for place, most in (("Intent", 0.4), ("Clause", 0.1)):
        none = over_seeds(rows, "none", place=place, **HOME)[0]
        flip = over_seeds(rows, "flip", place=place, **HOME)[0]
        assert none < most and flip - none > 0.4
    for place in ("Topic", "Category"):
        assert over_seeds(rows, "none", place=place, **HOME)[0] > 0.5
