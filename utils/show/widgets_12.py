"""The widget of notebook 12: calibration under a slider for the temperature."""

import io
from collections.abc import Mapping

import ipywidgets as w
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from torch import Tensor

from utils.evaluate.studies.reward_model import accuracy_of, calibration_error
from utils.show.figure import PALETTE

BINS = 5  # of the upper half, from 0.5 to 1


def reliability(z: Tensor) -> list[tuple[float, float, float]]:
    """Return (mean confidence, share right, share of all pairs) of each bin in use.

    z : float, any shape: r(better) - r(worse). The confidence is that of the answer
        that the model prefers, from 0.5 to 1.
    """
    z = z.flatten()
    confidence = z.abs().sigmoid()
    right = (z > 0).float() + 0.5 * (z == 0).float()
    place = ((confidence - 0.5) * 2 * BINS).long().clamp(max=BINS - 1)
    found = []
    for b in range(BINS):
        inside = place == b
        if inside.any():
            means = (
                confidence[inside].mean(),
                right[inside].mean(),
                inside.float().mean(),
            )
            found.append(tuple(mean.item() for mean in means))
    return found


def draw_reliability(ax: Axes, z: Tensor) -> None:
    """Draw the share that is right against the confidence; larger dots hold more."""
    confidence, right, share = zip(*reliability(z), strict=True)
    ax.plot([0.5, 1], [0.5, 1], "--", color="grey", lw=1)
    ax.plot(confidence, right, "-", color=PALETTE["blue"], lw=1)
    sizes = [20 + 400 * part for part in share]
    ax.scatter(confidence, right, s=sizes, color=PALETTE["blue"], alpha=0.7)
    ax.set_xlim(0.48, 1.02)
    ax.set_ylim(-0.03, 1.05)
    ax.set_xlabel("confidence")
    ax.grid(alpha=0.3)


def describe_reliability(z: Tensor) -> str:
    """Say how right, how sure and how far from calibrated, in one line."""
    return (
        f"accuracy {accuracy_of(z):.2f}, mean confidence "
        f"{z.abs().sigmoid().mean():.2f}, calibration error {calibration_error(z):.3f}"
    )


class TemperatureSlider:
    """The calibration of rewards divided by a temperature, in a place to choose.

    Display `box`. `gaps` maps the name of a place to r(better) - r(worse) there.
    """

    def __init__(self, gaps: Mapping[str, Tensor]) -> None:
        self.gaps = dict(gaps)
        options = [f"{2 ** (power / 2):.2g}" for power in range(-4, 7)]
        self.place = w.Dropdown(options=list(self.gaps), description="place")
        self.slider = w.SelectionSlider(
            options=options,
            value="1",
            description="temperature",
            style={"description_width": "initial"},
            continuous_update=False,
        )
        self.image, self.text = w.Image(format="png", width=420), w.HTML()
        controls = w.HBox([self.place, self.slider])
        self.box = w.VBox([controls, self.image, self.text])
        for control in (self.place, self.slider):
            control.observe(self.update, names="value")
        self.update()

    def update(self, change: dict | None = None) -> None:
        """Draw the diagram again for the place and temperature chosen now."""
        name, temperature = self.place.value, self.slider.value
        z = self.gaps[name] / float(temperature)
        fig, ax = plt.subplots(figsize=(4.2, 3.4), dpi=110, layout="constrained")
        draw_reliability(ax, z)
        ax.set_ylabel("share right")
        ax.set_title(f"{name}, temperature {temperature}")
        file = io.BytesIO()
        fig.savefig(file, format="png")
        plt.close(fig)
        self.image.value = file.getvalue()
        said = describe_reliability(z)
        self.text.value = f"{name}, temperature {temperature}: {said}"
