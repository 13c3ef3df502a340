"""The widget of notebook 14: recorded runs, under a slider over their looks."""

import html
import io
from collections.abc import Sequence

import ipywidgets as w
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

from utils.show.figure import PALETTE

Look = dict  # a row of results/rl.json


def draw_run(axes: Sequence[Axes], looks: Sequence[Look], step: int) -> None:
    """Draw proxy, truth and KL of one run on three axes, with `step` marked."""
    steps = [look["step"] for look in looks]
    lines = [
        ("proxy", "proxy: mean reward", "vermillion", "s--"),
        ("truth", "truth: right action", "blue", "o-"),
        ("kl", "KL to the start, nats", "black", "^:"),
    ]
    for ax, (name, title, color, line) in zip(axes, lines, strict=True):
        ax.plot(steps, [look[name] for look in looks], line, color=PALETTE[color])
        ax.axvline(step, color="grey", lw=6, alpha=0.3)
        ax.set_title(title)
        ax.set_xlabel("step")
        ax.grid(alpha=0.3)
    axes[1].set_ylim(0, 1.03)


def describe_look(look: Look) -> str:
    """Say what was measured at one look, in one line."""
    return (
        f"step {look['step']}: proxy {look['proxy']:+.2f}, truth "
        f"{100 * look['truth']:.0f} %, KL {look['kl']:.2f} nats, finished "
        f"{100 * look['finished']:.0f} % of the answers"
    )


def samples_of(look: Look) -> list[tuple[str, str]]:
    """Return the requests and answers that were kept from one look."""
    return list(zip(look["asked"], look["said"], strict=True))


class RunSlider:
    """Recorded runs, one of which is shown at one of its looks.

    Display `box`. `runs` maps a run's name to its looks, in the order of their steps;
    all runs were looked at equally often.
    """

    def __init__(self, runs: dict[str, Sequence[Look]]) -> None:
        self.runs = runs
        self.menu = w.Dropdown(options=list(runs), description="run")
        last = len(next(iter(runs.values()))) - 1
        self.slider = w.IntSlider(
            value=last, min=0, max=last, description="look", continuous_update=False
        )
        self.image, self.text = w.Image(format="png", width=860), w.HTML()
        self.box = w.VBox([self.menu, self.slider, self.image, self.text])
        for control in (self.menu, self.slider):
            control.observe(self.update, names="value")
        self.update()

    def update(self, change: dict | None = None) -> None:
        """Draw the run again, and show what it said at this look."""
        looks = self.runs[self.menu.value]
        look = looks[self.slider.value]
        fig, axes = plt.subplots(
            1, 3, figsize=(9.5, 2.6), dpi=100, layout="constrained"
        )
        draw_run(axes, looks, look["step"])
        file = io.BytesIO()
        fig.savefig(file, format="png")
        plt.close(fig)
        self.image.value = file.getvalue()
        lines = [describe_look(look)]
        for asked, said in samples_of(look):
            lines.append(f"{html.escape(asked)}<br>&rarr; <b>{html.escape(said)}</b>")
        self.text.value = "<br>".join(lines)
