"""Make the notebooks out of their sources: `python -m utils.teach.builder`.

Each solutions/NN_name.py (jupytext percent format) becomes two notebooks:

    solutions/NN_name.ipynb   solved and executed, with its outputs
    course/NN_name.ipynb      with stubs, without outputs

A source marks its exercises like this:

    # %% exercise="dpo_loss"
    def dpo_loss(margin, beta):
        # BEGIN SOLUTION
        return -logsigmoid(beta * margin).mean()
        # END SOLUTION

    # %% check="dpo_loss" points=4
    check("dpo_loss", dpo_loss)

    # %% [markdown] solution_only=true
    # What most people write first, and why it is wrong.

The learner sees `raise NotImplementedError` in place of the solution, or the lines
that follow a `# STUB:` inside the markers (needed outside a function, where raising
would stop the notebook).  `--check` writes nothing and exits 1 when the notebooks
and their sources disagree.
"""

import argparse
import os
import sys
from copy import deepcopy
from pathlib import Path

import jupytext
import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from utils import files
from utils.teach.glossary import link_terms, read_entries
from utils.teach.lint import lint_recorded, lint_source, lint_student

BEGIN, END, STUB = "# BEGIN SOLUTION", "# END SOLUTION", "# STUB:"
NOT_YET = 'raise NotImplementedError("exercise not attempted yet")'
KEYS = {"exercise", "check", "points", "solution_only", "tags"}
COMPARED = "nbval-check-output"
NOTEBOOK_METADATA = {
    "kernelspec": {
        "display_name": "Python 3 (ipykernel)",
        "language": "python",
        "name": "python3",
    },
    "language_info": {"name": "python"},
}
# The root conftest.py tests with the same: no progress bars (they hold timings), and
# nothing fetched from a model hub.
ENVIRONMENT = {"TQDM_DISABLE": "1", "HF_HUB_OFFLINE": "1"}


class SourceError(Exception):
    """A source that cannot become a notebook; says which cell and what to do."""


def render(source: Path, solved: bool) -> NotebookNode:
    """The notebook of `source` before any execution: solved, or as a learner gets it.

    Cell ids, metadata and their order depend on the source alone, so that rendering
    twice gives the same bytes. Raises SourceError for a source that breaks the rules.
    """
    notebook = new_notebook(metadata=deepcopy(NOTEBOOK_METADATA))
    seen: set[str] = set()
    for number, cell in enumerate(jupytext.read(source, fmt="py:percent").cells):
        where = f"{source.name}, cell {number}"
        keys = {k: v for k, v in cell.metadata.items() if k != "lines_to_next_cell"}
        if unknown := sorted(set(keys) - KEYS):
            raise SourceError(f"{where}: unknown cell metadata {', '.join(unknown)}.")
        made = _cell(cell, keys, solved, where)
        made["id"] = _cell_id(keys, source.stem, number)
        if made["id"] in seen:
            raise SourceError(f"{where}: a second cell is called {made['id']!r}.")
        seen.add(made["id"])
        if solved or not keys.get("solution_only"):
            notebook.cells.append(made)
    glossary = source.parents[1] / "course" / "glossary.md"
    page = "../course/glossary.md" if solved else "glossary.md"
    link_terms(notebook, source.stem[:2], read_entries(glossary), page)
    return notebook


def _cell(cell: NotebookNode, keys: dict, solved: bool, where: str) -> NotebookNode:
    if cell.cell_type == "markdown":
        return new_markdown_cell(cell.source, metadata=_tags(keys.get("tags", [])))
    if cell.cell_type != "code":
        raise SourceError(f"{where}: only code and markdown cells are allowed.")
    text = _solution(cell.source, where) if solved else _stub(cell.source, where)
    if (BEGIN in cell.source) != ("exercise" in keys):
        raise SourceError(
            f'{where}: a cell with {BEGIN} needs exercise="name", and the other way.'
        )
    tags = list(keys.get("tags", []))
    if "check" in keys and COMPARED not in tags:
        tags.append(COMPARED)
    if not solved:  # nothing is recorded in a learner's notebook to compare with
        tags = [tag for tag in tags if tag != COMPARED]
    return new_code_cell(text, metadata=_tags(tags) | _nbgrader(keys, where))


def _tags(tags: list[str]) -> dict:
    return {"tags": tags} if tags else {}


