"""For notebook 11: what a judge says about two answers, in both orders."""

import io
from collections.abc import Callable, Sequence
from html import escape
from typing import NamedTuple

import ipywidgets as w
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from torch import Tensor

from utils.show.figure import PALETTE
from utils.world import prompts
from utils.world.replies import answer
from utils.world.requests import Request
from utils.world.spec import ACTIONS, Clause, load_principles

LOOKS = {"first": (PALETTE["sky"], ""), "second": (PALETTE["orange"], "//")}
ELSEWHERE = ("games", "cooking")  # chapters that comply with everything


class Reading(NamedTuple):
    """A judge's label for the first answer: in each order, and over both."""

    logprobs: Tensor  # (2, 2): orders, letters
    forward: float
    backward: float
    label: float


def read(logprobs: Tensor) -> Reading:
    """Turn (2, 2) log-probabilities (orders, letters A and B) into labels.

    The first answer stands in place A in order 0, and in place B in order 1.
    """
    a = logprobs.softmax(dim=-1)[:, 0].tolist()
    forward, backward = a[0], 1 - a[1]
    return Reading(logprobs, forward, backward, (forward + backward) / 2)


def describe_reading(reading: Reading) -> str:
    """Say what the judge says in each order and what comes out, in three lines."""
    lines = []
    for order, place, p in ((0, "A", reading.forward), (1, "B", reading.backward)):
        log_a, log_b = reading.logprobs[order].tolist()
        lines.append(
            f"first answer in place {place}: log p(A) = {log_a:.2f}, "
            f"log p(B) = {log_b:.2f}; it is better with {p:.3f}"
        )
    turns = (reading.forward > 0.5) != (reading.backward > 0.5)
    note = "; the winner depends on the order" if turns else ""
    return "\n".join([*lines, f"label over both orders: {reading.label:.3f}{note}"])


def draw_reading(ax: Axes, reading: Reading) -> None:
    """Draw three bars, each shared out between the two answers.

    In the second bar the second answer stands in place A, on the left.
    """
    rows = [
        ("as given", ("first", reading.forward)),
        ("turned round", ("second", 1 - reading.backward)),
        ("label", ("first", reading.label)),
    ]
    for y, (_, (left, share)) in enumerate(rows):
        right = "second" if left == "first" else "first"
        for who, start, width in ((left, 0, share), (right, share, 1 - share)):
            color, hatch = LOOKS[who]
            named = f"{who} answer" if y == 0 else None
            ax.barh(y, width, 0.6, start, color=color, hatch=hatch, label=named)
    ax.axvline(0.5, color="black", lw=1, ls=":")
    ax.set_yticks(range(3), [name for name, _ in rows])
    ax.set_xlim(0, 1)
    ax.set_ylim(2.5, -0.5)
    ax.set_xlabel("probability of the answer on the left")


def principles_for(request: Request) -> dict[str, list[Clause]]:
    """Return what a judge may read: the chapter, a rule of it, or another chapter."""
    own = request.topic.category
    rules, other = load_principles().of(own), next(c for c in ELSEWHERE if c != own)
    choices = {"the whole chapter": [*rules]}
    for rule in rules:
        choices[f"only: {prompts.card([rule])}"] = [rule]
    choices[f"another chapter: {other}"] = [*load_principles().of(other)]
    return choices


class JudgeDesk(w.VBox):
    """Menus for judge, request, principle and two answers; below, what the judge says.

    `ask(judge, card, text, first, second)` returns (2, 2) log-probabilities: orders,
    letters. It is called when a menu moves.
    """

    def __init__(
        self,
        ask: Callable[[str, str, str, str, str], Tensor],
        judges: Sequence[str],
        requests: Sequence[Request],
    ) -> None:
        self.ask, self.requests = ask, list(requests)
        self.judge = self.menu("judge", list(judges))
        asked = [(request.text, i) for i, request in enumerate(self.requests)]
        self.request = self.menu("request", asked)
        self.principle = self.menu("principle", list(self.choices()))
        self.first, self.second = (
            self.menu(name, list(ACTIONS)) for name in ("first", "second")
        )
        self.second.value = "refuse"
        self.image, self.text = w.Image(format="png", width=620), w.HTML()
        self.request.observe(self.other_request, names="value")
        for menu in (self.judge, self.principle, self.first, self.second):
            menu.observe(self.update, names="value")
        self.update()
        menus = [self.judge, self.request, self.principle, self.first, self.second]
        super().__init__([*menus, self.image, self.text])

    @staticmethod
    def menu(name: str, options: list) -> w.Dropdown:
        """Return a menu with its name in front."""
        wide = w.Layout(width="46em")
        return w.Dropdown(options=options, description=name, layout=wide)

    def choices(self) -> dict[str, list[Clause]]:
        """Return the principles that may be chosen for the present request."""
        return principles_for(self.requests[self.request.value])

    def other_request(self, _change: dict | None = None) -> None:
        """Offer the principles of another request, the whole chapter first."""
        self.principle.unobserve(self.update, names="value")
        self.principle.options = list(self.choices())
        self.principle.observe(self.update, names="value")
        self.update()

    def update(self, _change: dict | None = None) -> None:
        """Ask the judge, and show what it says."""
        request = self.requests[self.request.value]
        card = prompts.card(self.choices()[self.principle.value])
        two = [answer(m.value, request.topic.name) for m in (self.first, self.second)]
        reading = read(self.ask(self.judge.value, card, request.text, *two))
        fig, ax = plt.subplots(figsize=(6.2, 2.3), dpi=110, layout="constrained")
        draw_reading(ax, reading)
        ax.legend(frameon=False, ncols=2, loc="lower left", bbox_to_anchor=(0, 1))
        file = io.BytesIO()
        fig.savefig(file, format="png")
        plt.close(fig)
        self.image.value = file.getvalue()
        told = [f"first: {two[0]}", f"second: {two[1]}", describe_reading(reading)]
        told.append(f"By the Spec, the right action is {request.action()}.")
        self.text.value = f"<pre>{escape(chr(10).join(told))}</pre>"
