"""For notebook 23: recorded thoughts and answers, run by run and look by look."""

import re
from collections.abc import Sequence
from html import escape

import ipywidgets as w

from utils.world.spec import load_spec

Look = dict  # a row of results/blind.json
CITED = re.compile(r"(Clause: )(§\d+ .+?)(\.)")
TRUE = "background:#56B4E9;color:black"
MADE_UP = "background:#E69F00;color:black;text-decoration:underline wavy"


def is_in_spec(clause: str) -> bool:
    """Whether the Spec has a clause, word for word."""
    return clause in map(str, load_spec().clauses)


def marked(thought: str) -> str:
    """Return a thought as HTML: the quoted clause blue if the Spec has it, else orange.

    A clause that the Spec does not have is underlined and called made up, too.
    """
    found = CITED.search(thought)
    if not found:
        return f"{escape(thought)} <i>(no clause)</i>"
    before, behind = thought[: found.start(2)], thought[found.end(2) :]
    true = is_in_spec(found[2])
    note = "" if true else " <i>(made up)</i>"
    quote = f'<span style="{TRUE if true else MADE_UP}">{escape(found[2])}</span>'
    return f"{escape(before)}{quote}{note}{escape(behind)}"


def describe(look: Look) -> str:
    """Say what was measured at one look, in one line."""
    return (
        f"step {look['step']}: proxy {look['proxy']:.2f}, truth {look['truth']:.2f}, "
        f"right clause quoted {look['clause']:.2f}, answer does what the thought "
        f"decided {look['agrees']:.2f}, KL {look['kl']:.1f} nats"
    )


def samples_text(look: Look) -> str:
    """Return the samples of a look in plain text."""
    lines = []
    for asked, (thought, answer) in zip(look["asked"], look["said"], strict=True):
        quote = CITED.search(thought)
        note = "" if quote and is_in_spec(quote[2]) else "  [made up or no clause]"
        lines += [f"user    {asked}", f"thought {thought}{note}", f"answer  {answer}"]
    return "\n".join(lines)


def look_html(look: Look) -> str:
    """Return a look as HTML: its figures, and each request, thought and answer."""
    blocks = [f"<p>{escape(describe(look))}</p>"]
    for asked, (thought, answer) in zip(look["asked"], look["said"], strict=True):
        blocks.append(
            f'<p style="max-width:60em"><b>{escape(asked)}</b><br>'
            f"{marked(thought)}<br>&rarr; {escape(answer)}</p>"
        )
    return "".join(blocks)


class ThoughtViewer:
    """Recorded runs; one of them is shown at one of its looks. Display `box`.

    `runs` maps a run's name to its looks, in the order of their steps.
    """

    def __init__(self, runs: dict[str, Sequence[Look]]) -> None:
        self.runs = runs
        self.menu = w.Dropdown(options=list(runs), description="run")
        self.slider = w.IntSlider(min=0, max=0, description="look")
        self.text = w.HTML()
        self.box = w.VBox([self.menu, self.slider, self.text])
        self.menu.observe(self.choose, names="value")
        self.slider.observe(self.update, names="value")
        self.choose()

    def choose(self, change: dict | None = None) -> None:
        """Go to the last look of the chosen run."""
        self.slider.max = len(self.runs[self.menu.value]) - 1
        self.slider.value = self.slider.max
        self.update()

    def update(self, change: dict | None = None) -> None:
        """Show the look that the slider is on."""
        self.text.value = look_html(self.runs[self.menu.value][self.slider.value])
