"""Exercises of notebook 13, part 1: the optimal policy and the implicit reward."""

from itertools import pairwise
from math import log

import torch
from torch import Tensor

from utils.align.kl import exact_kl
from utils.teach.exercise import (
    Exercise,
    Mistake,
    Mutant,
    Part,
    expect,
    expect_close,
    outcomes,
)

# A vocabulary of five texts, on which everything is known exactly.
REFERENCE = torch.tensor([0.1, 0.3, 0.25, 0.15, 0.2])
REWARDS = torch.tensor([0.0, 1.0, -1.0, 0.5, 2.0])

# optimal_policy ---------------------------------------------------------------------


def optimal_policy(reference: Tensor, rewards: Tensor, beta: float) -> Tensor:
    """The policy that maximizes E[r] - beta KL(policy || reference): eq. 4.

    pi(y) = reference(y) exp(r(y) / beta) / Z

    reference : (n,) float, the probability of each text; they add up to 1
    rewards   : (n,) float
    beta      : a higher beta holds the policy closer to the reference
    returns   : (n,) float, probabilities
    """
    return (reference.log() + rewards / beta).softmax(dim=-1)


def _times_beta(reference: Tensor, rewards: Tensor, beta: float) -> Tensor:
    return optimal_policy(reference, rewards, 1 / beta)


def _no_z(reference: Tensor, rewards: Tensor, beta: float) -> Tensor:
    return reference * (rewards / beta).exp()


def _no_reference(reference: Tensor, rewards: Tensor, beta: float) -> Tensor:
    return (rewards / beta).softmax(dim=-1)


def _no_beta(reference: Tensor, rewards: Tensor, beta: float) -> Tensor:
    return optimal_policy(reference, rewards, 1.0)


def _probabilities_as_logits(reference: Tensor, rewards: Tensor, beta: float) -> Tensor:
    return (reference + rewards / beta).softmax(dim=-1)


def _softmax_first(reference: Tensor, rewards: Tensor, beta: float) -> Tensor:
    return reference * (rewards / beta).softmax(dim=-1)


def _log_policy(reference: Tensor, rewards: Tensor, beta: float) -> Tensor:
    return optimal_policy(reference, rewards, beta).log()


def _overflow(reference: Tensor, rewards: Tensor, beta: float) -> Tensor:
    weights = reference * (rewards / beta).exp()
    return weights / weights.sum()


OVERFLOWS = (
    "exp(r / beta) grows beyond what a float holds when beta is small. Add r / beta to "
    "the LOGARITHM of the reference and let softmax take the exponential."
)
OPTIMAL_MUTANTS = {
    "times beta": Mutant(
        _times_beta,
        "You multiplied the reward by beta; eq. 4 divides by it. So a higher beta "
        "would move the policy further instead of holding it back.",
    ),
    "no Z": Mutant(
        _no_z,
        "These weights are not divided by their sum Z, so they are no probabilities.",
    ),
    "no reference": Mutant(
        _no_reference,
        "The reference is missing: this is the optimum for a uniform reference.",
    ),
    "no beta": Mutant(_no_beta, "beta is not used: divide the rewards by it."),
    "probabilities as logits": Mutant(
        _probabilities_as_logits,
        "Inside a softmax the reference has to appear as its logarithm.",
    ),
    "softmax first": Mutant(
        _softmax_first,
        "You took the softmax of the rewards alone and then multiplied. Z is the sum "
        "AFTER multiplying by the reference.",
    ),
    "log": Mutant(_log_policy, "These are log-probabilities: return probabilities."),
    "overflow": Mutant(_overflow, OVERFLOWS),
}


def _optimum_by_hand(answer) -> None:
    """Weights 1/2, 1/4 * 2, 1/4 * 4 in the ratio 1 : 1 : 2."""
    reference = torch.tensor([0.5, 0.25, 0.25])
    rewards = torch.tensor([0.0, 2 * log(2), 2 * log(4)])
    wrong = outcomes(OPTIMAL_MUTANTS, reference, rewards, 2.0)
    expect_close(answer(reference, rewards, 2.0), [0.25, 0.25, 0.5], wrong)


def _optimum_random(answer) -> None:
    for beta in (0.5, 3.0):
        rewards = torch.randn(5)
        want = optimal_policy(REFERENCE, rewards, beta)
        wrong = outcomes(OPTIMAL_MUTANTS, REFERENCE, rewards, beta)
        expect_close(answer(REFERENCE, rewards, beta), want, wrong)


def _objective(policy: Tensor, beta: float) -> Tensor:
    kl = (policy * (policy.clamp_min(1e-30) / REFERENCE).log()).sum(dim=-1)
    return policy @ REWARDS - beta * kl


def _optimum_is_best(answer) -> None:
    """Against 5,000 policies drawn evenly from all policies over five texts."""
    beta = 0.7
    found = torch.as_tensor(answer(REFERENCE, REWARDS, beta))
    expect_close(found.sum(), 1.0)
    others = torch.distributions.Dirichlet(torch.ones(5)).sample((5000,))
    best = _objective(others, beta).max().item()
    expect(
        _objective(found, beta).item() >= best,
        "Another policy reaches a higher E[r] - beta KL than yours.",
    )


