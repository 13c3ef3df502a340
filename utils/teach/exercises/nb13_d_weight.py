"""Exercises of notebook 13, part 4: how hard a pair pulls."""

from math import log

import torch
import torch.nn.functional as F
from torch import Tensor

from utils.teach.exercise import (
    Exercise,
    Mutant,
    Part,
    expect_close,
    outcomes,
)


def _each(z: Tensor, p: Tensor | float = 1.0) -> Tensor:
    return -(p * F.logsigmoid(z) + (1 - p) * F.logsigmoid(-z))


def gradient_weight(z: Tensor, p: Tensor | float = 1.0) -> Tensor:
    """How hard a pair pulls: minus the slope of its loss in its margin z.

    -dL/dz = p sigmoid(-z) - (1 - p) sigmoid(z)

    z       : (n,) float, the margin: implicit reward of chosen minus rejected
    p       : probability that `chosen` is better, a number or (n,)
    returns : (n,) float; for p = 1 near 1 where the pair is ordered wrongly, near 0
              where it is ordered rightly with certainty
    """
    return p * torch.sigmoid(-z) - (1 - p) * torch.sigmoid(z)


def _right_side(z: Tensor, p: Tensor | float = 1.0) -> Tensor:
    return gradient_weight(-z, p)


def _downhill(z: Tensor, p: Tensor | float = 1.0) -> Tensor:
    return -gradient_weight(z, p)


def _slope_of_sigmoid(z: Tensor, p: Tensor | float = 1.0) -> Tensor:
    return z.sigmoid() * (-z).sigmoid() + 0 * z * p


def _loss_itself(z: Tensor, p: Tensor | float = 1.0) -> Tensor:
    return _each(z, p)


def _label_ignored(z: Tensor, p: Tensor | float = 1.0) -> Tensor:
    return torch.sigmoid(-z)


def _half_of_it(z: Tensor, p: Tensor | float = 1.0) -> Tensor:
    return p * torch.sigmoid(-z)


def _both_added(z: Tensor, p: Tensor | float = 1.0) -> Tensor:
    return p * torch.sigmoid(-z) + (1 - p) * torch.sigmoid(z)


WEIGHT_MUTANTS = {
    "wrong side": Mutant(
        _right_side,
        "Pairs that are right already pull hardest here: it is sigmoid(-z).",
    ),
    "negative": Mutant(
        _downhill, "This is the slope dL/dz; the weight is MINUS the slope."
    ),
    "slope of sigmoid": Mutant(
        _slope_of_sigmoid,
        "This is the slope of sigmoid. The loss has a logarithm around it: "
        "d log sigmoid(z) / dz = sigmoid(-z).",
    ),
    "the loss": Mutant(
        _loss_itself, "This is the loss of the pair: take its derivative."
    ),
    "label ignored": Mutant(
        _label_ignored, "p is not used: a doubtful label has to pull less."
    ),
    "half": Mutant(
        _half_of_it,
        "Only the first half of the loss is there. With p below 1 the second one "
        "pulls back.",
    ),
    "both added": Mutant(
        _both_added,
        "The two halves pull against each other: the second one has a minus sign.",
    ),
}


def _weight_by_hand(answer) -> None:
    z = torch.tensor([0.0, log(3), -log(3)])
    expect_close(answer(z), [0.5, 0.25, 0.75], outcomes(WEIGHT_MUTANTS, z))


def _weight_is_the_slope(answer) -> None:
    """A central difference of the loss of each pair."""
    z, step = 3 * torch.randn(8, dtype=torch.float64), 1e-5
    want = -(_each(z + step, 1.0) - _each(z - step, 1.0)) / (2 * step)
    expect_close(answer(z), want, outcomes(WEIGHT_MUTANTS, z))


def _weight_soft(answer) -> None:
    z, p = torch.tensor([-2.0, -0.5, 0.5, 2.0]), torch.tensor([0.9, 0.6, 0.8, 0.3])
    want = gradient_weight(z, p)
    expect_close(answer(z, p), want, outcomes(WEIGHT_MUTANTS, z, p))


def _weight_vanishes(answer) -> None:
    p = torch.tensor([0.6, 0.8, 0.95])
    got = answer(torch.logit(p), p)
    expect_close(got, torch.zeros(3), outcomes(WEIGHT_MUTANTS, torch.logit(p), p))


EXERCISES = [
    Exercise(
        name="gradient_weight",
        notebook="13_dpo",
        reference=gradient_weight,
        parts=[
            Part("three margins calculated by hand", _weight_by_hand),
            Part("minus the slope of the loss", _weight_is_the_slope),
            Part("soft labels", _weight_soft),
            Part("no pull where sigmoid(z) has reached p", _weight_vanishes),
        ],
        mutants=WEIGHT_MUTANTS,
    ),
]
