"""Exercises of notebook 42: power, the price of peeking, and what is left unseen."""

from collections.abc import Callable, Sequence
from functools import lru_cache

import numpy as np
from scipy import stats

from utils.evaluate.auditing import (
    alarms_when_peeking,
    chance_of_alarm,
    highest_rate,
    loss_test,
)
from utils.teach.exercise import Exercise, Mutant, Part, expect, expect_close

NOTEBOOK = "42_audit"


def _compare(
    mutants: dict[str, Mutant],
    cases: Sequence[tuple],
    want: Sequence[float],
    atol: float = 1e-6,
) -> Callable:
    """Make a test that compares all cases with `want`, and names known mistakes."""

    def test(attempt) -> None:
        wrong = (
            (mutant.message, [mutant.answer(*case) for case in cases])
            for mutant in mutants.values()
        )
        got = [attempt(*case) for case in cases]
        expect_close(got, list(want), wrong, atol=atol)

    return test


# Power --------------------------------------------------------------------------------


def _power(n: int, loss: float, tolerance: float, alpha: float) -> float:
    """Count it out, one number of lost pairs after the other."""
    return sum(
        stats.binom.pmf(lost, n, loss)
        for lost in range(n + 1)
        if sum(stats.binom.pmf(range(lost, n + 1), n, tolerance)) <= alpha
    )


def _no_test(n, loss, tolerance, alpha):
    return float(stats.binom.sf(n * tolerance, n, loss))


def _false_alarms(n, loss, tolerance, alpha):
    return chance_of_alarm(n, tolerance, tolerance, alpha)


def _missed(n, loss, tolerance, alpha):
    return 1 - chance_of_alarm(n, loss, tolerance, alpha)


def _expected(n, loss, tolerance, alpha):
    return float(loss_test(round(n * loss), n, tolerance) <= alpha)


def _one_more(n, loss, tolerance, alpha):
    possible = np.arange(n + 1)
    alarms = stats.binom.sf(possible, n, tolerance) <= alpha
    return float(stats.binom.pmf(possible, n, loss)[alarms].sum())


def _at_bound(n, loss, tolerance, alpha):
    k = int(stats.binom.isf(alpha, n, tolerance)) + 1
    return float(stats.binom.pmf(k, n, loss)) if k <= n else 0.0


def _normal(n, loss, tolerance, alpha):
    spread = np.sqrt(n * tolerance * (1 - tolerance))
    k = n * tolerance + stats.norm.isf(alpha) * spread
    own = np.sqrt(n * loss * (1 - loss)) or 1e-9
    return float(stats.norm.sf((k - n * loss) / own))


POWER = {
    "no test": Mutant(
        _no_test,
        "You ask how often more is lost than tolerated. An alarm needs more: so many "
        "lost pairs that p is at most alpha.",
    ),
    "false alarms": Mutant(
        _false_alarms,
        "You drew the lost pairs with `tolerance`. That gives the false alarms; the "
        "model that is audited here loses with `loss`.",
    ),
    "missed": Mutant(
        _missed, "This is the chance that NO alarm is raised: one minus the power."
    ),
    "expected": Mutant(
        _expected,
        "You tested the expected number of lost pairs, once. The number varies from "
        "audit to audit: add up the chances of all that raise the alarm.",
    ),
    "one more": Mutant(
        _one_more,
        "The alarm is raised one lost pair too early: sf(k) is P(X > k), and the "
        "p-value is P(X >= k).",
    ),
    "at bound": Mutant(
        _at_bound,
        "You took the chance of just the smallest number that raises the alarm. All "
        "larger ones raise it, too.",
    ),
    "normal": Mutant(
        _normal,
        "A normal curve in place of the binomial. For a few pairs the possible "
        "p-values are few, and alpha may not be reached at all.",
    ),
}
POWER_GRID = [
    (n, loss, tolerance, alpha)
    for n in (8, 20, 33)
    for loss in (0.1, 0.35, 0.7)
    for tolerance, alpha in ((0.1, 0.05), (0.2, 0.01))
]


