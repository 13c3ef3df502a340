"""The widget of notebook 31: one request in one surface, answered by two arms."""

from collections.abc import Mapping
from html import escape

import ipywidgets as w

from utils.align.chat import Reply
from utils.show.tables import named_rows
from utils.world.replies import action_of
from utils.world.requests import Request

# (request number, surface) -> arm -> reply
Grid = Mapping[tuple[int, str], Mapping[str, Reply]]


def side_by_side(request: Request, replies: Mapping[str, Reply]) -> str:
    """Return HTML: the request, the right action, and each arm's reply below.

    Right and wrong are said in words and marked, so that colour is not needed.
    """
    right = request.action()
    rows = [
        ("request", f"<b>{escape(request.text)}</b>"),
        ("in English", escape(request.english)),
        ("right action", f"<b>{right}</b> ({escape(str(request.clause()))})"),
    ]
    for arm, reply in replies.items():
        given = action_of(reply.answer)
        mark = "✓ right" if given == right else "✗ wrong"
        thought = f"<i>{escape(reply.thought)}</i><br>" if reply.thought else ""
        rows.append((arm, f"{thought}{escape(reply.answer)}<br>{mark}: {given}"))
    return named_rows(rows)


def as_text(request: Request, replies: Mapping[str, Reply]) -> str:
    """Return the same as plain text, for a static cell beside the widget."""
    right = request.action()
    lines = [
        f"request       {request.text}",
        f"in English    {request.english}",
        f"right action  {right}",
    ]
    for arm, reply in replies.items():
        given = action_of(reply.answer)
        verdict = "right" if given == right else "wrong"
        thought = [f"  thought     {reply.thought}"] if reply.thought else []
        answer = f"  answer      {reply.answer}  ({verdict}: {given})"
        lines += [arm, *thought, answer]
    return "\n".join(lines)


class SideBySide(w.VBox):
    """Two menus, request and surface, and the arms' replies below them.

    `requests` are in English; `grid` holds a reply of each arm for each number of a
    request and surface that the menus offer. Nothing is computed when a menu moves.
    """

    def __init__(self, requests: list[Request], grid: Grid) -> None:
        self.requests, self.grid = requests, grid
        surfaces = list(dict.fromkeys(surface for _, surface in grid))
        names = [(request.english, i) for i, request in enumerate(requests)]
        wide = w.Layout(width="30em")
        self.request = w.Dropdown(options=names, description="request", layout=wide)
        self.surface = w.Dropdown(options=surfaces, description="surface", layout=wide)
        self.page = w.HTML()
        for menu in (self.request, self.surface):
            menu.observe(self.draw, names="value")
        self.draw()
        super().__init__([self.request, self.surface, self.page])

    def draw(self, _change: dict | None = None) -> None:
        """Show the replies to what the menus say."""
        number, surface = self.request.value, self.surface.value
        request = self.requests[number].on(surface)
        self.page.value = side_by_side(request, self.grid[number, surface])
