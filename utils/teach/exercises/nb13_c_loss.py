"""Exercises of notebook 13, part 3: the DPO loss."""

from math import log

import torch
import torch.nn.functional as F
from torch import Tensor

from utils.teach.exercise import (
    Exercise,
    Mistake,
    Mutant,
    Part,
    expect_close,
    outcomes,
)
from utils.teach.exercises.nb13 import REFERENCE, REWARDS, optimal_policy


def dpo_loss(
    policy_chosen: Tensor,
    policy_rejected: Tensor,
    reference_chosen: Tensor,
    reference_rejected: Tensor,
    beta: float,
    p: Tensor | float = 1.0,
) -> Tensor:
    """The DPO loss (eq. 7), for hard or soft labels.

        z = beta [(log policy - log reference)(chosen)
                  - (log policy - log reference)(rejected)]
        L = -mean( p log sigmoid(z) + (1 - p) log sigmoid(-z) )

    four log-probabilities : (n,) float, each the sum over its completion
    beta                   : a higher beta holds the policy closer to the reference
    p                      : probability that `chosen` is better, a number or (n,)
    returns                : () float, the mean over the pairs
    """
    chosen = beta * (policy_chosen - reference_chosen)
    rejected = beta * (policy_rejected - reference_rejected)
    z = chosen - rejected
    return -(p * F.logsigmoid(z) + (1 - p) * F.logsigmoid(-z)).mean()


def _z(pc: Tensor, pr: Tensor, rc: Tensor, rr: Tensor, beta: float) -> Tensor:
    return beta * ((pc - rc) - (pr - rr))


def _each(z: Tensor, p: Tensor | float) -> Tensor:
    return -(p * F.logsigmoid(z) + (1 - p) * F.logsigmoid(-z))


def _no_minus(pc, pr, rc, rr, beta, p=1.0):
    return -dpo_loss(pc, pr, rc, rr, beta, p)


def _swapped(pc, pr, rc, rr, beta, p=1.0):
    return dpo_loss(pr, pc, rr, rc, beta, p)


def _reference_left_out(pc, pr, rc, rr, beta, p=1.0):
    return _each(beta * (pc - pr), p).mean()


def _reference_added(pc, pr, rc, rr, beta, p=1.0):
    return _each(beta * ((pc - pr) + (rc - rr)), p).mean()


def _beta_left_out(pc, pr, rc, rr, beta, p=1.0):
    return dpo_loss(pc, pr, rc, rr, 1.0, p)


def _divided(pc, pr, rc, rr, beta, p=1.0):
    return dpo_loss(pc, pr, rc, rr, 1 / beta, p)


def _summed(pc, pr, rc, rr, beta, p=1.0):
    return _each(_z(pc, pr, rc, rr, beta), p).sum()


def _not_reduced(pc, pr, rc, rr, beta, p=1.0):
    return _each(_z(pc, pr, rc, rr, beta), p)


def _sigmoid_only(pc, pr, rc, rr, beta, p=1.0):
    z = _z(pc, pr, rc, rr, beta)
    return -(p * z.sigmoid() + (1 - p) * (-z).sigmoid()).mean()


def _log_of_sigmoid(pc, pr, rc, rr, beta, p=1.0):
    z = _z(pc, pr, rc, rr, beta)
    return -(p * z.sigmoid().log() + (1 - p) * (-z).sigmoid().log()).mean()


def _hard_only(pc, pr, rc, rr, beta, p=1.0):
    return dpo_loss(pc, pr, rc, rr, beta)


def _weight_only(pc, pr, rc, rr, beta, p=1.0):
    return -(p * F.logsigmoid(_z(pc, pr, rc, rr, beta))).mean()


def _margin_scaled(pc, pr, rc, rr, beta, p=1.0):
    return -F.logsigmoid(p * _z(pc, pr, rc, rr, beta)).mean()


