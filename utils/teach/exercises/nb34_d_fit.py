"""Exercise of notebook 34: a sigmoid in log compute, fitted to one task."""

from collections.abc import Sequence

import numpy as np
from scipy.optimize import curve_fit
from scipy.special import expit

from utils.teach.exercise import Exercise, Mutant, Part, expect, expect_close

NOTEBOOK = "34_scale_and_compute"
Fit = tuple[float, float, float]


def fit_task(compute: Sequence[float], share: Sequence[float]) -> Fit:
    """Fit a sigmoid in log compute to the success at one task, by least squares.

        share = ceiling / (1 + exp(-steepness (ln compute - ln midpoint)))

    compute : (n,) positive, rising
    share   : (n,) success in [0, 1]
    returns : (midpoint, steepness, ceiling). midpoint: the compute at half of the
              ceiling, in the unit of `compute`, from a tenth of the least to ten times
              the most; steepness: 0.1 to 20 for each factor e; ceiling: in [0, 1]
    """
    x, y = np.log(compute), np.asarray(share, float)

    def curve(x, middle, steepness, ceiling):
        return ceiling * expit(steepness * (x - middle))

    top = max(float(y.max()), 0.01)
    start = (x[int(np.argmax(y >= top / 2))], 2.0, top)
    room = np.log(10)
    bounds = ([x[0] - room, 0.1, 0.0], [x[-1] + room, 20.0, 1.0])
    (middle, steepness, ceiling), _ = curve_fit(curve, x, y, start, bounds=bounds)
    return float(np.exp(middle)), float(steepness), float(ceiling)


def curve_of(fit: Fit, compute: Sequence[float]) -> np.ndarray:
    """Return the (n,) shares that a fit (midpoint, steepness, ceiling) predicts."""
    midpoint, steepness, ceiling = fit
    return ceiling * expit(steepness * np.log(np.asarray(compute, float) / midpoint))


def _log_midpoint(compute, share):
    midpoint, steepness, ceiling = fit_task(compute, share)
    return float(np.log(midpoint)), steepness, ceiling


def _per_tenfold(compute, share):
    midpoint, steepness, ceiling = fit_task(compute, share)
    return midpoint, steepness * float(np.log(10)), ceiling


def _falling(compute, share):
    midpoint, steepness, ceiling = fit_task(compute, share)
    return midpoint, -steepness, ceiling


def _bounded(curve, x, y, start, low, high) -> np.ndarray:
    return curve_fit(curve, x, y, start, bounds=(low, high))[0]


def _linear(compute, share):
    x, y = np.asarray(compute, float), np.asarray(share, float)
    top = max(float(y.max()), 0.01)
    start = (x[int(np.argmax(y >= top / 2))], 0.02, top)
    found = _bounded(
        lambda x, m, s, c: c * expit(s * (x - m)),
        x,
        y,
        start,
        [0, 1e-6, 0],
        [10 * x[-1], 20, 1],
    )
    return tuple(map(float, found))


def _no_ceiling(compute, share):
    x, y = np.log(compute), np.asarray(share, float)
    start, room = (x[int(np.argmax(y >= y.max() / 2))], 2.0), np.log(10)
    middle, steepness = _bounded(
        lambda x, m, s: expit(s * (x - m)),
        x,
        y,
        start,
        [x[0] - room, 0.1],
        [x[-1] + room, 20],
    )
    return float(np.exp(middle)), float(steepness), 1.0


def _at_half(compute, share):
    midpoint, steepness, ceiling = fit_task(compute, share)
    if ceiling <= 0.5:
        return float(compute[-1]), steepness, ceiling
    shift = np.log(0.5 / (ceiling - 0.5)) / steepness
    return float(midpoint * np.exp(shift)), steepness, ceiling


def _first_above(compute, share):
    _, steepness, ceiling = fit_task(compute, share)
    above = int(np.argmax(np.asarray(share) >= max(share) / 2))
    return float(compute[above]), steepness, ceiling


