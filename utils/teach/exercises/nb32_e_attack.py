"""Exercises of notebook 32, part 5: how an attacker gains from trying again."""

from collections.abc import Callable
from itertools import combinations, product
from math import comb

import numpy as np

from utils.teach.exercise import Exercise, Mutant, Part, expect_close, outcomes

NOTEBOOK = "32_jailbreaks_and_over_refusal"


def attack_success(complied: np.ndarray, n: int) -> float:
    """How probable it is that one of n tries makes the model comply; without bias.

    complied : (prompts, techniques, samples) bool, whether each sample complied. A try
               is any technique with any sample: the attacker draws n different ones
               of them, for each prompt anew
    n        : from 1 to techniques * samples; more tries never succeed less
    returns  : the mean over prompts of the share of all sets of n tries that hold a
               success
    """
    tries = complied.reshape(len(complied), -1)  # (prompts, techniques * samples)
    total = tries.shape[1]
    failed = [comb(total - int(c), n) / comb(total, n) for c in tries.sum(axis=1)]
    return float(1 - np.mean(failed))


def _plug_in(complied, n):
    tries = complied.reshape(len(complied), -1)
    return (1 - (1 - tries.mean(axis=1)) ** n).mean()


def _pooled(complied, n):
    return attack_success(complied.reshape(1, 1, -1), n)


def _by_technique(complied, n):
    parts = [attack_success(complied[:, [t]], n) for t in range(complied.shape[1])]
    return np.mean(parts)


def _best_technique(complied, n):
    parts = [attack_success(complied[:, [t]], n) for t in range(complied.shape[1])]
    return np.max(parts)


def _first(complied, n):
    return complied.reshape(len(complied), -1)[:, :n].any(axis=1).mean()


def _any(complied, n):
    return complied.reshape(len(complied), -1).any(axis=1).mean()


def _one(complied, n):
    return complied.mean()


def _all(complied, n):
    tries = complied.reshape(len(complied), -1)
    total = tries.shape[1]
    return np.mean([comb(int(c), n) / comb(total, n) for c in tries.sum(axis=1)])


def _held(complied, n):
    return 1 - attack_success(complied, n)


def _each(complied, n):
    return np.array([attack_success(prompt[None], n) for prompt in complied])


def _all_techniques(complied, n):
    """n samples of every technique at once: techniques * n tries."""
    samples = complied.shape[2]
    held = [
        np.prod([comb(samples - int(c), n) / comb(samples, n) for c in prompt.sum(1)])
        for prompt in complied
    ]
    return 1 - np.mean(held)


ATTACK_MUTANTS = {
    "plug-in": Mutant(
        _plug_in,
        "1 - (1 - c/N)^n draws with replacement and comes out too low on average. "
        "Count sets of n different tries.",
    ),
    "pooled": Mutant(
        _pooled,
        "You put the prompts together. A success on one prompt does not help with "
        "another: count c for each prompt, then average.",
    ),
    "by technique": Mutant(
        _by_technique,
        "You kept to one technique in each attack and averaged over them. The n tries "
        "may be of any technique: put techniques and samples together.",
    ),
    "best technique": Mutant(
        _best_technique,
        "You let the attacker know the best technique beforehand. The n tries are "
        "drawn among all of them.",
    ),
    "all techniques": Mutant(
        _all_techniques,
        "You spent n tries on every technique. The attacker has n tries altogether.",
    ),
    "first": Mutant(
        _first, "Only the first n tries count here. Take the share over all sets of n."
    ),
    "any": Mutant(_any, "You looked at all tries there are, whatever n is."),
    "one": Mutant(_one, "This is the success of one try. Use n."),
    "all": Mutant(_all, "This asks that all n tries succeed. One is enough."),
    "held": Mutant(_held, "This is the chance that no try succeeds: take it from 1."),
    "each": Mutant(_each, "Return one number: the mean over prompts."),
}
TRIES = np.array(
    [
        [[0, 0, 0], [0, 0, 0]],
        [[0, 0, 0], [0, 1, 0]],
        [[0, 0, 0], [1, 1, 1]],
        [[1, 1, 1], [0, 0, 0]],
        [[1, 1, 1], [1, 1, 1]],
    ]
).astype(bool)


def _compare(fn: Callable, complied: np.ndarray, n: int, want: float) -> None:
    wrong = outcomes(ATTACK_MUTANTS, complied, n)
    expect_close(fn(complied.copy(), n), want, wrong)


def _by_sets(fn) -> None:
    """Count all sets of n tries."""
    for n in (2, 3, 4):
        shares = [
            np.mean([any(tried) for tried in combinations(prompt.ravel(), n)])
            for prompt in TRIES
        ]
        _compare(fn, TRIES, n, float(np.mean(shares)))


def _ends(fn) -> None:
    _compare(fn, TRIES, 1, float(TRIES.mean()))
    _compare(fn, TRIES, 6, 4 / 5)


def _by_hand(fn) -> None:
    """One success among four tries: 2 of the 4 single tries it takes 2 of, 1/2."""
    complied = np.array([[[0, 0], [1, 0]], [[0, 0], [0, 0]]]).astype(bool)
    _compare(fn, complied, 2, (1 / 2 + 0) / 2)


def _unbiased(fn) -> None:
    """Average over all outcomes of five tries that succeed with 0.3: 1 - 0.7^3."""
    p, total, n = 0.3, 5, 3
    mean, wrong = 0.0, dict.fromkeys(ATTACK_MUTANTS, 0.0)
    for tries in product([False, True], repeat=total):
        chance = np.prod([p if success else 1 - p for success in tries])
        case = np.array(tries).reshape(1, 1, total)
        mean += chance * float(fn(case, n))
        for name, (answer, _) in ATTACK_MUTANTS.items():
            wrong[name] += chance * float(np.mean(answer(case, n)))
    said = [(ATTACK_MUTANTS[name].message, value) for name, value in wrong.items()]
    expect_close(mean, 1 - (1 - p) ** n, said)


EXERCISES = [
    Exercise(
        name="attack_success",
        notebook=NOTEBOOK,
        reference=attack_success,
        parts=[
            Part("the share of all sets of n tries, counted", _by_sets, 2),
            Part("one try, and all tries", _ends),
            Part("two prompts by hand", _by_hand),
            Part("right on average: 1 - (1 - p)^n", _unbiased),
        ],
        mutants=ATTACK_MUTANTS,
    ),
]
