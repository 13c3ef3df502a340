"""Exercise of notebook 33, part 2: a bootstrap over seeds and requests."""

from collections.abc import Sequence
from itertools import product

import numpy as np

from utils.teach.exercise import Exercise, Mutant, Part, expect, expect_close, outcomes

NOTEBOOK = "33_what_made_the_difference"
Triple = tuple[float, float, float]


def crossed_interval(
    gaps: Sequence[Sequence[float]], draws: int = 2000, seed: int = 0
) -> Triple:
    """Mean of a gap matrix with a 95 % interval over seeds AND requests.

    gaps    : (seeds, n) float
    draws   : so many resamples; each draws as many seeds as there are, and n requests,
              with replacement, and all its seeds get the same requests
    returns : (mean, lower end, upper end)
    """
    gaps = np.asarray(gaps, float)
    seeds, n = gaps.shape
    rng = np.random.default_rng(seed)
    means = [
        gaps[np.ix_(rng.integers(0, seeds, seeds), rng.integers(0, n, n))].mean()
        for _ in range(draws)
    ]
    return _ends(gaps, means)


def _ends(gaps: np.ndarray, means, tail: float = 0.025) -> Triple:
    low, high = np.quantile(means, [tail, 1 - tail])
    return float(gaps.mean()), float(low), float(high)


def _means(values: np.ndarray, draws: int, rng) -> np.ndarray:
    """Resampled means of a list."""
    return values[rng.integers(0, len(values), (draws, len(values)))].mean(axis=1)


def _ci_items(gaps, draws=2000, seed=0):
    gaps = np.asarray(gaps, float)
    return _ends(gaps, _means(gaps.mean(axis=0), draws, np.random.default_rng(seed)))


def _ci_seeds(gaps, draws=2000, seed=0):
    gaps = np.asarray(gaps, float)
    return _ends(gaps, _means(gaps.mean(axis=1), draws, np.random.default_rng(seed)))


def _ci_nested(gaps, draws=2000, seed=0):
    gaps, rng = np.asarray(gaps, float), np.random.default_rng(seed)
    seeds, n = gaps.shape
    means = [
        np.mean([gaps[s, rng.integers(0, n, n)].mean() for s in picked])
        for picked in rng.integers(0, seeds, (draws, seeds))
    ]
    return _ends(gaps, means)


def _ci_flat(gaps, draws=2000, seed=0):
    gaps = np.asarray(gaps, float)
    return _ends(gaps, _means(gaps.ravel(), draws, np.random.default_rng(seed)))


def _ci_cells(gaps, draws=2000, seed=0):
    gaps = np.asarray(gaps, float)
    return _ends(gaps, np.random.default_rng(seed).choice(gaps.ravel(), draws))


def _ci_one_seed(gaps, draws=2000, seed=0):
    gaps, rng = np.asarray(gaps, float), np.random.default_rng(seed)
    seeds, n = gaps.shape
    means = [
        gaps[rng.integers(seeds), rng.integers(0, n, n)].mean() for _ in range(draws)
    ]
    return _ends(gaps, means)


def _ci_ninety(gaps, draws=2000, seed=0):
    gaps, rng = np.asarray(gaps, float), np.random.default_rng(seed)
    seeds, n = gaps.shape
    means = [
        gaps[np.ix_(rng.integers(0, seeds, seeds), rng.integers(0, n, n))].mean()
        for _ in range(draws)
    ]
    return _ends(gaps, means, 0.05)


def _ci_permuted(gaps, draws=2000, seed=0):
    mean = float(np.mean(gaps))
    return mean, mean, mean


def _ci_error(gaps, draws=2000, seed=0):
    gaps, rng = np.asarray(gaps, float), np.random.default_rng(seed)
    seeds, n = gaps.shape
    means = [
        gaps[np.ix_(rng.integers(0, seeds, seeds), rng.integers(0, n, n))].mean()
        for _ in range(draws)
    ]
    mean, error = float(gaps.mean()), float(np.std(means))
    return mean, mean - error, mean + error


