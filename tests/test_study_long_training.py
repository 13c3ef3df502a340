"""The study of long training: its form, and what notebook 33 says of its results."""

from math import inf

import pytest

from utils.evaluate.studies import long_training as study
from utils.evaluate.study import load_rows, over_seeds
from utils.evaluate.table import plain_on
from utils.teach.exercises.nb33_f_curve import steps_to_reach
from utils.world.requests import CONTROLS, TAUGHT_CIPHERS, TAUGHT_LANGUAGES
from utils.world.spec import ACTIONS

PLACES = {
    "home": plain_on("en"),
    "languages": plain_on(*TAUGHT_LANGUAGES),
    "ciphers": plain_on(*TAUGHT_CIPHERS),
    "phrasing": lambda row: row["kind"] == "phrasing",
}


@pytest.fixture(scope="module")
def rows() -> list[dict]:
    return load_rows("long_training")


def mean(rows, arm: str, times: float, place: str, topics: str = "") -> float:
    own = [row for row in rows if PLACES[place](row) and topics in ("", row["topics"])]
    return over_seeds(own, "accuracy", arm=arm, times=times)[0]


def test_every_leg_was_looked_at_once_a_seed_in_every_condition(rows):
    conditions = 1 + 2 * (1 + len(TAUGHT_LANGUAGES + TAUGHT_CIPHERS + CONTROLS) + 1)
    seeds = {row["seed"] for row in rows}
    legs = [(arm, times) for arm, all_ in study.LEGS.items() for times in all_]
    assert len(rows) == len(seeds) * len(legs) * conditions
    for row in rows:
        assert len(row["given"]) == row["n"] == 100
        assert set(row["given"]) <= {"-", *map(str, range(len(ACTIONS)))}
        assert row["steps"] == round(row["times"] * study.SFT_STEPS)


def test_the_training_requests_are_known_by_heart(rows):
    for times in (1, 3, 10):
        known = [row for row in rows if row["kind"] == "training"]
        assert over_seeds(known, "accuracy", arm="A1", times=times)[0] > 0.99


def test_more_training_does_not_bring_direct_answers_abroad(rows):
    for place, most in (("languages", 0.6), ("ciphers", 0.3)):
        for times in (3, 10):
            assert mean(rows, "A1", times, place) < most
            change = mean(rows, "A1", times, place) - mean(rows, "A1", 1, place)
            assert abs(change) < 0.1
        assert mean(rows, "A1", 10, place) < mean(rows, "A4", 1, place) - 0.2


def test_direct_answers_never_reach_nine_tenths_abroad_and_a4_does(rows):
    def needed(arm: str, place: str) -> float:
        legs = sorted(study.LEGS[arm])
        steps = [times * study.SFT_STEPS for times in legs]
        return steps_to_reach(steps, [mean(rows, arm, t, place) for t in legs], 0.9)

    assert needed("A1", "languages") == inf
    assert needed("A4", "languages") <= study.SFT_STEPS


def test_with_fewer_tokens_a4_is_ahead_in_languages(rows):
    """Equal compute: A4 with fewer tokens than A1 had."""
    tokens = {(row["arm"], row["times"]): row["tokens"] for row in rows}
    assert tokens["A4", 0.3] < tokens["A1", 1]
    assert mean(rows, "A4", 0.3, "languages") > mean(rows, "A1", 1, "languages") + 0.1
