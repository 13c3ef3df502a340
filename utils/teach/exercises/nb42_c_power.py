"""Exercises of notebook 42: power, and the price of peeking."""

from collections.abc import Callable, Sequence
from functools import lru_cache

import numpy as np
from scipy import stats

from utils.evaluate.auditing import (
    alarms_when_peeking,
    chance_of_alarm,
    loss_test,
)
from utils.teach.exercise import Exercise, Mutant, Part, expect_close

NOTEBOOK = "42_audit"


def compare(
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


EXERCISES = [
    Exercise(
        name="chance_of_alarm",
        notebook=NOTEBOOK,
        reference=chance_of_alarm,
        parts=[
            Part(
                "one and two pairs, by hand",
                compare(
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
                compare(POWER, POWER_GRID, [_power(*case) for case in POWER_GRID]),
                2,
            ),
            Part(
                "at the tolerance it gives the false alarms",
                compare(
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
                compare(PEEKING, LOOKS[:2], [_exact(*c) for c in LOOKS[:2]], 0.015),
            ),
            Part(
                "six looks, and twelve, at a model that is good",
                compare(PEEKING, LOOKS[2:5], [_exact(*c) for c in LOOKS[2:5]], 0.015),
                2,
            ),
            Part(
                "three looks at a faulty one",
                compare(PEEKING, LOOKS[4:], [_exact(*c) for c in LOOKS[4:]], 0.015),
            ),
        ],
        mutants=PEEKING,
    ),
]
