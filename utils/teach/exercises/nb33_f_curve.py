"""Exercise of notebook 33, part 6: reading a learning curve."""

from collections.abc import Sequence
from math import exp, inf, isclose, log

from utils.teach.exercise import Exercise, Mistake, Mutant, Part, expect

NOTEBOOK = "33_what_made_the_difference"


def steps_to_reach(
    steps: Sequence[float], accuracy: Sequence[float], level: float
) -> float:
    """From how many steps on a curve stays at `level` or above.

    steps    : (n,) rising, above 0; accuracy : (n,) measured there
    returns  : where the last crossing is, on a straight line between the two
               measurements around it over the LOGARITHM of the steps; the first of
               `steps` if the curve is never below; inf if its end is below
    """
    below = [i for i, value in enumerate(accuracy) if value < level]
    if not below:
        return float(steps[0])
    i = below[-1]
    if i == len(steps) - 1:
        return inf
    part = (level - accuracy[i]) / (accuracy[i + 1] - accuracy[i])
    return exp(log(steps[i]) + part * (log(steps[i + 1]) - log(steps[i])))


def _sr_linear(steps, accuracy, level):
    below = [i for i, value in enumerate(accuracy) if value < level]
    if not below or below[-1] == len(steps) - 1:
        return steps_to_reach(steps, accuracy, level)
    i = below[-1]
    part = (level - accuracy[i]) / (accuracy[i + 1] - accuracy[i])
    return steps[i] + part * (steps[i + 1] - steps[i])


def _sr_measured(steps, accuracy, level):
    below = [i for i, value in enumerate(accuracy) if value < level]
    if not below:
        return float(steps[0])
    return float(steps[below[-1] + 1]) if below[-1] + 1 < len(steps) else inf


def _sr_first(steps, accuracy, level):
    for i, value in enumerate(accuracy):
        if value >= level:
            return steps_to_reach(steps[: i + 1], accuracy[: i + 1], level)
    return inf


def _sr_end(steps, accuracy, level):
    found = steps_to_reach(steps, accuracy, level)
    return float(steps[-1]) if found == inf else found


def _sr_beyond(steps, accuracy, level):
    found = steps_to_reach(steps, accuracy, level)
    rise = accuracy[-1] - accuracy[-2]
    if found < inf or rise <= 0:
        return found
    part = (level - accuracy[-1]) / rise
    return steps[-1] * (steps[-1] / steps[-2]) ** part


def _sr_zero(steps, accuracy, level):
    return 0.0 if min(accuracy) >= level else steps_to_reach(steps, accuracy, level)


def _sr_log(steps, accuracy, level):
    return log(steps_to_reach(steps, accuracy, level))


def _sr_above(steps, accuracy, level):
    return steps_to_reach(steps, accuracy, level + 1e-9)


CURVE_MUTANTS = {
    "linear": Mutant(
        _sr_linear,
        "The line between two measurements was drawn over the steps. Draw it over "
        "their logarithm, as the figure does.",
    ),
    "measured": Mutant(
        _sr_measured,
        "This is the next step at which something was measured. Interpolate.",
    ),
    "first": Mutant(
        _sr_first,
        "The curve fell below the level again after that. Take the last crossing.",
    ),
    "end": Mutant(
        _sr_end,
        "The level was never reached, and you returned the last step. Return inf: the "
        "experiment was over before.",
    ),
    "beyond": Mutant(
        _sr_beyond,
        "You drew the curve on beyond the last measurement. Nobody has seen that "
        "part: return inf.",
    ),
    "zero": Mutant(
        _sr_zero,
        "The curve is never below the level, but nothing was measured at 0: return "
        "the first of the steps.",
    ),
    "log": Mutant(_sr_log, "This is the logarithm of the steps: take exp of it."),
    "above": Mutant(
        _sr_above, "A value right at the level counts as reached: 'at or above'."
    ),
}
Curve = tuple[list[float], list[float], float]


def _sr_cases(*cases: tuple[Curve, float]):
    def test(answer) -> None:
        for curve, want in cases:
            got = answer(*curve)
            expect(isinstance(got, int | float), f"Return a number, not {got!r}.")
            if _sr_same(got, want):
                continue
            numbers = f"Expected {want:.4g}, and got {got:.4g}."
            for mutant, message in CURVE_MUTANTS.values():
                if _sr_same(mutant(*curve), got):
                    raise Mistake(message, numbers)
            raise Mistake("", numbers)

    return test


def _sr_same(got: float, want: float) -> bool:
    return isclose(got, want, rel_tol=1e-4)


RISE = [100, 1000, 10000], [0.2, 0.6, 0.9]
EXERCISES = [
    Exercise(
        name="steps_to_reach",
        notebook=NOTEBOOK,
        reference=steps_to_reach,
        parts=[
            Part(
                "half way between two measurements",
                _sr_cases(((*RISE, 0.4), 316.228), ((*RISE, 0.75), 3162.28)),
            ),
            Part(
                "a curve that falls back, and one that touches",
                _sr_cases(
                    (([10, 100, 1000, 10000], [0.1, 0.5, 0.2, 0.6], 0.4), 3162.28),
                    (([10, 100, 1000, 10000], [0.1, 0.5, 0.4, 0.6], 0.4), 56.2341),
                ),
            ),
            Part(
                "never reached",
                _sr_cases(((*RISE, 0.95), inf), (([10, 100], [0.9, 0.5], 0.6), inf)),
            ),
            Part(
                "reached from the start",
                _sr_cases(((*RISE, 0.1), 100), (([50, 70], [0.9, 0.8], 0.8), 50)),
            ),
        ],
        mutants=CURVE_MUTANTS,
    ),
]
