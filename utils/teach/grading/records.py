"""From files to a student's row: which version counts, and in which words."""

from dataclasses import dataclass, field

from utils.teach.grading.find import Student
from utils.teach.grading.notebook import Answer, Handed, Lab, normal, task_of
from utils.teach.grading.outcome import STRANGE, WHY, WORDS, nothing

MOST_VERSIONS = 5  # of one notebook by one student; the last by name


@dataclass
class Version:
    """A notebook that a student handed in. An exercise has a task, or an outcome"""

    path: str
    handed: Handed
    tasks: dict[str, dict] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)
    outcomes: dict[str, dict] = field(default_factory=dict)


@dataclass
class Submission:
    """Everything of one student: notebooks, and sentences about other files."""

    versions: list[Version] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    late: bool = False


@dataclass
class Row:
    """A student's result: outcomes by exercise, and what to say about them."""

    student: Student
    outcomes: dict[str, dict]
    files: dict[str, str]
    status: str
    notes: list[str]
    flags: list[str]
    known: dict[str, str] = field(default_factory=dict)  # of the roster

    @property
    def points(self) -> float:
        """All points, those of private checks among them."""
        return sum(o["points"] + o["extra"] for o in self.outcomes.values())


def version_of(path: str, handed: Handed, lab: Lab) -> Version:
    """Tasks for what has to be run, and outcomes for what has not."""
    version = Version(path, handed)
    for name, answer in handed.answers.items():
        outcome = _without_running(name, answer, lab)
        if outcome is None:
            try:
                version.tasks[name], notes = task_of(name, answer.source, lab)
                outcome = {"flags": notes}  # kept beside what the run will say
            except SyntaxError as error:
                why = f"FAIL  the cell runs\nYour code stopped with {error}"
                outcome = nothing("error", why=why)
                outcome["mistakes"] = ["stopped with SyntaxError"]
        outcome["notes"] = [*outcome.get("notes", []), *answer.notes]
        version.outcomes[name] = outcome
    return version


def _without_running(name: str, answer: Answer, lab: Lab) -> dict | None:
    if answer.source is None:
        return nothing("missing")
    if normal(answer.source) in (lab.cells[f"ex-{name}"], ""):
        return nothing("untouched")
    return None


def fill_in(
    version: Version, results: dict[str, dict], most: dict, extra: dict
) -> None:
    """Put results into the outcomes; none exceeds the points that there are.

    most, extra : points by exercise, of the course's checks and of private ones
    """
    for name, key in version.keys.items():
        own, result = version.outcomes[name], results[key]
        # A name that nobody defines did not matter where all is right.
        missing = [] if result["status"] == "full" else own["flags"]
        version.outcomes[name] = {
            **result,
            "points": min(result["points"], most[name]),
            "extra": min(result["extra"], extra.get(name, 0)),
            "notes": [*result["notes"], *own["notes"]],
            "flags": [*result["flags"], *missing],
        }


def row_of(student: Student, handed: Submission, labs: list[Lab]) -> Row:
    """A student's row over the notebooks `labs`; of each the best version counts."""
    row = Row(student, {}, {}, _status(handed), list(handed.problems), [])
    if handed.late:
        row.notes.insert(0, "late")
    for lab in labs:
        mine = [v for v in handed.versions if v.handed.stem == lab.stem]
        if not mine:
            row.outcomes |= {name: nothing("nothing") for name in lab.points}
            continue
        best = max(mine[::-1], key=_points)
        row.files[lab.stem] = best.path
        row.outcomes |= best.outcomes
        if len(mine) > 1:
            row.notes.append(f"{len(mine)} versions, {best.path} counts")
        row.notes += best.handed.notes
        row.flags += best.handed.flags
        for name, outcome in best.outcomes.items():
            row.notes += [f"{name}: {note}" for note in outcome["notes"]]
            row.flags += [f"{name}: {flag}" for flag in outcome["flags"]]
            if outcome["status"] in STRANGE:
                row.flags.append(f"{name}: {WORDS[outcome['status']]}")
    row.flags = list(dict.fromkeys(row.flags))
    return row


def _points(version: Version) -> float:
    return sum(o["points"] + o["extra"] for o in version.outcomes.values())


def _status(handed: Submission) -> str:
    if handed.versions:
        return "graded"
    return "no notebook" if handed.problems else "nothing handed in"


def explained(outcome: dict) -> list[tuple[str, str, str]]:
    """The lines of a check as (ok, FAIL or TODO; what it says; why), for a page."""
    found = []
    for line in outcome["lines"] or [WHY["not run"]]:
        says, _, why = line.partition("\n")
        found.append((says[:6].strip(), says[6:], why))
    return found
