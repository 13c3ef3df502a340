"""The map of the course with the learner's points: work/map.md, which `make lab` opens.

It is written anew whenever a check is run in work/, from the notebooks and the points
alone. Deleting it loses nothing.
"""

import json
import re
from functools import cache
from pathlib import Path
from typing import NamedTuple

from utils import files
from utils.teach import progress
from utils.teach.exercise import Exercise, registry

# The first digit of a notebook's number is its stage.
STAGES = {
    "0": "Start here",
    "1": "Stage 1: learn from preference pairs",
    "2": "Stage 2: learn the Spec, and reason with it",
    "3": "Stage 3: far from home",
    "4": "Beyond the lab",
}
HOW = """\
Your points are kept in `progress.jsonl`, beside this page, whenever you run a check.
Then this page is written anew, too: to see it, close its tab and open `map.md` again.

- Words in plain language: [glossary](glossary.md).
- What carries over to real systems: [from this course to the
  field](from_this_course_to_the_field.md).

**By keyboard.** In a notebook, Escape and the arrow keys go from cell to cell, Enter
goes into one, Shift+Enter runs it. Tab goes on to links, menus and sliders. Open a menu
with Alt+Down, since an arrow key alone would go to another cell; arrow keys move a
slider.
"""
# A heading of JupyterLab's is linked by its text, with - for spaces.
HEADING = re.compile(r"^#+ (.*`(\w+)`.*)$", re.M)


class Lab(NamedTuple):
    """What the map says of a notebook."""

    stem: str
    title: str
    minutes: str
    headings: dict[str, str]  # of its exercises, by name


def path() -> Path:
    """Where the map is."""
    return files.WORK / "map.md"


def write() -> None:
    """Write the map as things stand. Raises OSError when that is impossible."""
    labs = read_labs(files.ROOT / "course")
    text = render(labs, list(registry().values()), progress.best())
    files.write_atomic(path(), text.encode())


@cache
def read_labs(course: Path) -> list[Lab]:
    """Title, minutes and headings of each notebook of the course."""
    return [_read_lab(file) for file in sorted(course.glob("[0-9][0-9]_*.ipynb"))]


def _read_lab(file: Path) -> Lab:
    """What the map says of a notebook; its name alone when somebody has damaged it."""
    try:
        cells = json.loads(file.read_text(encoding="utf-8"))["cells"]
        prose = ["".join(c["source"]) for c in cells if c["cell_type"] == "markdown"]
    except (OSError, ValueError, KeyError, TypeError):
        prose = []
    text = "\n".join(prose)
    title = re.search(r"^# \d\d · (.+)$", text, re.M)
    minutes = re.search(r"Time\W+(?:about )?(\d+) minutes", text)
    return Lab(
        stem=file.stem,
        title=title[1] if title else file.stem,
        minutes=minutes[1] if minutes else "?",
        headings={name: heading for heading, name in HEADING.findall(text)},
    )


def render(labs: list[Lab], exercises: list[Exercise], points: dict[str, float]) -> str:
    """The page in Markdown: where the learner stands, what is next, every notebook."""
    got, out_of = progress.sum_of(exercises, points)
    lines = ["# The map of the course", ""]
    lines += [
        f"**You have {got:g} of {out_of:g} points.** {_next(labs, exercises, points)}"
    ]
    lines += ["", "| | notebook | minutes | points | to do |"]
    lines += ["| :-- | :-- | --: | --: | :-- |"]
    for digit, stage in STAGES.items():
        lines.append(f"| | **{stage}** | | | |")
        mine = [lab for lab in labs if lab.stem.startswith(digit)]
        lines += [_row(lab, exercises, points) for lab in mine]
    return "\n".join([*lines, "", HOW])


def _next(labs: list[Lab], exercises: list[Exercise], points: dict[str, float]) -> str:
    exercise = progress.next_of(exercises, points)
    if exercise is None:
        return "Everything is solved. Well done!"
    begin, name, stem = "Go on" if points else "Begin", exercise.name, exercise.notebook
    headings = {lab.stem: lab.headings for lab in labs}.get(stem, {})
    anchor = headings.get(name, "").replace("`", "").replace(" ", "-")
    link = f"{stem}.ipynb#{anchor}".rstrip("#")
    return f"{begin} with [`{name}`]({link}) in notebook {stem[:2]}."


def _row(lab: Lab, exercises: list[Exercise], points: dict[str, float]) -> str:
    mine = [e for e in exercises if e.notebook == lab.stem]
    got, out_of = progress.sum_of(mine, points)
    bar = progress.bar(got, out_of, "█", "░", 10) if mine else ""
    link = f"[{lab.stem[:2]}]({lab.stem}.ipynb)"
    state = f"{bar} {_state(mine, points)}"
    return f"| {link} | {lab.title} | {lab.minutes} | {got:g} / {out_of:g} | {state} |"


def _state(mine: list[Exercise], points: dict[str, float]) -> str:
    left = [e.name for e in mine if points.get(e.name, 0) < e.points]
    if not left:
        return "done"
    if not any(e.name in points for e in mine):
        return "not begun"
    return ", ".join(f"`{name}`" for name in left)