# Peeking ------------------------------------------------------------------------------


@lru_cache
def _exact(looks: tuple, loss: float, tolerance: float, alpha: float) -> float:
    """Follow the chances of each number of lost pairs, until an alarm ends it."""
    chances, alarm, done = np.array([1.0]), 0.0, 0
    for n in looks:
        step = stats.binom.pmf(range(n - done + 1), n - done, loss)
        chances, done = np.convolve(chances, step), n
        out = stats.binom.sf(np.arange(n + 1) - 1, n, tolerance) <= alpha
        alarm += chances[out].sum()
        chances = np.where(out, 0.0, chances)
    return float(alarm)


def _each_look(looks, loss, tolerance, alpha):
    return [chance_of_alarm(n, loss, tolerance, alpha) for n in looks]


def _last(looks, loss, tolerance, alpha, **_):
    return _each_look(looks, loss, tolerance, alpha)[-1]


def _added(looks, loss, tolerance, alpha, **_):
    return sum(_each_look(looks, loss, tolerance, alpha))


def _fresh(looks, loss, tolerance, alpha, **_):
    return 1 - float(np.prod(1 - np.array(_each_look(looks, loss, tolerance, alpha))))


def _corrected(looks, loss, tolerance, alpha, **_):
    return _exact(tuple(looks), loss, tolerance, alpha / len(looks))


def _every(looks, loss, tolerance, alpha, draws=20_000, seed=0):
    rng = np.random.default_rng(seed)
    lost = (rng.random((draws, max(looks))) < loss).cumsum(axis=1)
    alarm = np.ones(draws, bool)
    for n in looks:
        alarm &= stats.binom.sf(lost[:, n - 1] - 1, n, tolerance) <= alpha
    return float(alarm.mean())


PEEKING = {
    "last": Mutant(
        _last,
        "Only the last look counts here. Whoever peeks stops at the first alarm, "
        "whatever later pairs would have said.",
    ),
    "added": Mutant(
        _added,
        "The chances of the looks were added up. Looks share most of their pairs, so "
        "their alarms often come together, and counting both is too much.",
    ),
    "fresh": Mutant(
        _fresh,
        "Each look has fresh pairs here. They are the same pairs and some more: keep "
        "what was lost before.",
    ),
    "corrected": Mutant(
        _corrected,
        "You corrected alpha for the number of looks. That is the cure; asked is what "
        "happens without it.",
    ),
    "every": Mutant(
        _every, "An alarm at EVERY look is asked for here. One is enough to stop."
    ),
}
LOOKS = [
    ((10,), 0.1, 0.1, 0.05),
    ((20,), 0.4, 0.1, 0.05),
    ((10, 20, 30, 40, 50, 60), 0.1, 0.1, 0.05),
    (tuple(range(5, 61, 5)), 0.1, 0.1, 0.05),
    ((5, 50), 0.2, 0.2, 0.1),
    ((10, 20, 30), 0.3, 0.1, 0.01),
]


# What is left unseen ------------------------------------------------------------------


def _share(lost, n, level=0.95):
    return lost / n if n else 1.0


def _both_sides(lost, n, level=0.95):
    return highest_rate(lost, n, (1 + level) / 2)


def _lower_end(lost, n, level=0.95):
    return float(stats.beta.ppf(1 - level, lost, n - lost + 1)) if lost else 0.0


def _wald(lost, n, level=0.95):
    if n == 0:
        return 1.0
    share = lost / n
    spread = (share * (1 - share) / n) ** 0.5
    return float(min(1.0, share + stats.norm.ppf(level) * spread))


def _three(lost, n, level=0.95):
    return min(1.0, 3 / n) if n else 1.0


def _flipped(lost, n, level=0.95):
    return highest_rate(lost, n, 1 - level)


