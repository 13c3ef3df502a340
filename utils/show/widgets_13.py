"""The widgets of notebook 13: the optimal policy, and measured runs, by beta."""

import io
from collections.abc import Sequence

import ipywidgets as w
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from utils.align.kl import exact_kl
from utils.evaluate.study import over_seeds
from utils.show.figure import PALETTE

# What a run of DPO shows, in the order of the bars: the figure of a row, and its name.
SHARES = {
    "reward_accuracy": "reward\naccuracy",
    "chosen_fell": "chosen text\nless likely",
    "answers_changed": "greedy action\nchanged",
    "accuracy": "right\naction",
}
STARTS = {"base": "from the base", "sft": "after SFT"}


def draw_optimum(
    ax: Axes, words: Sequence[str], reference: Tensor, policy: Tensor
) -> None:
    """Draw reference and policy, (n,) probabilities each, as bars side by side."""
    places = range(len(words))
    looks = [
        (reference, "reference", PALETTE["sky"], ""),
        (policy, "optimal policy", PALETTE["vermillion"], "//"),
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


def _png(fig: Figure) -> bytes:
    """Close a figure and return it as a PNG file."""
    file = io.BytesIO()
    fig.savefig(file, format="png")
    plt.close(fig)
    return file.getvalue()


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
        self.image.value = _png(fig)
        words = describe_optimum(self.reference, self.rewards, policy)
        self.text.value = f"beta = {beta:g}: {words}"


def draw_run(axes: Sequence[Axes], rows: Sequence[dict], **run) -> None:
    """Draw the shares of one measured setting (left), and its KL among all betas.

    rows : of results/dpo.json
    run  : start ("base" or "sft"), beta and lr of the setting
    """
    left, right = axes
    found = [over_seeds(rows, figure, **run) for figure in SHARES]
    means = [100 * mean for mean, _, _ in found]
    errors = [_half(one) * 100 for one in found]
    colors = [PALETTE[name] for name in ("sky", "orange", "green", "vermillion")]
    left.bar(range(len(means)), means, color=colors, yerr=errors, capsize=3)
    left.set_xticks(range(len(means)), list(SHARES.values()), fontsize=8)
    left.set_ylim(0, 105)
    left.set_ylabel("%")
    betas = sorted({row["beta"] for row in rows})
    moved = [over_seeds(rows, "kl", **run | {"beta": beta}) for beta in betas]
    for beta, one in zip(betas, moved, strict=True):
        mark = "D" if beta == run["beta"] else "o"
        color = PALETTE["vermillion" if mark == "D" else "blue"]
        right.errorbar(beta, one[0], _half(one), fmt=mark, color=color, capsize=3)
    right.set_xscale("log")
    right.set_xticks(betas, [f"{beta:g}" for beta in betas])
    right.minorticks_off()
    right.set_xlabel("beta")
    right.set_ylabel("KL to the reference, nats")
    right.set_ylim(0, max(0.5, right.get_ylim()[1]))  # or noise would look large
    right.grid(alpha=0.3)


def _half(one: tuple[float, float, float]) -> float:
    """Half the width of an interval (mean, low, high)."""
    return (one[2] - one[1]) / 2


def describe_run(rows: Sequence[dict], **run) -> str:
    """Say what one measured setting did, in two lines, means over the seeds."""
    mean = {
        figure: over_seeds(rows, figure, **run)[0]
        for figure in (*SHARES, "kl", "chosen_change", "rejected_change")
    }
    return (
        f"{STARTS[run['start']]}, beta {run['beta']:g}, lr {run['lr']:g}: reward "
        f"accuracy {mean['reward_accuracy']:.0%}, right action {mean['accuracy']:.0%},"
        f"\n    greedy action changed in {mean['answers_changed']:.0%}; "
        f"chosen {mean['chosen_change']:+.1f}, rejected "
        f"{mean['rejected_change']:+.1f} nats; KL {mean['kl']:.2f}"
    )


class RunSlider:
    """Measured runs of DPO, one of which is shown, under a slider for beta.

    Display `box`. `rows` are those of results/dpo.json; the other two menus choose
    where a run began and its learning rate.
    """

    def __init__(self, rows: Sequence[dict], start: str, lr: float) -> None:
        self.rows = rows
        betas, rates = (sorted({row[key] for row in rows}) for key in ("beta", "lr"))
        self.beta = w.SelectionSlider(
            options=[(f"{beta:g}", beta) for beta in betas],
            description="beta",
            continuous_update=False,
        )
        self.start = w.Dropdown(
            options=[(name, key) for key, name in STARTS.items()],
            value=start,
            description="start",
        )
        self.lr = w.Dropdown(
            options=[(f"{rate:g}", rate) for rate in rates],
            value=lr,
            description="step size",
        )
        self.image, self.text = w.Image(format="png", width=760), w.HTML()
        controls = [self.beta, self.start, self.lr]
        self.box = w.VBox([*controls, self.image, self.text])
        for control in controls:
            control.observe(self.update, names="value")
        self.update()

    def update(self, change: dict | None = None) -> None:
        """Draw again for what the controls say now."""
        run = {
            "start": self.start.value,
            "beta": self.beta.value,
            "lr": self.lr.value,
        }
        fig, axes = plt.subplots(1, 2, figsize=(8, 2.9), dpi=100, layout="constrained")
        draw_run(axes, self.rows, **run)
        axes[0].set_title(f"beta = {run['beta']:g}")
        self.image.value = _png(fig)
        self.text.value = describe_run(self.rows, **run)
