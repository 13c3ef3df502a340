"""Exercise of notebook 42: how large a rate of faults few findings leave possible."""

from scipy import stats

from utils.evaluate.auditing import highest_rate
from utils.teach.exercise import Exercise, Mutant, Part, expect
from utils.teach.exercises.nb42_c_power import NOTEBOOK, compare


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
        name="highest_rate",
        notebook=NOTEBOOK,
        reference=highest_rate,
        parts=[
            Part(
                "none lost, or one of two, by hand",
                compare(
                    RATE,
                    [(0, 1), (0, 2), (0, 20), (0, 300), (1, 2)],
                    [*(1 - 0.05 ** (1 / n) for n in (1, 2, 20, 300)), 0.95**0.5],
                ),
                2,
            ),
            Part(
                "all lost, and no pairs",
                compare(RATE, [(3, 3), (0, 0), (1, 4)], [1.0, 1.0, highest_rate(1, 4)]),
            ),
            Part("it is the rate that still has a chance", _cover),
        ],
        mutants=RATE,
    ),
]
