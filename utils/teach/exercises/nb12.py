"""Exercises of notebook 12, part 1: Bradley and Terry's model and its loss."""

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

# win_probability --------------------------------------------------------------------


def win_probability(rewards: Tensor) -> Tensor:
    """Bradley and Terry's model: how probably each answer beats each other one.

    P[i, j] = sigmoid(r_i - r_j)

    rewards : (n,) float
    returns : (n, n) float, the probability that the answer of the row wins
    """
    return torch.sigmoid(rewards[:, None] - rewards[None, :])


def _column_wins(rewards: Tensor) -> Tensor:
    return win_probability(rewards).T


def _strengths(rewards: Tensor) -> Tensor:
    return rewards[:, None] / (rewards[:, None] + rewards[None, :])


def _differences(rewards: Tensor) -> Tensor:
    return rewards[:, None] - rewards[None, :]


def _certain(rewards: Tensor) -> Tensor:
    return (rewards[:, None] > rewards[None, :]).float()


def _among_all(rewards: Tensor) -> Tensor:
    return rewards.softmax(dim=0)


def _of_the_sum(rewards: Tensor) -> Tensor:
    return torch.sigmoid(rewards[:, None] + rewards[None, :])


def _exponentials(rewards: Tensor) -> Tensor:
    e = rewards.exp()
    return e[:, None] / (e[:, None] + e[None, :])


OVERFLOW = (
    "exp(reward) is more than a float can hold when rewards are large. Only the "
    "difference matters: take the sigmoid of it."
)
WIN_MUTANTS = {
    "turned round": Mutant(
        _column_wins,
        "This is the probability that the COLUMN wins: row minus column, please.",
    ),
    "strengths": Mutant(
        _strengths,
        "r_i / (r_i + r_j) is Bradley and Terry's form for strengths. Rewards are "
        "logarithms of strengths, and may be negative.",
    ),
    "differences": Mutant(
        _differences, "These are the differences: the sigmoid makes them probabilities."
    ),
    "certain": Mutant(
        _certain,
        "The higher reward wins always here. In the model it only wins more often.",
    ),
    "softmax": Mutant(
        _among_all,
        "A softmax over all answers says which one is best of all. Here each PAIR "
        "has a probability of its own: (n, n).",
    ),
    "sum": Mutant(_of_the_sum, "You added the two rewards; take their difference."),
    "overflow": Mutant(_exponentials, OVERFLOW),
}


def _win_by_hand(answer) -> None:
    """A difference of log 3 wins three times out of four."""
    rewards = torch.tensor([log(6), log(2)])
    wrong = outcomes(WIN_MUTANTS, rewards)
    expect_close(answer(rewards), [[0.5, 0.75], [0.25, 0.5]], wrong)


def _win_random(answer) -> None:
    rewards = 2 * torch.randn(5)
    wrong = outcomes(WIN_MUTANTS, rewards)
    expect_close(answer(rewards), win_probability(rewards), wrong)


def _win_shifted(answer) -> None:
    rewards = torch.tensor([1.0, -0.5, 2.0])
    got = torch.as_tensor(answer(rewards + 200))
    if not torch.isfinite(got).all():
        raise Mistake(OVERFLOW)
    expect_close(got, win_probability(rewards), outcomes(WIN_MUTANTS, rewards + 200))


# preference_loss --------------------------------------------------------------------


def preference_loss(
    chosen: Tensor,
    rejected: Tensor,
    p: Tensor | float = 1.0,
    margin: Tensor | float = 0.0,
) -> Tensor:
    """The Bradley-Terry loss, with soft labels and a margin.

        z = r(chosen) - r(rejected) - margin
        L = -mean( p log sigmoid(z) + (1 - p) log sigmoid(-z) )

    chosen   : (n,) float, rewards of the answers called better
    rejected : (n,) float, rewards of the others
    p        : probability that `chosen` is better, a number or (n,)
    margin   : how much wider the gap shall be, a number or (n,)
    returns  : () float, the mean over the pairs
    """
    z = chosen - rejected - margin
    return -(p * F.logsigmoid(z) + (1 - p) * F.logsigmoid(-z)).mean()


