"""Figures and widget of notebook 33: differences between arms, with their intervals."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import ipywidgets as w
import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

from utils.evaluate.outcomes import hierarchical_interval
from utils.show.figure import PALETTE

# (arm, place) -> (seeds, requests): which of its requests each training got right
Outcomes = Mapping[tuple[str, str], np.ndarray]
Estimate = tuple[float, float, float]
MARGIN = 0.05  # what is smaller makes no difference that matters


@dataclass(frozen=True)
class Line:
    """One line of a forest: its name, (mean, low, high), and each seed's mean."""

    name: str
    estimate: Estimate
    seeds: Sequence[float] = ()

    def __str__(self) -> str:
        """The line in words, in percentage points."""
        mean, low, high = (100 * value for value in self.estimate)
        return f"{self.name} {mean:+.0f} [{low:.0f}, {high:.0f}]"


def look_of(estimate: Estimate, margin: float = MARGIN) -> tuple[str, str]:
    """Return colour and marker of an estimate: is it off zero, and does it matter?

    Blue and up: the whole interval is above the margin. Vermillion and down: below
    minus the margin. Black circle: within the margin. Grey diamond: none of these.
    """
    _, low, high = estimate
    if low > margin:
        return PALETTE["blue"], "^"
    if high < -margin:
        return PALETTE["vermillion"], "v"
    if -margin < low and high < margin:
        return PALETTE["black"], "o"
    return "grey", "D"


def draw_forest(axes: Axes, lines: Sequence[Line], margin: float = MARGIN) -> None:
    """Draw differences one below the other, the first on top, in percentage points.

    The marker is the mean, the bar its interval, each thin stroke a training seed.
    The band marks differences that are too small to matter.
    """
    axes.axvspan(-100 * margin, 100 * margin, color="grey", alpha=0.15, linewidth=0)
    axes.axvline(0, color="grey", linewidth=1)
    for y, line in enumerate(lines):
        mean, low, high = (100 * value for value in line.estimate)
        color, marker = look_of(line.estimate, margin)
        axes.plot([low, high], [y, y], color=color, linewidth=2)
        axes.plot(mean, y, marker=marker, color=color, markersize=7)
        for value in line.seeds:
            axes.plot(100 * value, y + 0.28, marker="|", color="black", markersize=6)
    axes.set_yticks(range(len(lines)), [line.name for line in lines])
    axes.set_ylim(len(lines) - 0.4, -0.6)
    axes.grid(axis="x", alpha=0.3)


def match(
    outcomes: Outcomes, first: str, second: str, places: Sequence[str]
) -> list[Line]:
    """Return a line for each place: `first` minus `second`, paired."""
    lines = []
    for place in places:
        gaps = outcomes[first, place] - outcomes[second, place]
        seeds = gaps.mean(axis=1).tolist()
        lines.append(Line(place, hierarchical_interval(gaps), seeds))
    return lines


def describe_match(
    outcomes: Outcomes, first: str, second: str, places: Sequence[str]
) -> str:
    """Say in words what a match between two arms came to."""
    lines = match(outcomes, first, second, places)
    return f"{first} minus {second}, in points: {'; '.join(map(str, lines))}."


class MatchUp:
    """Two menus of arms, and the difference between the two in every place.

    Display `box`. `names` maps each arm to what its menus say of it.
    """

    def __init__(
        self, outcomes: Outcomes, names: Mapping[str, str], first: str, second: str
    ) -> None:
        self.outcomes = outcomes
        self.places = list(dict.fromkeys(place for _, place in outcomes))
        options = [(f"{arm} {title}", arm) for arm, title in names.items()]
        wide = w.Layout(width="26em")
        self.first, self.second = (
            w.Dropdown(options=options, value=arm, description=word, layout=wide)
            for arm, word in ((first, "arm"), (second, "minus"))
        )
        self.image, self.text = w.Image(format="png"), w.HTML()
        for menu in (self.first, self.second):
            menu.observe(self.draw, names="value")
        self.draw()
        menus = w.HBox([self.first, self.second])
        self.box = w.VBox([menus, self.image, self.text])

    def draw(self, _change: dict | None = None) -> None:
        """Show the match that the menus say."""
        first, second = self.first.value, self.second.value
        lines = match(self.outcomes, first, second, self.places)
        fig, axes = plt.subplots(figsize=(7.5, 3.4), layout="constrained")
        draw_forest(axes, lines)
        axes.set_xlabel(f"{first} minus {second}, right actions, points")
        axes.set_xlim(-100, 100)
        file = io.BytesIO()
        fig.savefig(file, format="png")
        plt.close(fig)
        self.image.value = file.getvalue()
        self.text.value = describe_match(self.outcomes, first, second, self.places)
