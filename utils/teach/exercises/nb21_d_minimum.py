"""Exercises of notebook 21, part 4: the minimum of several readings."""

from itertools import product

import torch
from torch import Tensor

from utils.evaluate.studies.filter import keep_by_minimum
from utils.teach.exercise import (
    Exercise,
    Mutant,
    Part,
    expect,
    expect_close,
    outcomes,
)

NOTEBOOK = "21_from_spec_to_data"


def _keep_mean(scores: Tensor, threshold: float) -> Tensor:
    return scores.mean(1) >= threshold


def _keep_max(scores: Tensor, threshold: float) -> Tensor:
    return scores.amax(1) >= threshold


def _keep_first(scores: Tensor, threshold: float) -> Tensor:
    return scores[:, 0] >= threshold


def _keep_majority(scores: Tensor, threshold: float) -> Tensor:
    return (scores >= threshold).float().mean(1) > 0.5


def _keep_strict(scores: Tensor, threshold: float) -> Tensor:
    return scores.amin(1) > threshold


def _keep_dropped(scores: Tensor, threshold: float) -> Tensor:
    return scores.amin(1) < threshold


def _keep_columns(scores: Tensor, threshold: float) -> Tensor:
    return scores.amin(0) >= threshold


def _keep_scores(scores: Tensor, threshold: float) -> Tensor:
    return scores.amin(1)


def _keep_product(scores: Tensor, threshold: float) -> Tensor:
    return scores.prod(1) >= threshold


KEEP_MUTANTS = {
    "mean": Mutant(
        _keep_mean,
        "You averaged the readings: three that overlook a mistake outvote the one "
        "that sees it. Take the lowest.",
    ),
    "max": Mutant(
        _keep_max,
        "You took the highest score: one reading that overlooks a mistake is enough "
        "to keep it. Take the lowest.",
    ),
    "first": Mutant(
        _keep_first, "Only the first reading counts here. Look at all k of them."
    ),
    "majority": Mutant(
        _keep_majority,
        "This is a vote of the majority. Here a single doubt is enough to drop an "
        "example.",
    ),
    "strict": Mutant(
        _keep_strict,
        "A lowest score that equals the threshold reaches it: keep that one (>=).",
    ),
    "dropped": Mutant(
        _keep_dropped, "You marked the examples to drop. Mark those to keep."
    ),
    "columns": Mutant(
        _keep_columns,
        "The minimum runs over the examples. It belongs on the readings, dimension 1.",
    ),
    "scores": Mutant(
        _keep_scores,
        "These are the lowest scores themselves. Compare them with the threshold.",
    ),
    "product": Mutant(
        _keep_product,
        "You multiplied the scores: many good readings in a row would drop an example. "
        "Take the lowest.",
    ),
}


def _kept(fn, scores: Tensor, threshold: float) -> Tensor:
    got = fn(scores, threshold)
    want = keep_by_minimum(scores, threshold)
    expect_close(got, want, outcomes(KEEP_MUTANTS, scores, threshold))
    return torch.as_tensor(got)


def _keep_by_hand(fn) -> None:
    rows = [
        [0.9, 0.9, 0.9, 0.9],  # every reading approves
        [0.9, 0.9, 0.9, 0.1],  # one reading sees a mistake
        [0.6, 0.1, 0.1, 0.1],
        [0.8, 0.8, 0.8, 0.8],
        [0.2, 0.9, 0.9, 0.9],
        [1.0, 1.0, 0.3, 0.3],  # approved of on average, but not by a majority
    ]
    _kept(fn, torch.tensor(rows), 0.5)


def _keep_patterns(fn) -> None:
    """A reading overlooks a mistake with chance q. All four do with chance q^4."""
    patterns = torch.tensor(list(product([0.0, 1.0], repeat=4)))  # (16, 4)
    kept = _kept(fn, patterns, 0.5)
    q = 0.3
    chance = torch.where(patterns > 0, q, 1 - q).prod(1)  # of each pattern
    total = chance[kept.bool()].sum().item()
    expect(
        abs(total - q**4) < 1e-6,
        f"A mistake slips through with chance {total:.3g}; it should be {q**4:.3g}.",
    )


def _keep_edge(fn) -> None:
    scores = torch.tensor([[0.5, 0.75], [0.75, 0.5], [0.25, 1.0], [1.0, 0.25]])
    _kept(fn, scores, 0.5)
    _kept(fn, scores, 0.25)


def _keep_more_readings(fn) -> None:
    scores = torch.rand(40, 6)
    kept = [_kept(fn, scores[:, :k], 0.3).sum().item() for k in (1, 2, 4, 6)]
    expect(
        kept == sorted(kept, reverse=True),
        "A further reading made you keep more. The minimum can only fall.",
    )


EXERCISES = [
    Exercise(
        name="keep_by_minimum",
        notebook=NOTEBOOK,
        reference=keep_by_minimum,
        parts=[
            Part("one doubt is enough to drop an example", _keep_by_hand),
            Part("all 16 patterns: a mistake slips through with q^4", _keep_patterns),
            Part("a score at the threshold stays", _keep_edge),
            Part("further readings never keep more", _keep_more_readings),
        ],
        mutants=KEEP_MUTANTS,
    ),
]
