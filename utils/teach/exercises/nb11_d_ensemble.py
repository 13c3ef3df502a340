"""Exercise of notebook 11, part 4: an ensemble over principles."""

import torch
from torch import Tensor

from utils.teach.exercise import Exercise, Mutant, Part, expect, expect_close, outcomes
from utils.teach.exercises.nb11_c_labels import cancel_order, letter_label

NOTEBOOK = "11_ai_feedback"


def ensemble_label(logprobs: Tensor) -> Tensor:
    """One soft label for each pair, from several principles in both orders.

    logprobs : (n, k, 2, 2) float: pairs, principles, orders, letters. Order 0 has the
               first answer in place A, order 1 has it in place B. Letters are A, B
    returns  : (n,) float: probability that the first answer is better, the mean of the
               k labels that are free of the order
    """
    a = letter_label(logprobs)  # (n, k, orders)
    return cancel_order(a[..., 0], a[..., 1]).mean(dim=1)


def _ensemble_votes(logprobs: Tensor) -> Tensor:
    a = letter_label(logprobs)
    return (cancel_order(a[..., 0], a[..., 1]) > 0.5).float().mean(dim=1)


def _ensemble_one_order(logprobs: Tensor) -> Tensor:
    return letter_label(logprobs)[..., 0].mean(dim=1)


def _ensemble_not_turned(logprobs: Tensor) -> Tensor:
    return letter_label(logprobs).mean(dim=(1, 2))


def _ensemble_first(logprobs: Tensor) -> Tensor:
    return ensemble_label(logprobs[:, :1])


def _ensemble_log_odds(logprobs: Tensor) -> Tensor:
    odds = logprobs[..., 0] - logprobs[..., 1]
    return ((odds[..., 0] - odds[..., 1]) / 2).mean(dim=1).sigmoid()


def _ensemble_each(logprobs: Tensor) -> Tensor:
    a = letter_label(logprobs)
    return cancel_order(a[..., 0], a[..., 1])


def _ensemble_over_pairs(logprobs: Tensor) -> Tensor:
    return _ensemble_each(logprobs).mean(dim=0)


def _ensemble_axes(logprobs: Tensor) -> Tensor:
    return ensemble_label(logprobs.transpose(2, 3))


def _ensemble_surest(logprobs: Tensor) -> Tensor:
    each = _ensemble_each(logprobs)
    best = (each - 0.5).abs().argmax(dim=1, keepdim=True)
    return each.gather(1, best)[:, 0]


ENSEMBLE_MUTANTS = {
    "votes": Mutant(
        _ensemble_votes,
        "You let the principles vote. Average their soft labels: an unsure principle "
        "should count for less.",
    ),
    "one order": Mutant(
        _ensemble_one_order, "Only the first order is used: call cancel_order."
    ),
    "not turned": Mutant(
        _ensemble_not_turned,
        "You averaged P(A) over both orders. In order 1 the first answer is B.",
    ),
    "first": Mutant(
        _ensemble_first, "Only the first principle counts: average over dimension 1."
    ),
    "log-odds": Mutant(
        _ensemble_log_odds,
        "You averaged log-odds. Average the labels, which are probabilities.",
    ),
    "each": Mutant(
        _ensemble_each, "There is a label for each principle left: average them."
    ),
    "over pairs": Mutant(
        _ensemble_over_pairs,
        "You averaged over the pairs (dimension 0). Average over the principles.",
    ),
    "axes": Mutant(
        _ensemble_axes,
        "You mixed up orders and letters: the letters are the last dimension, the "
        "orders the one before.",
    ),
    "surest": Mutant(
        _ensemble_surest,
        "You took the surest principle alone. A wrong rule can be sure, so take the "
        "mean.",
    ),
}


def _from_probabilities(rows: list) -> Tensor:
    """(n, k, 2) of P(A) in each order, as (n, k, 2, 2) log-probabilities, 1/2 lost."""
    a = torch.tensor(rows)
    return (torch.stack([a, 1 - a], dim=-1) / 2).log()


def _ensemble_by_hand(fn) -> None:
    """Principle 1 says 0.9 and 1 - 0.5, so 0.7. Principle 2 gives 0.2."""
    said = _from_probabilities([[[0.9, 0.5], [0.3, 0.9]]])
    expect_close(fn(said), [0.45], outcomes(ENSEMBLE_MUTANTS, said))


def _ensemble_random(fn) -> None:
    said = 2 * torch.randn(4, 3, 2, 2) - 3
    expect_close(fn(said), ensemble_label(said), outcomes(ENSEMBLE_MUTANTS, said))


def _one_sure_principle(fn) -> None:
    """One sure principle against two that lean slightly the other way."""
    said = _from_probabilities([[[0.99, 0.01], [0.4, 0.6], [0.4, 0.6]]])
    got = torch.as_tensor(fn(said))
    wrong = outcomes(ENSEMBLE_MUTANTS, said)
    expect_close(got, [(0.99 + 0.4 + 0.4) / 3], wrong)


def _answers_turned(fn) -> None:
    """With the two answers exchanged, the label has to be 1 minus what it was."""
    said = torch.randn(4, 3, 2, 2) - 3
    got, turned = torch.as_tensor(fn(said)), torch.as_tensor(fn(said.flip(2)))
    expect(got.shape == (4,), "There should be one label for each pair.")
    wrong = [
        (m, a(said) + a(said.flip(2)))
        for a, m in ENSEMBLE_MUTANTS.values()
        if a(said).shape == (4,)
    ]
    expect_close(got + turned, torch.ones(4), wrong)


EXERCISES = [
    Exercise(
        name="ensemble_label",
        notebook=NOTEBOOK,
        reference=ensemble_label,
        parts=[
            Part("two principles calculated by hand", _ensemble_by_hand),
            Part("any number of pairs and principles", _ensemble_random, 2),
            Part("one sure principle against two unsure ones", _one_sure_principle),
            Part("exchanging the answers gives 1 minus it", _answers_turned),
        ],
        mutants=ENSEMBLE_MUTANTS,
    ),
]
