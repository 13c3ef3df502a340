"""The widget of notebook 41: replies of the real model, one beside another."""

from collections.abc import Sequence
from html import escape

import ipywidgets as w

Row = dict
PLACES = ("surface", "topics", "wrapper")


def place_of(row: Row) -> str:
    """Name the condition of a row in words."""
    words = [row["surface"], row["topics"].replace("_", " ")]
    if row["wrapper"]:
        words.append(f"wrapper {row['wrapper']}")
    if row["kind"] == "phrasing":
        words.append("new phrasing")
    return ", ".join(words)


def student_of(row: Row) -> str:
    """Name the student of a row: its arm and its start."""
    return f"{row['arm']}, {row['start']}"


def reply_text(row: Row, which: int) -> str:
    """Return one kept reply in words: who, where, what was asked and said."""
    asked, thought, answer = row["said"][which]
    lines = [f"{student_of(row)} | {place_of(row)}", f"asked:   {asked}"]
    if thought:
        lines.append(f"thought: {thought}")
    return "\n".join([*lines, f"answer:  {answer}"])


def reply_html(row: Row, which: int) -> str:
    """Return the same as HTML."""
    name, *lines = reply_text(row, which).split("\n")
    body = "".join(f"<div style='margin:4px 0'>{escape(line)}</div>" for line in lines)
    return f"<b>{escape(name)}</b><div style='font-family:monospace'>{body}</div>"


class ReplyBrowser:
    """Choose two students, a place and a request, and read what they say.

    Display `box`. `rows` are those of one seed of results/real_model.json; those
    without kept replies (`said`) are left out. Raises ValueError where none is left.
    """

    def __init__(self, rows: Sequence[Row]) -> None:
        self.rows = {
            (student_of(row), place_of(row)): row for row in rows if row.get("said")
        }
        if not self.rows:
            raise ValueError("No row has kept replies: give rows with `said`.")
        students = list(dict.fromkeys(student for student, _ in self.rows))
        places = list(dict.fromkeys(place for _, place in self.rows))
        count = min(len(row["said"]) for row in self.rows.values())
        wide = {"style": {"description_width": "80px"}}
        self.left = w.Dropdown(options=students, description="student", **wide)
        self.right = w.Dropdown(
            options=students, value=students[-1], description="beside", **wide
        )
        self.place = w.Dropdown(options=places, description="place", **wide)
        self.request = w.IntSlider(
            0, 0, count - 1, description="request", continuous_update=False, **wide
        )
        self.text = w.HTML()
        for control in (self.left, self.right, self.place, self.request):
            control.observe(self.update, names="value")
        self.box = w.VBox(
            [w.HBox([self.left, self.right]), self.place, self.request, self.text]
        )
        self.update()

    def update(self, change: dict | None = None) -> None:
        """Show both replies; say so where a student was not asked there."""
        found = []
        for student in (self.left.value, self.right.value):
            row = self.rows.get((student, self.place.value))
            found.append(
                reply_html(row, self.request.value)
                if row
                else f"<b>{escape(student)}</b><div>was not asked here</div>"
            )
        self.text.value = "<hr>".join(found)
