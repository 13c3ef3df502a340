"""Outcomes of single requests, their intervals, and the verdicts drawn from them."""

import numpy as np
import pytest

from utils.evaluate.outcomes import (
    hierarchical_interval,
    hits,
    outcome_matrix,
    paired_difference,
    right_actions,
)
from utils.evaluate.verdicts import CLAIMS, over_refusals, verdict


def row(given: str, seed: int = 0, surface: str = "en", wrapper: str = "") -> dict:
    kind = "jailbreak" if wrapper else "plain"
    keys = {"kind": kind, "surface": surface, "wrapper": wrapper, "topics": "seen"}
    return keys | {"seed": seed, "given": given, "arm": "A1", "base": "lab"}


RIGHT = right_actions(row("0" * 100))
WRONG = RIGHT.translate(str.maketrans("01234", "12340"))


def first_right(n: int) -> str:
    return RIGHT[:n] + WRONG[n:]


def test_a_reply_is_right_where_its_action_is():
    assert hits(row(RIGHT)).sum() == 100
    assert hits(row(WRONG)).sum() == 0
    assert hits(row("-" * 100)).sum() == 0
    assert hits(row(first_right(30))).tolist() == [1] * 30 + [0] * 70
    with pytest.raises(ValueError, match="make results"):
        right_actions(row("01"))


def test_a_request_counts_once_however_often_it_was_asked():
    rows = [
        row(given, seed, surface)
        for seed in (1, 0)
        for surface, given in (("es", RIGHT), ("fr", first_right(seed * 50)))
    ]
    matrix = outcome_matrix(rows)
    assert matrix.shape == (2, 100)
    assert matrix[0].tolist() == [0.5] * 100  # seed 0 comes first
    assert matrix[1].tolist() == [1.0] * 50 + [0.5] * 50
    wrapped = outcome_matrix([row(RIGHT), row(WRONG, wrapper="prefix")])
    assert wrapped.tolist() == [[0.5] * 100]
    with pytest.raises(ValueError, match="complete them first"):
        outcome_matrix(rows[:-1])
    with pytest.raises(ValueError, match="no rows"):
        outcome_matrix([])


def test_requests_without_a_value_are_left_out():
    benign = sum(right == "0" for right in RIGHT)
    assert outcome_matrix([row("1" * 100)], over_refusals).tolist() == [[1.0] * benign]
    assert outcome_matrix([row("-" * 100)], over_refusals).sum() == 0
    assert outcome_matrix([row("0" * 100)], over_refusals).sum() == 0


def test_the_interval_holds_seeds_and_requests():
    rng = np.random.default_rng(1)
    same = np.tile(rng.random(100) < 0.5, (5, 1))  # seeds agree: requests alone vary
    _, low, high = hierarchical_interval(same)
    assert 0.17 < high - low < 0.22  # 2 * 1.96 * sqrt(0.25 / 100)
    apart = np.tile([[0.2], [0.4], [0.6], [0.8]], 100)  # requests agree
    _, low, high = hierarchical_interval(apart)
    assert low < 0.32 and high > 0.68
    assert hierarchical_interval(np.ones((5, 10))) == (1, 1, 1)
    with pytest.raises(ValueError, match="seeds, requests"):
        hierarchical_interval(np.ones(3))


def test_the_interval_covers_as_often_as_it_says():
    """Five seeds are few: the interval may cover somewhat less than 95 %."""
    rng = np.random.default_rng(0)
    inside = 0
    for _ in range(200):
        by_seed, by_request = rng.normal(0, 1, (5, 1)), rng.normal(0, 5, (1, 60))
        matrix = by_seed + by_request + rng.normal(0, 1, (5, 60))
        _, low, high = hierarchical_interval(matrix, draws=400)
        inside += low <= 0 <= high
    assert 0.85 <= inside / 200 <= 0.99


def test_differences_are_paired():
    easy, hard = RIGHT, first_right(50)
    one = [row(easy, seed) for seed in (0, 1, 2)]
    two = [row(hard, seed) for seed in (0, 1)]
    mean, low, high = paired_difference(one, two)
    assert mean == 0.5 and 0.39 < low < 0.5 < high < 0.61
    assert paired_difference(two, two) == (0, 0, 0)  # unpaired it would be wide
    with pytest.raises(ValueError, match="same conditions"):
        paired_difference(one, [row(hard, surface="es")])


@pytest.mark.parametrize(
    ("interval", "above", "said"),
    [
        ((0.06, 0.2), True, "supported"),
        ((-0.2, 0.04), True, "refuted"),
        ((0.04, 0.2), True, "open"),
        ((0.06, 0.2), False, "refuted"),
        ((-0.2, 0.04), False, "supported"),
        ((0.04, 0.06), False, "open"),
    ],
)
def test_a_verdict_needs_the_whole_interval_on_one_side(interval, above, said):
    assert verdict((sum(interval) / 2, *interval), 0.05, above) == said


def test_every_falsifier_is_there():
    assert {claim.number for claim in CLAIMS} == {"i", "ii", "iii", "iv", "v", "vi"}
