"""Exercise of notebook 11, part 5: a reliability diagram."""

import torch
from torch import Tensor

from utils.teach.exercise import Exercise, Mutant, Part, expect, expect_close, outcomes

NOTEBOOK = "11_ai_feedback"


def reliability(p: Tensor, truth: Tensor, bins: int = 10) -> Tensor:
    """What labels say and how often it is true, in bins of equal width from 0 to 1.

    p       : (n,) float: labels, probabilities that the first answer is better
    truth   : (n,) bool: whether it is
    bins    : number of bins; bin b holds b / bins <= p < (b + 1) / bins, and p = 1
              belongs to the last one
    returns : (bins, 3) float: how many labels a bin holds, their mean, and the share
              of them whose truth is True; mean and share of an empty bin are nan
    """
    index = (p * bins).long().clamp(max=bins - 1)
    member = index == torch.arange(bins)[:, None]  # (bins, n)
    count = member.sum(dim=1).float()
    mean = (member * p).sum(dim=1) / count
    share = (member * truth).sum(dim=1) / count
    return torch.stack([count, mean, share], dim=1)


def _one_left_out(p: Tensor, truth: Tensor, bins: int = 10) -> Tensor:
    return reliability(p[p < 1], truth[p < 1], bins)


def _middle(p: Tensor, truth: Tensor, bins: int = 10) -> Tensor:
    found = reliability(p, truth, bins)
    found[:, 1] = (torch.arange(bins) + 0.5) / bins
    return found


def _right_label(p: Tensor, truth: Tensor, bins: int = 10) -> Tensor:
    found = reliability(p, truth, bins)
    right = (p > 0.5) == truth
    return torch.cat([found[:, :2], reliability(p, right, bins)[:, 2:]], dim=1)


def _confidence(p: Tensor, truth: Tensor, bins: int = 10) -> Tensor:
    return reliability(torch.maximum(p, 1 - p), (p > 0.5) == truth, bins)


def _empty_zero(p: Tensor, truth: Tensor, bins: int = 10) -> Tensor:
    return reliability(p, truth, bins).nan_to_num(0.0)


def _left_out(p: Tensor, truth: Tensor, bins: int = 10) -> Tensor:
    found = reliability(p, truth, bins)
    return found[found[:, 0] > 0]


def _shares(p: Tensor, truth: Tensor, bins: int = 10) -> Tensor:
    found = reliability(p, truth, bins)
    found[:, 0] /= len(p)
    return found


def _divided_by_all(p: Tensor, truth: Tensor, bins: int = 10) -> Tensor:
    found = reliability(p, truth, bins)
    found[:, 2] = found[:, 2] * found[:, 0] / len(p)
    return found


def _upper_edge(p: Tensor, truth: Tensor, bins: int = 10) -> Tensor:
    found = reliability(1 - p, ~truth, bins).flip(0)
    return torch.stack([found[:, 0], 1 - found[:, 1], 1 - found[:, 2]], dim=1)


def _columns_swapped(p: Tensor, truth: Tensor, bins: int = 10) -> Tensor:
    return reliability(p, truth, bins)[:, [0, 2, 1]]


RELIABILITY_MUTANTS = {
    "one left out": Mutant(
        _one_left_out,
        "Labels of exactly 1 are lost: p = 1 belongs to the last bin.",
    ),
    "middle": Mutant(
        _middle,
        "You gave the middle of each bin. Give the mean of its labels: in the last bin "
        "they may all be 0.999.",
    ),
    "right label": Mutant(
        _right_label,
        "You counted how often the winner is right. Count how often the FIRST answer "
        "is better: that is what p is the probability of.",
    ),
    "confidence": Mutant(
        _confidence,
        "You folded p to the winner's side, max(p, 1 - p), so the lower half is empty. "
        "Bin p itself.",
    ),
    "empty zero": Mutant(
        _empty_zero,
        "An empty bin has no mean and no share: nan, not 0. A 0 would be drawn as a "
        "judge that is always wrong.",
    ),
    "left out": Mutant(_left_out, "Empty bins are missing: return a row for each bin."),
    "shares": Mutant(_shares, "The first column is a number of labels, not a share."),
    "divided by all": Mutant(
        _divided_by_all,
        "You divided by the number of all labels. Divide by those in the bin.",
    ),
    "upper edge": Mutant(
        _upper_edge,
        "A label on the edge between two bins belongs to the upper one: 0.5 is in the "
        "bin from 0.5 to 0.6.",
    ),
    "columns swapped": Mutant(
        _columns_swapped, "Mean label and share of truth stand in each other's column."
    ),
}


def _compare(fn, p: Tensor, truth: Tensor, bins: int) -> None:
    """Compare with the reference; nan counts as equal to nan."""
    got = torch.as_tensor(fn(p, truth, bins)).double()
    mistakes = [
        (message, wrong.nan_to_num(-1.0))
        for message, wrong in outcomes(RELIABILITY_MUTANTS, p, truth, bins)
    ]
    want = reliability(p, truth, bins).nan_to_num(-1.0)
    expect_close(got.nan_to_num(-1.0), want, mistakes)


def _bins_by_hand(fn) -> None:
    """Means 0.15 and 0.75, shares 1/2 and 3/4."""
    p = torch.tensor([0.1, 0.2, 0.6, 0.7, 0.8, 0.9])
    truth = torch.tensor([True, False, True, True, True, False])
    _compare(fn, p, truth, 2)


def _bins_random(fn) -> None:
    _compare(fn, torch.rand(300), torch.rand(300) < 0.4, 5)


def _bins_edges(fn) -> None:
    p = torch.tensor([0.0, 0.25, 0.5, 0.75, 1.0, 0.3])
    truth = torch.tensor([False, True, False, True, True, False])
    _compare(fn, p, truth, 4)


def _bins_empty(fn) -> None:
    _compare(fn, torch.tensor([0.05, 0.95]), torch.tensor([False, True]), 10)


def _bins_calibrated(fn) -> None:
    """Truth drawn with probability p: mean and share agree in every bin."""
    p = torch.rand(20_000)
    truth = torch.rand(20_000) < p
    got = torch.as_tensor(fn(p, truth, 10))
    expect(got.shape == (10, 3), "Return three numbers for each of the 10 bins.")
    for answer, message in RELIABILITY_MUTANTS.values():
        other = answer(p, truth, 10)
        if got.shape == other.shape and torch.allclose(
            got, other.to(got), atol=1e-5, equal_nan=True
        ):
            exact = torch.allclose(other, reliability(p, truth, 10), equal_nan=True)
            expect(exact, message)
    gap = (got[:, 1] - got[:, 2]).abs().max().item()
    expect(gap < 0.04, "For labels that mean what they say, mean and share differ.")


EXERCISES = [
    Exercise(
        name="reliability",
        notebook=NOTEBOOK,
        reference=reliability,
        parts=[
            Part("six labels in two bins, by hand", _bins_by_hand),
            Part("any labels", _bins_random),
            Part("labels on the edges of bins, and p = 1", _bins_edges),
            Part("an empty bin has no mean", _bins_empty),
            Part(
                "mean and share agree for a judge that is calibrated", _bins_calibrated
            ),
        ],
        mutants=RELIABILITY_MUTANTS,
    ),
]
