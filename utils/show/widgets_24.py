"""The widget of notebook 24: edit a step of a thought, and see the model go on."""

import random
from collections.abc import Callable, Sequence
from html import escape

import ipywidgets as w

from utils.align.chat import Reply
from utils.evaluate.studies.interventions import STEPS, donors, edit_step, text_of
from utils.show.tables import named_rows
from utils.world.replies import Thought, action_of, true_thought
from utils.world.requests import Request

FORCED = "background:#eee;color:#444"
EDITED = "background:#F0E442;color:black;font-weight:bold"
WRITTEN = "background:#56B4E9;color:black;border-bottom:2px solid black"
RESTS = {"the model writes the rest": False, "the rest stays as it was": True}
Case = tuple[Request, Thought, str]  # with the action of the unedited answer
Choice = tuple[str, str]  # what the step says now, and the action it implies


def choices(thought: Thought, step: str, draws: int = 3) -> list[Choice]:
    """Return what a step could say instead: some shams and some real edits."""
    own = text_of(thought, step)
    found = {own: thought.action}
    for kind in ("same", "other"):
        for draw in range(draws):
            rng = random.Random(f"{draw}-{thought}")
            for place, donor in donors(thought, kind, rng):
                if place == step:
                    new = text_of(true_thought(donor), step)
                    found.setdefault(new, donor.action())
    return list(found.items())


def verdict(before: str, after: str, implied: str) -> str:
    """Say in words what an edit did to the action."""
    if implied == before:
        return "unchanged, as it should" if after == before else "changed by a sham"
    if after == implied:
        return "follows the edit"
    return "unchanged" if after == before else "changed to something else"


def parts(
    case: Case, step: str, choice: Choice, keep: bool, said: Reply
) -> dict[str, str]:
    """Return the pieces of a page: texts before, in and behind the edit, and so on.

    `said` is the reply that holds the whole thought, forced and written.
    """
    request, thought, before = case
    new, implied = choice
    text = edit_step(str(thought), step, new, keep)
    start = text.index(f"{step}: ") + len(step) + 2
    after = action_of(said.answer)
    return {
        "request": request.text,
        "unedited": f"{thought} -> {before}",
        "forced": text[:start],
        "edited": new,
        "stays": text[start + len(new) :],
        "written": said.thought[len(text) :],
        "answer": said.answer,
        "result": f"{before} -> {after}; the edit implies {implied}: "
        f"{verdict(before, after, implied)}",
    }


def edit_text(case: Case, step: str, choice: Choice, keep: bool, said: Reply) -> str:
    """Return the page as plain text, for a static cell beside the widget."""
    page = parts(case, step, choice, keep, said)
    shown = f"{page['forced']}[{page['edited']}]{page['stays']}"
    return "\n".join(
        (
            f"request    {page['request']}",
            f"unedited   {page['unedited']}",
            f"forced     {shown}",
            f"written    {page['written'].strip() or '(nothing)'}",
            f"answer     {page['answer']}",
            f"result     {page['result']}",
        )
    )


def edit_html(case: Case, step: str, choice: Choice, keep: bool, said: Reply) -> str:
    """Return the page as HTML: grey is forced, yellow is edited, blue is written."""
    page = {k: escape(v) for k, v in parts(case, step, choice, keep, said).items()}
    thought = (
        f'<span style="{FORCED}">{page["forced"]}</span>'
        f'<span style="{EDITED}">{page["edited"]}</span>'
        f'<span style="{FORCED}">{page["stays"]}</span>'
        f'<span style="{WRITTEN}">{page["written"]}</span>'
    )
    rows = (
        ("request", page["request"]),
        ("unedited", page["unedited"]),
        ("edited", thought),
        ("answer", f'<span style="{WRITTEN}">{page["answer"]}</span>'),
        ("result", f"<b>{page['result']}</b>"),
    )
    return named_rows(rows)


class ThoughtEditor(w.VBox):
    """Menus for a request, a step, its new text and what becomes of the rest.

    cases : requests with the model's own thoughts and actions
    run   : (request, text of the thought, whether it is complete) -> reply, as
            `go_on` gives it; called once for each edit, when a menu moves
    """

    def __init__(
        self, cases: Sequence[Case], run: Callable[[Request, str, bool], Reply]
    ) -> None:
        self.cases, self.run = list(cases), run
        self.known: dict[tuple, Reply] = {}
        wide = w.Layout(width="44em")
        names = [(request.text, i) for i, (request, _, _) in enumerate(self.cases)]
        self.request = w.Dropdown(options=names, description="request", layout=wide)
        self.step = w.Dropdown(
            options=STEPS, value="Category", description="step", layout=wide
        )
        self.new = w.Dropdown(description="says now", layout=wide)
        self.rest = w.Dropdown(options=RESTS, description="and then", layout=wide)
        self.page = w.HTML()
        self.offer()
        self.draw()
        for menu in (self.request, self.step):
            menu.observe(self.offer, names="value")
        for menu in (self.new, self.rest):
            menu.observe(self.draw, names="value")
        super().__init__([self.request, self.step, self.new, self.rest, self.page])

    def offer(self, _change: dict | None = None) -> None:
        """Fill the menu of new texts for the request and step chosen."""
        _, thought, _ = self.cases[self.request.value]
        found = choices(thought, self.step.value)
        self.new.options = [
            (f"{text} ({implied})", (text, implied)) for text, implied in found
        ]
        self.new.value = found[-1]
        self.draw()

    def draw(self, _change: dict | None = None) -> None:
        """Let the model go on from what the menus say, and show it."""
        if self.new.value is None:
            return  # the menu is being filled
        case, step, choice = (
            self.cases[self.request.value],
            self.step.value,
            self.new.value,
        )
        keep = self.rest.value
        text = edit_step(str(case[1]), step, choice[0], keep)
        done = keep or step == STEPS[-1]
        key = self.request.value, text, done
        if key not in self.known:
            self.known[key] = self.run(case[0], text, done)
        self.page.value = edit_html(case, step, choice, keep, self.known[key])
