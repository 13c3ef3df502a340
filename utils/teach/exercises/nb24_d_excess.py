"""Exercise of notebook 24, part 4: an interval for flips beyond those of a sham."""

from collections.abc import Sequence
from math import comb, sqrt

from utils.teach.exercise import Exercise, Mutant, Part, expect, expect_close, outcomes

NOTEBOOK = "24_is_the_reasoning_real"
Interval = tuple[float, float, float]


def excess_flips(edit: Sequence[bool], sham: Sequence[bool]) -> Interval:
    """How much more often an edit flips the answer than a sham does.

        b = edit flips, sham doesn't;  c = sham flips, edit doesn't;  n requests

        difference  (b - c) / n
        interval    d +- 1.96 sqrt(b' + c' - (b' - c')^2 / n') / n',
                    with b' = b + 1/2, c' = c + 1/2, n' = n + 2, d = (b' - c') / n'

    edit, sham : True where the answer flipped, of the same requests in the same order
    returns    : (difference, low, high); the ends lie within -1 and 1
    """
    return _wald(*_cells(edit, sham))


def _cells(edit: Sequence[bool], sham: Sequence[bool]) -> tuple[int, int, int]:
    pairs = [(bool(e), bool(s)) for e, s in zip(edit, sham, strict=True)]
    return pairs.count((True, False)), pairs.count((False, True)), len(pairs)


def _wald(
    b: int, c: int, n: int, half: float = 0.5, z: float = 1.96, clip: bool = True
) -> Interval:
    more, less, m = b + half, c + half, n + 4 * half
    d = (more - less) / m
    reach = z * sqrt(max(0.0, more + less - (more - less) ** 2 / m)) / m
    low, high = d - reach, d + reach
    if clip:
        low, high = max(-1.0, low), min(1.0, high)
    return (b - c) / n, low, high


def _no_halves(edit, sham):
    return _wald(*_cells(edit, sham), half=0)


def _unpaired(edit, sham):
    """The variance of two independent samples."""
    b, c, n = _cells(edit, sham)
    p, q = (sum(map(bool, x)) / n for x in (edit, sham))
    reach = 1.96 * sqrt(p * (1 - p) / n + q * (1 - q) / n)
    return (b - c) / n, max(-1.0, p - q - reach), min(1.0, p - q + reach)


def _turned(edit, sham):
    return excess_flips(sham, edit)


def _no_sham(edit, sham):
    return excess_flips(edit, [False] * len(sham))


def _one_error(edit, sham):
    return _wald(*_cells(edit, sham), z=1.0)


def _beyond(edit, sham):
    return _wald(*_cells(edit, sham), clip=False)


def _old_n(edit, sham):
    """The halves are added to b and c, and n is left as it was."""
    b, c, n = _cells(edit, sham)
    d, more = (b - c) / n, b + c + 1
    reach = 1.96 * sqrt(max(0.0, more - (b - c) ** 2 / n)) / n
    return d, max(-1.0, d - reach), min(1.0, d + reach)


def _middle(edit, sham):
    """The interval's middle in place of the difference."""
    b, c, n = _cells(edit, sham)
    return (b - c) / (n + 2), *excess_flips(edit, sham)[1:]


def _around_plain(edit, sham):
    """An interval around (b - c) / n."""
    b, c, n = _cells(edit, sham)
    d, m = (b - c) / n, n + 2
    reach = 1.96 * sqrt(b + c + 1 - (b - c) ** 2 / m) / m
    return d, max(-1.0, d - reach), min(1.0, d + reach)


def _absolute(edit, sham):
    b, c, n = _cells(edit, sham)
    _, low, high = _wald(b + c, 0, n)
    return (b + c) / n, low, high


def _discordant(edit, sham):
    """The share among the requests on which the two differ."""
    b, c, _ = _cells(edit, sham)
    return _wald(b, c, max(1, b + c))


