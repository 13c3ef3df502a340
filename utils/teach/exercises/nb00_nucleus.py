"""An exercise of notebook 00: the probabilities from which a token is drawn."""

from itertools import combinations

import torch
from torch import Tensor

from utils.teach.exercise import Exercise, Mutant, Part, expect, expect_close, outcomes


def nucleus(logits: Tensor, temperature: float = 1.0, top_p: float = 1.0) -> Tensor:
    """The probabilities from which the next token is drawn.

    p = softmax(logits / temperature), cut down to the smallest set of likeliest tokens
    whose sum reaches top_p (Holtzman et al. 2019, eq. 2), divided by that sum (eq. 3)

    logits      : (vocab,) float
    temperature : above 0; lower is less varied, near 0 the likeliest token is certain
    top_p       : in (0, 1]; lower cuts more of the tail off
    returns     : (vocab,) float, in the order of the vocabulary; they add up to 1
    """
    probs = (logits / temperature).softmax(dim=-1)
    ordered, index = probs.sort(descending=True)
    before = ordered.cumsum(dim=0) - ordered  # the sum of all likelier tokens
    kept = ordered.masked_fill(before >= top_p, 0.0)
    return torch.zeros_like(probs).scatter(0, index, kept / kept.sum())


def _cut(probs: Tensor, keep: Tensor) -> Tensor:
    kept = probs * keep
    return kept / kept.sum()


def _times(logits: Tensor, temperature: float = 1.0, top_p: float = 1.0) -> Tensor:
    return nucleus(logits, 1 / temperature, top_p)


def _cold(logits: Tensor, temperature: float = 1.0, top_p: float = 1.0) -> Tensor:
    return nucleus(logits, 1.0, top_p)


def _cut_first(logits: Tensor, temperature: float = 1.0, top_p: float = 1.0) -> Tensor:
    return _cut(nucleus(logits, temperature), nucleus(logits, 1.0, top_p) > 0)


def _too_few(logits: Tensor, temperature: float = 1.0, top_p: float = 1.0) -> Tensor:
    ordered, index = nucleus(logits, temperature).sort(descending=True)
    keep = ordered.cumsum(0) <= top_p + 1e-6
    return torch.zeros_like(ordered).scatter(0, index, _cut(ordered, keep))


def _too_many(logits: Tensor, temperature: float = 1.0, top_p: float = 1.0) -> Tensor:
    ordered, index = nucleus(logits, temperature).sort(descending=True)
    keep = (ordered.cumsum(0) - ordered).roll(1) < top_p
    keep[0] = True
    return torch.zeros_like(ordered).scatter(0, index, _cut(ordered, keep))


def _not_divided(
    logits: Tensor, temperature: float = 1.0, top_p: float = 1.0
) -> Tensor:
    return nucleus(logits, temperature) * (nucleus(logits, temperature, top_p) > 0)


def _unsorted(logits: Tensor, temperature: float = 1.0, top_p: float = 1.0) -> Tensor:
    probs = nucleus(logits, temperature)
    return _cut(probs, probs.cumsum(0) - probs < top_p)


def _sorted(logits: Tensor, temperature: float = 1.0, top_p: float = 1.0) -> Tensor:
    return nucleus(logits, temperature, top_p).sort(descending=True).values


def _bar(logits: Tensor, temperature: float = 1.0, top_p: float = 1.0) -> Tensor:
    probs = nucleus(logits, temperature)
    return _cut(probs, probs >= 1 - top_p)


def _in_place(logits: Tensor, temperature: float = 1.0, top_p: float = 1.0) -> Tensor:
    logits /= temperature
    return nucleus(logits, 1.0, top_p)


