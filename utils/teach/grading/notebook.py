"""The course's notebooks, and what of a submitted one is graded.

Cells are known by their id (`ex-NAME`), or by nbgrader's `grade_id`, which survives
programs that drop ids. File names mean nothing. An exercise whose cell is gone is
looked for by its name: the last cell that defines it.
"""

import ast
import hashlib
import json
import re
from collections import Counter
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import nbformat

from utils.teach.grading import suspicion
from utils.teach.grading.context import Statement, context_of, statements_of
from utils.teach.grading.context import without_magics as plain


class NotANotebook(Exception):
    """Bytes that are no notebook of this course; says why."""


@dataclass(frozen=True)
class Cell:
    """A code cell: its name (such as `ex-dpo_loss`, may be empty) and its source."""

    name: str
    source: str


@dataclass(frozen=True)
class Lab:
    """A notebook of the course: its exercises with their points, cells and solutions"""

    stem: str
    cells: dict[str, str]
    points: dict[str, float]
    before: dict[str, list[Statement]]
    solutions: dict[str, str]


@dataclass(frozen=True)
class Answer:
    """What was handed in for an exercise: the cell's source, or None, and notes."""

    source: str | None
    notes: tuple[str, ...] = ()


@dataclass
class Handed:
    """A submitted notebook, reduced to what is graded and what a human should know."""

    stem: str
    answers: dict[str, Answer]
    notes: list[str] = field(default_factory=list)
    flags: list[str] = field(default_factory=list)


def normal(source: str) -> str:
    """Source without what editors change: line ends and blanks at the ends."""
    return "\n".join(line.rstrip() for line in source.strip().splitlines())


@cache
def course(root: Path) -> dict[str, Lab]:
    """The notebooks in root/course by stem, with the solutions that are in root."""
    labs = {}
    for path in sorted((root / "course").glob("*.ipynb")):
        cells = read_cells(path.read_bytes())
        solved = root / "solutions" / path.name
        answers = read_cells(solved.read_bytes()) if solved.exists() else []
        labs[path.stem] = _lab(path, cells, answers)
    return labs


def _lab(path: Path, cells: list[Cell], solved: list[Cell]) -> Lab:
    points, before, so_far = {}, {}, []
    raw = json.loads(path.read_text(encoding="utf-8"))["cells"]
    worth = {cell["id"]: cell["metadata"].get("nbgrader", {}) for cell in raw}
    for cell in cells:
        kind, _, name = cell.name.partition("-")
        if kind == "ex":
            before[name] = list(so_far)
        elif kind == "check":
            points[name] = float(worth[cell.name]["points"])
        else:
            so_far += statements_of(cell.source)
    solutions = {c.name[3:]: normal(c.source) for c in solved if c.name[:3] == "ex-"}
    sources = {cell.name: normal(cell.source) for cell in cells}
    return Lab(path.stem, sources, points, before, solutions)


def read_cells(data: bytes) -> list[Cell]:
    """The code cells of a notebook of any format. Raises NotANotebook."""
    try:
        book = json.loads(data.decode("utf-8-sig"))
        if "worksheets" in book or int(book.get("nbformat", 4)) < 4:
            book = nbformat.reads(json.dumps(book), as_version=4)
        cells = [_cell(cell) for cell in book["cells"] if cell["cell_type"] == "code"]
    except RecursionError:
        raise NotANotebook("is nested too deeply") from None
    except UnicodeDecodeError:
        what = "is a PDF" if data[:4] == b"%PDF" else "is no text"
        raise NotANotebook(f"is no notebook: it {what}") from None
    except json.JSONDecodeError as error:
        broken = f"its JSON is broken at line {error.lineno}"
        what = "it is a PDF" if data[:4] == b"%PDF" else broken
        raise NotANotebook(f"is no notebook that can be read: {what}") from None
    except Exception as error:  # whatever a file from outside may hold
        raise NotANotebook(f"is no notebook: {type(error).__name__}") from None
    return cells


def _cell(cell: dict) -> Cell:
    source, about = cell["source"], cell.get("metadata", {})
    text = source if isinstance(source, str) else "".join(source)
    own, graded = cell.get("id"), about.get("nbgrader")
    names = [own, graded.get("grade_id") if isinstance(graded, dict) else None]
    names = [name for name in names if isinstance(name, str)]
    known = [name for name in names if name.startswith(("ex-", "check-"))]
    return Cell((known or names or [""])[0], text)