def _beta_holds_back(answer) -> None:
    reference = REFERENCE.log()
    moved = []
    for beta in (0.3, 1.0, 3.0, 1e4):
        policy = torch.as_tensor(answer(REFERENCE, REWARDS, beta))
        moved.append(exact_kl(policy.log(), reference).item())
    falls = all(near > far for near, far in pairwise(moved))
    expect(falls, "KL(policy || reference) does not fall as beta rises.")
    expect(moved[-1] < 1e-4, "With a huge beta the policy is not the reference.")


def _small_beta(answer) -> None:
    got = torch.as_tensor(answer(REFERENCE, REWARDS, 1e-3))
    if not torch.isfinite(got).all():
        raise Mistake(OVERFLOWS)
    expect_close(
        got, [0, 0, 0, 0, 1], outcomes(OPTIMAL_MUTANTS, REFERENCE, REWARDS, 1e-3)
    )


# implicit_reward --------------------------------------------------------------------


def implicit_reward(policy: Tensor, reference: Tensor, beta: float) -> Tensor:
    """The reward for which `policy` would be the optimum, up to a constant: eq. 5.

    r(x, y) - beta log Z(x) = beta (log policy(y|x) - log reference(y|x))

    policy    : float, any shape: log-probabilities of texts under the policy
    reference : the same shape: their log-probabilities under the reference
    beta      : a higher beta reads the same change as a higher reward
    returns   : the same shape
    """
    return beta * (policy - reference)


def _ratio(policy: Tensor, reference: Tensor, beta: float) -> Tensor:
    return beta * (policy - reference).exp()


def _difference(policy: Tensor, reference: Tensor, beta: float) -> Tensor:
    return beta * (policy.exp() - reference.exp())


def _over_beta(policy: Tensor, reference: Tensor, beta: float) -> Tensor:
    return (policy - reference) / beta


def _reward_without_beta(policy: Tensor, reference: Tensor, beta: float) -> Tensor:
    return policy - reference


def _turned_round(policy: Tensor, reference: Tensor, beta: float) -> Tensor:
    return beta * (reference - policy)


def _policy_alone(policy: Tensor, reference: Tensor, beta: float) -> Tensor:
    return beta * policy


def _never_negative(policy: Tensor, reference: Tensor, beta: float) -> Tensor:
    return beta * (policy - reference).abs()


REWARD_MUTANTS = {
    "ratio": Mutant(
        _ratio, "This is the ratio of the probabilities; take its logarithm."
    ),
    "difference of probabilities": Mutant(
        _difference,
        "You subtracted probabilities. The arguments are logarithms already: "
        "subtract them as they are.",
    ),
    "divided by beta": Mutant(
        _over_beta, "You divided by beta: solved for r, beta stands in front."
    ),
    "no beta": Mutant(_reward_without_beta, "The factor beta is missing."),
    "turned round": Mutant(
        _turned_round,
        "The sign is turned round: a text that became MORE likely than under the "
        "reference has a positive reward.",
    ),
    "no reference": Mutant(
        _policy_alone,
        "The reference is missing. A text that was likely from the start is not "
        "rewarded for it.",
    ),
    "absolute value": Mutant(
        _never_negative,
        "A text that became less likely has a negative reward: no absolute value.",
    ),
}


def _reward_by_hand(answer) -> None:
    """Four times as likely as under the reference, with beta 1/2: log 2."""
    pair = torch.tensor([0.4]).log(), torch.tensor([0.1]).log()
    wrong = outcomes(REWARD_MUTANTS, *pair, 0.5)
    expect_close(answer(*pair, 0.5), [log(2)], wrong)


def _reward_random(answer) -> None:
    policy, reference = -5 * torch.rand(2, 6)
    want = implicit_reward(policy, reference, 0.3)
    wrong = outcomes(REWARD_MUTANTS, policy, reference, 0.3)
    expect_close(answer(policy, reference, 0.3), want, wrong)


def _reward_recovered(answer) -> None:
    for beta in (0.4, 2.0):
        optimum = optimal_policy(REFERENCE, REWARDS, beta)
        found = torch.as_tensor(answer(optimum.log(), REFERENCE.log(), beta))
        expect(found.shape == (5,), "There should be one reward for each text.")
        constant = REWARDS - found
        expect(
            (constant - constant[0]).abs().max().item() < 1e-3,
            "For the exact optimum, true reward minus implicit reward should be the "
            "same for all texts.",
        )


EXERCISES = [
    Exercise(
        name="optimal_policy",
        notebook="13_dpo",
        reference=optimal_policy,
        parts=[
            Part("three texts calculated by hand", _optimum_by_hand),
            Part("the closed form for any rewards and beta", _optimum_random, 2),
            Part("no other policy reaches a higher objective", _optimum_is_best),
            Part("a higher beta stays closer to the reference", _beta_holds_back),
            Part("a very small beta overflows nothing", _small_beta),
        ],
        mutants=OPTIMAL_MUTANTS,
    ),
    Exercise(
        name="implicit_reward",
        notebook="13_dpo",
        reference=implicit_reward,
        parts=[
            Part("a text four times as likely as before", _reward_by_hand),
            Part("one reward for each text", _reward_random),
            Part("the optimum gives the true rewards back", _reward_recovered, 2),
        ],
        mutants=REWARD_MUTANTS,
    ),
]