EXCESS_MUTANTS = {
    "no halves": Mutant(
        _no_halves,
        "Without the added halves the interval is too narrow at the edges: 20 flips of "
        "20 would be a certainty.",
    ),
    "unpaired": Mutant(
        _unpaired,
        "This is the interval of two independent samples. Edit and sham were tried on "
        "the same requests: count the pairs in which they differ.",
    ),
    "turned": Mutant(_turned, "The sign is turned round: it is edit minus sham."),
    "no sham": Mutant(
        _no_sham, "The sham's flips are not subtracted: this is the bare flip rate."
    ),
    "one error": Mutant(
        _one_error,
        "One standard error to each side covers about 68 %; 95 % takes 1.96.",
    ),
    "beyond": Mutant(
        _beyond, "An end lies beyond -1 or 1, where no difference of shares can be."
    ),
    "old n": Mutant(
        _old_n,
        "Half a request was added to each of FOUR cells, so n grows by 2, and the "
        "middle of the interval moves a little towards 0.",
    ),
    "middle": Mutant(
        _middle,
        "The first number is d, the middle of the interval. Return the difference as "
        "it was measured, (b - c) / n.",
    ),
    "around plain": Mutant(
        _around_plain,
        "Your interval lies around (b - c) / n. Its middle is d, with the halves.",
    ),
    "absolute": Mutant(
        _absolute,
        "b and c were added. A sham that flips as often as the edit has to cancel it.",
    ),
    "discordant": Mutant(
        _discordant,
        "You divided by the requests on which edit and sham differ. Divide by all n.",
    ),
}


def _lists(b: int, c: int, n: int, both: int = 0) -> tuple[list[bool], list[bool]]:
    """Flips of an edit and a sham with these numbers of pairs."""
    edit = [True] * b + [False] * c + [True] * both + [False] * (n - b - c - both)
    sham = [False] * b + [True] * c + [True] * both + [False] * (n - b - c - both)
    return edit, sham


def _excess_case(*cases: tuple):
    def test(fn) -> None:
        for case in cases:
            given = _lists(*case)
            wrong = list(outcomes(EXCESS_MUTANTS, *given))
            expect_close(fn(*given), excess_flips(*given), wrong)

    return test


def _excess_random(fn) -> None:
    for case in [(30, 2, 60, 5), (11, 7, 40, 9), (3, 8, 25, 6), (1, 0, 50, 30)]:
        _excess_case(case)(fn)


def _excess_edges(fn) -> None:
    """All flip, none flip, and a sham that does the same as the edit."""
    for case in [(20, 0, 20), (0, 0, 20), (0, 0, 20, 20), (0, 20, 20)]:
        _excess_case(case)(fn)
        _, low, high = fn(*_lists(*case))
        expect(high - low > 0.05, EXCESS_MUTANTS["no halves"].message)


def _coverage(fn, p: float, q: float, n: int) -> float:
    """The probability that the interval holds the true p - q: all outcomes counted."""
    total, rest = 0.0, 1 - p - q
    for b in range(n + 1):
        for c in range(n + 1 - b):
            ways = comb(n, b) * comb(n - b, c)
            chance = ways * p**b * q**c * rest ** (n - b - c)
            if chance > 1e-9:
                _, low, high = fn(*_lists(b, c, n))
                total += chance * (low - 1e-9 <= p - q <= high + 1e-9)
    return total


def _excess_covers(fn) -> None:
    """95 % intervals of 12 requests hold the truth in 92 % to 100 % of all outcomes."""
    _excess_case((7, 2, 12), (12, 0, 12))(fn)
    for p, q in ((0.5, 0.1), (0.9, 0.02), (0.05, 0.02), (0.97, 0.0)):
        found = _coverage(fn, p, q, 12)
        expect(
            found > 0.92,
            f"With true shares {p} and {q} your interval holds the truth in only "
            f"{found:.0%} of all outcomes.",
        )


EXERCISES = [
    Exercise(
        name="excess_flips",
        notebook=NOTEBOOK,
        reference=excess_flips,
        parts=[
            Part("ten requests by hand", _excess_case((6, 1, 10), (6, 1, 10, 2))),
            Part("any numbers of flips", _excess_random),
            Part("all flip, or none: still some width", _excess_edges),
            Part("it covers the truth: all outcomes of 12", _excess_covers, 2),
        ],
        mutants=EXCESS_MUTANTS,
    ),
]
