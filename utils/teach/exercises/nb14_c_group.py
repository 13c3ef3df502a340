"""Exercises of notebook 14, part 3: advantages within a group."""

import torch
from torch import Tensor

from utils.align import grpo
from utils.teach.exercise import Exercise, Mistake, Mutant, Part, expect_close, outcomes


def group_advantages(rewards: Tensor) -> Tensor:
    """How much better each sample is than the others of its group.

    A = (r - mean of the group) / (standard deviation of the group + 1e-4)

    rewards : (groups, k) float, the k samples of one prompt in a row
    returns : (groups, k) float; 0 where all rewards of a group are equal
    """
    centred = rewards - rewards.mean(dim=1, keepdim=True)
    return centred / (rewards.std(dim=1, keepdim=True) + 1e-4)


def _whole_batch(rewards: Tensor) -> Tensor:
    return (rewards - rewards.mean()) / (rewards.std() + 1e-4)


def _columns(rewards: Tensor) -> Tensor:
    return group_advantages(rewards.T).T


def _not_divided(rewards: Tensor) -> Tensor:
    return rewards - rewards.mean(dim=1, keepdim=True)


def _not_centred(rewards: Tensor) -> Tensor:
    return rewards / (rewards.std(dim=1, keepdim=True) + 1e-4)


def _variance(rewards: Tensor) -> Tensor:
    return _not_divided(rewards) / (rewards.var(dim=1, keepdim=True) + 1e-4)


def _batch_spread(rewards: Tensor) -> Tensor:
    return _not_divided(rewards) / (rewards.std() + 1e-4)


def _no_epsilon(rewards: Tensor) -> Tensor:
    return _not_divided(rewards) / rewards.std(dim=1, keepdim=True)


def _turned_round(rewards: Tensor) -> Tensor:
    return -group_advantages(rewards)


def _against_the_best(rewards: Tensor) -> Tensor:
    centred = rewards - rewards.amax(dim=1, keepdim=True)
    return centred / (rewards.std(dim=1, keepdim=True) + 1e-4)


NO_EPSILON = (
    "A group of equal rewards has the standard deviation 0, and 0 / 0 is no number. "
    "Add the 1e-4 to the standard deviation."
)
MUTANTS = {
    "whole batch": Mutant(
        _whole_batch,
        "You compared with the whole batch. Then an easy prompt's worst sample still "
        "counts as good: compare within each row.",
    ),
    "columns": Mutant(
        _columns, "You compared along columns. A group is a ROW: use dim=1."
    ),
    "not divided": Mutant(
        _not_divided, "The division by the group's standard deviation is missing."
    ),
    "not centred": Mutant(_not_centred, "The group's mean is not subtracted."),
    "variance": Mutant(
        _variance, "You divided by the variance; take its square root, `.std`."
    ),
    "batch spread": Mutant(
        _batch_spread, "The standard deviation is the whole batch's, not the group's."
    ),
    "no epsilon": Mutant(_no_epsilon, NO_EPSILON),
    "turned round": Mutant(
        _turned_round, "The sign is turned round: the best sample gets the worst value."
    ),
    "against the best": Mutant(
        _against_the_best,
        "You compared with the group's best. Then nothing is ever better than "
        "expected: compare with the mean.",
    ),
}


def _by_hand(answer) -> None:
    """Rewards 1, 2, 3 and 0, 5, 10: both -1, 0, 1 but for the epsilon."""
    rewards = torch.tensor([[1.0, 2.0, 3.0], [0.0, 5.0, 10.0]])
    want = [[-1, 0, 1], [-1, 0, 1]]
    expect_close(answer(rewards), want, outcomes(MUTANTS, rewards), atol=2e-4)


def _random(answer) -> None:
    rewards = 3 * torch.randn(4, 6) + torch.randn(4, 1) * 5
    want = grpo.group_advantages(rewards)
    expect_close(answer(rewards), want, outcomes(MUTANTS, rewards))


def _equal(answer) -> None:
    """Two groups that agree, beside one that does not."""
    rewards = torch.tensor([[0.5, 0.5, 0.5, 0.5], [0.0] * 4, [1.0, 0.0, 0.0, 0.0]])
    got = torch.as_tensor(answer(rewards))
    if not torch.isfinite(got).all():
        raise Mistake(NO_EPSILON)
    want = grpo.group_advantages(rewards)
    expect_close(got, want, outcomes(MUTANTS, rewards))


EXERCISES = [
    Exercise(
        name="group_advantages",
        notebook="14_rl_from_ai_feedback",
        reference=group_advantages,
        parts=[
            Part("two groups calculated by hand", _by_hand),
            Part("any groups, as utils.align.grpo has it", _random, 2),
            Part("a group of equal rewards has nothing to teach", _equal),
        ],
        mutants=MUTANTS,
    ),
]
