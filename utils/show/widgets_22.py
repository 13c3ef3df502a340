"""For notebook 22: tokens coloured by their loss, and a viewer of thoughts."""

import re
from collections.abc import Sequence
from html import escape

import ipywidgets as w

from utils.align.chat import Reply
from utils.world.replies import action_of
from utils.world.requests import Request
from utils.world.spec import load_spec

LEARNED = "background:#56B4E9;color:black;border-bottom:2px solid black"
READ = "color:gray"
MARK = "background:#F0E442;color:black;font-weight:bold"
STEP = re.compile(r" (?=(?:Topic|Category|Intent|Clause|Action|Plan): )")
CITED = re.compile(r"Clause: §(\d+)")


def pieces(tokenizer, ids: Sequence[int]) -> list[str]:
    """Return each token as text, with the blank before it if it has one."""
    tokens = tokenizer.convert_ids_to_tokens(list(ids))
    return [token.replace("▁", " ") for token in tokens]


def token_html(tokenizer, ids: Sequence[int], mask: Sequence[bool]) -> str:
    """Return HTML of the tokens: underlined on blue with loss, grey without."""
    spans = [
        f'<span style="{LEARNED if learned else READ}">{escape(text)}</span>'
        for text, learned in zip(pieces(tokenizer, ids), mask, strict=True)
    ]
    return f'<p style="line-height:1.8;max-width:60em">{"".join(spans)}</p>'


def token_text(tokenizer, ids: Sequence[int], mask: Sequence[bool]) -> str:
    """Return the same in plain text, a line for each run of tokens."""
    lines: list[str] = []
    before = None
    for text, learned in zip(pieces(tokenizer, ids), mask, strict=True):
        if learned != before:
            lines.append("learned | " if learned else "read    | ")
        lines[-1] += text
        before = learned
    return "\n".join(line.rstrip() for line in lines)


def reason_of(thought: str) -> str:
    """Return the reason that spec.md gives for the clause a thought cites, or ""."""
    found = CITED.search(thought)
    reasons = {clause.number: clause.reason for clause in load_spec().clauses}
    return reasons.get(int(found[1]), "") if found else ""


def trace_rows(request: Request, reply: Reply) -> list[tuple[str, str]]:
    """Return (name, text) rows of a trace: request, thought, reason, answer, verdict.

    Each step of the thought has its own row. The reason is not the model's: it is
    looked up in spec.md.
    """
    right, given = request.action(), action_of(reply.answer)
    verdict = "right" if given == right else "wrong"
    steps = [step.partition(": ") for step in STEP.split(reply.thought) if step]
    rows = [("user", request.text)]
    rows += [(f"thought: {name}", text) for name, _, text in steps]
    if reason := reason_of(reply.thought):
        rows.append(("reason in spec.md", reason))
    return [
        *rows,
        ("answer", reply.answer),
        ("did", f"{given} ({verdict})"),
        ("should do", f"{right}, by {request.clause()}"),
    ]


def trace_text(request: Request, reply: Reply) -> str:
    """Return a trace as plain text, for a static cell beside the widget."""
    rows = trace_rows(request, reply)
    return "\n".join(f"{name:20}{text}" for name, text in rows)


def trace_html(request: Request, reply: Reply) -> str:
    """Return a trace as an HTML table; the cited clause is marked and bold."""
    cells = []
    for name, text in trace_rows(request, reply):
        look = f' style="{MARK}"' if name == "thought: Clause" else ""
        cells.append(
            '<tr><td style="text-align:left;padding-right:1em">'
            f"{escape(name)}</td>"
            f'<td style="text-align:left"><span{look}>{escape(text)}</span></td></tr>'
        )
    return f"<table>{''.join(cells)}</table>"


class TraceViewer(w.VBox):
    """A menu of requests, and the trace of the chosen one below it.

    `replies` holds one reply for each of the `requests`. Nothing is computed when the
    menu moves.
    """

    def __init__(self, requests: Sequence[Request], replies: Sequence[Reply]) -> None:
        self.requests, self.replies = list(requests), list(replies)
        names = [(request.text, i) for i, request in enumerate(self.requests)]
        self.menu = w.Dropdown(
            options=names, description="request", layout=w.Layout(width="40em")
        )
        self.page = w.HTML()
        self.menu.observe(self.draw, names="value")
        self.draw()
        super().__init__([self.menu, self.page])

    def draw(self, _change: dict | None = None) -> None:
        """Show the trace of the request that the menu is on."""
        number = self.menu.value
        self.page.value = trace_html(self.requests[number], self.replies[number])
