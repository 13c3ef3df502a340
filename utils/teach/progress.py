"""The learner's points, kept in work/progress.jsonl; `python -m utils.teach.progress`.

Every check of an attempted answer adds a line to the file, and nothing is ever written
over. So a crash costs at most the line that was being written, and two notebooks that
run at once do not lose each other's points. Only notebooks that run inside work/ are
recorded: building or testing the course, or reading a solution, earns nobody points.
"""

import json
import os
from pathlib import Path

from utils import files
from utils.teach.exercise import Exercise, registry

# Then the course's solution is shown beside the check.
TRIES = 3


def in_work() -> bool:
    """Whether this is a notebook of the learner's, whose points count."""
    return Path.cwd().resolve() == files.WORK.resolve()


def record(name: str, points: float) -> None:
    """Add one try at exercise `name`. Raises OSError when it cannot be written."""
    row = json.dumps({"exercise": name, "points": points})
    with _file().open("a", encoding="utf-8") as file:
        file.write(f"\n{row}")  # first the line's end: a crash may have left half a row
        file.flush()
        os.fsync(file.fileno())


def history() -> dict[str, list[float]]:
    """The points of every try, by exercise, without lines that make no sense."""
    found: dict[str, list[float]] = {}
    try:
        lines = _file().read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    for line in lines:
        try:
            row = json.loads(line)
            found.setdefault(str(row["exercise"]), []).append(float(row["points"]))
        except (ValueError, TypeError, KeyError):
            continue
    return found


def best() -> dict[str, float]:
    """The best points so far, by exercise."""
    return {name: max(points) for name, points in history().items()}


def tries(name: str) -> int:
    """How often an attempted answer to exercise `name` was checked."""
    return len(history().get(name, []))


def sum_of(exercises: list[Exercise], points: dict[str, float]) -> tuple[float, float]:
    """The learner's points and all points of some exercises."""
    got = sum(min(points.get(e.name, 0), e.points) for e in exercises)
    return got, sum(e.points for e in exercises)


def next_of(exercises: list[Exercise], points: dict[str, float]) -> Exercise | None:
    """The first exercise without all of its points, or None."""
    missing = (e for e in exercises if points.get(e.name, 0) < e.points)
    return next(missing, None)


def report(exercises: list[Exercise], points: dict[str, float]) -> str:
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
    following = next_of(exercises, points)
    if following:
        lines.append(f"Next: {following.name} in {following.notebook}.")
    else:
        lines.append("Everything is solved. Well done!")
    return "\n".join(lines)


def bar(got: float, out_of: float, full: str, empty: str, width: int) -> str:
    """A bar of text, filled only when everything is done."""
    done = int(width * got / out_of)
    return full * done + empty * (width - done)


def _line(
    title: str, width: int, exercises: list[Exercise], points: dict[str, float]
) -> str:
    got, out_of = sum_of(exercises, points)
    shown = bar(got, out_of, "#", " ", 20)
    return f"{title:<{width}}  [{shown}]  {got:>3g} / {out_of:g} points"


def _file() -> Path:
    return files.WORK / "progress.jsonl"


if __name__ == "__main__":
    print(report(list(registry().values()), best()))
