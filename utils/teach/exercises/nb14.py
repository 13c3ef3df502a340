"""Exercises of notebook 14, part 1: three estimates of how far a policy has moved."""

from math import log

import torch
from torch import Tensor

from utils.align.kl import exact_kl
from utils.teach.exercise import Exercise, Mutant, Part, expect, expect_close, outcomes

# Five words, on which every expectation is a sum of five terms.
POLICY = torch.tensor([0.1, 0.3, 0.25, 0.15, 0.2])
REFERENCE = torch.tensor([0.4, 0.1, 0.2, 0.25, 0.05])


def kl_estimates(policy: Tensor, reference: Tensor) -> Tensor:
    """Estimates of KL(policy || reference), three for each sample.

        l = log policy(y) - log reference(y),   y drawn from the policy
        k1 = l,   k2 = l^2 / 2,   k3 = exp(-l) - 1 + l

    policy, reference : (n,) or any shape, float: log-probabilities of the samples
    returns           : (3, n): k1, k2 and k3
    """
    ratio = policy - reference
    return torch.stack([ratio, ratio.square() / 2, torch.expm1(-ratio) + ratio])


def _turned_round(policy: Tensor, reference: Tensor) -> Tensor:
    return kl_estimates(reference, policy)


def _ratio(policy: Tensor, reference: Tensor) -> Tensor:
    found = kl_estimates(policy, reference)
    return torch.stack([found[0].exp(), found[1], found[2]])


def _no_half(policy: Tensor, reference: Tensor) -> Tensor:
    found = kl_estimates(policy, reference)
    return torch.stack([found[0], 2 * found[1], found[2]])


def _inverse_ratio(policy: Tensor, reference: Tensor) -> Tensor:
    l = policy - reference  # noqa: E741
    return torch.stack([l, l.square() / 2, l.exp() - 1 - l])


def _sign_in_exponent(policy: Tensor, reference: Tensor) -> Tensor:
    l = policy - reference  # noqa: E741
    return torch.stack([l, l.square() / 2, l.exp() - 1 + l])


def _without_one(policy: Tensor, reference: Tensor) -> Tensor:
    l = policy - reference  # noqa: E741
    return torch.stack([l, l.square() / 2, (-l).exp() + l])


def _weighted(policy: Tensor, reference: Tensor) -> Tensor:
    return policy.exp() * kl_estimates(policy, reference)


def _averaged(policy: Tensor, reference: Tensor) -> Tensor:
    return kl_estimates(policy, reference).mean(dim=-1)


def _absolute(policy: Tensor, reference: Tensor) -> Tensor:
    found = kl_estimates(policy, reference)
    return torch.stack([found[0].abs(), found[1], found[2]])


def _of_probabilities(policy: Tensor, reference: Tensor) -> Tensor:
    return kl_estimates(policy.exp(), reference.exp())


MUTANTS = {
    "turned round": Mutant(
        _turned_round,
        "You subtracted the policy from the reference. The samples come from the "
        "policy, so l is log policy MINUS log reference.",
    ),
    "ratio": Mutant(
        _ratio, "k1 is the LOGARITHM of the ratio; you took the exponential of it."
    ),
    "no half": Mutant(_no_half, "k2 lacks its factor 1/2."),
    "other k3": Mutant(
        _inverse_ratio,
        "Your k3 holds policy / reference. Its mean over samples of the policy is not "
        "1, so it estimates something else: the exponent is MINUS l, and l is added.",
    ),
    "exponent": Mutant(_sign_in_exponent, "In k3 the exponent is MINUS l."),
    "without one": Mutant(
        _without_one, "k3 lacks the -1: equal probabilities have to give 0."
    ),
    "weighted": Mutant(
        _weighted,
        "You multiplied by the policy's probability. The samples were drawn from the "
        "policy: that weighting has already happened.",
    ),
    "averaged": Mutant(
        _averaged, "You took the mean: return one estimate for each sample."
    ),
    "absolute": Mutant(
        _absolute,
        "You took k1's absolute value. k1 may be negative for a sample, and has to be: "
        "only so is its mean right.",
    ),
    "probabilities": Mutant(
        _of_probabilities,
        "You took exponentials first. The arguments are logarithms already: subtract "
        "them as they are.",
    ),
}


def _by_hand(answer) -> None:
    """Samples twice as likely as under the reference, and half as likely."""
    pair = torch.tensor([0.4, 0.1]).log(), torch.tensor([0.2, 0.2]).log()
    want = [
        [log(2), -log(2)],
        [log(2) ** 2 / 2, log(2) ** 2 / 2],
        [0.5 - 1 + log(2), 2 - 1 - log(2)],
    ]
    expect_close(answer(*pair), want, outcomes(MUTANTS, *pair))


def _every_word(answer) -> tuple[Tensor, Tensor]:
    """Return what the answer says of the five words, and the exact KL."""
    pair = POLICY.log(), REFERENCE.log()
    got = torch.as_tensor(answer(*pair))
    expect_close(torch.tensor(got.shape), [3, 5])
    return got, exact_kl(*pair)


def _k1(answer) -> None:
    got, exact = _every_word(answer)
    expect_close((POLICY * got[0]).sum(), exact)
    expect(bool((got[0] < 0).any()), "k1 is never negative here, and should be.")


def _k2(answer) -> None:
    got, _ = _every_word(answer)
    expect_close(got[1], (POLICY / REFERENCE).log().square() / 2)


def _k3(answer) -> None:
    got, exact = _every_word(answer)
    expect_close((POLICY * got[2]).sum(), exact)
    expect(bool((got[2] >= 0).all()), "k3 is negative for some sample.")
    expect_close(got[2], kl_estimates(POLICY.log(), REFERENCE.log())[2])


EXERCISES = [
    Exercise(
        name="kl_estimates",
        notebook="14_rl_from_ai_feedback",
        reference=kl_estimates,
        parts=[
            Part("two samples calculated by hand", _by_hand),
            Part("k1: its mean over all words is the exact KL", _k1),
            Part("k2: half the square, whatever the sample", _k2),
            Part("k3: exact in the mean, and never negative", _k3, 2),
        ],
        mutants=MUTANTS,
    ),
]