def _each(z: Tensor, p: Tensor | float) -> Tensor:
    return -(p * F.logsigmoid(z) + (1 - p) * F.logsigmoid(-z))


def _no_minus(chosen, rejected, p=1.0, margin=0.0):
    return -preference_loss(chosen, rejected, p, margin)


def _swapped(chosen, rejected, p=1.0, margin=0.0):
    return preference_loss(rejected, chosen, p, margin)


def _summed(chosen, rejected, p=1.0, margin=0.0):
    return _each(chosen - rejected - margin, p).sum()


def _not_reduced(chosen, rejected, p=1.0, margin=0.0):
    return _each(chosen - rejected - margin, p)


def _no_log(chosen, rejected, p=1.0, margin=0.0):
    z = chosen - rejected - margin
    return -(p * z.sigmoid() + (1 - p) * (-z).sigmoid()).mean()


def _hard_only(chosen, rejected, p=1.0, margin=0.0):
    return preference_loss(chosen, rejected, 1.0, margin)


def _weight_only(chosen, rejected, p=1.0, margin=0.0):
    return -(p * F.logsigmoid(chosen - rejected - margin)).mean()


def _p_inside(chosen, rejected, p=1.0, margin=0.0):
    return -F.logsigmoid(p * (chosen - rejected) - margin).mean()


def _no_margin(chosen, rejected, p=1.0, margin=0.0):
    return preference_loss(chosen, rejected, p)


def _margin_added(chosen, rejected, p=1.0, margin=0.0):
    return preference_loss(chosen, rejected, p, -torch.as_tensor(margin))


def _margin_in_both(chosen, rejected, p=1.0, margin=0.0):
    gap = chosen - rejected
    first, second = F.logsigmoid(gap - margin), F.logsigmoid(-gap - margin)
    return -(p * first + (1 - p) * second).mean()


def _log_of_sigmoid(chosen, rejected, p=1.0, margin=0.0):
    z = chosen - rejected - margin
    return -(p * z.sigmoid().log() + (1 - p) * (-z).sigmoid().log()).mean()


LOG_OF_SIGMOID = (
    "sigmoid(z) is rounded to 0 for a very negative z, and its logarithm is minus "
    "infinity. F.logsigmoid(z) takes both steps safely at once."
)
LOSS_MUTANTS = {
    "no minus": Mutant(
        _no_minus, "The minus sign is missing: training would make good pairs worse."
    ),
    "swapped": Mutant(
        _swapped,
        "This falls when the REJECTED answer gets the higher reward: z is chosen "
        "minus rejected.",
    ),
    "summed": Mutant(_summed, "You summed over the pairs; take the mean."),
    "not reduced": Mutant(
        _not_reduced, "This is one loss for each pair: return their mean."
    ),
    "no log": Mutant(_no_log, "The logarithm is missing: log sigmoid, not sigmoid."),
    "hard only": Mutant(
        _hard_only, "The soft label p is not used: every label counts as certain."
    ),
    "second half missing": Mutant(
        _weight_only,
        "The second half, (1 - p) log sigmoid(-z), is missing. So nothing holds the "
        "gap back, however unsure the label is.",
    ),
    "p inside": Mutant(
        _p_inside, "p belongs in front of the logarithms, not inside of them."
    ),
    "margin not used": Mutant(_no_margin, "The margin is not used."),
    "margin added": Mutant(
        _margin_added,
        "The margin is added. It has to be subtracted: the gap must exceed it before "
        "the loss is satisfied.",
    ),
    "margin in both": Mutant(
        _margin_in_both,
        "Subtract the margin once, in z. The second half then has -z, with the margin "
        "the other way round.",
    ),
    "log of sigmoid": Mutant(_log_of_sigmoid, LOG_OF_SIGMOID),
}


def _starts_at_log_2(answer) -> None:
    same = torch.randn(6)
    expect_close(answer(same, same), log(2), outcomes(LOSS_MUTANTS, same, same))


