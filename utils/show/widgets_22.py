"""For notebook 22: tokens coloured by their loss, and a viewer of thoughts."""

import re
from collections.abc import Sequence
from html import escape

import ipywidgets as w

from utils.align.chat import Reply
from utils.align.deliberate import Deliberation
from utils.evaluate.training_data import LEAST_SCORE, readings
from utils.show.figure import PALETTE
from utils.show.tables import named_rows
from utils.world.replies import action_of, parse_thought
from utils.world.requests import Request
from utils.world.spec import Clause, load_spec

LEARNED = "background:#56B4E9;color:black;border-bottom:2px solid black"
READ = "background:#eee;color:#444"
MARK = "background:#F0E442;color:black;font-weight:bold"
STEP = re.compile(r" (?=(?:Topic|Category|Intent|Clause|Action|Plan): )")
CITED = re.compile(r"Clause: §(\d+)")
# Every folder of notebooks (course, solutions, work) lies beside utils.
SPEC_FILE = "../utils/world/spec.md"
BAR = 120  # pixels that a probability of 1 is wide
Scores = list[float]


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


def clause_of(thought: str) -> Clause | None:
    """Return the clause of spec.md whose number a thought cites; None without one."""
    found = CITED.search(thought)
    known = {clause.number: clause for clause in load_spec().clauses}
    return known.get(int(found[1])) if found else None


def judge_scores(
    model, tokenizer, requests: Sequence[Request], replies: Sequence[Reply], k: int
) -> list[list[float]]:
    """Return what a judge thinks of each reply in `k` readings.

    It sees the clauses of the category, the request, the answer and the clause cited.
    A thought that lacks a step gets no reading: [], as the filter drops it at once.
    """
    written = [Deliberation(parse_thought(r.thought), r.answer) for r in replies]
    whole = [i for i, one in enumerate(written) if one.thought]
    pairs = [(requests[i], written[i]) for i in whole]
    found: list[list[float]] = [[] for _ in replies]
    if pairs:
        scores = readings(model, tokenizer, pairs, k).tolist()
        for i, row in zip(whole, scores, strict=True):
            found[i] = row
    return found


def judgement(scores: Scores) -> str:
    """Say in words what the filter makes of the readings."""
    if not scores:
        return "not read: a step is missing, so the filter drops it"
    kept = "keeps" if min(scores) >= LEAST_SCORE else "drops"
    return f"minimum {min(scores):.2f}: the filter {kept} it (from {LEAST_SCORE} on)"


def trace_rows(
    request: Request, reply: Reply, scores: Scores | None = None
) -> list[tuple[str, str]]:
    """Return (name, text) rows of a trace: request, thought, reason, answer, verdict.

    Each step of the thought has its own row. The reason is not the model's: it is
    looked up in spec.md. `scores` are the judge's readings, one row each.
    """
    right, given = request.action(), action_of(reply.answer)
    verdict = "right" if given == right else "wrong"
    steps = [step.partition(": ") for step in STEP.split(reply.thought) if step]
    rows = [("user", request.text)]
    rows += [(f"thought: {name}", text) for name, _, text in steps]
    if clause := clause_of(reply.thought):
        rows.append(("reason in spec.md", clause.reason))
    rows += [
        ("answer", reply.answer),
        ("did", f"{given} ({verdict})"),
        ("should do", f"{right}, by {request.clause()}"),
    ]
    if scores is None:
        return rows
    rows += [(f"judge, reading {i}", f"{s:.2f}") for i, s in enumerate(scores, 1)]
    return [*rows, ("judge", judgement(scores))]


def trace_text(request: Request, reply: Reply, scores: Scores | None = None) -> str:
    """Return a trace as plain text, for a static cell beside the widget."""
    rows = trace_rows(request, reply, scores)
    return "\n".join(f"{name:20}{text}" for name, text in rows)


def trace_html(request: Request, reply: Reply, scores: Scores | None = None) -> str:
    """Return a trace as an HTML table.

    The cited clause is marked, and a link to its category in spec.md. Each reading is
    a bar; the lowest is marked, too.
    """
    least = f"judge, reading {scores.index(min(scores)) + 1}" if scores else ""
    rows = []
    for name, text in trace_rows(request, reply, scores):
        content = escape(text)
        if name == "thought: Clause":
            content = _linked(text, clause_of(reply.thought))
        elif name.startswith("judge, reading"):
            content = _bar(float(text), name == least)
        rows.append((name, content))
    return named_rows(rows)


def _linked(text: str, clause: Clause | None) -> str:
    """Mark the words that cite a clause, and link them if there is such a clause."""
    marked = f'<span style="{MARK}">{escape(text)}</span>'
    if clause is None:
        return marked
    page = f"{SPEC_FILE}#{clause.category}"
    return f'<a href="{page}" target="_blank" title="{page}">{marked}</a>'


def _bar(score: float, least: bool) -> str:
    """Draw a probability as a bar with its number, and say if it is the lowest."""
    color = PALETTE["vermillion" if least else "blue"]
    style = "display:inline-block;height:0.8em;vertical-align:middle"
    words = " &#9664; minimum" if least else ""
    return (
        f'<span style="{style};width:{BAR}px;background:#eee">'
        f'<span style="{style};width:{BAR * score:.0f}px;background:{color};'
        f'vertical-align:top"></span></span> {score:.2f}{words}'
    )


class TraceViewer(w.VBox):
    """A menu of requests, and the trace of the chosen one below it.

    `replies` and `scores` (the judge's readings) hold one entry for each of the
    `requests`. Nothing is computed when the menu moves.
    """

    def __init__(
        self,
        requests: Sequence[Request],
        replies: Sequence[Reply],
        scores: Sequence[Scores] | None = None,
    ) -> None:
        self.requests, self.replies = list(requests), list(replies)
        self.scores = [None] * len(self.requests) if scores is None else list(scores)
        if not len(self.requests) == len(self.replies) == len(self.scores):
            raise ValueError("Give one reply, and one list of scores, for a request.")
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
        i = self.menu.value
        trace = self.requests[i], self.replies[i], self.scores[i]
        self.page.value = trace_html(*trace)
