"""The learner's points, kept in work/progress.json; `python -m utils.teach.progress`.

Only notebooks that run inside work/ are recorded, so that building or testing the
course, or reading a solution, earns nobody points.
"""

import contextlib
import json
from pathlib import Path

from utils import files
from utils.teach.exercise import Exercise, registry

Best = dict[str, float]


def record(notebook: str, name: str, points: float, out_of: float) -> None:
    """Keep the best points of exercise `name`. Never raises."""
    with contextlib.suppress(OSError):
        if Path.cwd().resolve() != files.WORK.resolve():
            return
        rows = _rows(_file())
        before = rows.get(name, {}).get("points", 0.0)
        best = max(points, before)
        rows[name] = {"notebook": notebook, "points": best, "out_of": out_of}
        text = json.dumps(rows, indent=1, sort_keys=True) + "\n"
        files.write_atomic(_file(), text.encode())


def best() -> Best:
    """The best points so far, by exercise; empty when nothing readable is there."""
    return {name: row["points"] for name, row in _rows(_file()).items()}


def report(exercises: list[Exercise], points: Best) -> str:
    """A line for each notebook, the total, and what comes next."""
    if not exercises:
        return "The course has no exercises yet."
    notebooks = list(dict.fromkeys(exercise.notebook for exercise in exercises))
    width = max(map(len, [*notebooks, "total"]))
    lines = []
    for notebook in notebooks:
        mine = [exercise for exercise in exercises if exercise.notebook == notebook]
        lines.append(_line(notebook, width, mine, points))
    lines += [_line("total", width, exercises, points), ""]
    for exercise in exercises:
        if points.get(exercise.name, 0) < exercise.points:
            return "\n".join([*lines, f"Next: {exercise.name} in {exercise.notebook}."])
    return "\n".join([*lines, "Everything is solved. Well done!"])


def _line(title: str, width: int, exercises: list[Exercise], points: Best) -> str:
    out_of = sum(exercise.points for exercise in exercises)
    got = sum(
        min(points.get(exercise.name, 0), exercise.points) for exercise in exercises
    )
    bar = "#" * int(20 * got / out_of)
    return f"{title:<{width}}  [{bar:<20}]  {got:>3g} / {out_of:g} points"


def _file() -> Path:
    return files.WORK / "progress.json"


def _rows(path: Path) -> dict[str, dict]:
    """The rows of the file that make sense; a damaged file counts as empty."""
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    if not isinstance(rows, dict):
        return {}
    return {
        name: row
        for name, row in rows.items()
        if isinstance(row, dict) and isinstance(row.get("points"), int | float)
    }


if __name__ == "__main__":
    print(report(list(registry().values()), best()))
