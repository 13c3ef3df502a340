"""Exercises of notebook 22, part 5: what can RL find among the samples of a model?"""

from collections.abc import Callable
from itertools import combinations, product
from math import comb

import torch
from torch import Tensor

from utils.teach.exercise import Exercise, Mutant, Part, expect_close, outcomes

NOTEBOOK = "22_learning_the_spec"

# pass_at_k --------------------------------------------------------------------------


def pass_at_k(right: Tensor, k: int) -> Tensor:
    """How probable it is that at least one of k samples is right, for each request.

    1 - C(n - c, k) / C(n, k),   c right ones among the n samples of a request

    right   : (requests, n) bool, whether each sample is right
    k       : from 1 to n; more samples find more
    returns : (requests,) float: the share of all sets of k among the n samples that
              hold a right one. Its expectation is the true pass@k
    """
    n = right.shape[1]
    counts = right.sum(dim=1).tolist()
    return torch.tensor([1 - comb(n - c, k) / comb(n, k) for c in counts])


def _pass_plug_in(right: Tensor, k: int) -> Tensor:
    return 1 - (1 - right.float().mean(dim=1)) ** k


def _pass_first(right: Tensor, k: int) -> Tensor:
    return right[:, :k].any(dim=1).float()


def _pass_any(right: Tensor, k: int) -> Tensor:
    return right.any(dim=1).float()


def _pass_one(right: Tensor, k: int) -> Tensor:
    return right.float().mean(dim=1)


def _pass_all(right: Tensor, k: int) -> Tensor:
    n = right.shape[1]
    return torch.tensor([comb(c, k) / comb(n, k) for c in right.sum(1).tolist()])


def _pass_failed(right: Tensor, k: int) -> Tensor:
    return 1 - pass_at_k(right, k)


def _pass_swapped(right: Tensor, k: int) -> Tensor:
    return 1 - _pass_all(right, k)


def _pass_added(right: Tensor, k: int) -> Tensor:
    return (k * right.float().mean(dim=1)).clamp(max=1)


def _pass_mean(right: Tensor, k: int) -> Tensor:
    return pass_at_k(right, k).mean()


def _pass_pooled(right: Tensor, k: int) -> Tensor:
    pooled = pass_at_k(right.reshape(1, -1), k)
    return pooled.expand(len(right))


PASS_MUTANTS = {
    "plug-in": Mutant(
        _pass_plug_in,
        "1 - (1 - c/n)^k draws with replacement and comes out too low on average. "
        "Draw k of the n samples without putting any back.",
    ),
    "first": Mutant(
        _pass_first,
        "Only the first k samples count here. Take the share over all sets of k.",
    ),
    "any": Mutant(
        _pass_any, "You looked at all n samples: that is pass@n, whatever k is."
    ),
    "one": Mutant(_pass_one, "This is pass@1, the share of right samples. Use k."),
    "all": Mutant(
        _pass_all,
        "This is the chance that all k samples are right. One is enough.",
    ),
    "failed": Mutant(
        _pass_failed, "This is the chance that no sample is right: take it from 1."
    ),
    "swapped": Mutant(
        _pass_swapped,
        "You counted the sets of right samples. A failure is a set of wrong ones: "
        "there are n - c to choose from.",
    ),
    "added": Mutant(
        _pass_added,
        "k times the share of right samples counts sets with two right ones twice.",
    ),
    "mean": Mutant(_pass_mean, "Return a value for each request, not their mean."),
    "pooled": Mutant(
        _pass_pooled,
        "You put the samples of all requests together. An easy request can't help a "
        "hard one: count c for each row.",
    ),
}
ROWS = torch.tensor(
    [
        [0, 0, 0, 0, 0, 0],
        [0, 0, 0, 1, 0, 0],
        [1, 0, 0, 0, 0, 1],
        [0, 1, 1, 0, 1, 1],
        [1, 1, 1, 1, 1, 1],
    ]
).bool()


def _sets(row: list[bool], k: int) -> list[tuple[bool, ...]]:
    return list(combinations(row, k))


def _by_sets(name: str, found: Callable[[tuple[bool, ...]], bool], ks):
    """Compare with counting all sets of k samples that fit `found`."""

    def test(fn) -> None:
        _, mutants = FUNCTIONS[name]
        for k in ks:
            shares = [
                sum(map(found, _sets(row, k))) / comb(len(row), k)
                for row in ROWS.tolist()
            ]
            expect_close(fn(ROWS, k), shares, outcomes(mutants, ROWS, k))

    return test


def _unbiased(name: str, truth: Callable[[float, int], float]):
    """Average over all 2^n outcomes for a chance p of a right sample: the truth."""

    def test(fn) -> None:
        _, mutants = FUNCTIONS[name]
        p, n, k = 0.3, 5, 3
        cases = torch.tensor(list(product([False, True], repeat=n)))  # (32, 5)
        chance = torch.where(cases, p, 1 - p).prod(dim=1)
        wrong = []
        for answer, message in mutants.values():
            values = answer(cases, k)
            if values.shape == chance.shape:
                wrong.append((message, (chance * values).sum()))
        got = torch.as_tensor(fn(cases, k)).float()
        expect_close(got.shape, chance.shape)
        expect_close((chance * got).sum(), truth(p, k), wrong)

    return test


def _ends(name: str, low: Callable[[Tensor], Tensor], high: Callable[[Tensor], Tensor]):
    """Compare with what is easily said for k = 1 and k = n."""

    def test(fn) -> None:
        _, mutants = FUNCTIONS[name]
        for k, want in ((1, low), (ROWS.shape[1], high)):
            expect_close(fn(ROWS, k), want(ROWS), outcomes(mutants, ROWS, k))

    return test


