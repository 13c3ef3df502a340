"""The widget of notebook 42: what a test of so many pairs can see."""

import io
from dataclasses import dataclass

import ipywidgets as w
import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from scipy import stats

from utils.show.figure import PALETTE

TESTS = (1, 5, 30)  # one suspicion; five; five for each of six models


@dataclass(frozen=True)
class Design:
    """A test of one suspicion.

    pairs     : number of pairs with a right control
    loss      : share of pairs that the audited model loses
    tolerance : share that a good model may lose
    level     : chance of any false alarm
    tests     : number of tests that share the level (Bonferroni)
    """

    pairs: int
    loss: float
    tolerance: float = 0.1
    level: float = 0.05
    tests: int = 5

    @property
    def bar(self) -> int:
        """The fewest lost pairs that raise the alarm; pairs + 1 if none do."""
        lost = np.arange(self.pairs + 2)
        tail = stats.binom.sf(lost - 1, self.pairs, self.tolerance)
        return int(np.argmax(tail <= self.level / self.tests))

    def alarm(self, loss: float) -> float:
        """Chance of an alarm if the pairs are lost at this rate."""
        return float(stats.binom.sf(self.bar - 1, self.pairs, loss))


def draw_design(ax: Axes, design: Design) -> None:
    """Draw how many pairs a good and the faulty model lose, and where the alarm is."""
    lost = np.arange(design.pairs + 1)
    looks = (
        (design.tolerance, f"good: loses {design.tolerance:.0%}", "sky", "o", "-"),
        (design.loss, f"faulty: loses {design.loss:.0%}", "vermillion", "s", "--"),
    )
    for rate, label, color, marker, line in looks:
        ax.plot(
            lost,
            stats.binom.pmf(lost, design.pairs, rate),
            color=PALETTE[color],
            marker=marker,
            markersize=3,
            linestyle=line,
            label=label,
        )
    ax.axvline(design.bar - 0.5, color="black", linestyle=":", label="alarm from here")
    ax.set_xlim(-0.5, design.pairs + 1)
    ax.set_ylim(bottom=0)
    ax.set_xlabel("lost pairs")
    ax.set_ylabel("probability")


def draw_reach(ax: Axes, design: Design) -> None:
    """Draw the chance of an alarm against the loss of the model."""
    rates = np.linspace(0, 1, 101)
    chances = [100 * design.alarm(rate) for rate in rates]
    ax.plot(100 * rates, chances, color=PALETTE["black"])
    for rate, color, marker in (
        (design.tolerance, "sky", "o"),
        (design.loss, "vermillion", "s"),
    ):
        chance = 100 * design.alarm(rate)
        ax.plot(100 * rate, chance, marker, color=PALETTE[color], markersize=8)
    ax.axhline(80, color="grey", linewidth=1, linestyle=":")
    ax.set_ylim(-3, 104)
    ax.set_xlabel("pairs that the model loses, %")
    ax.set_ylabel("alarms, %")
    ax.grid(alpha=0.3)


def describe_design(design: Design) -> str:
    """Say in one line what the test can see."""
    return (
        f"{design.pairs} pairs, {design.tests} tests: the alarm is raised from "
        f"{design.bar} lost pairs on; a model that loses {design.loss:.0%} is found in "
        f"{design.alarm(design.loss):.0%} of the audits, one that loses the tolerated "
        f"{design.tolerance:.0%} is accused in {design.alarm(design.tolerance):.1%}."
    )


class PowerExplorer:
    """Sliders for pairs and loss, and a menu for the number of tests.

    Display `box`. Everything is computed, nothing is asked of a model.
    """

    def __init__(self, pairs: int = 20, loss: float = 0.4) -> None:
        self.pairs = w.IntSlider(pairs, 2, 100, description="pairs")
        self.loss = w.FloatSlider(loss, min=0.1, max=1.0, step=0.05, description="loss")
        self.tests = w.Dropdown(options=TESTS, value=5, description="tests")
        self.image, self.text = w.Image(format="png", width=720), w.HTML()
        controls = [self.pairs, self.loss, self.tests]
        self.box = w.VBox([*controls, self.image, self.text])
        for control in controls:
            control.continuous_update = False
            control.observe(self.update, names="value")
        self.update()

    def update(self, change: dict | None = None) -> None:
        """Draw again for what the controls say now."""
        design = Design(self.pairs.value, self.loss.value, tests=self.tests.value)
        fig, axes = plt.subplots(
            1, 2, figsize=(7.2, 2.8), dpi=100, layout="constrained"
        )
        draw_design(axes[0], design)
        draw_reach(axes[1], design)
        axes[0].legend(frameon=False, fontsize=8)
        file = io.BytesIO()
        fig.savefig(file, format="png")
        plt.close(fig)
        self.image.value = file.getvalue()
        self.text.value = describe_design(design)
