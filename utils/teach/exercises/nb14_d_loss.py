"""Exercises of notebook 14, part 4: the clipped loss of GRPO, with its KL penalty."""

import torch
from torch import Tensor

from utils.align import grpo
from utils.align.kl import k1, k3
from utils.teach.exercise import (
    Exercise,
    Mistake,
    Mutant,
    Part,
    expect,
    expect_close,
    outcomes,
)


def grpo_loss(
    logprobs: Tensor,
    old: Tensor,
    reference: Tensor,
    advantages: Tensor,
    mask: Tensor,
    clip: float,
    beta: float,
) -> Tensor:
    """The loss of GRPO (eq. 3 with a minus sign), KL by k3 (eq. 4).

        ratio = exp(logprobs - old)
        gain = min(ratio A, clamp(ratio, 1 - clip, 1 + clip) A)
        loss = mean over completions of the mean over tokens of beta k3 - gain

    logprobs, old, reference : (n, T) float, log-probabilities of the tokens
    advantages               : (n,) float, one for each completion
    mask                     : (n, T) bool, True at tokens of the completion
    returns                  : () float
    """
    ratio = (logprobs - old).exp()
    advantage = advantages[:, None]  # the same for every token
    gain = torch.minimum(ratio * advantage, ratio.clamp(1 - clip, 1 + clip) * advantage)
    each = (beta * k3(logprobs, reference) - gain) * mask
    return (each.sum(dim=1) / mask.sum(dim=1)).mean()


def _terms(logprobs, old, advantages, clip) -> tuple[Tensor, Tensor]:
    ratio, advantage = (logprobs - old).exp(), advantages[:, None]
    return ratio * advantage, ratio.clamp(1 - clip, 1 + clip) * advantage


def _average(each: Tensor, mask: Tensor) -> Tensor:
    return ((each * mask).sum(dim=1) / mask.sum(dim=1)).mean()


def _no_minus(logprobs, old, reference, advantages, mask, clip, beta):
    gain = torch.minimum(*_terms(logprobs, old, advantages, clip))
    return _average(gain + beta * k3(logprobs, reference), mask)


def _kl_rewarded(logprobs, old, reference, advantages, mask, clip, beta):
    return grpo_loss(logprobs, old, reference, advantages, mask, clip, -beta)


def _no_kl(logprobs, old, reference, advantages, mask, clip, beta):
    return grpo_loss(logprobs, old, reference, advantages, mask, clip, 0.0)


def _kl_to_old(logprobs, old, reference, advantages, mask, clip, beta):
    return grpo_loss(logprobs, old, old, advantages, mask, clip, beta)


def _kl_round(logprobs, old, reference, advantages, mask, clip, beta):
    gain = torch.minimum(*_terms(logprobs, old, advantages, clip))
    return _average(beta * k3(reference, logprobs) - gain, mask)


def _kl_by_k1(logprobs, old, reference, advantages, mask, clip, beta):
    gain = torch.minimum(*_terms(logprobs, old, advantages, clip))
    return _average(beta * k1(logprobs, reference) - gain, mask)


def _maximum(logprobs, old, reference, advantages, mask, clip, beta):
    gain = torch.maximum(*_terms(logprobs, old, advantages, clip))
    return _average(beta * k3(logprobs, reference) - gain, mask)


def _clipped_only(logprobs, old, reference, advantages, mask, clip, beta):
    gain = _terms(logprobs, old, advantages, clip)[1]
    return _average(beta * k3(logprobs, reference) - gain, mask)


def _not_clipped(logprobs, old, reference, advantages, mask, clip, beta):
    return grpo_loss(logprobs, old, reference, advantages, mask, 1e6, beta)


def _ratio_to_reference(logprobs, old, reference, advantages, mask, clip, beta):
    gain = torch.minimum(*_terms(logprobs, reference, advantages, clip))
    return _average(beta * k3(logprobs, reference) - gain, mask)


def _mask_ignored(logprobs, old, reference, advantages, mask, clip, beta):
    every = torch.ones_like(mask)
    return grpo_loss(logprobs, old, reference, advantages, every, clip, beta)


def _summed(logprobs, old, reference, advantages, mask, clip, beta):
    gain = torch.minimum(*_terms(logprobs, old, advantages, clip))
    return ((beta * k3(logprobs, reference) - gain) * mask).sum(dim=1).mean()


def _all_tokens(logprobs, old, reference, advantages, mask, clip, beta):
    gain = torch.minimum(*_terms(logprobs, old, advantages, clip))
    each = (beta * k3(logprobs, reference) - gain) * mask
    return each.sum() / mask.sum()