LOG_OF_SIGMOID = (
    "sigmoid(z) is rounded to 0 for a very negative z, and its logarithm is minus "
    "infinity. F.logsigmoid(z) computes both steps safely at once."
)
LOSS_MUTANTS = {
    "no minus": Mutant(
        _no_minus, "The minus sign is missing: this would be maximized by good pairs."
    ),
    "swapped": Mutant(
        _swapped,
        "z has the wrong sign, so the loss falls when the REJECTED text gains. Take "
        "chosen minus rejected, and policy minus reference.",
    ),
    "reference left out": Mutant(
        _reference_left_out,
        "The reference is missing: then a pair that was right from the start already "
        "counts as learned.",
    ),
    "reference added": Mutant(
        _reference_added,
        "The reference's difference is added; it has to be subtracted.",
    ),
    "beta left out": Mutant(_beta_left_out, "The factor beta in z is missing."),
    "divided by beta": Mutant(
        _divided, "z is divided by beta; the implicit reward has beta in front."
    ),
    "summed": Mutant(
        _summed, "You summed over the pairs: take the mean, as eq. 7's E does."
    ),
    "not reduced": Mutant(
        _not_reduced, "This is one loss for each pair: return their mean."
    ),
    "no log": Mutant(
        _sigmoid_only, "The logarithm is missing: use log sigmoid, not sigmoid."
    ),
    "hard only": Mutant(
        _hard_only, "The soft label p is not used: every label counts as certain."
    ),
    "second half missing": Mutant(
        _weight_only,
        "The second half, (1 - p) log sigmoid(-z), is missing: p only weighs the "
        "pairs now.",
    ),
    "margin scaled": Mutant(
        _margin_scaled, "p belongs in front of the logarithms, not inside of them."
    ),
    "log of sigmoid": Mutant(_log_of_sigmoid, LOG_OF_SIGMOID),
}


def _four() -> list[Tensor]:
    return list(-8 * torch.rand(4, 6))


def _starts_at_log_2(answer) -> None:
    chosen, rejected = -8 * torch.rand(2, 6)
    same = (chosen, rejected, chosen, rejected, 0.3)
    expect_close(answer(*same), log(2), outcomes(LOSS_MUTANTS, *same))


def _loss_by_hand(answer) -> None:
    """Chosen 9 times as likely as before, rejected unchanged; beta 1/2: log 4/3."""
    texts = [torch.tensor([x]).log() for x in (0.18, 0.5, 0.02, 0.5)]
    expect_close(answer(*texts, 0.5), log(4 / 3), outcomes(LOSS_MUTANTS, *texts, 0.5))


def _loss_random(answer) -> None:
    texts = _four()
    want = dpo_loss(*texts, 0.3)
    expect_close(answer(*texts, 0.3), want, outcomes(LOSS_MUTANTS, *texts, 0.3))


def _loss_soft(answer) -> None:
    texts, p = _four(), torch.tensor([1.0, 0.9, 0.7, 0.5, 0.3, 0.0])
    want = dpo_loss(*texts, 0.3, p)
    expect_close(answer(*texts, 0.3, p), want, outcomes(LOSS_MUTANTS, *texts, 0.3, p))


def _minimum_is_the_optimum(answer) -> None:
    """Learn a free policy over five texts from all pairs, labelled by the reward."""
    beta, start = 0.6, REFERENCE.log()
    first, second = torch.combinations(torch.arange(5)).unbind(dim=1)
    p = torch.sigmoid(REWARDS[first] - REWARDS[second])
    logits = start.clone().requires_grad_()
    optimizer = torch.optim.LBFGS([logits], max_iter=100)

    def closure() -> Tensor:
        optimizer.zero_grad()
        now = logits.log_softmax(dim=-1)
        loss = answer(now[first], now[second], start[first], start[second], beta, p)
        if not isinstance(loss, Tensor) or not loss.requires_grad:
            raise Mistake("No gradient flows from the loss back to the policy.")
        loss.backward()
        return loss

    optimizer.step(closure)
    want = optimal_policy(REFERENCE, REWARDS, beta)
    expect_close(logits.softmax(dim=-1), want, atol=5e-3)


def _extreme_pairs(answer) -> None:
    far, zero = torch.tensor([-1000.0]), torch.zeros(1)
    got = torch.as_tensor(answer(far, zero, zero, zero, 1.0))
    if not torch.isfinite(got).all():
        raise Mistake(LOG_OF_SIGMOID)
    wrong = outcomes(LOSS_MUTANTS, far, zero, zero, zero, 1.0)
    expect_close(got, 1000.0, wrong)


EXERCISES = [
    Exercise(
        name="dpo_loss",
        notebook="13_dpo",
        reference=dpo_loss,
        parts=[
            Part("log 2 where policy and reference agree", _starts_at_log_2),
            Part("one pair calculated by hand", _loss_by_hand),
            Part("any pairs with certain labels", _loss_random, 2),
            Part("any pairs with soft labels", _loss_soft, 2),
            Part("its minimum is the closed form of eq. 4", _minimum_is_the_optimum, 2),
            Part("a hopeless pair gives a large loss, not infinity", _extreme_pairs),
        ],
        mutants=LOSS_MUTANTS,
    ),
]