def _loss_by_hand(answer) -> None:
    """Won three times out of four: log 4/3."""
    pair = torch.tensor([log(6)]), torch.tensor([log(2)])
    expect_close(answer(*pair), log(4 / 3), outcomes(LOSS_MUTANTS, *pair))


def _loss_soft(answer) -> None:
    pair = 2 * torch.randn(2, 6)
    p = torch.tensor([1.0, 0.9, 0.7, 0.5, 0.3, 0.0])
    want = preference_loss(*pair, p)
    expect_close(answer(*pair, p), want, outcomes(LOSS_MUTANTS, *pair, p))
    expect_close(answer(*(pair + 7), p), want)


def _loss_margin(answer) -> None:
    pair = 2 * torch.randn(2, 4)
    margin = torch.tensor([0.0, 0.5, 1.0, 3.0])
    want = preference_loss(*pair, 0.8, margin)
    wrong = outcomes(LOSS_MUTANTS, *pair, 0.8, margin)
    expect_close(answer(*pair, 0.8, margin), want, wrong)


def _minimum(answer) -> None:
    """Free gaps, each with its own label: the best gap is log(p / (1 - p)) + m."""
    p, margin = torch.tensor([0.5, 0.75, 0.9, 0.2]), torch.tensor([0.0, 1.0, 0.5, 0.0])
    gap = torch.zeros(4, requires_grad=True)
    optimizer = torch.optim.LBFGS([gap], max_iter=100, tolerance_grad=1e-8)

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = answer(gap, torch.zeros(4), p, margin)
        if not isinstance(loss, Tensor) or not loss.requires_grad:
            raise Mistake("No gradient flows from the loss back to the rewards.")
        loss.backward()
        return loss

    optimizer.step(closure)
    expect_close(gap, torch.logit(p) + margin, atol=1e-2)


def _slope_is_finite_difference(answer) -> None:
    """What autograd says is what a small step does."""
    p = torch.tensor([1.0, 0.7, 0.4], dtype=torch.float64)
    chosen = torch.randn(3, dtype=torch.float64, requires_grad=True)
    rejected = torch.randn(3, dtype=torch.float64)
    loss = answer(chosen, rejected, p, 0.5)
    if not isinstance(loss, Tensor) or not loss.requires_grad:
        raise Mistake("No gradient flows from the loss back to the rewards.")
    (slope,) = torch.autograd.grad(loss, chosen)
    step = 1e-5 * torch.eye(3, dtype=torch.float64)
    with torch.no_grad():
        up = [float(preference_loss(chosen + s, rejected, p, 0.5)) for s in step]
        down = [float(preference_loss(chosen - s, rejected, p, 0.5)) for s in step]
    want = [(high - low) / 2e-5 for high, low in zip(up, down, strict=True)]
    expect_close(slope, want, atol=1e-3)


def _hopeless(answer) -> None:
    far, zero = torch.tensor([-1000.0]), torch.zeros(1)
    got = torch.as_tensor(answer(far, zero))
    if not torch.isfinite(got).all():
        raise Mistake(LOG_OF_SIGMOID)
    expect_close(got, 1000.0, outcomes(LOSS_MUTANTS, far, zero))


EXERCISES = [
    Exercise(
        name="win_probability",
        notebook="12_reward_model",
        reference=win_probability,
        parts=[
            Part("a difference of log 3 wins three times of four", _win_by_hand),
            Part("every pair of five answers", _win_random),
            Part("200 added to all rewards changes nothing", _win_shifted),
        ],
        mutants=WIN_MUTANTS,
    ),
    Exercise(
        name="preference_loss",
        notebook="12_reward_model",
        reference=preference_loss,
        parts=[
            Part("log 2 where the rewards are equal", _starts_at_log_2),
            Part("one pair calculated by hand", _loss_by_hand),
            Part("soft labels; a constant added changes nothing", _loss_soft),
            Part("a margin", _loss_margin),
            Part(
                "its slope is what finite differences say", _slope_is_finite_difference
            ),
            Part("its minimum is at log(p / (1 - p)) + margin", _minimum),
            Part("a hopeless pair gives a large loss, not infinity", _hopeless),
        ],
        mutants=LOSS_MUTANTS,
    ),
]
