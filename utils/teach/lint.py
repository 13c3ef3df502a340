"""Rules that every notebook of the course keeps, whatever it teaches."""

import re

from nbformat import NotebookNode

from utils import files
from utils.teach.exercise import registry

LINE = 76


def lint_source(stem: str, solved: NotebookNode) -> list[str]:
    """What is wrong with a notebook's exercises, checks, headings and line widths."""
    found = []
    exercises, checks = _graded(solved, "ex-"), _graded(solved, "check-")
    for name in exercises.keys() - checks.keys():
        found.append(f"exercise {name!r} has no check cell.")
    for name in checks.keys() - exercises.keys():
        found.append(f"check {name!r} has no exercise cell.")
    for name in exercises.keys() & checks.keys():
        found += _against_registry(stem, name, exercises[name], solved.cells)
    for index, cell in enumerate(solved.cells):
        if cell.cell_type == "code":
            found += _wide_lines(index, cell.source)
    return sorted(found)


def _graded(notebook: NotebookNode, prefix: str) -> dict[str, int]:
    return {
        cell.id.removeprefix(prefix): index
        for index, cell in enumerate(notebook.cells)
        if "nbgrader" in cell.metadata and cell.id.startswith(prefix)
    }


def _against_registry(
    stem: str, name: str, index: int, cells: list[NotebookNode]
) -> list[str]:
    exercise = registry().get(name)
    if exercise is None:
        return [f"exercise {name!r} is not in utils/teach/exercises."]
    found = []
    if exercise.notebook != stem:
        found.append(f"exercise {name!r} is registered for {exercise.notebook!r}.")
    check = next(cell for cell in cells if cell.id == f"check-{name}")
    if cells.index(check) < index:
        found.append(f"the check of {name!r} comes before its exercise.")
    if check.metadata.nbgrader.points != exercise.points:
        found.append(f"the check of {name!r} needs points={exercise.points:g}.")
    if f'check("{name}"' not in check.source:
        found.append(f'the check of {name!r} does not call check("{name}", ...).')
    headings = [
        line
        for cell in cells[:index]
        if cell.cell_type == "markdown"
        for line in cell.source.split("\n")
        if line.startswith("#")
    ]
    if not headings or name not in headings[-1]:
        found.append(f"the heading above exercise {name!r} does not name it.")
    return found


def _wide_lines(index: int, source: str) -> list[str]:
    return [
        f"cell {index} has a line of {len(line)} columns, more than {LINE}."
        for line in source.split("\n")
        if len(line) > LINE
    ]


def lint_student(student: NotebookNode) -> list[str]:
    """A learner's notebook holds no solution, no marker and no output."""
    found = []
    for index, cell in enumerate(student.cells):
        if re.search(r"(BEGIN|END) SOLUTION|# STUB:", cell.source):
            found.append(f"cell {index} shows a solution marker.")
        if cell.get("outputs") or cell.get("execution_count"):
            found.append(f"cell {index} has outputs.")
    return found


def lint_recorded(solved: NotebookNode) -> list[str]:
    """What nbval would not notice in a solution notebook's recorded outputs."""
    found = []
    for index, cell in enumerate(solved.cells):
        if cell.cell_type != "code":
            continue
        compared = "nbval-check-output" in cell.metadata.get("tags", [])
        if cell.source.strip() and cell.execution_count is None:
            found.append(f"cell {index} was not executed.")
        elif compared and not cell.outputs:
            found.append(f"cell {index} should be compared, and has no output.")
        for output in cell.outputs:
            found += [f"cell {index} {text}" for text in _bad_output(output)]
    if "widgets" in solved.metadata:
        found.append("widget state is stored; GitHub cannot show such notebooks.")
    return found


def _bad_output(output: NotebookNode) -> list[str]:
    if output.output_type == "error":
        return [f"recorded an error, {output.ename}: {output.evalue}"]
    found = []
    if output.get("name") == "stderr":
        found.append(f"wrote to stderr: {output.text.strip()[:60]}")
    if str(files.ROOT) in str(output) or re.search(r"ipykernel_\d", str(output)):
        found.append("shows a path of the machine that built it.")
    return found
