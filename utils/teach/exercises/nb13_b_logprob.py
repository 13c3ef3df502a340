"""Exercises of notebook 13, part 2: the log-probability of a completion."""

from math import log

import torch
from torch import Tensor

from utils.teach.exercise import (
    Exercise,
    Mistake,
    Mutant,
    Part,
    expect,
    expect_close,
    outcomes,
)


def completion_logprob(logprobs: Tensor, mask: Tensor) -> Tensor:
    """log p(completion | prompt) of each row.

    log p(y | x) = sum over completion tokens t of log p(y_t | x, y_<t)

    logprobs : (n, T) float: of each token, given all tokens before it
    mask     : (n, T) bool: True at completion tokens; False at prompt and padding
    returns  : (n,) float, with gradient; more tokens make it lower
    """
    return (logprobs * mask).sum(dim=1)


def _mean_of_completion(logprobs: Tensor, mask: Tensor) -> Tensor:
    return (logprobs * mask).sum(dim=1) / mask.sum(dim=1)


def _mean_of_row(logprobs: Tensor, mask: Tensor) -> Tensor:
    return (logprobs * mask).mean(dim=1)


def _no_mask(logprobs: Tensor, mask: Tensor) -> Tensor:
    return logprobs.sum(dim=1)


def _inverted_mask(logprobs: Tensor, mask: Tensor) -> Tensor:
    return (logprobs * ~mask).sum(dim=1)


def _whole_batch(logprobs: Tensor, mask: Tensor) -> Tensor:
    return (logprobs * mask).sum()


def _probability(logprobs: Tensor, mask: Tensor) -> Tensor:
    return completion_logprob(logprobs, mask).exp()


def _negated(logprobs: Tensor, mask: Tensor) -> Tensor:
    return -completion_logprob(logprobs, mask)


def _no_end_token(logprobs: Tensor, mask: Tensor) -> Tensor:
    return completion_logprob(logprobs, mask & mask.roll(-1, dims=1))


def _detached(logprobs: Tensor, mask: Tensor) -> Tensor:
    return completion_logprob(logprobs, mask).detach()


DETACHED = (
    "No gradient flows back to the model: leave out detach, item, tolist or numpy."
)
LOGPROB_MUTANTS = {
    "mean": Mutant(
        _mean_of_completion,
        "You averaged over the completion. Only the SUM is the log-probability of a "
        "text.",
    ),
    "mean of the row": Mutant(
        _mean_of_row,
        "You averaged over the whole row, so the value depends on the padding. Sum.",
    ),
    "no mask": Mutant(
        _no_mask,
        "Prompt and padding are counted as well: keep only what the mask marks.",
    ),
    "mask inverted": Mutant(
        _inverted_mask,
        "You summed where the mask is False. True marks the completion.",
    ),
    "whole batch": Mutant(
        _whole_batch, "You summed over the batch too: return one number for each row."
    ),
    "probability": Mutant(
        _probability, "This is the probability: leave it as a logarithm."
    ),
    "negated": Mutant(
        _negated, "The sign is turned round: a log-probability is never above 0."
    ),
    "no end token": Mutant(
        _no_end_token,
        "The last completion token is missing. It is <|end|>, and stopping there is "
        "part of the text's probability.",
    ),
    "detached": Mutant(_detached, DETACHED),
}


def _logprob_by_hand(answer) -> None:
    """Two prompt tokens, three of a completion (1/2 * 1/4 * 1/2), one of padding."""
    probs = torch.tensor([[0.3, 0.9, 0.5, 0.25, 0.5, 0.7]])
    mask = torch.tensor([[False, False, True, True, True, False]])
    wrong = outcomes(LOGPROB_MUTANTS, probs.log(), mask)
    expect_close(answer(probs.log(), mask), [-log(16)], wrong)


def _logprob_random(answer) -> None:
    logprobs = -3 * torch.rand(4, 9)
    place = torch.arange(9)
    starts, ends = torch.tensor([[2, 4, 1, 3], [9, 7, 3, 8]])[..., None]
    mask = (place >= starts) & (place < ends)
    want = completion_logprob(logprobs, mask)
    wrong = outcomes(LOGPROB_MUTANTS, logprobs, mask)
    expect_close(answer(logprobs, mask), want, wrong)


def _all_texts(answer) -> None:
    """The texts "end", "a end", "b end" and all of two letters (then it must stop)."""
    a, b, end, stop = 0.5, 0.2, 0.3, 1.0
    texts = [[end], [a, end], [b, end]]
    texts += [[first, second, stop] for first in (a, b) for second in (a, b)]
    probs = torch.tensor([[0.4, *text] + [0.6] * (3 - len(text)) for text in texts])
    lengths = torch.tensor([len(text) for text in texts])
    place = torch.arange(4)
    mask = (place >= 1) & (place <= lengths[:, None])
    total = torch.as_tensor(answer(probs.log(), mask)).exp().sum().item()
    expect(
        abs(total - 1) < 1e-3,
        f"The probabilities of all seven possible texts add up to {total:.3g}, not 1.",
    )


def _logprob_gradient(answer) -> None:
    logprobs = (-torch.rand(2, 4)).requires_grad_()
    mask = torch.tensor([[False, True, True, False], [False, False, True, True]])
    got = answer(logprobs, mask)
    if not isinstance(got, Tensor) or not got.requires_grad:
        raise Mistake(DETACHED)
    got.sum().backward()
    expect_close(logprobs.grad, mask)


EXERCISES = [
    Exercise(
        name="completion_logprob",
        notebook="13_dpo",
        reference=completion_logprob,
        parts=[
            Part("one completion calculated by hand", _logprob_by_hand),
            Part("rows with prompts and completions of any length", _logprob_random, 2),
            Part("all possible texts together have probability 1", _all_texts),
            Part("the gradient flows to completion tokens only", _logprob_gradient),
        ],
        mutants=LOGPROB_MUTANTS,
    ),
]
