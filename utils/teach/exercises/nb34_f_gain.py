"""Exercise of notebook 34: does one arm gain more from a larger model than another?"""

from itertools import product

import numpy as np

from utils.teach.exercise import Exercise, Mutant, Part, expect, expect_close, outcomes

NOTEBOOK = "34_scale_and_compute"
Estimate = tuple[float, float, float]


def extra_gain(
    deep_large: np.ndarray,
    deep_small: np.ndarray,
    flat_large: np.ndarray,
    flat_small: np.ndarray,
    draws: int = 2000,
    seed: int = 0,
) -> Estimate:
    """How much more does deliberation gain from a larger model, with an interval?

    deep_*, flat_* : (seeds, requests) success of the deliberative and of the direct
                     arm on the larger and on the smaller base model; the same seeds
                     and requests everywhere. ValueError for other shapes
    draws          : resamples; each draws seeds with replacement, and requests with
                     replacement, the same ones for all four arrays
    returns        : (mean, lower end, upper end) of
                     (deep_large - deep_small) - (flat_large - flat_small), 95 %
    """
    four = [np.asarray(a, float) for a in (deep_large, deep_small)]
    four += [np.asarray(a, float) for a in (flat_large, flat_small)]
    if len({a.shape for a in four}) > 1:
        raise ValueError("All four need the same seeds and the same requests.")
    extra = (four[0] - four[1]) - (four[2] - four[3])  # (seeds, requests)
    seeds, requests = extra.shape
    rng = np.random.default_rng(seed)
    means = [
        extra[rng.integers(0, seeds, seeds)][
            :, rng.integers(0, requests, requests)
        ].mean()
        for _ in range(draws)
    ]
    low, high = np.quantile(means, [0.025, 0.975])
    return float(extra.mean()), float(low), float(high)


def _drawn(arrays, rng, seeds=True, requests=True) -> float:
    """The contrast of one resample of each array, drawn together."""
    s, r = arrays[0].shape
    rows = rng.integers(0, s, s) if seeds else np.arange(s)
    columns = rng.integers(0, r, r) if requests else np.arange(r)
    a, b, c, d = (x[rows][:, columns].mean() for x in arrays)
    return (a - b) - (c - d)


def _interval(mean: float, means, ends=(0.025, 0.975)) -> Estimate:
    low, high = np.quantile(means, ends)
    return float(mean), float(low), float(high)


def _four(arrays) -> list[np.ndarray]:
    four = [np.asarray(a, float) for a in arrays]
    if len({a.shape for a in four}) > 1:
        raise ValueError("All four need the same seeds and the same requests.")
    return four


def _contrast(four) -> np.ndarray:
    return (four[0] - four[1]) - (four[2] - four[3])


def _requests_only(*arrays, draws=2000, seed=0):
    four, rng = _four(arrays), np.random.default_rng(seed)
    means = [_drawn(four, rng, seeds=False) for _ in range(draws)]
    return _interval(_contrast(four).mean(), means)


def _seeds_only(*arrays, draws=2000, seed=0):
    four, rng = _four(arrays), np.random.default_rng(seed)
    means = [_drawn(four, rng, requests=False) for _ in range(draws)]
    return _interval(_contrast(four).mean(), means)


def _unpaired(*arrays, draws=2000, seed=0):
    four, rng = _four(arrays), np.random.default_rng(seed)

    def one(x):
        s, r = x.shape
        return x[rng.integers(0, s, s)][:, rng.integers(0, r, r)].mean()

    means = []
    for _ in range(draws):
        a, b, c, d = map(one, four)
        means.append((a - b) - (c - d))
    return _interval(_contrast(four).mean(), means)


def _cells(*arrays, draws=2000, seed=0):
    extra = _contrast(_four(arrays)).reshape(-1)
    rng = np.random.default_rng(seed)
    picked = extra[rng.integers(0, extra.size, (draws, extra.size))]
    return _interval(extra.mean(), picked.mean(axis=1))


def _one_gain(deep_large, deep_small, flat_large, flat_small, draws=2000, seed=0):
    none = np.zeros_like(np.asarray(deep_large, float))
    return extra_gain(deep_large, deep_small, none, none, draws, seed)


def _one_size(deep_large, deep_small, flat_large, flat_small, draws=2000, seed=0):
    none = np.zeros_like(np.asarray(deep_large, float))
    return extra_gain(deep_large, none, flat_large, none, draws, seed)


def _turned(deep_large, deep_small, flat_large, flat_small, draws=2000, seed=0):
    return extra_gain(flat_large, flat_small, deep_large, deep_small, draws, seed)


