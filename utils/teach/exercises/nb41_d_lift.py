"""Exercise of notebook 41, part 4: a difference of differences, with its interval."""

from collections.abc import Callable, Mapping
from itertools import product

import numpy as np

from utils.evaluate.outcomes import hierarchical_interval
from utils.teach.exercise import Exercise, Mutant, Part, expect, expect_close, outcomes

NOTEBOOK = "41_in_the_wild"
Scores = Mapping[tuple[str, str], np.ndarray]
Triple = tuple[float, float, float]
BEFORE, AFTER = "plain", "kept"
DIRECT, THINKS = "answers", "deliberate"


def lift(scores: Scores) -> Triple:
    """How much MORE one arm gains from a preparation than another, with its interval.

    scores  : (start, arm) -> (seeds, requests) array, 1 where the reply was right.
              The starts are "plain" and "kept" (prepared), the arms "answers" and
              "deliberate". All four have the same requests and the same seeds
    returns : (estimate, lower end, upper end) as shares; above 0 deliberation gains
              more. The 95 % interval is over seeds AND requests
    """
    return hierarchical_interval(_contrast(scores))


def _contrast(scores: Scores) -> np.ndarray:
    """(seeds, requests): what deliberation gained minus what direct answers gained."""
    return _gain(scores, THINKS) - _gain(scores, DIRECT)


def _gain(scores: Scores, arm: str) -> np.ndarray:
    return np.subtract(scores[AFTER, arm], scores[BEFORE, arm], dtype=float)


def _one_gain(scores):
    return hierarchical_interval(_gain(scores, THINKS))


def _after_only(scores):
    gap = np.subtract(scores[AFTER, THINKS], scores[AFTER, DIRECT], dtype=float)
    return hierarchical_interval(gap)


def _negated(scores):
    return hierarchical_interval(-_contrast(scores))


def _added(scores):
    return hierarchical_interval(_gain(scores, THINKS) + _gain(scores, DIRECT))


def _averaged(scores):
    return hierarchical_interval(_contrast(scores) / 2)


def _percent(scores):
    return hierarchical_interval(100 * _contrast(scores))


def _apart(scores):
    """Each of the four tables is resampled with draws of its own."""
    rng, draws = np.random.default_rng(0), []
    for _ in range(2000):
        means = {}
        for key, table in scores.items():
            seeds, n = np.shape(table)
            rows, columns = rng.integers(0, seeds, seeds), rng.integers(0, n, n)
            means[key] = np.asarray(table, float)[np.ix_(rows, columns)].mean()
        draws.append(_contrast(means))
    return _ends(scores, draws)


def _ends(scores: Scores, draws) -> Triple:
    low, high = np.quantile(draws, [0.025, 0.975])
    return float(_contrast(scores).mean()), float(low), float(high)


def _requests_only(scores):
    return hierarchical_interval(_contrast(scores).mean(axis=0, keepdims=True))


def _seeds_only(scores):
    return hierarchical_interval(_contrast(scores).mean(axis=1, keepdims=True))


def _flat(scores):
    return hierarchical_interval(_contrast(scores).reshape(1, -1))


def _added_ends(scores):
    """The ends of the two gains, subtracted from each other."""
    (mean, low, high), (mean_2, low_2, high_2) = (
        hierarchical_interval(_gain(scores, arm)) for arm in (THINKS, DIRECT)
    )
    return mean - mean_2, low - high_2, high - low_2