MUTANTS = {
    "no minus": Mutant(
        _no_minus, "The gain lacks its minus sign: a loss is made SMALL by training."
    ),
    "KL rewarded": Mutant(
        _kl_rewarded,
        "The KL term is subtracted, so moving away would be rewarded: add it to the "
        "loss.",
    ),
    "no KL": Mutant(_no_kl, "beta times the KL is missing: nothing holds the policy."),
    "KL to the old policy": Mutant(
        _kl_to_old,
        "Your KL is to the OLD policy, which moves along. It has to be to the "
        "reference.",
    ),
    "KL turned round": Mutant(
        _kl_round,
        "k3 has its arguments turned round: the samples come from the policy, so the "
        "policy comes first.",
    ),
    "k1 for k3": Mutant(
        _kl_by_k1,
        "You took k1. Its gradient is 0 in the mean, so it holds nothing: take k3.",
    ),
    "maximum": Mutant(
        _maximum,
        "You took the larger of the two gains. The smaller one is the careful one.",
    ),
    "clipped only": Mutant(
        _clipped_only,
        "You took the clipped gain everywhere. A token that went the WRONG way far has "
        "to be pulled back: take the smaller of both gains.",
    ),
    "not clipped": Mutant(_not_clipped, "The ratio is not clipped."),
    "ratio to the reference": Mutant(
        _ratio_to_reference,
        "The ratio is to the reference; it has to be to the old policy, which wrote "
        "the samples.",
    ),
    "mask ignored": Mutant(
        _mask_ignored, "Padding counts as well: multiply by the mask before you sum."
    ),
    "summed": Mutant(
        _summed, "You summed over the tokens: divide by each completion's own number."
    ),
    "all tokens": Mutant(
        _all_tokens,
        "You averaged over all tokens at once, so long completions weigh more. Eq. 3 "
        "takes the mean of each completion first.",
    ),
}


def _case(n: int = 5, length: int = 7) -> tuple:
    old = -3 * torch.rand(n, length)
    new, reference = old + 0.5 * torch.randn(2, n, length)
    lengths = torch.arange(n) % length + 2  # rows of 2, 3, 4, ... tokens
    mask = torch.arange(length) < lengths[:, None]
    return new, old, reference, torch.randn(n), mask, 0.2, 0.7


def _four_tokens(answer) -> None:
    """Four completions of one token: their gains are 2.2, 2.4, -1.6 and -4.5."""
    ratios, advantages = [1.1, 1.5, 0.5, 1.5], torch.tensor([2.0, 2.0, -2.0, -3.0])
    old = torch.full((4, 1), 0.2).log()
    new = old + torch.tensor(ratios)[:, None].log()
    mask = torch.ones(4, 1, dtype=torch.bool)
    case = (new, old, new, advantages, mask, 0.2, 0.5)
    expect_close(answer(*case), 1.5 / 4, outcomes(MUTANTS, *case))


def _held(answer) -> None:
    """No advantage: what is left is beta k3, of a token twice as likely as before."""
    new = torch.tensor([[0.4]]).log()
    reference, mask = torch.tensor([[0.2]]).log(), torch.tensor([[True]])
    case = (new, new, reference, torch.zeros(1), mask, 0.2, 0.5)
    want = 0.5 * k3(new, reference).item()
    expect_close(answer(*case), want, outcomes(MUTANTS, *case))


def _random(answer) -> None:
    case = _case()
    want, _ = grpo.grpo_loss(*case)
    expect_close(answer(*case), want, outcomes(MUTANTS, *case))


def _starts_as_reinforce(answer) -> None:
    """Where policy, old policy and reference agree, the gradient is REINFORCE's."""
    _, old, _, advantages, mask, clip, beta = _case()
    new = old.clone().requires_grad_()
    loss = answer(new, old, old, advantages, mask, clip, beta)
    if not isinstance(loss, Tensor) or not loss.requires_grad:
        raise Mistake("No gradient flows from the loss back to the log-probabilities.")
    (slope,) = torch.autograd.grad(loss, new)
    want = -advantages[:, None] * mask / mask.sum(dim=1, keepdim=True) / len(old)
    expect_close(slope, want)


def _stops(answer) -> None:
    """A good token far above the limit pulls no more."""
    old = torch.full((1, 2), -2.0)
    new = torch.tensor([[-1.0, -2.0]], requires_grad=True)
    mask = torch.ones(1, 2, dtype=torch.bool)
    loss = answer(new, old, old, torch.ones(1), mask, 0.2, 0.0)
    if not isinstance(loss, Tensor) or not loss.requires_grad:
        raise Mistake("No gradient flows from the loss back to the log-probabilities.")
    (slope,) = torch.autograd.grad(loss, new)
    expect(slope[0, 0].item() == 0, "A token beyond the clip still pulls.")
    expect_close(slope[0, 1], -0.5)


EXERCISES = [
    Exercise(
        name="grpo_loss",
        notebook="14_rl_from_ai_feedback",
        reference=grpo_loss,
        parts=[
            Part("four tokens calculated by hand, good and bad ones", _four_tokens, 2),
            Part("without advantages, beta times k3 is left", _held),
            Part("any completions, as utils.align.grpo has it", _random, 2),
            Part("at the start its gradient is REINFORCE's", _starts_as_reinforce),
            Part("a token beyond the clip pulls no more", _stops),
        ],
        mutants=MUTANTS,
    ),
]