# mixed_groups -----------------------------------------------------------------------


def mixed_groups(right: Tensor, k: int) -> Tensor:
    """How probable it is that k samples hold right and wrong ones, for each request.

    1 - [C(n - c, k) + C(c, k)] / C(n, k),   c right ones among the n samples

    right   : (requests, n) bool, whether each sample is right
    k       : samples in a group, from 1 to n
    returns : (requests,) float. GRPO learns nothing from the other groups, since all
              their rewards are equal. 0 where no sample is right, and where all are
    """
    n = right.shape[1]
    counts = right.sum(dim=1).tolist()
    alike = [(comb(n - c, k) + comb(c, k)) / comb(n, k) for c in counts]
    return 1 - torch.tensor(alike)


def _mixed_pass(right: Tensor, k: int) -> Tensor:
    return pass_at_k(right, k)


def _mixed_plug_in(right: Tensor, k: int) -> Tensor:
    p = right.float().mean(dim=1)
    return 1 - p**k - (1 - p) ** k


def _mixed_alike(right: Tensor, k: int) -> Tensor:
    return 1 - mixed_groups(right, k)


def _mixed_all_n(right: Tensor, k: int) -> Tensor:
    return (right.any(dim=1) & ~right.all(dim=1)).float()


def _mixed_product(right: Tensor, k: int) -> Tensor:
    return pass_at_k(right, k) * pass_at_k(~right, k)


def _mixed_variance(right: Tensor, k: int) -> Tensor:
    p = right.float().mean(dim=1)
    return p * (1 - p)


def _mixed_not_all(right: Tensor, k: int) -> Tensor:
    return pass_at_k(~right, k)


def _mixed_added(right: Tensor, k: int) -> Tensor:
    return pass_at_k(right, k) + _pass_all(right, k)


def _mixed_first(right: Tensor, k: int) -> Tensor:
    return (right[:, :k].any(dim=1) & ~right[:, :k].all(dim=1)).float()


def _mixed_mean(right: Tensor, k: int) -> Tensor:
    return mixed_groups(right, k).mean()


MIXED_MUTANTS = {
    "pass": Mutant(
        _mixed_pass,
        "This is pass@k. A group with right samples only has equal rewards, too: take "
        "those off.",
    ),
    "plug-in": Mutant(
        _mixed_plug_in,
        "1 - p^k - (1-p)^k with p = c/n draws with replacement. Count sets of k among "
        "the n samples.",
    ),
    "alike": Mutant(
        _mixed_alike, "These are the groups that teach nothing: take them from 1."
    ),
    "all n": Mutant(
        _mixed_all_n,
        "You looked at all n samples. A group has only k of them, and may miss the "
        "rare kind.",
    ),
    "product": Mutant(
        _mixed_product,
        "You multiplied two chances that aren't independent: take the two kinds of "
        "equal groups from 1.",
    ),
    "added": Mutant(
        _mixed_added,
        "The groups that are all right were added. Take both kinds from 1: mind the "
        "brackets.",
    ),
    "first": Mutant(
        _mixed_first,
        "Only the first k samples count here. Take the share over all sets of k.",
    ),
    "variance": Mutant(
        _mixed_variance,
        "p (1 - p) is the variance of one sample. How many groups of k are mixed?",
    ),
    "not all": Mutant(
        _mixed_not_all,
        "Groups without any right sample are counted. Their rewards are equal, too.",
    ),
    "mean": Mutant(_mixed_mean, "Return a value for each request, not their mean."),
}
FUNCTIONS = {
    "pass_at_k": (pass_at_k, PASS_MUTANTS),
    "mixed_groups": (mixed_groups, MIXED_MUTANTS),
}


def _mixed(group: tuple[bool, ...]) -> bool:
    return any(group) and not all(group)


def _mirror(fn) -> None:
    """Right and wrong may change places: a group is as mixed as before."""
    wrong = outcomes(MIXED_MUTANTS, ~ROWS, 2)
    expect_close(fn(~ROWS, 2), mixed_groups(ROWS, 2), wrong)


EXERCISES = [
    Exercise(
        name="pass_at_k",
        notebook=NOTEBOOK,
        reference=pass_at_k,
        parts=[
            Part(
                "all sets of k samples, counted one by one",
                _by_sets("pass_at_k", any, (2, 3, 4)),
                2,
            ),
            Part(
                "k = 1 is the share of right samples, k = n asks for any",
                _ends(
                    "pass_at_k",
                    lambda rows: rows.float().mean(dim=1),
                    lambda rows: rows.any(dim=1).float(),
                ),
            ),
            Part(
                "right on average: all outcomes give 1 - (1 - p)^k",
                _unbiased("pass_at_k", lambda p, k: 1 - (1 - p) ** k),
                2,
            ),
        ],
        mutants=PASS_MUTANTS,
    ),
    Exercise(
        name="mixed_groups",
        notebook=NOTEBOOK,
        reference=mixed_groups,
        parts=[
            Part(
                "all groups of k samples, counted one by one",
                _by_sets("mixed_groups", _mixed, (2, 3, 4)),
            ),
            Part(
                "a group of one is never mixed; k = n asks for both kinds",
                _ends(
                    "mixed_groups",
                    lambda rows: torch.zeros(len(rows)),
                    lambda rows: (rows.any(dim=1) & ~rows.all(dim=1)).float(),
                ),
            ),
            Part("right and wrong may change places", _mirror),
            Part(
                "right on average: all outcomes give 1 - p^k - (1 - p)^k",
                _unbiased("mixed_groups", lambda p, k: 1 - p**k - (1 - p) ** k),
            ),
        ],
        mutants=MIXED_MUTANTS,
    ),
]