LIFT_MUTANTS = {
    "one gain": Mutant(
        _one_gain,
        "This is what deliberation gains. Direct answers may gain as much from the "
        "same preparation: subtract their gain.",
    ),
    "after only": Mutant(
        _after_only,
        "This compares the arms after the preparation. They may have differed before: "
        "take each arm's gain first.",
    ),
    "negated": Mutant(
        _negated,
        "The sign is turned round: above 0 should mean that deliberation gains more.",
    ),
    "added": Mutant(_added, "The two gains are added. Subtract them."),
    "averaged": Mutant(
        _averaged, "The difference is halved. It is a difference, not a mean."
    ),
    "percent": Mutant(_percent, "These are per cent. Return shares, from -2 to 2."),
    "apart": Mutant(
        _apart,
        "The four tables were resampled apart. They share requests and seeds: one draw "
        "of both for all four, or the difference first and then the draws.",
    ),
    "requests only": Mutant(
        _requests_only,
        "Only requests were drawn anew. Another training could come out otherwise, "
        "too: draw seeds as well.",
    ),
    "seeds only": Mutant(
        _seeds_only,
        "Only seeds were drawn anew. Other requests could come out otherwise, too: "
        "draw requests as well.",
    ),
    "flat": Mutant(
        _flat,
        "All cells were drawn as if they were independent. Cells of one seed share a "
        "training, cells of one request share a text.",
    ),
    "added ends": Mutant(
        _added_ends,
        "You made two intervals and subtracted their ends. That is far too wide: both "
        "gains are unlikely to be extreme at once. One interval for the difference.",
    ),
}


def _tables(make: Callable[[str, str], np.ndarray]) -> dict:
    return {key: make(*key) for key in product((BEFORE, AFTER), (DIRECT, THINKS))}


def _three(got) -> np.ndarray:
    expect(got is not None, "Return (estimate, lower end, upper end).")
    values = np.asarray(got, float)
    expect(values.shape == (3,), "Return three numbers: estimate, lower, upper end.")
    return values


def _same(answer, scores: dict, want, atol: float) -> None:
    got = _three(answer({key: table.copy() for key, table in scores.items()}))
    expect_close(got, want, outcomes(LIFT_MUTANTS, scores), atol=atol)


def _estimate(answer) -> None:
    """Of ten requests 2, 4, 5 and 9 are right: a gain of 0.5 minus one of 0.3."""
    right = {
        (BEFORE, DIRECT): 2,
        (BEFORE, THINKS): 4,
        (AFTER, DIRECT): 5,
        (AFTER, THINKS): 9,
    }
    scores = _tables(lambda *key: np.tile(np.arange(10.0) < right[key], (3, 1)) * 1.0)
    got = _three(answer(scores))
    wrong = ((text, found[0]) for text, found in outcomes(LIFT_MUTANTS, scores))
    expect_close(got[0], 0.2, wrong)


def _paired(answer) -> None:
    """Requests are as different as can be, and yet each one's difference is 1."""
    easy = np.tile([1.0] * 12 + [0.0] * 12, (3, 1))
    scores = {
        (BEFORE, THINKS): easy,
        (AFTER, THINKS): np.ones_like(easy),
        (BEFORE, DIRECT): easy,
        (AFTER, DIRECT): np.zeros_like(easy),
    }
    _same(answer, scores, (1, 1, 1), atol=1e-3)


def _requests_matter(answer) -> None:
    """Every training does the same, so only requests vary: 1.96 standard errors."""
    rng = np.random.default_rng(4)
    one = _tables(lambda *key: (rng.random((1, 300)) < 0.5).astype(float))
    contrast = _contrast(one)
    reach = 1.96 * contrast.std() / 300**0.5
    mean = contrast.mean()
    scores = {key: np.tile(table, (5, 1)) for key, table in one.items()}
    _same(answer, scores, (mean, mean - reach, mean + reach), atol=0.015)


def _trainings_matter(answer) -> None:
    """Requests are alike and trainings differ: all 256 draws of four."""
    effects = np.array([0.0, 0.0, 1.0, 1.0])
    scores = _tables(lambda *key: np.zeros((4, 40)))
    scores[AFTER, THINKS] = np.tile(effects[:, None], (1, 40))
    scores[BEFORE, DIRECT] = np.tile(effects[:, None], (1, 40))
    means = [2 * np.mean(draw) for draw in product(effects, repeat=4)]
    want = (1.0, *np.quantile(means, [0.025, 0.975]))
    _same(answer, scores, want, atol=1e-3)


EXERCISES = [
    Exercise(
        name="lift",
        notebook=NOTEBOOK,
        reference=lift,
        parts=[
            Part("the estimate: what the one gains more", _estimate, 2),
            Part("paired: hard requests are hard in all four", _paired, 2),
            Part("an interval over requests", _requests_matter, 2),
            Part("and over trainings", _trainings_matter, 2),
        ],
        mutants=LIFT_MUTANTS,
    ),
]
