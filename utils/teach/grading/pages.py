"""Pages that need nothing but a browser: a student's feedback, the lecturer's summary.

Everything that comes from a submission is escaped; no page runs a script.
"""

import hashlib
import re
from html import escape
from pathlib import Path

from utils import files
from utils.teach.grading.notebook import Lab
from utils.teach.grading.outcome import WORDS
from utils.teach.grading.records import Row, explained

LIMITS = """What automatic grading here can and cannot do: a learner's function and its
check run in the same process, because a check calls the function and follows its
gradients. Code that is written to deceive its own check can do so. Every cell runs in a
process of its own with the course's own checks; points travel through a channel that
only knows one answer; and after a cell has earned points, a known wrong answer has to
fail in the same process. That catches accidents and plain patches, not every intent. A
flag is a reason to look at a submission, not a proof; no flag is no proof either."""

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto;
  padding: 0 1rem; color: #1a1a1a; background: #fff; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.25rem; margin-top: 2rem; }
h3 { font-size: 1.05rem; margin: 1.5rem 0 .3rem; }
table { border-collapse: collapse; width: 100%; }
th, td { border-bottom: 1px solid #bbb; padding: .3rem .5rem; text-align: left;
  vertical-align: top; }
/* With large letters a table scrolls by itself, also by keyboard, and not the page. */
.wide { overflow-x: auto; }
.number { text-align: right; white-space: nowrap; }
ul.check { list-style: none; padding-left: 0; } ul.check li { margin: .2rem 0; }
.mark { display: inline-block; min-width: 3.2rem; font-weight: bold; }
.ok { color: #00573c; } .FAIL { color: #9b2200; } .TODO { color: #4d4d4d; }
.why { display: block; margin-left: 3.2rem; white-space: pre-wrap;
  overflow-wrap: anywhere; }
"""


def _page(title: str, body: list[str]) -> str:
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head>\n<body><main>\n"
        + "\n".join(body)
        + "\n</main></body></html>\n"
    )


def page_name(row: Row) -> str:
    """A file name for a student's page that every system allows and nobody shares."""
    student = row.student
    about = "\0".join((student.name, student.moodle, student.canvas))
    plain = re.sub(r"[^\w-]+", "_", student.name).strip("_")[:60] or "student"
    return f"{plain}_{hashlib.sha256(about.encode('utf-8', 'replace')).hexdigest()[:6]}"


def feedback(row: Row, labs: list[Lab], extra: dict[str, float], most: float) -> str:
    """A student's page: points and lines of every check. No flag, no private check."""
    name = escape(row.student.name)
    body = [f"<h1>Feedback for {name}</h1>"]
    body.append(f"<p><strong>{row.points:g} of {most:g} points.</strong></p>")
    if row.status != "graded":
        body.append(
            "<p>No notebook of this course was found in what you handed in.</p>"
        )
        body += [_list(row.notes)] if row.notes else []
    for lab in labs:
        names = list(lab.points)
        got = sum(row.outcomes[n]["points"] + row.outcomes[n]["extra"] for n in names)
        out_of = sum(lab.points[n] + extra.get(n, 0) for n in names)
        body.append(f"<h2>{escape(lab.stem)}: {got:g} of {out_of:g} points</h2>")
        if lab.stem not in row.files:
            body.append("<p>Not handed in.</p>")
            continue
        body.append(f"<p>Graded: {escape(row.files[lab.stem])}</p>")
        for exercise in names:
            body += _exercise(exercise, row.outcomes[exercise], lab, extra)
    return _page(f"Feedback: {row.student.name}", body)


def _exercise(name: str, outcome: dict, lab: Lab, extra: dict) -> list[str]:
    points = f"{outcome['points']:g} of {lab.points[name]:g} points"
    lines = []
    for mark, says, why in explained(outcome):
        because = f'<span class="why">{escape(why)}</span>' if why else ""
        mark = f'<span class="mark {mark}">{mark}</span>'
        lines.append(f"<li>{mark} {escape(says)}{because}</li>")
    body = [f"<h3>{escape(name)}: {points}, {WORDS[outcome['status']]}</h3>"]
    body += ['<ul class="check">', *lines, "</ul>"]
    if outcome["notes"]:
        body.append(_list(outcome["notes"]))
    if name in extra:
        more = f"{outcome['extra']:g} of {extra[name]:g} points"
        body.append(f"<p>Further checks: {more}.</p>")
    return body


def summary(rows: list[Row], found: list[dict], most: float, said: list[str]) -> str:
    """The lecturer's page: students, whom to look at, exercises and their mistakes."""
    graded = [row for row in rows if row.status == "graded"]
    mean = sum(row.points for row in graded) / len(graded) if graded else 0
    body = ["<h1>Summary</h1>"]
    body.append(
        f"<p>{len(rows)} students, {len(graded)} with a notebook; their mean is "
        f"{mean:.1f} of {most:g} points.</p>"
    )
    body += [_list(said)] if said else []
    body += ["<h2>Exercises</h2>", _items(found)]
    body += ["<h2>Most frequent mistakes</h2>", *_mistakes(found)]
    look = [row for row in rows if row.flags]
    body.append(f"<h2>To look at ({len(look)})</h2>")
    for row in look:
        body += [f"<h3>{_link(row)}: {row.points:g} points</h3>", _list(row.flags)]
    body += ["<h2>Students</h2>", _students(rows)]
    body += ["<h2>What this cannot prevent</h2>", f"<p>{LIMITS}</p>"]
    return _page("Summary", body)


def _items(found: list[dict]) -> str:
    columns = [name for name in (found[0] if found else {}) if name != "mistakes"]
    rows = [[item[name] for name in columns] for item in found]
    return _table("exercises", columns, rows, words=2)


def _mistakes(found: list[dict], most: int = 5) -> list[str]:
    body = []
    for item in found:
        if item["mistakes"]:
            body.append(f"<h3>{escape(item['exercise'])}</h3>")
            rows = [[often, mistake] for mistake, often in item["mistakes"][:most]]
            name = f"mistakes in {item['exercise']}"
            body.append(_table(name, ["students", "mistake"], rows, words=0))
    return body or ["<p>None.</p>"]


def _students(rows: list[Row]) -> str:
    lines = [f"<tr>{_heads(['student', 'points', 'status', 'notes'])}</tr>"]
    for row in rows:
        notes = escape("; ".join(row.notes)[:1000])
        points = f'<td class="number">{row.points:g}</td>'
        lines.append(f"<tr><td>{_link(row)}</td>{points}<td>{row.status}</td>")
        lines.append(f"<td>{notes}</td></tr>")
    return _wide("students", lines)


def _link(row: Row) -> str:
    return f'<a href="feedback/{page_name(row)}.html">{escape(row.student.name)}</a>'


def _table(name: str, columns: list[str], rows: list[list], words: int) -> str:
    """A table whose first `words` columns are words; with 0, only the last one is."""
    lines = [f"<tr>{_heads(columns)}</tr>"]
    for row in rows:
        cells = [
            f"<td>{escape(str(value))}</td>"
            if isinstance(value, str) or number < words
            else f'<td class="number">{value:g}</td>'
            for number, value in enumerate(row)
        ]
        lines.append(f"<tr>{''.join(cells)}</tr>")
    return _wide(name, lines)


def _wide(name: str, rows: list[str]) -> str:
    label = f'aria-label="{escape(name)}"'
    box = f'<div class="wide" role="region" {label} tabindex="0">'
    return "\n".join([f"{box}<table>", *rows, "</table></div>"])


def _heads(names: list[str]) -> str:
    return "".join(f'<th scope="col">{escape(name)}</th>' for name in names)


def _list(lines: list[str]) -> str:
    return "<ul>" + "".join(f"<li>{escape(line)}</li>" for line in lines) + "</ul>"


def write(path: Path, text: str) -> None:
    """Write a page whole or not at all."""
    files.write_atomic(path, text.encode("utf-8", "replace"))
