"""Exercises of notebook 32, part 3: which arms no other arm beats on both scales."""

import numpy as np

from utils.teach.exercise import (
    Exercise,
    Mutant,
    Part,
    expect,
    expect_close,
    outcomes,
)

NOTEBOOK = "32_jailbreaks_and_over_refusal"


def on_front(scores: np.ndarray) -> np.ndarray:
    """Which arms are on the Pareto front: no other arm dominates them.

    An arm dominates another if it is at least as good on both scales, and better on
    one. Equal arms do not dominate each other.

    scores  : (..., arms, 2) float, both scales to be high; in front there may be
              bootstrap draws, each with a front of its own
    returns : (..., arms) bool
    """
    one, other = scores[..., :, None, :], scores[..., None, :, :]
    as_good = (other >= one).all(axis=-1)  # (..., arms, arms)
    better = (other > one).any(axis=-1)
    return ~(as_good & better).any(axis=-1)


def _pairs(scores):
    return scores[..., :, None, :], scores[..., None, :, :]


def _both_better(scores):
    one, other = _pairs(scores)
    return ~(other > one).all(axis=-1).any(axis=-1)


def _equal_dominates(scores):
    one, other = _pairs(scores)
    as_good = (other >= one).all(axis=-1)
    arms = scores.shape[-2]
    return ~(as_good & ~np.eye(arms, dtype=bool)).any(axis=-1)


def _itself(scores):
    one, other = _pairs(scores)
    return ~(other >= one).all(axis=-1).any(axis=-1)


def _one_better(scores):
    one, other = _pairs(scores)
    return ~(other > one).any(axis=-1).any(axis=-1)


def _low(scores):
    return on_front(-scores)


def _best_sum(scores):
    total = scores.sum(axis=-1)
    return total >= total.max(axis=-1, keepdims=True) - 1e-12


def _axis_best(scores):
    return (scores >= scores.max(axis=-2, keepdims=True)).any(axis=-1)


def _dominated(scores):
    return ~on_front(scores)


def _all_draws(scores):
    """One front for all draws together."""
    flat = scores.reshape(-1, 2)
    return on_front(flat).reshape(scores.shape[:-1])


def _hull(scores):
    """Only points that are best for some weights of the two scales."""
    weights = np.linspace(0, 1, 201)
    mixed = scores[..., 0, None] * weights + scores[..., 1, None] * (1 - weights)
    best = (mixed >= mixed.max(axis=-2, keepdims=True) - 1e-12).any(axis=-1)
    return best & on_front(scores)


def _dominates_someone(scores):
    one, other = _pairs(scores)
    return ((one >= other).all(axis=-1) & (one > other).any(axis=-1)).any(axis=-1)


FRONT_MUTANTS = {
    "both better": Mutant(
        _both_better,
        "You asked a dominating arm to be better on both scales. Equal on one and "
        "better on the other is enough.",
    ),
    "equal dominates": Mutant(
        _equal_dominates,
        "Two equal arms threw each other out. Dominating needs one scale on which the "
        "arm is truly better.",
    ),
    "one better": Mutant(
        _one_better,
        "An arm left as soon as another was better on one scale. It has to be at least "
        "as good on the other, too.",
    ),
    "itself": Mutant(
        _itself, "Every arm is as good as itself, so nobody was left: ask for better."
    ),
    "low": Mutant(_low, "This is the front of the lowest scores. Both should be high."),
    "best sum": Mutant(
        _best_sum,
        "This is the best sum. A front makes no sum: it does not know what a point of "
        "one scale is worth on the other.",
    ),
    "axis best": Mutant(
        _axis_best,
        "These are the best arms of each single scale. An arm between them can be on "
        "the front as well.",
    ),
    "dominated": Mutant(_dominated, "These are the dominated arms: turn it round."),
    "all draws": Mutant(
        _all_draws,
        "Arms of different draws were compared. Each draw has a front of its own.",
    ),
    "hull": Mutant(
        _hull,
        "This is the convex hull: an arm in a dent of the front is dominated by no "
        "single arm, and belongs to it.",
    ),
    "dominates someone": Mutant(
        _dominates_someone,
        "These arms dominate another one. On the front is who is dominated by nobody.",
    ),
}


def _compare(fn, scores: np.ndarray, want: np.ndarray) -> None:
    got = fn(scores.copy())
    expect(
        got is not None, "Your function returned None. Is its `return` line missing?"
    )
    wrong = [
        (text, np.asarray(found, dtype=float))
        for text, found in outcomes(FRONT_MUTANTS, scores)
    ]
    expect_close(np.asarray(got, dtype=float), want.astype(float), wrong)


def _loop(scores: np.ndarray) -> np.ndarray:
    """The definition, spelled out for one set of arms."""
    kept = []
    for x, y in scores:
        beaten = any(a >= x and b >= y and (a > x or b > y) for a, b in scores)
        kept.append(not beaten)
    return np.array(kept)


def _alone(fn) -> None:
    scores = np.array([[0.3, 0.6], [0.9, 0.8], [0.2, 0.5]])
    _compare(fn, scores, np.array([0, 1, 0]))


def _by_hand(fn) -> None:
    scores = [[0.9, 0.2], [0.6, 0.55], [0.2, 0.9], [0.4, 0.4], [0.6, 0.1], [0.8, 0.3]]
    _compare(fn, np.array(scores), np.array([1, 1, 1, 0, 0, 1]))


def _ties(fn) -> None:
    scores = np.array([[0.8, 0.5], [0.8, 0.3], [0.8, 0.5], [0.2, 0.5], [0.1, 0.6]])
    _compare(fn, scores, np.array([1, 0, 1, 0, 1]))


def _dent(fn) -> None:
    """In a dent: dominated by none, and best for no weights."""
    scores = np.array([[1.0, 0.0], [0.3, 0.3], [0.0, 1.0], [0.2, 0.2]])
    _compare(fn, scores, np.array([1, 1, 1, 0]))


def _draws(fn) -> None:
    scores = np.random.default_rng(0).integers(0, 5, (40, 6, 2)) / 4
    _compare(fn, scores, np.stack([_loop(draw) for draw in scores]))


EXERCISES = [
    Exercise(
        name="on_front",
        notebook=NOTEBOOK,
        reference=on_front,
        parts=[
            Part("an arm that is best on both scales is alone", _alone),
            Part("six arms by hand", _by_hand),
            Part("an arm in a dent of the front belongs to it", _dent),
            Part("ties on one scale, and on both", _ties),
            Part("many draws, each with its own front", _draws),
        ],
        mutants=FRONT_MUTANTS,
    ),
]
