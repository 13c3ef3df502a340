"""CSV files: every result, what Moodle and Canvas import, and item statistics."""

import csv
import io
import re
import unicodedata
from collections import Counter
from pathlib import Path

from utils import files
from utils.teach.grading.find import Student
from utils.teach.grading.notebook import Lab
from utils.teach.grading.outcome import nothing
from utils.teach.grading.records import Row

LONGEST = 2000  # characters of notes; a spreadsheet's cell holds 32767
CANVAS = ["Student", "ID", "SIS User ID", "SIS Login ID", "Section"]
NAMES = ("Full name", "Student", "Name")
Points = dict[str, float]


def read_roster(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV file that Moodle or Canvas exported, by column.

    Raises ValueError when it has no column with names.
    """
    text = path.read_text(encoding="utf-8-sig")
    divider = ";" if text.split("\n")[0].count(";") > 2 else ","
    rows = list(csv.DictReader(io.StringIO(text), delimiter=divider))
    rows = [{k: v or "" for k, v in row.items() if k} for row in rows]
    if not rows or not any(name in rows[0] for name in NAMES):
        raise ValueError(f"{path.name} needs a column called {' or '.join(NAMES)}.")
    return [row for row in rows if "Points Possible" not in name_in(row)]


def name_in(known: dict[str, str]) -> str:
    """The name in a row of a roster."""
    return next((known[name] for name in NAMES if known.get(name)), "").strip()


def add_roster(rows: list[Row], roster: list[dict[str, str]], labs: list[Lab]) -> None:
    """Give each row what the roster knows, and everybody else in it a row."""
    left = list(roster)
    for row in rows:
        fitting = [known for known in left if _is(row.student, known)]
        if len(fitting) == 1:
            row.known = fitting[0]
            left.remove(fitting[0])
        else:
            why = "more than once" if fitting else "not"
            row.notes.insert(0, f"{why} in the roster")
    for known in left:
        outcomes = {n: nothing("nothing") for lab in labs for n in lab.points}
        student = Student(name_in(known))
        rows.append(Row(student, outcomes, {}, "nothing handed in", [], [], known))


def _is(student: Student, known: dict[str, str]) -> bool:
    """By the platform's number where there is one, else by name."""
    number = re.search(r"(\d+)$", known.get("Identifier", ""))
    if student.moodle and number:
        return number[1] == student.moodle
    if student.canvas and known.get("ID"):
        return known["ID"] == student.canvas
    return _words(student.name) == _words(name_in(known))


def _words(name: str) -> list[str]:
    """The words of a name in any order and case; "Müller, Anna" is "anna müller"."""
    text = unicodedata.normalize("NFC", name).casefold()
    return sorted(re.findall(r"\w+", text.replace("_", " ")))


def write_grades(rows: list[Row], labs: list[Lab], extra: Points, path: Path) -> None:
    """One row a student: points of each exercise, total, status, notes and flags."""
    names = [name for lab in labs for name in lab.points]
    head = ["Full name", "Email address", "ID number", "Identifier", "Canvas ID"]
    head += ["total", "out of", "status", "look", *names]
    head += [f"{name} (extra)" for name in names if name in extra]
    table = [[*head, "states", "flags", "notes", "files"]]
    most = out_of(labs, extra)
    for row in rows:
        cells = [row.student.name, *_platform(row), row.points, most, row.status]
        cells.append("yes" if row.flags else "")
        cells += [row.outcomes[name]["points"] for name in names]
        cells += [row.outcomes[name]["extra"] for name in names if name in extra]
        states = [f"{name}: {row.outcomes[name]['status']}" for name in names]
        lists = (states, row.flags, row.notes, row.files.values())
        table.append([*cells, *("; ".join(words)[:LONGEST] for words in lists)])
    _write(path, table)


def _platform(row: Row) -> list[str]:
    known, student = row.known, row.student
    identifier = f"Participant {student.moodle}" if student.moodle else ""
    return [
        known.get("Email address", ""),
        known.get("ID number", ""),
        known.get("Identifier", identifier),
        known.get("ID", student.canvas),
    ]


def write_moodle(rows: list[Row], path: Path) -> None:
    """For "Upload grading worksheet", or for the gradebook's "Import: CSV file".

    If the roster is a grading worksheet, it comes back with all of its columns, which
    Moodle asks for; else it has those by which the gradebook finds a student.
    """
    sheets = [row for row in rows if {"Identifier", "Grade"} <= row.known.keys()]
    if sheets:
        head = list(sheets[0].known)
        table = [head]
        for row in sheets:
            table.append([*({**row.known, "Grade": row.points}[n] for n in head)])
        _write(path, table, from_outside=False)
    else:
        table = [["Identifier", "Full name", "Email address", "ID number", "Grade"]]
        for row in rows:
            email, number, identifier, _ = _platform(row)
            name = name_in(row.known) or row.student.name
            table.append([identifier, name, email, number, row.points])
        _write(path, table)


def write_canvas(rows: list[Row], most: float, title: str, path: Path) -> None:
    """For Canvas's "Grades: Import"; Canvas knows a student by its ID."""
    table = [[*CANVAS, title], ["    Points Possible", "", "", "", "", most]]
    for row in rows:
        known = {"Student": row.student.name, "ID": row.student.canvas, **row.known}
        table.append([*(known.get(name, "") for name in CANVAS), row.points])
    _write(path, table)


def out_of(labs: list[Lab], extra: Points) -> float:
    """All points that can be had in these notebooks."""
    names = [name for lab in labs for name in lab.points]
    own = sum(sum(lab.points.values()) for lab in labs)
    return own + sum(extra.get(name, 0) for name in names)


def items(rows: list[Row], labs: list[Lab]) -> list[dict]:
    """Statistics of each exercise, over the students who handed its notebook in."""
    found = []
    for lab in labs:
        mine = [row for row in rows if lab.stem in row.files]
        for name, most in lab.points.items():
            outcomes = [row.outcomes[name] for row in mine]
            share = [outcome["points"] / most for outcome in outcomes]
            mistakes = Counter(
                m for o in outcomes for m in dict.fromkeys(o["mistakes"])
            )
            found.append(
                {
                    "notebook": lab.stem,
                    "exercise": name,
                    "points": most,
                    "students": len(mine),
                    "full": share.count(1.0),
                    "partial": sum(0 < x < 1 for x in share),
                    "zero": share.count(0.0),
                    "not attempted": sum(
                        o["status"] in ("untouched", "missing") for o in outcomes
                    ),
                    "mean share": round(sum(share) / len(share), 3) if share else "",
                    "mistakes": mistakes.most_common(),
                }
            )
    return found


def write_items(found: list[dict], path: Path) -> None:
    """The statistics, a row for each exercise, and its mistakes by how often."""
    columns = [name for name in found[0] if name != "mistakes"] if found else []
    table = [[*columns, "mistake", "how often"]]
    for item in found:
        for mistake, often in item["mistakes"] or [("", "")]:
            table.append([*(item[name] for name in columns), mistake, often])
    _write(path, table)


def _write(path: Path, table: list[list], from_outside: bool = True) -> None:
    """UTF-8 with a mark, so that spreadsheets show umlauts, and Moodle reads it too.

    from_outside : some text comes from submissions, so none may become a formula
    """
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(
        [[_cell(value, from_outside) for value in row] for row in table]
    )
    files.write_atomic(path, text.getvalue().encode("utf-8-sig", "replace"))


def _cell(value: object, from_outside: bool) -> str:
    """Numbers without needless zeros; text that no spreadsheet takes for a formula."""
    if isinstance(value, float):
        return f"{value:g}"
    text = re.sub(r"[\x00-\x1f]+", " ", str(value))
    formula = from_outside and text[:1] in ("=", "+", "-", "@")
    return f"'{text}" if formula else text
