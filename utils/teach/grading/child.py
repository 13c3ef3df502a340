"""One exercise cell in a process of its own, and then the course's check of it.

The check has to call the learner's function, often with tensors whose gradients it
follows, so both run in the same process. What this can't prevent, and what it does
about it, is said at the top of `utils/teach/grade.py`.
"""

import importlib.util
import io
import linecache
import re
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from utils.teach.checks import Score, grade
from utils.teach.exercise import Exercise, registry
from utils.teach.grading import guard
from utils.teach.grading.outcome import nothing

LONGEST_LINE = 1500
OUT_OF_MEMORY = re.compile(r"MemoryError|can't allocate memory")
NOISE = 2**20  # characters; more than that is worth a note
EXTRA: dict[str, list[Exercise]] = {}


class _Sink(io.TextIOBase):
    """Counts what is printed and keeps none of it."""

    length = 0

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        self.length += len(text)
        return len(text)


def load_extra(path: Path) -> dict[str, float]:
    """Read the list EXERCISES of a private file; returns its points by exercise.

    Raises ValueError, in words, when the file is not of that form.
    """
    spec = importlib.util.spec_from_file_location("extra_checks", path)
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
        exercises = list(module.EXERCISES)
    except Exception as error:
        raise ValueError(f"{path.name}: {type(error).__name__}: {error}") from error
    for exercise in exercises:
        if exercise.name not in registry():
            raise ValueError(f"{path.name}: there is no exercise {exercise.name!r}.")
        EXTRA.setdefault(exercise.name, []).append(exercise)
    return {name: sum(e.points for e in found) for name, found in EXTRA.items()}


def calibrate(name: str) -> dict:
    """What this exercise's check says without any submission: run once at the start.

    Returns the points of the course's own answer, which must be all, and of a known
    wrong answer, which no submission may raise.
    """
    exercise = registry()[name]
    score = grade(exercise, exercise.reference)
    lines = [f"{name}: {line}" for line in score.lines if not line.startswith("ok")]
    for extra in EXTRA.get(name, []):
        more = grade(extra, exercise.reference)
        lines += [f"{name}: {line}" for line in more.lines if line[:2] != "ok"]
    return {
        "points": float(score),
        "out_of": exercise.points,
        "wrong": float(grade(exercise, _wrong(exercise))),
        "lines": [_short(line) for line in lines],
    }


def run(task: dict, folder: Path) -> dict:
    """Run the cell of `task` and check what it defines.

    task   : name, source, context (statements of the course's notebook, in order),
             references (names of other exercises, given as the course's version),
             wrong (points of a known wrong answer, see `calibrate`) and the limits
    folder : the only one in which the cell may write
    """
    # Looked up before any line of the submission runs.
    exercise, extras = registry()[task["name"]], EXTRA.get(task["name"], [])
    wrong, judge = _wrong(exercise), grade
    sink = sys.stdout = sys.stderr = _Sink()
    namespace, notes = _before(task)
    guard.limit(task["seconds"], task["megabytes"])
    refused = guard.watch(folder)
    answer, stopped = _answer(task, namespace)
    flags = []
    if callable(answer) and answer is exercise.reference:
        flags.append("hands in the course's own function")
        answer = None
    score = judge(exercise, answer)
    extra = sum(float(judge(one, answer)) for one in extras)
    flags += dict.fromkeys(f"refused: {what}" for what in refused)
    if score or extra:
        accepted = any(judge(one, _stub) for one in [exercise, *extras])
        if accepted or judge(exercise, wrong) > task["wrong"]:
            return nothing("tampered", flags=flags)
    lines = list(score.lines)
    if answer is None and stopped:
        lines = [f"FAIL  the cell runs\n{stopped}"]
    elif stopped:
        notes.append(f"after defining {exercise.name} the cell stopped: {stopped}")
    if sink.length > NOISE:
        notes.append(f"prints {sink.length / 2**20:.0f} MB")
    return {
        "status": _status(score, lines, stopped),
        "points": float(score),
        "extra": extra,
        "lines": [_short(line) for line in lines],
        "mistakes": _mistakes(exercise, lines),
        "notes": [_short(note) for note in notes],
        "flags": flags,
    }


def _stub(*args, **kwargs):
    """Every check must refuse this, part by part."""
    raise NotImplementedError


def _wrong(exercise: Exercise) -> Any:
    """A known wrong answer, the first one listed."""
    return next(iter(exercise.mutants.values())).answer


def _before(task: dict) -> tuple[dict, list[str]]:
    """The names that the course gives the cell, and a note for what failed of it."""
    namespace: dict[str, Any] = {"__name__": "__main__"}
    for other in task["references"]:
        namespace[other] = registry()[other].reference
    notes = []
    for number, statement in enumerate(task["context"]):
        stopped = _execute(statement, f"<course {number}>", namespace)
        if stopped:
            notes.append(f"the course's own code before the cell failed: {stopped}")
    namespace.pop(task["name"], None)
    return namespace, notes


def _answer(task: dict, namespace: dict) -> tuple[Any, str]:
    """What the cell defines, and the sentence it stopped with if it did."""
    name = task["name"]
    stopped = _execute(task["source"], f"<{name}>", namespace)
    if not stopped and name not in namespace:
        stopped = f"The cell does not define `{name}`."
    return namespace.get(name), stopped


def _execute(source: str, file: str, namespace: dict) -> str:
    """Run source in `namespace`; returns why it stopped, or an empty string."""
    # So that a message can show the line at which the code stopped.
    linecache.cache[file] = (len(source), None, source.splitlines(True), file)
    run_code: Callable = exec
    try:
        run_code(compile(source, file, "exec"), namespace)
    except BaseException as error:  # exit() as well
        text = (str(error).strip().split("\n") or [""])[0]
        said = f"{type(error).__name__}: {text}" if text else type(error).__name__
        frames = traceback.extract_tb(error.__traceback__)
        lines = [frame.line for frame in frames if frame.filename == file]
        where = f" — at the line `{lines[-1]}`" if lines and lines[-1] else ""
        return f"Your code stopped with {said}{where}"
    return ""


def _status(score: Score, lines: list[str], stopped: str) -> str:
    if score == score.out_of:
        return "full"
    if score > 0:
        return "partial"
    if OUT_OF_MEMORY.search("\n".join(lines)):
        return "memory"
    return "error" if stopped else "zero"


def _mistakes(exercise: Exercise, lines: list[str]) -> list[str]:
    """The sentences of known mistakes among failed lines, or the exception's name."""
    failed = [line for line in lines if line.startswith("FAIL")]
    said = "\n".join(failed)
    messages = dict.fromkeys(m.message for m in exercise.mutants.values())
    named = [message for message in messages if message in said]
    stopped = re.findall(r"Your code stopped with (\w+)", said)
    named += [f"stopped with {kind}" for kind in dict.fromkeys(stopped)]
    return named or (["another mistake"] if failed else [])


def _short(text: str) -> str:
    return text if len(text) <= LONGEST_LINE else f"{text[:LONGEST_LINE]} ..."
