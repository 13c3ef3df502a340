"""Exercises of notebook 00: the log-probability of a sequence."""

import torch
from torch import Tensor

from utils.teach.exercise import (
    Exercise,
    Mutant,
    Part,
    expect,
    expect_close,
    outcomes,
)


def sequence_logprob(logits: Tensor, tokens: Tensor, prompt_length: int = 1) -> Tensor:
    """The log-probability that a model gives to each completion.

    log p(y | x) = sum over t >= prompt_length of log p(token_t | tokens before t)

    logits        : (batch, seq, vocab) float; position t predicts token t + 1
    tokens        : (batch, seq) long
    prompt_length : so many tokens at the start are given and not counted; a longer
                    prompt leaves fewer terms and so a higher log-probability. At
                    least 1, as nothing predicts the first token
    returns       : (batch,) float, never above 0
    """
    logprobs = logits[:, :-1].log_softmax(dim=-1)  # (batch, seq - 1, vocab)
    chosen = logprobs.gather(-1, tokens[:, 1:, None]).squeeze(-1)  # (batch, seq - 1)
    return chosen[:, prompt_length - 1 :].sum(dim=1)


def _chosen(scores: Tensor, tokens: Tensor) -> Tensor:
    return scores.gather(-1, tokens[..., None]).squeeze(-1)


def _no_shift(logits: Tensor, tokens: Tensor, prompt_length: int = 1) -> Tensor:
    return _chosen(logits.log_softmax(-1), tokens)[:, prompt_length:].sum(1)


def _mean(logits: Tensor, tokens: Tensor, prompt_length: int = 1) -> Tensor:
    counted = tokens.shape[1] - prompt_length
    return sequence_logprob(logits, tokens, prompt_length) / counted


def _prompt_counted(logits: Tensor, tokens: Tensor, prompt_length: int = 1) -> Tensor:
    return sequence_logprob(logits, tokens, 1)


def _one_too_few(logits: Tensor, tokens: Tensor, prompt_length: int = 1) -> Tensor:
    return sequence_logprob(logits, tokens, prompt_length + 1)


def _no_log(logits: Tensor, tokens: Tensor, prompt_length: int = 1) -> Tensor:
    probs = logits[:, :-1].softmax(-1)
    return _chosen(probs, tokens[:, 1:])[:, prompt_length - 1 :].sum(1)


def _raw_logits(logits: Tensor, tokens: Tensor, prompt_length: int = 1) -> Tensor:
    return _chosen(logits[:, :-1], tokens[:, 1:])[:, prompt_length - 1 :].sum(1)


def _wrong_dim(logits: Tensor, tokens: Tensor, prompt_length: int = 1) -> Tensor:
    scores = logits[:, :-1].log_softmax(1)
    return _chosen(scores, tokens[:, 1:])[:, prompt_length - 1 :].sum(1)


def _loss(logits: Tensor, tokens: Tensor, prompt_length: int = 1) -> Tensor:
    return -sequence_logprob(logits, tokens, prompt_length)


def _batch_summed(logits: Tensor, tokens: Tensor, prompt_length: int = 1) -> Tensor:
    return sequence_logprob(logits, tokens, prompt_length).sum()


MUTANTS = {
    "no shift": Mutant(
        _no_shift,
        "Shift by one: the logits at position t predict the token at t + 1.",
    ),
    "mean": Mutant(
        _mean,
        "You averaged over the tokens. A sequence's probability is a product, so its "
        "logarithm is a sum.",
    ),
    "prompt counted": Mutant(
        _prompt_counted,
        "The prompt's tokens are counted too: leave out the first prompt_length.",
    ),
    "one too few": Mutant(
        _one_too_few,
        "One token too few is counted: the first completion token is predicted at "
        "position prompt_length - 1.",
    ),
    "no log": Mutant(
        _no_log,
        "You added probabilities. Take their logarithms first (log_softmax).",
    ),
    "raw logits": Mutant(
        _raw_logits,
        "Logits are not normalised: turn them into log-probabilities with log_softmax.",
    ),
    "wrong dim": Mutant(
        _wrong_dim,
        "Your softmax runs over the positions. It belongs on the last dimension, the "
        "vocabulary.",
    ),
    "sign": Mutant(
        _loss,
        "The sign is turned round: this is a loss. A log-probability is never above 0.",
    ),
    "batch summed": Mutant(
        _batch_summed,
        "You summed over the batch as well: return one number for each sequence.",
    ),
}


def _example() -> tuple[Tensor, Tensor]:
    tokens = torch.tensor([[0, 3, 1, 4, 2], [2, 2, 0, 1, 3]])
    return 2 * torch.randn(2, 5, 5), tokens


def _by_hand(answer) -> None:
    """A vocabulary of two: token 1 has probability 1/2, then token 0 has 3/4."""
    probs = torch.tensor([[[0.5, 0.5], [0.75, 0.25], [0.1, 0.9]]])
    logits = probs.log() + 1  # a constant added to all logits changes no probability
    tokens = torch.tensor([[0, 1, 0]])
    want = torch.tensor([1 / 2 * 3 / 4]).log()
    expect_close(answer(logits, tokens), want, outcomes(MUTANTS, logits, tokens))


def _random(answer) -> None:
    logits, tokens = _example()
    want = sequence_logprob(logits, tokens)
    expect_close(answer(logits, tokens), want, outcomes(MUTANTS, logits, tokens))


def _completion(answer) -> None:
    logits, tokens = _example()
    want = sequence_logprob(logits, tokens, 3)
    wrong = outcomes(MUTANTS, logits, tokens, 3)
    expect_close(answer(logits, tokens, 3), want, wrong)


def _distribution(answer) -> None:
    """All 25 continuations of one token, from any logits that depend on position."""
    first, second = torch.randn(2, 5)
    pairs = torch.cartesian_prod(torch.arange(5), torch.arange(5))  # (25, 2)
    tokens = torch.cat([torch.zeros(25, 1, dtype=torch.long), pairs], dim=1)
    logits = torch.stack([first, second, torch.zeros(5)]).expand(25, 3, 5)
    got = torch.as_tensor(answer(logits, tokens))
    expect(got.shape == (25,), "There should be one number for each of 25 sequences.")
    total = got.exp().sum().item()
    expect(
        abs(total - 1) < 1e-3,
        f"The probabilities of all 25 continuations add up to {total:.3g}, not 1.",
    )


EXERCISES = [
    Exercise(
        name="sequence_logprob",
        notebook="00_lab",
        reference=sequence_logprob,
        parts=[
            Part("one sum of log-probabilities for each sequence", _random),
            Part("a sequence calculated by hand", _by_hand),
            Part("only completion tokens count, given prompt_length", _completion),
            Part(
                "all possible continuations together have probability 1", _distribution
            ),
        ],
        mutants=MUTANTS,
    )
]