def _any_shape(*arrays, draws=2000, seed=0):
    four = [np.asarray(a, float) for a in arrays]
    r = min(a.shape[1] for a in four)
    return extra_gain(*(a[:, :r] for a in four), draws=draws, seed=seed)


GAIN = {
    "one gain": Mutant(
        _one_gain,
        "This is the gain of deliberation alone. Take off what the direct arm gains.",
    ),
    "one size": Mutant(
        _one_size,
        "This is the difference of the arms on the larger model. Take off the "
        "difference on the smaller one.",
    ),
    "turned": Mutant(
        _turned, "The sign is turned round: deliberation's gain comes first."
    ),
    "requests only": Mutant(
        _requests_only,
        "Only requests are drawn again. Another training seed is a source of chance, "
        "too: draw seeds as well.",
    ),
    "seeds only": Mutant(
        _seeds_only,
        "Only seeds are drawn again. Other requests are a source of chance, too.",
    ),
    "unpaired": Mutant(
        _unpaired,
        "Each array got seeds and requests of its own. Draw once, and use the same "
        "ones for all four.",
    ),
    "cells": Mutant(
        _cells,
        "Every pair of a seed and a request counts as one independent case. A seed is "
        "shared by all of its requests: draw whole seeds.",
    ),
    "any shape": Mutant(
        _any_shape, "Arrays of other shapes were accepted: raise a ValueError."
    ),
}


def _check(answer, arrays, want, atol: float = 1e-6) -> None:
    got = answer(*arrays)
    expect(got is not None, "Return (mean, lower end, upper end).")
    expect(np.shape(got) == (3,), "Return three numbers: mean, lower and upper end.")
    expect_close(got, want, outcomes(GAIN, *arrays), atol=atol)


def _hits(*rows) -> np.ndarray:
    return np.array(rows, float)


def _by_hand(answer) -> None:
    """Two seeds, two requests: 0.75 - 0.25 for one arm, 0.75 - 0.5 for the other."""
    arrays = (
        _hits([1, 1], [1, 0]),
        _hits([0, 0], [1, 0]),
        _hits([1, 0], [1, 1]),
        _hits([1, 0], [0, 1]),
    )
    got = answer(*arrays)
    expect(np.shape(got) == (3,), "Return three numbers: mean, lower and upper end.")
    wrong = [(text, value[0]) for text, value in outcomes(GAIN, *arrays)]
    expect_close(got[0], 0.25, wrong)


def _seeds_differ(answer) -> None:
    """Three seeds with an extra gain of 0, 0.3 and 0.6 on each of 40 requests."""
    gains = np.repeat([[0.0], [0.3], [0.6]], 40, axis=1)
    none = np.zeros_like(gains)
    _check(answer, (gains, none, none, none), (0.3, 0.0, 0.6))


def _requests_differ(answer) -> None:
    """Three seeds that agree on four requests: all 256 resamples counted out."""
    extra = [1, 0, 0, 0]
    means = [np.mean(draw) for draw in product(extra, repeat=4)]
    want = (0.25, *np.quantile(means, [0.025, 0.975]))
    deep = _hits(*[[1, 1, 0, 1]] * 3)
    small = _hits(*[[0, 1, 0, 1]] * 3)
    flat = _hits(*[[1, 1, 0, 0]] * 3)
    _check(answer, (deep, small, flat, flat), want)


def _no_difference(answer) -> None:
    """Both arms answer alike at each size: 0 exactly, whatever is drawn."""
    rng = np.random.default_rng(1)
    large, small = rng.integers(0, 2, (2, 3, 30)).astype(float)
    _check(answer, (large, small, large, small), (0.0, 0.0, 0.0))


def _other_shapes(answer) -> None:
    square, wide = np.ones((2, 4)), np.ones((2, 5))
    answer(square, square, square, square)
    try:
        answer(square, square, wide, wide)
    except ValueError:
        return
    expect(False, GAIN["any shape"].message)


EXERCISES = [
    Exercise(
        name="extra_gain",
        notebook=NOTEBOOK,
        reference=extra_gain,
        parts=[
            Part("the mean, by hand", _by_hand),
            Part("seeds that differ make the interval wide", _seeds_differ),
            Part("requests that differ: 256 resamples, counted out", _requests_differ),
            Part("two arms that answer alike: exactly 0, no width", _no_difference),
            Part("other shapes are refused", _other_shapes),
        ],
        mutants=GAIN,
    ),
]
