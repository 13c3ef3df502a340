"""Exercise of notebook 34: how much requests differ, behind one mean."""

from collections.abc import Sequence

import numpy as np

from utils.teach.exercise import Exercise, Mutant, Part, expect, expect_close, outcomes

NOTEBOOK = "34_scale_and_compute"


def spread_of_items(hits: Sequence[int], n: int) -> tuple[float, float]:
    """Return the mean success, and how much requests differ in it.

    hits    : (items,) right samples of each request, from 0 to n
    n       : samples of each request, at least 2
    returns : (mean, rho). mean: share of right samples. rho: variance of the success
              probabilities between requests, as a share of the most that this mean
              allows, mean (1 - mean). Chance in the samples is taken off, so that rho
              is 0 on average where all requests are alike, and 1 where each one is
              always right or always wrong. 0.0 if the mean is 0 or 1
    """
    shares = np.asarray(hits, float) / n
    mean = shares.mean()
    most = mean * (1 - mean)
    if most == 0:
        return float(mean), 0.0
    noise = np.mean(shares * (1 - shares)) * n / (n - 1)  # mean of p (1 - p)
    return float(mean), float(1 - noise / most)


def _parts(hits, n) -> tuple[np.ndarray, float, float]:
    shares = np.asarray(hits, float) / n
    mean = float(shares.mean())
    return shares, mean, mean * (1 - mean)


def _noisy(hits, n):
    shares, mean, most = _parts(hits, n)
    return (mean, float(shares.var() / most)) if most else (mean, 0.0)


def _variance(hits, n):
    mean, rho = spread_of_items(hits, n)
    return mean, rho * mean * (1 - mean)


def _root(hits, n):
    mean, rho = spread_of_items(hits, n)
    return mean, float(np.sign(rho) * abs(rho) ** 0.5)


def _by_n(hits, n):
    shares, mean, most = _parts(hits, n)
    if not most:
        return mean, 0.0
    noise = np.mean(shares * (1 - shares)) / n
    return mean, float((shares.var() - noise) / most)


def _pooled_noise(hits, n):
    shares, mean, most = _parts(hits, n)
    return (mean, float((shares.var() - most / n) / most)) if most else (mean, 0.0)


def _extremes(hits, n):
    shares, mean, _ = _parts(hits, n)
    return mean, float(np.mean((shares == 0) | (shares == 1)))


def _noise(hits, n):
    mean, rho = spread_of_items(hits, n)
    return mean, (1 - rho) if 0 < mean < 1 else 0.0


def _counts(hits, n):
    mean, rho = spread_of_items(hits, n)
    return mean * n, rho


SPREAD = {
    "noisy": Mutant(
        _noisy,
        "The chance in the samples is still inside: requests that are all alike would "
        "seem to differ. Take off the mean of p (1 - p) / n, estimated without bias.",
    ),
    "by n": Mutant(
        _by_n,
        "The noise is divided by n. p (1 - p) from the sample's own share is too small "
        "on average: divide by n - 1.",
    ),
    "pooled noise": Mutant(
        _pooled_noise,
        "The noise is taken from the overall mean. Each request has its own p (1 - p), "
        "and it is smaller near 0 and 1.",
    ),
    "variance": Mutant(
        _variance, "This is the variance. Divide it by mean (1 - mean)."
    ),
    "root": Mutant(_root, "This is the root of rho. A share of variance has none."),
    "extremes": Mutant(
        _extremes,
        "This is the share of requests at 0 or 1. With few samples chance puts some "
        "there.",
    ),
    "noise": Mutant(
        _noise, "This is what the samples' chance explains. rho is the rest: 1 - it."
    ),
    "counts": Mutant(_counts, "The mean is in samples. Divide it by n."),
}


def _pair(answer, hits: Sequence[int], n: int, want: tuple[float, float]) -> None:
    got = answer(hits, n)
    expect(got is not None, "Return (mean, rho).")
    expect(np.shape(got) == (2,), "Return two numbers: mean and rho.")
    expect_close(got, want, outcomes(SPREAD, hits, n), atol=1e-6)


def _alike(answer) -> None:
    """All requests have p = 1/2: the hits of 4 samples are spread 1, 4, 6, 4, 1."""
    hits = [0] + [1] * 4 + [2] * 6 + [3] * 4 + [4]
    _pair(answer, hits, 4, (0.5, 0.0))


def _all_or_nothing(answer) -> None:
    _pair(answer, [5, 5, 5, 0], 5, (0.75, 1.0))


def _even(answer) -> None:
    """Success probabilities spread evenly over [0, 1] make all hits equally frequent.

    Their variance is 1/12, a third of the 1/4 that a mean of 1/2 allows.
    """
    for n in (2, 4, 9):
        _pair(answer, list(range(n + 1)), n, (0.5, 1 / 3))


def _mixed(answer) -> None:
    """Half of the requests always right, half of them with p = 1/2, of 2 samples."""
    _pair(answer, [2, 2, 2, 2, 0, 1, 1, 2], 2, (0.75, 1 / 3))


def _ceiling(answer) -> None:
    _pair(answer, [3, 3, 3], 3, (1.0, 0.0))
    _pair(answer, [0, 0], 2, (0.0, 0.0))


EXERCISES = [
    Exercise(
        name="spread_of_items",
        notebook=NOTEBOOK,
        reference=spread_of_items,
        parts=[
            Part("requests that are all alike differ by chance only", _alike),
            Part(
                "always right or always wrong: as different as can be", _all_or_nothing
            ),
            Part("probabilities spread evenly, for any number of samples", _even),
            Part("half at the ceiling, half a coin", _mixed),
            Part("no spread at 0 and at 100 per cent", _ceiling),
        ],
        mutants=SPREAD,
    ),
]
