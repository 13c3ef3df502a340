"""The widget of notebook 34: samples of requests, as a histogram and as votes."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import ipywidgets as w
import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

from utils.show.figure import COLORS, PALETTE

BINS = 9  # bars of a histogram of success probabilities


@dataclass(frozen=True)
class Sampled:
    """Samples of one arm in one place.

    arm    : name, for the colour
    shares : (requests,) share of right samples of each request
    votes  : number of votes -> accuracy of the majority
    any    : number of samples -> chance that one of them at least is right
    """

    arm: str
    shares: Sequence[float]
    votes: Mapping[int, float]
    any: Mapping[int, float]


def draw_shares(ax: Axes, cell: Sampled) -> None:
    """Draw how many requests have which success probability; a line at the mean."""
    shares = np.asarray(cell.shares, float)
    weights = np.full(len(shares), 100 / len(shares))
    edges = np.linspace(-1 / (2 * BINS - 2), 1 + 1 / (2 * BINS - 2), BINS + 1)
    ax.hist(shares, edges, weights=weights, color=COLORS[cell.arm], alpha=0.75)
    ax.axvline(shares.mean(), color="black", linestyle="--", linewidth=1.2)
    ax.set_xlim(edges[0], edges[-1])
    ax.set_ylim(0, 105)
    ax.set_xlabel("right samples, share")
    ax.set_ylabel("requests, %")


def draw_votes(ax: Axes, cell: Sampled, marked: int | None = None) -> None:
    """Draw majority votes and pass@n against the number of samples."""
    looks = (
        (cell.votes, "majority vote", COLORS[cell.arm], "o", "-"),
        (cell.any, "any of them right", PALETTE["black"], "x", ":"),
    )
    for curve, name, color, marker, line in looks:
        values = [100 * value for value in curve.values()]
        ax.plot(
            [*curve], values, color=color, marker=marker, linestyle=line, label=name
        )
    if marked is not None:
        ax.axvline(marked, color="grey", linewidth=1)
    ax.set_xscale("log", base=2)
    ax.set_xticks([*cell.votes], [str(n) for n in cell.votes])
    ax.set_ylim(0, 105)
    ax.set_xlabel("samples")
    ax.set_ylabel("right, %")
    ax.grid(alpha=0.3)


def describe(place: str, cell: Sampled, n: int) -> str:
    """Say in one line what the samples of one arm in one place are worth."""
    shares = np.asarray(cell.shares, float)
    return (
        f"{cell.arm}, {place}: one sample {shares.mean():.0%} right, a vote of {n} "
        f"{cell.votes[n]:.0%}, any of {n} {cell.any[n]:.0%}; never right "
        f"{np.mean(shares == 0):.0%}, always right {np.mean(shares == 1):.0%} of the "
        "requests."
    )


class SampleExplorer:
    """Two menus, arm and place, and a slider for the number of samples.

    Display `box`. `cells` maps (label of an arm, place) to its samples; nothing is
    sampled when a control moves.
    """

    def __init__(self, cells: Mapping[tuple[str, str], Sampled]) -> None:
        self.cells = cells
        arms, places = (list(dict.fromkeys(key[i] for key in cells)) for i in (0, 1))
        first = next(iter(cells.values()))
        self.arm = w.Dropdown(options=arms, description="arm")
        self.place = w.Dropdown(options=places, description="place")
        self.votes = w.SelectionSlider(
            options=[*first.votes], description="samples", continuous_update=False
        )
        self.image, self.text = w.Image(format="png", width=720), w.HTML()
        controls = [self.arm, self.place, self.votes]
        self.box = w.VBox([*controls, self.image, self.text])
        for control in controls:
            control.observe(self.update, names="value")
        self.update()

    def update(self, change: dict | None = None) -> None:
        """Draw again for what the controls say now."""
        cell = self.cells[self.arm.value, self.place.value]
        fig, axes = plt.subplots(
            1, 2, figsize=(7.2, 2.8), dpi=100, layout="constrained"
        )
        draw_shares(axes[0], cell)
        draw_votes(axes[1], cell, self.votes.value)
        axes[1].legend(frameon=False, fontsize=8)
        fig.suptitle(f"{self.arm.value}, {self.place.value}")
        file = io.BytesIO()
        fig.savefig(file, format="png")
        plt.close(fig)
        self.image.value = file.getvalue()
        self.text.value = describe(self.place.value, cell, self.votes.value)
