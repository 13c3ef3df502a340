"""Exercise of notebook 33, part 5: many comparisons at once."""

from collections.abc import Sequence
from itertools import combinations

import numpy as np

from utils.teach.exercise import Exercise, Mutant, Part, expect_close, outcomes

NOTEBOOK = "33_what_made_the_difference"


def holm(p: Sequence[float]) -> list[float]:
    """Holm's adjusted p-values: at most 5 % risk of even one false alarm among all.

    Sort; multiply the smallest by m, the next by m - 1, and so on; let none be smaller
    than the one before it, and none be above 1.

    p       : (m,) p-values
    returns : (m,) adjusted p-values, in the order in which they came
    """
    order, m = np.argsort(p), len(p)
    adjusted, before = [0.0] * m, 0.0
    for rank, i in enumerate(order):
        before = max(before, min(1.0, (m - rank) * p[i]))
        adjusted[i] = before
    return adjusted


def _ho_bonferroni(p):
    return [min(1.0, len(p) * one) for one in p]


def _ho_hochberg(p):
    order, m = np.argsort(p)[::-1], len(p)
    adjusted, before = [0.0] * m, 1.0
    for rank, i in enumerate(order):
        before = min(before, (rank + 1) * p[i])
        adjusted[i] = before
    return adjusted


def _ho_discovery(p):
    order, m = np.argsort(p)[::-1], len(p)
    adjusted, before = [0.0] * m, 1.0
    for rank, i in enumerate(order):
        before = min(before, m / (m - rank) * p[i])
        adjusted[i] = before
    return adjusted


def _ho_no_maximum(p):
    order, m = np.argsort(p), len(p)
    adjusted = [0.0] * m
    for rank, i in enumerate(order):
        adjusted[i] = min(1.0, (m - rank) * p[i])
    return adjusted


def _ho_sorted(p):
    return sorted(holm(p))


def _ho_uncapped(p):
    order, m = np.argsort(p), len(p)
    adjusted, before = [0.0] * m, 0.0
    for rank, i in enumerate(order):
        before = max(before, (m - rank) * p[i])
        adjusted[i] = before
    return adjusted


def _ho_off_by_one(p):
    order, m = np.argsort(p), len(p)
    adjusted, before = [0.0] * m, 0.0
    for rank, i in enumerate(order):
        before = max(before, min(1.0, (m - rank - 1) * p[i]))
        adjusted[i] = before
    return adjusted


def _ho_nothing(p):
    return list(p)


HOLM_MUTANTS = {
    "bonferroni": Mutant(
        _ho_bonferroni,
        "This is Bonferroni: m times every p. Holm multiplies the second smallest by "
        "m - 1, and so on, and misses less.",
    ),
    "hochberg": Mutant(
        _ho_hochberg,
        "You went down from the largest p (Hochberg). That needs p-values that don't "
        "work against each other; begin with the smallest.",
    ),
    "discovery": Mutant(
        _ho_discovery,
        "This is Benjamini and Hochberg: it bounds the SHARE of false alarms, not the "
        "risk of any.",
    ),
    "no maximum": Mutant(
        _ho_no_maximum,
        "A larger p came out with a smaller adjusted one. None may be smaller than the "
        "one before it in the sorted list.",
    ),
    "sorted": Mutant(
        _ho_sorted,
        "The values are sorted. Return them in the order in which the p-values came.",
    ),
    "uncapped": Mutant(_ho_uncapped, "A p-value is never above 1."),
    "off by one": Mutant(
        _ho_off_by_one,
        "The smallest p was multiplied by m - 1. It has m competitors, itself among "
        "them.",
    ),
    "nothing": Mutant(_ho_nothing, "The p-values are as they were."),
}


def _ho_case(p: Sequence[float], want: Sequence[float]):
    def test(answer) -> None:
        got = answer(list(p))
        expect_close(got, list(want), outcomes(HOLM_MUTANTS, list(p)), atol=1e-6)

    return test


def _ho_closed(answer) -> None:
    """Holm is the closed test of Bonferroni: the worst of all groups p belongs to."""
    for seed in range(4):
        p = (np.random.default_rng(seed).random(5) ** 2).tolist()
        groups = [g for k in range(1, 6) for g in combinations(range(5), k)]
        worst = [
            max(min(1, len(g) * min(p[j] for j in g)) for g in groups if i in g)
            for i in range(5)
        ]
        expect_close(answer(p), worst, outcomes(HOLM_MUTANTS, p), atol=1e-6)


EXERCISES = [
    Exercise(
        name="holm",
        notebook=NOTEBOOK,
        reference=holm,
        parts=[
            Part(
                "four p-values by hand",
                _ho_case([0.03, 0.01, 0.029, 0.4], [0.087, 0.04, 0.087, 0.4]),
            ),
            Part("large p-values", _ho_case([0.9, 0.2, 0.6], [1.0, 0.6, 1.0])),
            Part("the worst of all groups of hypotheses", _ho_closed, 2),
        ],
        mutants=HOLM_MUTANTS,
    ),
]
