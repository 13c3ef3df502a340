"""The recorded pictures of the solution notebooks, and the smallest text in each."""

import ast
import base64
import io
import re
import struct
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

import nbformat
from matplotlib import pyplot as plt
from nbformat import NotebookNode

from utils.files import ROOT

SOURCES = sorted((ROOT / "solutions").glob("[0-9][0-9]_*.ipynb"))
MODULES = sorted((ROOT / "utils" / "show").glob("*.py"))
# Keywords of matplotlib that set a size of text, in points; text has 10 without them.
SIZES, USUAL = {"fontsize", "labelsize", "size", "title_fontsize"}, 10
Functions = dict[str, ast.AST]


class Picture(NamedTuple):
    """A recorded PNG: where it is, its bytes, description and smallest text."""

    where: str
    data: bytes
    alt: str
    points: float

    @property
    def width(self) -> int:
        return struct.unpack(">I", self.data[16:20])[0]

    @property
    def dpi(self) -> float:
        """What matplotlib wrote into the file: pixels per metre, made inches."""
        at = self.data.index(b"pHYs") + 4
        return struct.unpack(">I", self.data[at : at + 4])[0] * 0.0254

    def corners(self) -> list[tuple[float, ...]]:
        """Colour and opacity of the four corners."""
        pixels = plt.imread(io.BytesIO(self.data), format="png")
        return [tuple(map(float, pixels[y, x])) for y in (0, -1) for x in (0, -1)]


@cache
def notebook(stem: str) -> NotebookNode:
    return nbformat.read(ROOT / "solutions" / f"{stem}.ipynb", as_version=4)


def pictures() -> Iterator[Picture]:
    """Every picture that a solution notebook shows, in order."""
    shared = functions(*(path.read_text(encoding="utf-8") for path in MODULES))
    for path in SOURCES:
        cells = notebook(path.stem).cells
        own = functions(*(c.source for c in cells if c.cell_type == "code"))
        for number, cell in enumerate(cells):
            for output in cell.get("outputs", []):
                data = output.get("data", {}).get("image/png")
                if data:
                    yield Picture(
                        f"{path.stem}, cell {number}",
                        base64.b64decode(data),
                        output.metadata.get("image/png", {}).get("alt", ""),
                        smallest(cell.source, shared | own),
                    )


def functions(*sources: str) -> Functions:
    """Every function in some sources, by name."""
    found: Functions = {}
    for source in sources:
        for node in ast.walk(ast.parse(re.sub(r"^[%!].*$", "", source, flags=re.M))):
            if isinstance(node, ast.FunctionDef):
                found[node.name] = node
    return found


def smallest(source: str, known: Functions) -> float:
    """The smallest text, in points, that a cell or a function it calls asks for."""
    sizes, seen = {USUAL}, set()
    todo: list[ast.AST] = [ast.parse(source)]
    while todo:
        for node in ast.walk(todo.pop()):
            if isinstance(node, ast.keyword) and node.arg in SIZES:
                sizes |= number_in(node.value)
            elif isinstance(node, ast.Dict):
                for key, value in zip(node.keys, node.values, strict=True):
                    if isinstance(key, ast.Constant) and key.value in SIZES:
                        sizes |= number_in(value)
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                name = node.func.id
                if name in known and name not in seen:
                    seen.add(name)
                    todo.append(known[name])
    return min(sizes)


def number_in(node: ast.AST) -> set[float]:
    """The number that an expression spells out; an error for a size in words."""
    if isinstance(node, ast.Constant):
        assert isinstance(node.value, int | float), f"a size in words: {node.value!r}"
        return {node.value}
    return set()
