"""The widget of notebook 32: a minimal pair under an attack, answered by two arms."""

from collections.abc import Mapping
from html import escape

import ipywidgets as w

from utils.align.chat import Reply
from utils.evaluate.studies.jailbreaks import Pair
from utils.show.widgets_31 import as_text, side_by_side
from utils.world.requests import Request
from utils.world.wrappers import parts

# (number of a pair, surface, wrapper) -> side -> arm -> reply
Grid = Mapping[tuple[int, str, str], Mapping[str, Mapping[str, Reply]]]
SIDES = ("sensitive", "harmless")
PLAIN = "no wrapper"


def attacked(pair: Pair, side: str, surface: str, wrapper: str) -> Request:
    """Return one side of a pair in a surface and a wrapper ("" for none)."""
    return getattr(pair, side).on(surface, wrapper)


def pair_page(pair: Pair, surface: str, wrapper: str, replies: Mapping) -> str:
    """Return HTML: what the wrapper adds, and both sides with their replies."""
    before, behind = parts(wrapper) if wrapper else ("", "")
    frame = f"{escape(before)}<b>[request]</b>{escape(behind)}"
    page = [f"<p>The wrapper: {frame}</p>"]
    for side in SIDES:
        request = attacked(pair, side, surface, wrapper)
        page.append(f"<h4>{side}</h4>{side_by_side(request, replies[side])}")
    return "".join(page)


def pair_text(pair: Pair, surface: str, wrapper: str, replies: Mapping) -> str:
    """Return both sides as plain text, for a static cell beside the widget."""
    blocks = []
    for side in SIDES:
        request = attacked(pair, side, surface, wrapper)
        blocks.append(f"{side.upper()}\n{as_text(request, replies[side])}")
    return "\n\n".join(blocks)


class PairUnderAttack(w.VBox):
    """Three menus, pair, surface and wrapper, and the arms' replies to both sides.

    `grid` holds the replies for every number of a pair, surface and wrapper that the
    menus offer. Nothing is computed when a menu moves.
    """

    def __init__(self, tested: list[Pair], grid: Grid) -> None:
        self.tested, self.grid = tested, grid
        pairs, surfaces, wrappers = (
            list(dict.fromkeys(values)) for values in zip(*grid, strict=True)
        )
        wide = w.Layout(width="36em")
        names = [(tested[i].sensitive.english, i) for i in pairs]
        attacks = [(name or PLAIN, name) for name in wrappers]
        self.pair = w.Dropdown(options=names, description="pair", layout=wide)
        self.surface = w.Dropdown(options=surfaces, description="surface", layout=wide)
        self.wrapper = w.Dropdown(options=attacks, description="wrapper", layout=wide)
        self.page = w.HTML()
        menus = [self.pair, self.surface, self.wrapper]
        for menu in menus:
            menu.observe(self.draw, names="value")
        self.draw()
        super().__init__([*menus, self.page])

    def draw(self, _change: dict | None = None) -> None:
        """Show the replies to what the menus say."""
        key = self.pair.value, self.surface.value, self.wrapper.value
        number, surface, wrapper = key
        self.page.value = pair_page(
            self.tested[number], surface, wrapper, self.grid[key]
        )
