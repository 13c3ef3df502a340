"""The widget of notebook 21: a filter under sliders for readings and threshold."""

import io

import ipywidgets as w
import torch
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from torch import Tensor

from utils.evaluate.studies.filter import RULES, precision_recall
from utils.show.figure import PALETTE

LIMIT = 9.0  # scores are drawn as log-odds, cut off here
THRESHOLDS = (0.001, 0.01, 0.1, 0.3, 0.5, 0.7, 0.9, 0.99, 0.999)
TOGETHER = {"minimum": lambda s: s.amin(dim=1), "mean": lambda s: s.mean(dim=1)}


def log_odds(p: Tensor) -> Tensor:
    """Return log(p / (1 - p)), cut off at +- LIMIT."""
    return torch.logit(p.double(), eps=1e-6).clamp(-LIMIT, LIMIT)


def draw_filter(
    ax: Axes, scores: Tensor, good: Tensor, rule: str, k: int, threshold: float
) -> None:
    """Draw each example at its score: good ones above, faulty ones below.

    scores : (n, readings) float; the first k count. good : (n,) bool. The dashed line
    is the threshold; filled marks to the right of it are kept.
    """
    kept = RULES[rule](scores[:, :k], threshold)
    places = log_odds(TOGETHER[rule](scores[:, :k]))
    jitter = torch.rand(len(good), generator=torch.Generator().manual_seed(0))
    looks = ((good, 1, "blue", "o"), (~good, 0, "vermillion", "X"))
    for group, row, color, marker in looks:
        height = row + 0.6 * (jitter - 0.5)
        for inside, face in ((group & kept, PALETTE[color]), (group & ~kept, "none")):
            ax.scatter(
                places[inside],
                height[inside],
                s=22,
                marker=marker,
                facecolors=face,
                edgecolors=PALETTE[color],
                linewidths=0.8,
                alpha=0.7,
            )
    line = log_odds(torch.tensor(threshold)).item()
    ax.axvline(line, color="black", linestyle="--", linewidth=1)
    ax.set_yticks([0, 1], ["faulty", "good"])
    ax.set_ylim(-0.6, 1.6)
    ax.set_xlim(-LIMIT - 0.6, LIMIT + 0.6)
    ticks = (0.001, 0.1, 0.5, 0.9, 0.999)
    at = [log_odds(torch.tensor(p)).item() for p in ticks]
    ax.set_xticks(at, [f"{p:g}" for p in ticks])
    ax.set_xlabel(f"{rule} of {k} reading{'s' if k > 1 else ''} (log-odds scale)")
    ax.grid(axis="x", alpha=0.3)


def describe_filter(
    scores: Tensor, good: Tensor, rule: str, k: int, threshold: float
) -> str:
    """Say what this filter keeps and loses, in one line."""
    kept = RULES[rule](scores[:, :k], threshold)
    precision, recall = precision_recall(kept, good)
    return (
        f"{rule} of {k}, threshold {threshold:g}: keeps {int(kept.sum())} of "
        f"{len(good)}; {int((kept & ~good).sum())} of {int((~good).sum())} faulty ones "
        f"slip through, {int((~kept & good).sum())} of {int(good.sum())} good ones are "
        f"lost; precision {precision:.3f}, recall {recall:.3f}"
    )


class FilterSliders:
    """What a filter keeps, under controls for rule, readings and threshold.

    Display `box`. `scores` are (n, readings), `good` (n,) bool; nothing is computed by
    a model when a slider moves.
    """

    def __init__(self, scores: Tensor, good: Tensor) -> None:
        self.scores, self.good = scores, good
        self.rule = w.Dropdown(options=list(RULES), description="rule")
        self.k = w.IntSlider(
            value=1,
            min=1,
            max=scores.shape[1],
            description="readings k",
            continuous_update=False,
        )
        self.threshold = w.SelectionSlider(
            options=[(f"{t:g}", t) for t in THRESHOLDS],
            value=0.5,
            description="threshold",
            continuous_update=False,
        )
        self.image, self.text = w.Image(format="png", width=620), w.HTML()
        controls = [self.rule, self.k, self.threshold]
        self.box = w.VBox([*controls, self.image, self.text])
        for control in controls:
            control.observe(self.update, names="value")
        self.update()

    def update(self, change: dict | None = None) -> None:
        """Draw again for what the controls say now."""
        setting = self.rule.value, self.k.value, self.threshold.value
        fig, ax = plt.subplots(figsize=(6.2, 2.5), dpi=110, layout="constrained")
        draw_filter(ax, self.scores, self.good, *setting)
        file = io.BytesIO()
        fig.savefig(file, format="png")
        plt.close(fig)
        self.image.value = file.getvalue()
        self.text.value = describe_filter(self.scores, self.good, *setting)