def _nbgrader(keys: dict, where: str) -> dict:
    """nbgrader's cell metadata, version 3: who may change the cell, and its points."""
    if "exercise" not in keys and "check" not in keys:
        return {}
    graded = "check" in keys
    about = {
        "grade": graded,
        "grade_id": _cell_id(keys, "", 0),
        "locked": graded,
        "schema_version": 3,
        "solution": not graded,
        "task": False,
    }
    if not graded:
        return {"deletable": False, "nbgrader": about}
    if not isinstance(keys.get("points"), int | float):
        raise SourceError(f"{where}: a check needs points, such as points=4.")
    about["points"] = keys["points"]
    return {"deletable": False, "editable": False, "nbgrader": about}


def _cell_id(keys: dict, stem: str, number: int) -> str:
    for kind, short in (("exercise", "ex"), ("check", "check")):
        if kind in keys:
            return f"{short}-{keys[kind]}"
    return f"{stem}-{number:03d}"


def _regions(text: str, where: str) -> list[tuple[str, list[str]]]:
    """Split a cell into ("text", lines) and ("solution", lines), in order."""
    parts: list[tuple[str, list[str]]] = [("text", [])]
    for line in text.split("\n"):
        mark = line.strip()
        if mark in (BEGIN, END):
            inside = parts[-1][0] == "solution"
            if inside != (mark == END):
                raise SourceError(f"{where}: {mark!r} is not expected here.")
            parts.append(("solution" if mark == BEGIN else "text", []))
            if mark == END:
                continue
        parts[-1][1].append(line)
    if parts[-1][0] == "solution":
        raise SourceError(f"{where}: {BEGIN!r} has no {END!r}.")
    return parts


def _solution(text: str, where: str) -> str:
    lines: list[str] = []
    for kind, part in _regions(text, where):
        if kind == "solution":
            part = [line for line in part[1:] if not line.strip().startswith(STUB)]
        lines += part
    return "\n".join(lines)


def _stub(text: str, where: str) -> str:
    lines: list[str] = []
    for kind, part in _regions(text, where):
        lines += _stub_lines(part, where) if kind == "solution" else part
    return "\n".join(lines)


def _stub_lines(part: list[str], where: str) -> list[str]:
    """The stub of one solution: its `# STUB:` lines, or raising if it has none."""
    indent = part[0][: len(part[0]) - len(part[0].lstrip())]
    given = [
        line.strip().removeprefix(STUB).removeprefix(" ").rstrip()
        for line in part
        if line.strip().startswith(STUB)
    ]
    if not given and not indent:
        raise SourceError(
            f"{where}: a solution outside a function needs a line such as "
            f"'{STUB} answer = None', or the learner's notebook would stop there."
        )
    return [f"{indent}{line}" for line in ["# YOUR CODE HERE", *(given or [NOT_YET])]]


def execute(notebook: NotebookNode, folder: Path) -> NotebookNode:
    """Run every cell in a new kernel, with `folder` as its working directory."""
    client = NotebookClient(
        notebook,
        timeout=900,
        kernel_name="python3",
        resources={"metadata": {"path": str(folder)}},
        record_timing=False,
        store_widget_state=False,
    )
    environment = {**os.environ, **ENVIRONMENT}
    environment.pop("MPLBACKEND", None)  # the kernel's own default draws inline
    client.execute(env=environment)
    notebook.metadata = deepcopy(NOTEBOOK_METADATA)
    return notebook


def stripped(notebook: NotebookNode) -> NotebookNode:
    """A copy of the notebook as it was before it was executed."""
    bare = deepcopy(notebook)
    bare.metadata = deepcopy(NOTEBOOK_METADATA)
    for cell in bare.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return bare


def text_of(notebook: NotebookNode) -> bytes:
    """The one way in which a notebook is written to a file."""
    return (nbformat.writes(notebook, version=4).rstrip("\n") + "\n").encode()