RATE = {
    "share": Mutant(
        _share,
        "This is the share that was lost. With none lost it says that no fault is "
        "left, which few pairs can't show.",
    ),
    "both sides": Mutant(
        _both_sides,
        "This is the upper end of a two-sided interval. One side is asked for: all of "
        "the 1 - level lies above.",
    ),
    "lower end": Mutant(
        _lower_end, "This is the lower end. How LARGE may the rate be?"
    ),
    "Wald": Mutant(
        _wald,
        "The normal interval has no width where nothing was lost. Use the exact one.",
    ),
    "three": Mutant(
        _three,
        "3 / n is a rule of thumb for none lost, many pairs and 95 %. Elsewhere it is "
        "wrong.",
    ),
    "flipped": Mutant(
        _flipped,
        "The level is the wrong way round: a HIGHER level has to give a higher rate.",
    ),
}


def _cover(attempt) -> None:
    """At the rate, so few or fewer are lost with a chance of just 1 - level."""
    for lost, n, level in ((0, 7, 0.9), (2, 20, 0.95), (5, 40, 0.99), (19, 20, 0.95)):
        rate = attempt(lost, n, level)
        for mutant in RATE.values():
            if abs(mutant.answer(lost, n, level) - rate) < 1e-6:
                expect(False, mutant.message)
        chance = stats.binom.cdf(lost, n, rate)
        text = (
            f"At the rate {rate:.3f}, {lost} of {n} or fewer are lost with a chance of "
            f"{chance:.3f}; it should be {1 - level:.2f}."
        )
        expect(abs(chance - (1 - level)) < 1e-4, text)


EXERCISES = [
    Exercise(
        name="chance_of_alarm",
        notebook=NOTEBOOK,
        reference=chance_of_alarm,
        parts=[
            Part(
                "one and two pairs, by hand",
                _compare(
                    POWER,
                    [
                        (1, 0.6, 0.1, 0.1),
                        (1, 0.6, 0.1, 0.05),
                        (2, 0.6, 0.1, 0.05),
                        (2, 0.6, 0.1, 0.2),
                        (2, 1.0, 0.1, 0.05),
                    ],
                    [0.6, 0.0, 0.36, 0.84, 1.0],
                ),
                2,
            ),
            Part(
                "power, counted out",
                _compare(POWER, POWER_GRID, [_power(*case) for case in POWER_GRID]),
                2,
            ),
            Part(
                "at the tolerance it gives the false alarms",
                _compare(
                    POWER,
                    [(20, 0.1, 0.1, 0.05), (20, 0.1, 0.1, 0.01), (20, 0.5, 0.1, 0.01)],
                    [
                        _power(20, loss, 0.1, a)
                        for loss, a in ((0.1, 0.05), (0.1, 0.01), (0.5, 0.01))
                    ],
                ),
            ),
        ],
        mutants=POWER,
    ),
    Exercise(
        name="alarms_when_peeking",
        notebook=NOTEBOOK,
        reference=alarms_when_peeking,
        parts=[
            Part(
                "one look is no peeking",
                _compare(PEEKING, LOOKS[:2], [_exact(*c) for c in LOOKS[:2]], 0.015),
            ),
            Part(
                "six looks, and twelve, at a model that is good",
                _compare(PEEKING, LOOKS[2:5], [_exact(*c) for c in LOOKS[2:5]], 0.015),
                2,
            ),
            Part(
                "three looks at a faulty one",
                _compare(PEEKING, LOOKS[4:], [_exact(*c) for c in LOOKS[4:]], 0.015),
            ),
        ],
        mutants=PEEKING,
    ),
    Exercise(
        name="highest_rate",
        notebook=NOTEBOOK,
        reference=highest_rate,
        parts=[
            Part(
                "none lost, or one of two, by hand",
                _compare(
                    RATE,
                    [(0, 1), (0, 2), (0, 20), (0, 300), (1, 2)],
                    [*(1 - 0.05 ** (1 / n) for n in (1, 2, 20, 300)), 0.95**0.5],
                ),
                2,
            ),
            Part(
                "all lost, and no pairs",
                _compare(
                    RATE, [(3, 3), (0, 0), (1, 4)], [1.0, 1.0, highest_rate(1, 4)]
                ),
            ),
            Part("it is the rate that still has a chance", _cover),
        ],
        mutants=RATE,
    ),
]
