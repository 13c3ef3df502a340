"""Exercise of notebook 34: a straight line in log compute, and what it leaves over."""

from collections.abc import Sequence

import numpy as np

from utils.teach.exercise import Exercise, Mutant, Part, expect, expect_close

NOTEBOOK = "34_scale_and_compute"
Line = tuple[float, np.ndarray, float]


def line_against_log(compute: Sequence[float], average: Sequence[float]) -> Line:
    """Fit a straight line in log compute, by least squares.

    compute : (n,) positive
    average : (n,) success averaged over tasks
    returns : (slope, residuals, r2). slope: gain for ten times the compute; residuals:
              (n,) measured minus line; r2: share of the variance that the line explains
    """
    x, y = np.log10(compute), np.asarray(average, float)
    slope, level = np.polyfit(x, y, 1)
    residuals = y - (slope * x + level)
    r2 = 1 - (residuals**2).sum() / ((y - y.mean()) ** 2).sum()
    return float(slope), residuals, float(r2)


def _natural(compute, average):
    slope, residuals, r2 = line_against_log(compute, average)
    return slope / float(np.log(10)), residuals, r2


def _linear(compute, average):
    x, y = np.asarray(compute, float), np.asarray(average, float)
    slope, level = np.polyfit(x, y, 1)
    residuals = y - (slope * x + level)
    r2 = 1 - (residuals**2).sum() / ((y - y.mean()) ** 2).sum()
    return float(slope), residuals, float(r2)


def _turned(compute, average):
    slope, residuals, r2 = line_against_log(compute, average)
    return slope, -residuals, r2


def _about_zero(compute, average):
    slope, residuals, _ = line_against_log(compute, average)
    y = np.asarray(average, float)
    return slope, residuals, float(1 - (residuals**2).sum() / (y**2).sum())


def _through_origin(compute, average):
    x, y = np.log10(compute), np.asarray(average, float)
    slope = float((x * y).sum() / (x**2).sum())
    residuals = y - slope * x
    r2 = 1 - (residuals**2).sum() / ((y - y.mean()) ** 2).sum()
    return slope, residuals, float(r2)


def _unexplained(compute, average):
    slope, residuals, r2 = line_against_log(compute, average)
    return slope, residuals, 1 - r2


def _ends(compute, average):
    x, y = np.log10(compute), np.asarray(average, float)
    slope = float((y[-1] - y[0]) / (x[-1] - x[0]))
    residuals = y - (y[0] + slope * (x - x[0]))
    r2 = 1 - (residuals**2).sum() / ((y - y.mean()) ** 2).sum()
    return slope, residuals, float(r2)


def _correlation(compute, average):
    slope, residuals, r2 = line_against_log(compute, average)
    return slope, residuals, float(np.sign(slope) * r2**0.5)


LINE = {
    "natural": Mutant(
        _natural, "The slope is for a factor e. For ten times the compute, use log10."
    ),
    "linear": Mutant(
        _linear, "This is a line in compute itself. Take its logarithm first."
    ),
    "turned": Mutant(
        _turned, "The residuals have the wrong sign: they are measured minus line."
    ),
    "about zero": Mutant(
        _about_zero,
        "r2 compares with 0. Compare with the mean: a line has to be better than a "
        "level one.",
    ),
    "through origin": Mutant(
        _through_origin,
        "The line goes through the origin. It needs a level of its own as well.",
    ),
    "unexplained": Mutant(
        _unexplained, "This is the share that the line leaves over: r2 is 1 - it."
    ),
    "ends": Mutant(
        _ends, "The line joins the first and the last point. Least squares uses all."
    ),
    "correlation": Mutant(
        _correlation, "This is the correlation. r2 is a share of variance: its square."
    ),
}


def _flat(line) -> np.ndarray:
    slope, residuals, r2 = line
    return np.array([slope, *residuals, r2])


def _compare(answer, compute, average, want: Line) -> None:
    got = answer(compute, average)
    expect(got is not None, "Return (slope, residuals, r2).")
    expect(len(got) == 3, "Return three things: slope, residuals and r2.")
    expect(np.shape(got[1]) == np.shape(average), "Return one residual for each point.")
    wrong = [(m.message, _flat(m.answer(compute, average))) for m in LINE.values()]
    expect_close(_flat(got), _flat(want), wrong, atol=1e-5)


def _by_hand(answer) -> None:
    """Three points; the middle one is 0.3 above the line between the others.

    So the line lies 0.1 above the outer two and 0.2 below the middle one.
    """
    average = [0.2, 0.6, 0.4]  # variances: 0.08 in all, 0.06 left over
    left = np.array([-0.1, 0.2, -0.1])
    _compare(answer, [10, 100, 1000], average, (0.1, left, 1 - 0.06 / 0.08))


def _straight(answer) -> None:
    compute = [1e6, 1e7, 1e9]
    _compare(answer, compute, [0.1, 0.3, 0.7], (0.2, np.zeros(3), 1.0))


def _bent(answer) -> None:
    """A sigmoid is no line: residuals change sign, and r2 says little of it."""
    compute = np.array([10, 20, 40, 80, 160, 320, 640], float)
    average = 0.2 + 0.7 / (1 + (80 / compute) ** 4)
    _compare(answer, compute, average, line_against_log(compute, average))


EXERCISES = [
    Exercise(
        name="line_against_log",
        notebook=NOTEBOOK,
        reference=line_against_log,
        parts=[
            Part("three points by hand", _by_hand),
            Part("points on a line leave nothing over", _straight),
            Part("points on a sigmoid", _bent),
        ],
        mutants=LINE,
    ),
]