def handed_in(cells: list[Cell], labs: dict[str, Lab]) -> Handed:
    """What of these cells is graded. Raises NotANotebook for another notebook."""
    lab = _which(cells, labs)
    handed = Handed(lab.stem, {})
    for name in lab.points:
        handed.answers[name] = _answer(name, cells, lab)
        if handed.answers[name].source is not None:
            found = suspicion.flags(plain(handed.answers[name].source))
            handed.flags += [f"{name}: {what}" for what in found]
    handed.notes += _about_checks(cells, lab)
    if any(_reaches(cell, handed, lab) for cell in cells):
        handed.flags.append("a cell that is not run reaches into the course's checks")
    handed.flags = list(dict.fromkeys(handed.flags))
    copied = [n for n, a in handed.answers.items() if _is(a, lab.solutions.get(n))]
    if copied:
        handed.notes.append(f"the published solution word for word: {_list(copied)}")
    return handed


def _reaches(cell: Cell, handed: Handed, lab: Lab) -> bool:
    """Whether a cell that is neither graded nor the course's own reaches into checks"""
    graded = any(cell.source == answer.source for answer in handed.answers.values())
    if graded or normal(cell.source) in {*lab.cells.values(), *lab.solutions.values()}:
        return False
    found = " ".join(suspicion.flags(plain(cell.source)))
    return "course's checks" in found or "file of results" in found


def _which(cells: list[Cell], labs: dict[str, Lab]) -> Lab:
    """The notebook of the course that these cells come from."""
    known = Counter(
        lab.stem for lab in labs.values() for cell in cells if cell.name in lab.cells
    )
    if not known:
        names = {name for cell in cells for name in _defined(cell.source)}
        known = Counter(
            lab.stem for lab in labs.values() for name in lab.points if name in names
        )
    if not known:
        raise NotANotebook("is no notebook of this course: no cell of it is known")
    return labs[known.most_common(1)[0][0]]


def _answer(name: str, cells: list[Cell], lab: Lab) -> Answer:
    """The last cell of an exercise that is not as it was handed out."""
    stub = lab.cells[f"ex-{name}"]
    mine = [cell.source for cell in cells if cell.name == f"ex-{name}"]
    changed = [source for source in mine if normal(source) != stub]
    notes = [f"{len(mine)} cells, the last changed one counts"] if len(mine) > 1 else []
    if changed:
        return Answer(changed[-1], tuple(notes))
    others = [
        cell.source
        for cell in cells
        if not cell.name.startswith(("ex-", "check-")) and name in _defined(cell.source)
    ]
    if others:
        return Answer(others[-1], (*notes, "found in a cell of its own, by its name"))
    if mine:
        return Answer(mine[-1], tuple(notes))
    return Answer(None, ("its cell was deleted",))


def _defined(source: str) -> set[str]:
    """Functions that a cell defines at its top level."""
    return set(re.findall(r"^def (\w+)\(", source, re.M))


def _about_checks(cells: list[Cell], lab: Lab) -> list[str]:
    found: dict[str, list[str]] = {}
    for cell in cells:
        if cell.name.startswith("check-"):
            found.setdefault(cell.name, []).append(normal(cell.source))
    wanted = {f"check-{name}": lab.cells[f"check-{name}"] for name in lab.points}
    deleted = [name[6:] for name in wanted if name not in found]
    edited = [
        n[6:] for n, text in wanted.items() if set(found.get(n, [text])) != {text}
    ]
    notes = [f"check cells edited, to no effect: {_list(edited)}"] if edited else []
    if deleted:
        notes.append(f"check cells deleted, to no effect: {_list(deleted)}")
    return notes


def _list(names: list[str]) -> str:
    return ", ".join(names)


def _is(answer: Answer, source: str | None) -> bool:
    return answer.source is not None and normal(answer.source) == source


def task_of(name: str, source: str, lab: Lab) -> tuple[dict, list[str]]:
    """A worker's task for a cell, and notes. Raises SyntaxError, in learners' words."""
    notes = []
    if not _parses(source) and (python := plain(source)) != source:
        source = python
        notes.append("lines for IPython (% and !) are not run")
    try:
        exercises = frozenset(lab.points)
        context = context_of(source, lab.before[name], exercises)
    except SyntaxError as error:
        line = (error.text or "").strip()
        where = f" at the line `{line}`" if line else ""
        raise SyntaxError(f"SyntaxError: {error.msg}{where}") from None
    except (ValueError, RecursionError, MemoryError) as error:
        raise SyntaxError(
            f"cannot be read as Python ({type(error).__name__})"
        ) from None
    if context.unknown:
        notes.append(
            f"uses {_list(context.unknown)}, which neither the cell nor the course "
            "defines; only exercise cells are run"
        )
    task = {
        "name": name,
        "source": source,
        "context": context.statements,
        "references": context.references,
    }
    return task, notes


def _parses(source: str) -> bool:
    try:
        ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


def version(root: Path, extra: Path | None) -> str:
    """A hash of everything on which points depend besides the submission."""
    digest = hashlib.sha256()
    for path in [*sorted((root / "utils").rglob("*.py")), *([extra] if extra else [])]:
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()