IN_PLACE = (
    "The logits that were passed in have changed: write `logits / temperature`, "
    "which makes a new tensor, and not `logits /= temperature`."
)
NUCLEUS_MUTANTS = {
    "cut first": Mutant(
        _cut_first,
        "You chose the set before the temperature was applied. Temperature first, "
        "then top_p.",
    ),
    "times": Mutant(
        _times,
        "You multiplied by the temperature; divide by it, so that a high temperature "
        "makes the tokens more alike.",
    ),
    "no temperature": Mutant(
        _cold,
        "The temperature changes nothing here: divide the LOGITS by it, before the "
        "softmax.",
    ),
    "too few": Mutant(
        _too_few,
        "The token that crosses top_p is missing: the set has to REACH top_p.",
    ),
    "too many": Mutant(
        _too_many,
        "One token too many: a token stays only if the likelier ones before it add up "
        "to less than top_p.",
    ),
    "not divided": Mutant(
        _not_divided,
        "What is kept adds up to less than 1: divide it by its sum (eq. 3).",
    ),
    "unsorted": Mutant(
        _unsorted,
        "You added up the tokens in the order of their ids. Sort them first, the "
        "likeliest to the front.",
    ),
    "sorted": Mutant(
        _sorted,
        "These are in sorted order: put each one back to its own id (scatter).",
    ),
    "bar": Mutant(
        _bar,
        "You keep the tokens above a fixed probability. top_p is about their SUM, so "
        "the set grows when the model is unsure.",
    ),
    "in place": Mutant(_in_place, IN_PLACE),
}


def _nucleus_by_hand(answer) -> None:
    """0.4 + 0.24 stay below 0.7; with 0.16 it is 0.8, so they become 5 : 3 : 2."""
    logits = torch.tensor([0.16, 0.4, 0.07, 0.24, 0.13]).log() + 3
    wrong = outcomes(NUCLEUS_MUTANTS, logits, 1.0, 0.7)
    expect_close(answer(logits, 1.0, 0.7), [0.2, 0.5, 0, 0.3, 0], wrong)


def _temperature_by_hand(answer) -> None:
    """Temperature 2 takes square roots: 4 : 2 : 8 : 4."""
    logits = torch.tensor([0.16, 0.04, 0.64, 0.16]).log()
    wrong = list(outcomes(NUCLEUS_MUTANTS, logits.clone(), 2.0))
    before = logits.clone()
    got = answer(logits, 2.0)
    expect(torch.equal(logits, before), IN_PLACE)
    expect_close(got, [4 / 18, 2 / 18, 8 / 18, 4 / 18], wrong)


def _smallest_set(probs: Tensor, top_p: float) -> tuple[int, ...]:
    """Try every set of tokens: the smallest that reaches top_p, the likeliest such."""
    for size in range(1, len(probs) + 1):
        sets = list(combinations(range(len(probs)), size))
        best = max(sets, key=lambda ids: probs[list(ids)].sum().item())
        if probs[list(best)].sum() >= top_p:
            return best
    raise ValueError("top_p must be at most 1.")


def _all_sets(answer) -> None:
    for temperature, top_p in ((0.6, 0.5), (2.5, 0.5), (1.5, 0.8)):
        logits = 2 * torch.randn(7)
        wrong = list(outcomes(NUCLEUS_MUTANTS, logits.clone(), temperature, top_p))
        probs = (logits / temperature).softmax(-1)
        chosen = list(_smallest_set(probs, top_p))
        want = torch.zeros(7)
        want[chosen] = probs[chosen] / probs[chosen].sum()
        expect_close(answer(logits.clone(), temperature, top_p), want, wrong)


def _limits(answer) -> None:
    logits = torch.tensor([1.0, 3.0, -float("inf"), 2.0])
    for temperature, top_p in ((0.01, 1.0), (1.0, 0.05)):
        wrong = list(outcomes(NUCLEUS_MUTANTS, logits.clone(), temperature, top_p))
        got = answer(logits.clone(), temperature, top_p)
        expect_close(got, [0.0, 1.0, 0.0, 0.0], wrong)
    got = answer(logits.clone(), 1e4, 1.0)
    expect_close(got, [1 / 3, 1 / 3, 0, 1 / 3], atol=1e-3)


EXERCISES = [
    Exercise(
        name="nucleus",
        notebook="00_lab",
        reference=nucleus,
        parts=[
            Part("five tokens cut by hand", _nucleus_by_hand, 2),
            Part("a temperature of 2 takes square roots", _temperature_by_hand),
            Part("the smallest of ALL sets that reach top_p", _all_sets, 2),
            Part("one token left; all alike; banned tokens stay out", _limits),
        ],
        mutants=NUCLEUS_MUTANTS,
    ),
]