CROSSED_MUTANTS = {
    "items only": Mutant(
        _ci_items,
        "Only requests were drawn anew. That answers 'other requests, the same five "
        "trained models'. Draw seeds as well.",
    ),
    "seeds only": Mutant(
        _ci_seeds,
        "Only seeds were drawn anew. That answers 'other trainings, the same "
        "requests'. Draw requests as well.",
    ),
    "nested": Mutant(
        _ci_nested,
        "Each seed got requests of its own. But all seeds answer the SAME requests: a "
        "hard one is hard for all. Draw the requests once for a resample.",
    ),
    "flat": Mutant(
        _ci_flat,
        "All cells were resampled as if they were independent. Cells of one seed share "
        "a training and cells of one request share a text: draw whole rows and "
        "whole columns.",
    ),
    "one seed": Mutant(
        _ci_one_seed,
        "A resample drew one seed. Draw as many as there are, with replacement, or the "
        "interval is that of an experiment with a single training.",
    ),
    "cells": Mutant(
        _ci_cells,
        "This is the spread of single cells. Take the mean of each resample, then the "
        "quantiles of these means.",
    ),
    "ninety": Mutant(
        _ci_ninety,
        "The ends are those of a 90 % interval. For 95 %, cut off 2.5 % on each side.",
    ),
    "permuted": Mutant(
        _ci_permuted, "The interval has no width: draw with replacement."
    ),
    "one error": Mutant(
        _ci_error,
        "The interval is one standard error to each side, which covers about 68 %. "
        "Take the quantiles at 2.5 % and 97.5 %.",
    ),
}


def _ci_three(got) -> np.ndarray:
    expect(got is not None, "Return (mean, lower end, upper end).")
    values = np.asarray(got, float)
    expect(values.shape == (3,), "Return three numbers: mean, lower end, upper end.")
    return values


def _ci_same(answer, gaps, want, atol: float) -> None:
    got = _ci_three(answer(gaps))
    expect_close(got, want, list(outcomes(CROSSED_MUTANTS, gaps)), atol=atol)


def _ci_counted(answer) -> None:
    """Of the 16 resamples of two seeds and two requests one is all 0.9, one all -0.5.

    A 16th is more than 2.5 %, so that these two are the ends.
    """
    gaps = np.array([[0.9, 0.1], [-0.5, 0.0]])
    _ci_same(answer, gaps, (0.125, -0.5, 0.9), atol=1e-3)


def _ci_requests_matter(answer) -> None:
    """Every training does the same and requests differ: 1.96 standard errors."""
    scores = np.random.default_rng(1).normal(0.2, 0.5, 400)
    reach = 1.96 * scores.std() / 20
    want = scores.mean(), scores.mean() - reach, scores.mean() + reach
    _ci_same(answer, np.tile(scores, (5, 1)), want, atol=0.006)


def _ci_seeds_matter(answer) -> None:
    """All requests are alike, and trainings differ: all 256 resamples of four."""
    effects = np.array([0.1, 0.2, 0.4, 0.7])
    means = [np.mean(draw) for draw in product(effects, repeat=4)]
    want = (effects.mean(), *np.quantile(means, [0.025, 0.975]))
    _ci_same(answer, np.tile(effects[:, None], (1, 60)), want, atol=0.026)


def _ci_one_training(answer) -> None:
    """With one seed nothing but requests can be drawn: ten won, thirty drawn."""
    gaps = np.array([[1.0] * 10 + [0.0] * 30])
    reach = 1.96 * (0.25 * 0.75 / 40) ** 0.5
    mean, low, high = _ci_three(answer(gaps))
    expect_close(mean, 0.25)
    expect_close([low, high], [0.25 - reach, 0.25 + reach], atol=0.03)


EXERCISES = [
    Exercise(
        name="crossed_interval",
        notebook=NOTEBOOK,
        reference=crossed_interval,
        parts=[
            Part("two seeds, two requests: all 16 resamples", _ci_counted, 2),
            Part("only requests differ: the same for every seed", _ci_requests_matter),
            Part(
                "only trainings differ: no more sure with more requests",
                _ci_seeds_matter,
                2,
            ),
            Part("a single training", _ci_one_training),
        ],
        mutants=CROSSED_MUTANTS,
    ),
]
