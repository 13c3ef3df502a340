"""Exercise of notebook 31: a paired bootstrap interval."""

from collections.abc import Sequence
from itertools import product

import numpy as np

from utils.teach.exercise import Exercise, Mutant, Part, expect, expect_close, outcomes

NOTEBOOK = "31_languages_and_ciphers"


def paired_difference(
    first: Sequence[float], second: Sequence[float], draws: int = 2000, seed: int = 0
) -> tuple[float, float, float]:
    """Mean of first - second over the same requests, with a 95 % bootstrap interval.

    first, second : (n,) one score a request, in the same order; ValueError if they
                    differ in length
    draws         : so many resamples of n requests; more make the ends steadier
    returns       : (mean difference, lower end, upper end)
    """
    if len(first) != len(second):
        raise ValueError("Both arms need a score for each of the same requests.")
    gaps = np.asarray(first, float) - np.asarray(second, float)  # (n,)
    rng = np.random.default_rng(seed)
    picked = gaps[rng.integers(0, len(gaps), (draws, len(gaps)))]  # (draws, n)
    low, high = np.quantile(picked.mean(axis=1), [0.025, 0.975])
    return float(gaps.mean()), float(low), float(high)


def _resample(values, draws: int, rng) -> np.ndarray:
    data = np.asarray(values, float)
    return data[rng.integers(0, len(data), (draws, len(data)))].mean(axis=1)


def _triple(mean: float, means, ends=(0.025, 0.975)) -> tuple[float, float, float]:
    return (float(mean), *(float(end) for end in np.quantile(means, ends)))


def _gaps(first, second) -> np.ndarray:
    if len(first) != len(second):
        raise ValueError("Both arms need a score for each of the same requests.")
    return np.asarray(first, float) - np.asarray(second, float)


def _unpaired(first, second, draws=2000, seed=0):
    rng = np.random.default_rng(seed)
    means = _resample(first, draws, rng) - _resample(second, draws, rng)
    return _triple(_gaps(first, second).mean(), means)


def _turned(first, second, draws=2000, seed=0):
    return paired_difference(second, first, draws, seed)


def _no_replacement(first, second, draws=2000, seed=0):
    gaps, rng = _gaps(first, second), np.random.default_rng(seed)
    means = [rng.permutation(gaps).mean() for _ in range(50)]
    return _triple(gaps.mean(), means)


def _single_values(first, second, draws=2000, seed=0):
    gaps, rng = _gaps(first, second), np.random.default_rng(seed)
    return _triple(gaps.mean(), rng.choice(gaps, draws))


def _ninety(first, second, draws=2000, seed=0):
    gaps, rng = _gaps(first, second), np.random.default_rng(seed)
    return _triple(gaps.mean(), _resample(gaps, draws, rng), (0.05, 0.95))


def _one_error(first, second, draws=2000, seed=0):
    gaps, rng = _gaps(first, second), np.random.default_rng(seed)
    means = _resample(gaps, draws, rng)
    return gaps.mean(), gaps.mean() - means.std(), gaps.mean() + means.std()


def _absolute(first, second, draws=2000, seed=0):
    gaps = np.abs(_gaps(first, second))
    return paired_difference(gaps, 0 * gaps, draws, seed)


def _truncated(first, second, draws=2000, seed=0):
    n = min(len(first), len(second))
    return paired_difference(first[:n], second[:n], draws, seed)


PAIRED = {
    "unpaired": Mutant(
        _unpaired,
        "The interval is that of two independent samples. Draw request numbers once, "
        "and use the same ones for both arms.",
    ),
    "turned": Mutant(_turned, "The sign is turned round: it is first - second."),
    "no replacement": Mutant(
        _no_replacement,
        "The interval has no width: draw the requests with replacement.",
    ),
    "single values": Mutant(
        _single_values,
        "This is the spread of single requests. Take the mean of each resample of n "
        "requests, then the quantiles of these means.",
    ),
    "ninety": Mutant(
        _ninety,
        "The ends are those of a 90 % interval. For 95 %, cut off 2.5 % on each side.",
    ),
    "one error": Mutant(
        _one_error,
        "The interval is one standard error to each side, which covers about 68 %. "
        "Cut off 2.5 % on each side.",
    ),
    "absolute": Mutant(
        _absolute,
        "You took absolute differences. Wins and losses have to cancel.",
    ),
    "truncated": Mutant(
        _truncated,
        "Scores of unequal length were accepted. Then they are not the same requests: "
        "raise a ValueError.",
    ),
}


def _three(got) -> np.ndarray:
    expect(got is not None, "Return (mean, lower end, upper end).")
    values = np.asarray(got, float)
    expect(values.shape == (3,), "Return three numbers: mean, lower end, upper end.")
    return values


def _wrong_triples(first, second) -> list[tuple[str, tuple]]:
    return list(outcomes(PAIRED, first, second))


def _enumerated(answer) -> None:
    """Four requests: all 256 resamples are counted out, so the ends are exact."""
    first, second = [1, 0, 1, 0], [0, 0, 1, 0]
    gaps = np.subtract(first, second)
    means = [np.mean(draw) for draw in product(gaps, repeat=4)]
    want = (0.25, *np.quantile(means, [0.025, 0.975]))
    got = _three(answer(first, second))
    expect_close(got, want, _wrong_triples(first, second))


def _twins(answer) -> None:
    """An arm against itself, on requests of which some are hard for everybody."""
    scores = [1, 0, 1, 1, 0, 1, 0, 0, 1, 1] * 4
    got = _three(answer(scores, scores))
    expect_close(got, [0, 0, 0], _wrong_triples(scores, scores))


def _normal(answer) -> None:
    """With many requests the interval is mean +- 1.96 standard errors."""
    rng = np.random.default_rng(3)
    ability = rng.normal(size=400)  # how easy each request is, for both arms
    second = ability + 0.2 * rng.normal(size=400)
    first = second + 0.1 + 0.2 * rng.normal(size=400)
    gaps = first - second
    reach = 1.96 * gaps.std() / 20
    want = (gaps.mean(), gaps.mean() - reach, gaps.mean() + reach)
    got = _three(answer(first, second))
    expect_close(got, want, _wrong_triples(first, second), atol=0.0022)


def _lost_and_won(answer) -> None:
    """One arm wins as often as it loses: no difference, but an interval around 0."""
    first, second = [1, 0] * 50, [0, 1] * 50
    mean, low, high = _three(answer(first, second))
    wrong = [(text, value[0]) for text, value in _wrong_triples(first, second)]
    expect_close(mean, 0.0, wrong)
    expect(low < 0 < high, "Half wins, half losses: the interval should span 0.")


def _unequal(answer) -> None:
    _three(answer([1, 0], [0, 0]))
    try:
        answer([1, 0, 1], [0, 0])
    except ValueError:
        return
    expect(False, PAIRED["truncated"].message)


EXERCISES = [
    Exercise(
        name="paired_difference",
        notebook=NOTEBOOK,
        reference=paired_difference,
        parts=[
            Part("all 256 resamples of four requests, counted out", _enumerated, 2),
            Part("an arm compared with itself: exactly 0, no width", _twins),
            Part("400 requests: 1.96 standard errors to each side", _normal, 2),
            Part("wins and losses cancel", _lost_and_won),
            Part("scores of unequal length are refused", _unequal),
        ],
        mutants=PAIRED,
    ),
]
