"""Results of an exercise: a dictionary, since it travels between processes as JSON.

status     one of WORDS
points     of the course's check; `extra` of the private checks
lines      of the check, as a learner sees them: "ok    ...", "FAIL  ...\\n..."
mistakes   sentences that name them
notes      for the lecturer
flags      for the lecturer, who should look at this cell
"""

WORDS = {
    "full": "all points",
    "partial": "part of the points",
    "zero": "no points",
    "error": "the cell stops with an error",
    "timeout": "not finished in time",
    "memory": "out of memory",
    "died": "ends the process that runs it",
    "tampered": "not graded: it changes the grading",
    "untouched": "not attempted",
    "missing": "cell deleted",
    "not run": "not run",
    "nothing": "not handed in",
}
WHY = {
    "timeout": "FAIL  the cell runs\nThe cell or its check did not end in time. "
    "Is there a loop that never ends?",
    "died": "FAIL  the cell runs\nThe process that ran this cell ended before the "
    "check was done. Does the cell end it?",
    "tampered": "FAIL  the check\nThis cell could not be graded automatically.",
    "untouched": "TODO  not attempted",
    "missing": "TODO  the exercise's cell is not in the notebook",
    "not run": "FAIL  the cell runs\nThis cell was not run.",
    "nothing": "TODO  not handed in",
}
# The lecturer should look at these, besides at what is flagged in the source.
STRANGE = {"died", "tampered", "not run"}
MISTAKES = {"timeout": ["does not end"], "died": ["ends the process"]}


def nothing(status: str, *, why: str = "", notes=(), flags=()) -> dict:
    """The result of a cell that earns nothing, as its check was not reached.

    why : the line for the learner, if it is not that of the status
    """
    return {
        "status": status,
        "points": 0.0,
        "extra": 0.0,
        "lines": [why or WHY[status]],
        "mistakes": MISTAKES.get(status, []),
        "notes": list(notes),
        "flags": list(flags),
    }


def is_sound(result: object) -> bool:
    """Whether this is a result: code that forges one may send anything."""
    if not isinstance(result, dict) or result.get("status") not in WORDS:
        return False
    numbers = [result.get(name) for name in ("points", "extra")]
    lists = [result.get(name) for name in ("lines", "mistakes", "notes", "flags")]
    return all(isinstance(n, int | float) and 0 <= n < 1000 for n in numbers) and all(
        isinstance(texts, list) and all(isinstance(text, str) for text in texts)
        for texts in lists
    )
