"""The widget of notebook 13: the optimal policy, under a slider for beta."""

import io
from collections.abc import Sequence

import ipywidgets as w
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from torch import Tensor

from utils.align.kl import exact_kl
from utils.show.figure import OKABE_ITO


def draw_optimum(
    ax: Axes, words: Sequence[str], reference: Tensor, policy: Tensor
) -> None:
    """Draw reference and policy, (n,) probabilities each, as bars side by side."""
    places = range(len(words))
    looks = [
        (reference, "reference", OKABE_ITO["sky"], ""),
        (policy, "optimal policy", OKABE_ITO["vermillion"], "//"),
    ]
    for shift, (probs, name, color, hatch) in zip((-0.2, 0.2), looks, strict=True):
        at = [place + shift for place in places]
        ax.bar(at, probs.tolist(), 0.4, label=name, color=color, hatch=hatch)
    ax.set_xticks(places, words)
    ax.set_ylim(0, 1.05)
    ax.set_ylabel("probability")


def describe_optimum(reference: Tensor, rewards: Tensor, policy: Tensor) -> str:
    """Say how far the policy has moved and what reward it gets, in one line."""
    kl = exact_kl(policy.log(), reference.log()).item()
    return (
        f"KL(policy || reference) = {abs(kl):.3f}, "
        f"expected reward = {(policy * rewards).sum().item():.3f}"
    )


class BetaSlider:
    """Optimal policies for several values of beta, one of which is shown.

    Display `box`. `policies` maps each beta to the (n,) probabilities that are
    optimal for it, computed beforehand.
    """

    def __init__(
        self,
        words: Sequence[str],
        reference: Tensor,
        rewards: Tensor,
        policies: dict[float, Tensor],
    ) -> None:
        self.words, self.reference, self.rewards = words, reference, rewards
        self.policies = policies
        options = [(f"{beta:g}", beta) for beta in policies]
        middle = list(policies)[len(policies) // 2]
        self.slider = w.SelectionSlider(
            options=options, value=middle, description="beta", continuous_update=False
        )
        self.image, self.text = w.Image(format="png", width=560), w.HTML()
        self.box = w.VBox([self.slider, self.image, self.text])
        self.slider.observe(self.update, names="value")
        self.update()

    def update(self, change: dict | None = None) -> None:
        """Draw the bars again for the value that the slider has now."""
        beta = self.slider.value
        policy = self.policies[beta]
        fig, ax = plt.subplots(figsize=(5.6, 2.8), dpi=110, layout="constrained")
        draw_optimum(ax, self.words, self.reference, policy)
        ax.set_title(f"beta = {beta:g}")
        ax.legend(frameon=False)
        file = io.BytesIO()
        fig.savefig(file, format="png")
        plt.close(fig)
        self.image.value = file.getvalue()
        words = describe_optimum(self.reference, self.rewards, policy)
        self.text.value = f"beta = {beta:g}: {words}"
