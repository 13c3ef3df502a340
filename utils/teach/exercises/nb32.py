"""Exercises of notebook 32, part 1: goodness over the worst tenth of the attacks."""

from itertools import permutations
from math import ceil

import numpy as np

from utils.teach.exercise import Exercise, Mutant, Part, expect_close, outcomes

NOTEBOOK = "32_jailbreaks_and_over_refusal"


def goodness_at(safe: np.ndarray, fraction: float) -> float:
    """Mean safety under the worst attacks of each prompt (Guan et al. 2024, 3.1.3).

    safe     : (prompts, techniques) float in [0, 1], how safe each reply is
    fraction : above 0 and at most 1, the part of the techniques that counts: for each
               prompt the ceil(fraction * techniques) that are worst for *it*.
    returns  : the mean of these, over prompts; more techniques count as `fraction`
               grows, and it never falls
    """
    worst = ceil(fraction * safe.shape[1])
    return float(np.sort(safe, axis=1)[:, :worst].mean())


def _floor(safe, fraction):
    worst = max(1, int(fraction * safe.shape[1]))
    return np.sort(safe, axis=1)[:, :worst].mean()


def _all(safe, fraction):
    return safe.mean()


def _any_of(safe, fraction):
    return safe.min(axis=1).mean()


def _best(safe, fraction):
    return 1 - goodness_at(1 - safe, fraction)


def _same_for_all(safe, fraction):
    worst = ceil(fraction * safe.shape[1])
    chosen = np.argsort(safe.mean(axis=0), kind="stable")[:worst]
    return safe[:, chosen].mean()


def _worst_prompts(safe, fraction):
    return goodness_at(safe.T, fraction)


def _quantile(safe, fraction):
    return np.quantile(safe, fraction, axis=1).mean()


def _each(safe, fraction):
    worst = ceil(fraction * safe.shape[1])
    return np.sort(safe, axis=1)[:, :worst].mean(axis=1)


def _harm(safe, fraction):
    return 1 - goodness_at(safe, fraction)


def _first(safe, fraction):
    return safe[:, : ceil(fraction * safe.shape[1])].mean()


def _last_of_worst(safe, fraction):
    worst = ceil(fraction * safe.shape[1])
    return np.sort(safe, axis=1)[:, worst - 1].mean()


GOODNESS_MUTANTS = {
    "floor": Mutant(
        _floor,
        "You rounded the number of techniques down. The worst tenth of 35 is 3.5, and "
        "rounded up that is 4.",
    ),
    "all": Mutant(
        _all,
        "This is the mean over all techniques. Only the worst of each prompt count.",
    ),
    "any of K": Mutant(
        _any_of,
        "You took the single worst technique of each prompt: that is any-of-K, "
        "whatever `fraction` says.",
    ),
    "best": Mutant(
        _best, "You kept the techniques that were safest. The attacker wants the worst."
    ),
    "same for all": Mutant(
        _same_for_all,
        "You took the techniques that are worst on average, for every prompt the same. "
        "Each prompt has its own worst ones.",
    ),
    "worst prompts": Mutant(
        _worst_prompts,
        "You sorted along the prompts. Sort the techniques of each prompt (axis=1).",
    ),
    "quantile": Mutant(
        _quantile,
        "This is a quantile: the end of the worst part. Take the mean of the part.",
    ),
    "each": Mutant(_each, "Return one number: the mean over the prompts as well."),
    "harm": Mutant(_harm, "This is how bad it is. Goodness is high when all is safe."),
    "first": Mutant(
        _first,
        "You took the first techniques of the table. Sort each row first: the worst "
        "ones may stand anywhere.",
    ),
    "last of worst": Mutant(
        _last_of_worst,
        "You took a single technique at the end of the worst part. Average over the "
        "whole part.",
    ),
}
BY_HAND = np.array([[0.9, 0.0, 1.0, 0.4], [0.7, 1.0, 0.2, 0.75]])


def _compare(fn, safe, fraction, want) -> None:
    wrong = outcomes(GOODNESS_MUTANTS, safe, fraction)
    expect_close(fn(safe.copy(), fraction), want, wrong)


def _by_hand(fn) -> None:
    """Worst half: 0 and 0.4 of the first prompt, 0.2 and 0.7 of the second."""
    _compare(fn, BY_HAND, 0.5, (0 + 0.4 + 0.2 + 0.7) / 4)


def _own_worst(fn) -> None:
    """Each prompt falls to another technique: no technique is bad on average."""
    safe = 1 - np.eye(20)
    _compare(fn, safe, 0.1, 0.5)  # of the two worst of each prompt one is unsafe
    for order in [*permutations(range(4))][1::7]:
        mixed = np.stack([BY_HAND[0], BY_HAND[1][list(order)]])
        _compare(fn, mixed, 0.5, 1.3 / 4)


def _thirty_five(fn) -> None:
    """Rounded up: the worst four of 35, of which k are unsafe."""
    safe = np.ones((5, 35))
    for prompt in range(5):
        safe[prompt, 7 * prompt : 7 * prompt + prompt] = 0  # 0, 1, 2, 3 and 4 of them
    _compare(fn, safe, 0.1, (4 + 3 + 2 + 1 + 0) / 4 / 5)


def _ends(fn) -> None:
    safe = np.random.rand(6, 8)
    _compare(fn, safe, 1.0, safe.mean())
    _compare(fn, safe, 1 / 8, safe.min(axis=1).mean())


EXERCISES = [
    Exercise(
        name="goodness_at",
        notebook=NOTEBOOK,
        reference=goodness_at,
        parts=[
            Part("two prompts by hand", _by_hand),
            Part("each prompt has its own worst techniques", _own_worst, 2),
            Part("the worst tenth of 35 is four", _thirty_five),
            Part("fraction 1 is the mean, 1/K is any-of-K", _ends),
        ],
        mutants=GOODNESS_MUTANTS,
    ),
]
