"""Exercises of notebook 33, part 1: two arms, paired by seed and by request."""

import random
from collections.abc import Sequence

import numpy as np

from utils.teach.exercise import Exercise, Mutant, Part, expect, expect_close, outcomes

NOTEBOOK = "33_what_made_the_difference"


def gap_matrix(rows: Sequence[dict], first: str, second: str) -> np.ndarray:
    """What one arm has ahead of another, for each seed and each request.

    rows    : dicts with "arm", "seed", "surface" and "hits": a list of n values, 1
              where the request was answered rightly, else 0; in any order
    returns : (seeds, n) float, first - second, each averaged over the surfaces; seeds
              in rising order. ValueError if the two arms have different seeds
    """
    seeds = _gm_seeds(rows, first)
    if seeds != _gm_seeds(rows, second):
        raise ValueError("Both arms need the same training seeds.")
    return _gm_table(rows, first, seeds) - _gm_table(rows, second, seeds)


def _gm_seeds(rows, arm) -> list[int]:
    return sorted({row["seed"] for row in rows if row["arm"] == arm})


def _gm_of(rows, arm, seed) -> np.ndarray:
    """Hits of one run, (surfaces, n)."""
    return np.array(
        [r["hits"] for r in rows if (r["arm"], r["seed"]) == (arm, seed)], float
    )


def _gm_table(rows, arm, seeds) -> np.ndarray:
    return np.array([_gm_of(rows, arm, seed).mean(axis=0) for seed in seeds])


def _gm_turned(rows, first, second):
    return gap_matrix(rows, second, first)


def _gm_sum(rows, first, second):
    surfaces = len({row["surface"] for row in rows})
    return surfaces * gap_matrix(rows, first, second)


def _gm_as_they_come(rows, first, second):
    gap_matrix(rows, first, second)
    tables = []
    for arm in (first, second):
        seeds = list(dict.fromkeys(r["seed"] for r in rows if r["arm"] == arm))
        tables.append(_gm_table(rows, arm, seeds))
    return tables[0] - tables[1]


def _gm_side_by_side(rows, first, second):
    gap_matrix(rows, first, second)
    surfaces = sorted({row["surface"] for row in rows})
    parts = [
        gap_matrix([r for r in rows if r["surface"] == s], first, second)
        for s in surfaces
    ]
    return np.concatenate(parts, axis=1)


def _gm_over_seeds(rows, first, second):
    return gap_matrix(rows, first, second).mean(axis=0)


def _gm_over_requests(rows, first, second):
    return gap_matrix(rows, first, second).mean(axis=1)


def _gm_common(rows, first, second):
    common = set(_gm_seeds(rows, first)) & set(_gm_seeds(rows, second))
    return gap_matrix([r for r in rows if r["seed"] in common], first, second)


def _gm_absolute(rows, first, second):
    return np.abs(gap_matrix(rows, first, second))


GAP_MUTANTS = {
    "turned": Mutant(_gm_turned, "The sign is turned round: it is first - second."),
    "sum": Mutant(
        _gm_sum,
        "The surfaces were added up. Average them: a gap lies between -1 and 1.",
    ),
    "as they come": Mutant(
        _gm_as_they_come,
        "The seeds were taken in the order of the rows, so that a seed of one arm met "
        "another seed of the other. Sort them.",
    ),
    "side by side": Mutant(
        _gm_side_by_side,
        "The surfaces stand side by side as if they were more requests. They are the "
        "same requests in other words: average over them.",
    ),
    "over seeds": Mutant(
        _gm_over_seeds,
        "You averaged over the seeds as well. Keep one row for each, or nobody can see "
        "how much training runs differ.",
    ),
    "over requests": Mutant(
        _gm_over_requests,
        "You averaged over the requests as well. Keep one column for each request.",
    ),
    "common": Mutant(
        _gm_common,
        "A seed that only one arm has was dropped in silence. That hides a missing "
        "run: raise a ValueError.",
    ),
    "absolute": Mutant(
        _gm_absolute, "You took absolute values. A loss has to stay a loss."
    ),
}


def _gm_rows(hits: dict[tuple[str, int, str], list[int]]) -> list[dict]:
    return [
        {"arm": arm, "seed": seed, "surface": surface, "hits": values}
        for (arm, seed, surface), values in hits.items()
    ]


def _gm_hand(answer) -> None:
    rows = _gm_rows(
        {
            ("A", 0, "es"): [1, 1, 0],
            ("A", 0, "fr"): [1, 0, 0],
            ("A", 1, "es"): [1, 1, 1],
            ("A", 1, "fr"): [1, 1, 0],
            ("B", 0, "es"): [0, 1, 1],
            ("B", 0, "fr"): [0, 1, 1],
            ("B", 1, "es"): [0, 0, 0],
            ("B", 1, "fr"): [1, 0, 1],
        }
    )
    want = [[1, -0.5, -1], [0.5, 1, 0]]
    expect_close(answer(rows, "A", "B"), want, outcomes(GAP_MUTANTS, rows, "A", "B"))


def _gm_random(answer) -> None:
    """Three arms, four seeds, three surfaces, with the rows shuffled."""
    rng = random.Random(4)
    keys = [
        (arm, seed, surface)
        for arm in ("A1", "A4", "A9")
        for seed in (7, 0, 12, 3)
        for surface in ("rot13", "leet", "base64")
    ]
    rng.shuffle(keys)
    rows = _gm_rows({key: [rng.randint(0, 1) for _ in range(6)] for key in keys})
    for pair in (("A4", "A1"), ("A9", "A4")):
        wrong = outcomes(GAP_MUTANTS, rows, *pair)
        expect_close(answer(rows, *pair), gap_matrix(rows, *pair), wrong)


def _gm_missing(answer) -> None:
    rows = _gm_rows(
        {
            ("A", 0, "en"): [1, 0],
            ("A", 1, "en"): [1, 1],
            ("B", 0, "en"): [0, 0],
        }
    )
    expect_close(answer(rows[:1] + rows[2:], "A", "B"), [[1, 0]])
    try:
        answer(rows, "A", "B")
    except ValueError:
        return
    expect(False, GAP_MUTANTS["common"].message)


EXERCISES = [
    Exercise(
        name="gap_matrix",
        notebook=NOTEBOOK,
        reference=gap_matrix,
        parts=[
            Part("two seeds, two surfaces, three requests by hand", _gm_hand),
            Part("four seeds, three surfaces, rows in any order", _gm_random, 2),
            Part("a seed that only one arm has is refused", _gm_missing),
        ],
        mutants=GAP_MUTANTS,
    ),
]
