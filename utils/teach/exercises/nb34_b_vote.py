"""Exercise of notebook 34: what a majority vote of n samples is worth, exactly."""

from collections import Counter
from collections.abc import Callable, Sequence
from itertools import combinations, product
from math import comb, prod

from utils.teach.exercise import Exercise, Mutant, Part, expect_close

NOTEBOOK = "34_scale_and_compute"


def vote_accuracy(counts: Sequence[int], right: int, n: int) -> float:
    """Return how likely a majority vote of n samples is right, exactly.

    counts  : how often each action was sampled, N in all
    right   : index of the right action
    n       : samples that vote, drawn from the N without replacement, 1 <= n <= N
    returns : probability in [0, 1]; the most frequent action wins, with or without an
              absolute majority, and a tie is decided by chance
    """
    return _expected(counts, n, lambda votes: _share_of_winner(votes, right))


def _share_of_winner(votes: Sequence[int], right: int) -> float:
    best = max(votes)
    return (votes[right] == best) / sum(v == best for v in votes)


def _expected(
    counts: Sequence[int], n: int, value: Callable[[Sequence[int]], float]
) -> float:
    """Average `value` over all ways to draw n of the samples."""
    total = sum(
        prod(map(comb, counts, votes)) * value(votes)
        for votes in product(*(range(min(c, n) + 1) for c in counts))
        if sum(votes) == n
    )
    return total / comb(sum(counts), n)


def _ties_right(counts, right, n):
    return _expected(counts, n, lambda votes: float(votes[right] == max(votes)))


def _ties_wrong(counts, right, n):
    def won(votes):
        return float(all(v < votes[right] for i, v in enumerate(votes) if i != right))

    return _expected(counts, n, won)


def _first_wins(counts, right, n):
    return _expected(counts, n, lambda votes: float(votes.index(max(votes)) == right))


def _absolute(counts, right, n):
    return _expected(counts, n, lambda votes: float(2 * votes[right] > n))


def _any(counts, right, n):
    return _expected(counts, n, lambda votes: float(votes[right] > 0))


def _one(counts, right, n):
    return counts[right] / sum(counts)


def _everybody(counts, right, n):
    return _share_of_winner(counts, right)


def _replaced(counts, right, n):
    whole, total = sum(counts), 0.0
    for votes in product(*(range(n + 1 if c else 1) for c in counts)):
        if sum(votes) != n:
            continue
        ways = left = 1
        left = n
        for v in votes:
            ways, left = ways * comb(left, v), left - v
        chance = prod((c / whole) ** v for c, v in zip(counts, votes, strict=True))
        total += ways * chance * _share_of_winner(votes, right)
    return total


VOTE = {
    "ties right": Mutant(
        _ties_right, "Ties count as right. A tie of two is right half of the time."
    ),
    "ties wrong": Mutant(
        _ties_wrong, "Ties count as wrong. A tie of two is right half of the time."
    ),
    "first wins": Mutant(
        _first_wins,
        "A tie goes to the action with the lower number, always. Then the order of "
        "the actions decides: share it out evenly.",
    ),
    "absolute": Mutant(
        _absolute,
        "You asked for more than half of the votes. The most frequent action wins, "
        "however few votes it has.",
    ),
    "any": Mutant(
        _any,
        "This is pass@n: a single right sample was enough. In a vote it has to win.",
    ),
    "one": Mutant(_one, "This is the share of right samples, whatever n is."),
    "everybody": Mutant(
        _everybody, "All N samples vote here. Only n of them should, in all ways."
    ),
    "replaced": Mutant(
        _replaced,
        "The samples were drawn with replacement. Each stored sample can vote once: "
        "count the ways with comb(c, v).",
    ),
}


def _compare(answer, cases: Sequence[tuple], want: Sequence[float]) -> None:
    got = [answer(*case) for case in cases]
    wrong = (
        (mutant.message, [mutant.answer(*case) for case in cases])
        for mutant in VOTE.values()
    )
    expect_close(got, list(want), wrong, atol=1e-6)


def _by_hand(answer) -> None:
    """Two right, one wrong: alone 2/3; a pair is right, or a tie; all three win.

    The same with the numbers of the actions exchanged, seen from the wrong one, and
    with two wrong ones that disagree.
    """
    cases = [([2, 1], 0, 1), ([2, 1], 0, 2), ([2, 1], 0, 3), ([1, 2], 1, 2)]
    cases += [([1, 2], 0, 3), ([2, 1, 1], 0, 4)]
    _compare(answer, cases, [2 / 3, 2 / 3, 1.0, 2 / 3, 0.0, 1.0])


def _three_way(answer) -> None:
    """All different: each wins a third. And the right one is never the last alone."""
    cases = [([1, 1, 1], 1, 3), ([1, 1, 2], 1, 4), ([1, 1, 1, 1], 3, 2)]
    _compare(answer, cases, [1 / 3, 0.0, 1 / 4])


def _plurality(answer) -> None:
    """Two of five is most, where the others have one each."""
    _compare(answer, [([1, 2, 1, 1], 1, 5), ([2, 3, 0], 0, 5)], [1.0, 0.0])


def _enumerated(answer) -> None:
    """All ways to let 3 or 4 of 8 samples vote, one by one."""
    counts, labels = [4, 1, 3], [0, 0, 0, 0, 1, 2, 2, 2]
    cases, want = [], []
    for n in (3, 4):
        for right in range(3):
            draws = [Counter(draw) for draw in combinations(labels, n)]
            votes = [[draw[a] for a in range(3)] for draw in draws]
            shares = [_share_of_winner(v, right) for v in votes]
            cases.append((counts, right, n))
            want.append(sum(shares) / len(shares))
    _compare(answer, cases, want)


def _somebody_wins(answer) -> None:
    counts = [5, 4, 0, 3, 2, 2]
    total = sum(answer(counts, right, 6) for right in range(6))
    want = [
        (mutant.message, sum(mutant.answer(counts, right, 6) for right in range(6)))
        for mutant in VOTE.values()
    ]
    expect_close(total, 1.0, want, atol=1e-6)


EXERCISES = [
    Exercise(
        name="vote_accuracy",
        notebook=NOTEBOOK,
        reference=vote_accuracy,
        parts=[
            Part("two right samples and a wrong one, by hand", _by_hand, 2),
            Part("three-way ties", _three_way),
            Part("most votes win, without an absolute majority", _plurality),
            Part("all ways to draw 3 or 4 of 8, counted out", _enumerated),
            Part("over all actions the chances add up to 1", _somebody_wins),
        ],
        mutants=VOTE,
    ),
]