FIT = {
    "log midpoint": Mutant(
        _log_midpoint,
        "The midpoint is a logarithm. Return it in the unit of compute: np.exp of it.",
    ),
    "per tenfold": Mutant(
        _per_tenfold,
        "The steepness is for each factor of ten. Fit in np.log, not in np.log10.",
    ),
    "falling": Mutant(
        _falling,
        "The steepness has the wrong sign: success rises with compute. Bound it to be "
        "positive.",
    ),
    "linear": Mutant(
        _linear,
        "This is a sigmoid in compute itself. Take np.log of compute before the fit.",
    ),
    "no ceiling": Mutant(
        _no_ceiling,
        "The ceiling is fixed at 1. Some tasks stop short of it: fit it, too.",
    ),
    "at half": Mutant(
        _at_half,
        "The midpoint is where success is 50 %. It belongs at half of the ceiling.",
    ),
    "first above": Mutant(
        _first_above,
        "The midpoint is one of the measured points. The fit puts it between them.",
    ),
}
LOOKS = np.array([10, 20, 30, 40, 60, 80, 120, 160, 240, 400], float)


def _three(answer, compute, share) -> np.ndarray:
    got = answer(compute, share)
    expect(got is not None, "Return (midpoint, steepness, ceiling).")
    expect(np.shape(got) == (3,), "Return three numbers: midpoint, steepness, ceiling.")
    return np.asarray(got, float)


def _wrong(compute, share) -> list[tuple[str, tuple]]:
    return [(m.message, _rounded(m.answer(compute, share))) for m in FIT.values()]


def _rounded(fit) -> list[float]:
    """Return a fit in numbers that can be compared with one tolerance."""
    midpoint, steepness, ceiling = map(float, fit)
    scale = np.log(midpoint) if midpoint > 0 else -100.0
    return [float(scale), steepness, ceiling]


def _recover(answer, truth: Fit, compute=LOOKS, atol: float = 0.01) -> None:
    share = curve_of(truth, compute)
    got = _rounded(_three(answer, compute, share))
    expect_close(got, _rounded(truth), _wrong(compute, share), atol)


def _whole(answer) -> None:
    _recover(answer, (100.0, 3.0, 0.8))


def _sharp(answer) -> None:
    """A task that is learned at once, and one that stops early."""
    _recover(answer, (50.0, 6.0, 1.0))
    _recover(answer, (70.0, 2.0, 0.45))


def _units(answer) -> None:
    """In FLOPs instead of steps the midpoint changes its unit, and nothing else."""
    _recover(answer, (150.0 * 2e9, 3.0, 0.9), LOOKS * 2e9)


def _never(answer) -> None:
    """A task without any success: some fit comes back, and it predicts none."""
    for share in (np.zeros(len(LOOKS)), np.full(len(LOOKS), 1e-4)):
        fit = _three(answer, LOOKS, share)
        expect(
            bool(np.isfinite(fit).all()) and fit[0] > 0,
            "A task that is never learned should give finite numbers as well.",
        )
        expect(
            float(np.max(curve_of(tuple(fit), LOOKS))) < 0.02,
            "For a task that is never learned the curve should stay at 0.",
        )


def _noise(answer) -> None:
    """Eighteen requests at each look, so shares are rough."""
    truth = (90.0, 3.0, 0.9)
    rng = np.random.default_rng(5)
    share = rng.binomial(18, curve_of(truth, LOOKS)) / 18
    got = curve_of(tuple(_three(answer, LOOKS, share)), LOOKS)
    want = curve_of(fit_task(LOOKS, share), LOOKS)
    wrong = [(m.message, curve_of(m.answer(LOOKS, share), LOOKS)) for m in FIT.values()]
    expect_close(got, want, wrong, atol=0.01)


EXERCISES = [
    Exercise(
        name="fit_task",
        notebook=NOTEBOOK,
        reference=fit_task,
        parts=[
            Part("a curve without noise is found again", _whole, 2),
            Part("a sudden task, and one with a low ceiling", _sharp),
            Part("compute in another unit", _units),
            Part("a task that is never learned", _never, 0.5),
            Part("rough shares", _noise, 0.5),
        ],
        mutants=FIT,
    ),
]