def build(root: Path, source: Path, again: bool = False) -> list[str]:
    """Write both notebooks of `source`; returns a sentence for each one written.

    A solution whose code is unchanged keeps its outputs, unless `again` is set: a new
    word in the prose does not cost minutes, nor new pictures in the history.
    """
    said = []
    student, solved = render(source, solved=False), render(source, solved=True)
    course = root / "course" / f"{source.stem}.ipynb"
    if _bytes(course) != text_of(student):
        files.write_atomic(course, text_of(student))
        said.append(f"wrote course/{course.name}")
    target = source.with_suffix(".ipynb")
    old = _read(target)
    if again or old is None or not _keep_outputs(old, solved) or lint_recorded(old):
        content, did = text_of(execute(solved, source.parent)), "executed"
    else:
        content, did = text_of(solved), "kept the outputs of"
    if content != _bytes(target):
        files.write_atomic(target, content)
        said.append(f"{did} solutions/{target.name}")
    return said


def _keep_outputs(old: NotebookNode, new: NotebookNode) -> bool:
    """Give `new` the outputs of `old` if their code cells are the same, in order.

    Prose cannot change what code prints. Returns whether they are the same.
    """
    before, after = ([c for c in n.cells if c.cell_type == "code"] for n in (old, new))
    if [_code(cell) for cell in before] != [_code(cell) for cell in after]:
        return False
    for cell, same in zip(after, before, strict=True):
        cell.outputs, cell.execution_count = same.outputs, same.execution_count
    return True


def _code(cell: NotebookNode) -> tuple[str, str, dict]:
    return cell.id, cell.source, cell.metadata


def problems(root: Path, sources: list[Path]) -> list[str]:
    """Everything in which the notebooks and their sources disagree, a line each."""
    found = []
    for source in sources:
        try:
            found += _problems_of(root, source)
        except SourceError as error:
            found.append(str(error))
    known = {source.stem for source in find_sources(root, [])}
    for folder in ("course", "solutions"):
        for path in sorted((root / folder).glob("*.ipynb")):
            if path.stem not in known:
                found.append(f"{folder}/{path.name}: solutions/{path.stem}.py is gone.")
    return found


def _problems_of(root: Path, source: Path) -> list[str]:
    student, solved = render(source, solved=False), render(source, solved=True)
    name = f"{source.stem}.ipynb"
    found = [f"{source.name}: {text}" for text in lint_source(source.stem, solved)]
    found += [f"course/{name}: {text}" for text in lint_student(student)]
    if _bytes(root / "course" / name) != text_of(student):
        found.append(f"course/{name}: differs from its source; run `make build`.")
    recorded = _read(source.with_suffix(".ipynb"))
    if recorded is None:
        found.append(f"solutions/{name}: is missing; run `make build`.")
    elif text_of(stripped(recorded)) != text_of(solved):
        found.append(f"solutions/{name}: differs from its source; run `make build`.")
    else:
        found += [f"solutions/{name}: {text}" for text in lint_recorded(recorded)]
    return found


def find_sources(root: Path, names: list[str]) -> list[Path]:
    """The sources in solutions/, all of them or those whose name starts like `names`.

    Raises SourceError for a name that fits none.
    """
    everything = sorted((root / "solutions").glob("[0-9][0-9]_*.py"))
    for name in names:
        if not any(path.stem.startswith(name) for path in everything):
            raise SourceError(f"No source in solutions/ starts with {name!r}.")
    if not names:
        return everything
    return [path for path in everything if path.stem.startswith(tuple(names))]


def _bytes(path: Path) -> bytes | None:
    return path.read_bytes() if path.exists() else None


def _read(path: Path) -> NotebookNode | None:
    """The notebook at `path`, or None when there is none that can be read."""
    try:
        return nbformat.read(path, as_version=4)
    except (OSError, ValueError):
        return None


def main(arguments: list[str] | None = None, root: Path = files.ROOT) -> int:
    """The command line; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m utils.teach.builder")
    parser.add_argument("names", nargs="*", help="such as 13 or 13_dpo; default: all")
    parser.add_argument("--check", action="store_true", help="write nothing, compare")
    parser.add_argument("--all", action="store_true", help="execute unchanged ones too")
    options = parser.parse_args(arguments)
    try:
        sources = find_sources(root, options.names)
        if options.check:
            found = problems(root, sources)
            print("\n".join(found) or f"Notebooks and sources agree ({len(sources)}).")
            return int(bool(found))
        for source in sources:
            print(f"{source.stem} ...", flush=True)
            print("\n".join(build(root, source, options.all)) or "nothing to do")
        return 0
    except (SourceError, CellExecutionError) as error:
        print(error)
        return 1


if __name__ == "__main__":
    sys.exit(main())
