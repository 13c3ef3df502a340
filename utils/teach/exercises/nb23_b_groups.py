"""Exercises of notebook 23, part 2: groups without spread have nothing to teach."""

import torch
from torch import Tensor

from utils.teach.exercise import Exercise, Mutant, Part, expect_close, outcomes

NOTEBOOK = "23_rl_with_a_blind_judge"


def flat_share(rewards: Tensor, hair: float) -> float:
    """The share of groups from which GRPO can learn nothing that matters.

    A group is flat if its best and its worst reward differ by less than `hair`.

    rewards : (groups, k) float, the k samples of one request in a row
    hair    : a smaller difference is the judge's noise
    returns : number from 0 to 1
    """
    spread = rewards.amax(dim=1) - rewards.amin(dim=1)
    return (spread < hair).float().mean().item()


def _equal_only(rewards: Tensor, hair: float) -> float:
    return flat_share(rewards, 1e-12)


def _steep(rewards: Tensor, hair: float) -> float:
    return 1 - flat_share(rewards, hair)


def _columns(rewards: Tensor, hair: float) -> float:
    return flat_share(rewards.T, hair)


def _deviation(rewards: Tensor, hair: float) -> float:
    return (rewards.std(dim=1) < hair).float().mean().item()


def _count(rewards: Tensor, hair: float) -> float:
    return flat_share(rewards, hair) * len(rewards)


def _good_only(rewards: Tensor, hair: float) -> float:
    return (rewards.amin(dim=1) > 1 - hair).float().mean().item()


def _neighbours(rewards: Tensor, hair: float) -> float:
    steps = rewards.diff(dim=1).abs().amax(dim=1)
    return (steps < hair).float().mean().item()


def _ends(rewards: Tensor, hair: float) -> float:
    return ((rewards[:, 0] - rewards[:, -1]).abs() < hair).float().mean().item()


def _samples(rewards: Tensor, hair: float) -> float:
    near = (rewards - rewards.mean(dim=1, keepdim=True)).abs() < hair
    return near.float().mean().item()


def _whole(rewards: Tensor, hair: float) -> float:
    return float(rewards.max() - rewards.min() < hair)


MUTANTS = {
    "equal only": Mutant(
        _equal_only,
        "You count groups of exactly equal rewards. A judge's numbers differ in the "
        "fourth decimal place: use `hair`.",
    ),
    "steep": Mutant(_steep, "This is the share of groups that DO have spread."),
    "columns": Mutant(_columns, "A group is a ROW: compare along dim=1."),
    "deviation": Mutant(
        _deviation,
        "You compared the standard deviation with `hair`. One sample in eight that "
        "differs hardly moves it: take best minus worst.",
    ),
    "count": Mutant(_count, "This counts the groups. Return their share."),
    "good only": Mutant(
        _good_only,
        "You count groups in which all is GOOD. Where all is bad, nothing can be "
        "learned either.",
    ),
    "neighbours": Mutant(
        _neighbours,
        "You compared neighbours in the row. Small steps can add up: compare best and "
        "worst.",
    ),
    "ends": Mutant(_ends, "You compared the first sample with the last one only."),
    "samples": Mutant(
        _samples,
        "You count single SAMPLES near their group's mean. A group is flat or not, "
        "as a whole.",
    ),
    "whole batch": Mutant(
        _whole, "You compared over the whole batch. Each group is compared in itself."
    ),
}


def _compare(answer, rewards: Tensor, hair: float) -> None:
    want = flat_share(rewards, hair)
    expect_close(answer(rewards.clone(), hair), want, outcomes(MUTANTS, rewards, hair))


def _clear(answer) -> None:
    """Three groups that agree, and five with spread."""
    flat, steep = [[1, 1, 1]] * 3, [[0, 1, 1], [1, 0, 1], [0, 0, 1]]
    rows = [*flat, *steep, *steep[::2]]
    rewards = torch.tensor(rows, dtype=torch.float32)
    _compare(answer, rewards, 0.1)


def _noisy(answer) -> None:
    """Rewards of a judge that is sure: all near 0 or 1, none of them equal."""
    base = (torch.rand(12, 1) < 0.5).float()
    rewards = (base - 0.02 * torch.rand(12, 6)).abs()
    rewards[:5, torch.randint(6, ())] = 0.5
    _compare(answer, rewards, 0.1)


def _one_of_eight(answer) -> None:
    rewards = torch.full((4, 8), 0.9)
    rewards[0, 3], rewards[1, 0], rewards[2, 7] = 0.7, 0.75, 0.85
    _compare(answer, rewards, 0.1)
    staircase = torch.linspace(0, 0.5, 8).repeat(3, 1)
    staircase[1] = staircase[1, [0, 2, 4, 6, 7, 5, 3, 1]]
    staircase[2, 0] = 0.0
    staircase[2, 1:] = 0.4
    _compare(answer, staircase, 0.15)


EXERCISES = [
    Exercise(
        name="flat_share",
        notebook=NOTEBOOK,
        reference=flat_share,
        parts=[
            Part("groups that agree, beside some that don't", _clear),
            Part("a judge whose numbers differ by a hair", _noisy, 2),
            Part("one sample that differs makes a group worth its cost", _one_of_eight),
        ],
        mutants=MUTANTS,
    ),
]
