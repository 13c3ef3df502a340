"""Checking a learner's answer, and falling back to the reference when it is not right.

In a notebook:

    from utils.teach.checks import check, use

    check("sequence_logprob", sequence_logprob)                    # "2 / 4 points"
    sequence_logprob = use("sequence_logprob", sequence_logprob)   # yours, or ours
"""

import contextlib
import difflib
import html
import io
import json
import os
import random
import textwrap
import traceback
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

from utils import files
from utils.teach import course_map, progress
from utils.teach.exercise import Exercise, Mistake, Part, registry

# The very object that last passed its check in full, by exercise.
_PASSED: dict[str, Any] = {}


class Score(float):
    """Points as a number; a notebook shows "2 / 4 points".

    Its repr is the bare number, which nbgrader reads as partial credit.
    """

    out_of: float
    lines: list[str]
    solution: str = ""  # HTML below the points, for a learner who may see it

    def __new__(cls, points: float, out_of: float, lines: list[str]) -> "Score":
        score = super().__new__(cls, points)
        score.out_of, score.lines = out_of, lines
        return score

    def __repr__(self) -> str:
        return f"{float(self):g}"

    def _repr_html_(self) -> str:
        return f"<b>{float(self):g} / {self.out_of:g} points</b>{self.solution}"


def check(name: str, answer: Any) -> Score:
    """Print what is right and what is not about `answer`, and return its points.

    Never raises: an unknown name scores 0 of 0. Works on the learner's function
    itself, so run it after the cell that defines it.
    """
    exercise = _find(name)
    if exercise is None:
        return Score(0, 0, [])
    if callable(answer) and answer is exercise.reference:
        print(f"{name}: this is the course's version. Run your own cell again first.")
        return Score(0, exercise.points, [])
    score = grade(exercise, answer)
    if score == exercise.points:
        _PASSED[name] = answer
    else:
        _PASSED.pop(name, None)
    print(f"{name}: {float(score):g} of {exercise.points:g} points")
    for line in score.lines:
        says, *why = line.split("\n")
        print(f"  {says}")
        for text in why:
            print(textwrap.indent(textwrap.fill(text, 76), " " * 8))
    _append_grade(exercise, score)
    if progress.in_work() and not all(x.startswith("TODO") for x in score.lines):
        _keep(exercise, score)
    return score


def use(name: str, answer: Any) -> Any:
    """The learner's `answer` if its check passed in this session, else the reference.

    Prints which of the two it is, so that nobody is blocked and nobody is misled.
    """
    exercise = _find(name)
    if exercise is None:
        return answer
    if name in _PASSED and _PASSED[name] is answer:
        print(f"{name}: your own version is used; it passed its check.")
        return answer
    if answer is exercise.reference:
        why = "run your own cell again to use yours"
    elif _unattempted(answer) or name not in _PASSED:
        why = "yours has not passed its check yet"
    else:
        why = "yours changed after its check"
    print(f"{name}: the course's version is used; {why}.")
    return exercise.reference


def grade(exercise: Exercise, answer: Any) -> Score:
    """Run every part of the exercise's check on `answer`, without printing."""
    if _unattempted(answer):
        return Score(0, exercise.points, [f"TODO  {_todo(exercise)}"])
    points, lines, said = 0.0, [], set()
    for part in exercise.parts:
        problem = _problem(part, answer)
        if problem is None:
            points += part.points
            lines.append(f"ok    {part.says}")
        elif isinstance(problem, NotImplementedError):
            lines.append(f"TODO  {part.says}")
        else:
            sentence, numbers = _explain(problem, answer)
            again = "The same mistake." if sentence in said else sentence
            lines.append(f"FAIL  {part.says}\n{f'{again} {numbers}'.strip()}")
            said |= {sentence} - {""}
    if all(line.startswith("TODO") for line in lines):
        lines = [f"TODO  {_todo(exercise)}"]
    return Score(points, exercise.points, lines)


def _keep(exercise: Exercise, score: Score) -> None:
    """Keep a learner's try, say where things stand, and show the solution when due."""
    try:
        progress.record(exercise.name, float(score))
        course_map.write()
    except OSError as error:
        print(f"Your points could not be kept ({error}). Is the disk full?")
    mine = [e for e in registry().values() if e.notebook == exercise.notebook]
    best, tries = progress.best(), progress.tries(exercise.name)
    print("In this notebook: {:g} of {:g} points.".format(*progress.sum_of(mine, best)))
    if best.get(exercise.name, 0) >= exercise.points or tries >= progress.TRIES:
        score.solution = _solution(exercise)
    else:
        left = progress.TRIES - tries
        more = "one more try" if left == 1 else f"{left} more tries"
        print(f"The course's solution is shown after {more}. The hints come first.")


def _solution(exercise: Exercise) -> str:
    """The solution's cell, folded away, as HTML; "" where it cannot be read."""
    path = files.ROOT / "solutions" / f"{exercise.notebook}.ipynb"
    try:
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        sources = {cell["id"]: cell["source"] for cell in cells}
        code = html.escape("".join(sources[f"ex-{exercise.name}"]))
    except (OSError, ValueError, KeyError, TypeError):
        return ""
    return (
        "<details><summary>The course's solution</summary>"
        f"<pre><code>{code}</code></pre></details>"
    )


def _find(name: str) -> Exercise | None:
    exercise = registry().get(name)
    if exercise is None:
        close = difflib.get_close_matches(name, registry(), n=1)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        print(f"There is no exercise called {name!r}.{hint}")
    return exercise


def _unattempted(answer: Any) -> bool:
    return answer is None or answer is Ellipsis


def _todo(exercise: Exercise) -> str:
    return f"write {exercise.name} in the cell above, run it, then run this one"


def _problem(part: Part, answer: Any) -> BaseException | None:
    """What running `part` raised, or None. An interrupt by the learner goes through."""
    try:
        with _quiet(), _own_randomness():
            part.test(answer)
    except (Exception, SystemExit) as error:
        return error
    return None


def _explain(problem: BaseException, answer: Any) -> tuple[str, str]:
    """What is wrong in a sentence, and the numbers that show it."""
    if isinstance(problem, Mistake):
        return problem.sentence, problem.numbers
    text = str(problem).strip().split("\n")[0]
    said = f"{type(problem).__name__}: {text}" if text else type(problem).__name__
    return f"Your code stopped with {said}{_where(problem, answer)}", ""


def _where(problem: BaseException, answer: Any) -> str:
    """The line of the learner's own code at which `problem` came up."""
    own = getattr(getattr(answer, "__code__", None), "co_filename", None)
    frames = traceback.extract_tb(problem.__traceback__)
    lines = [frame.line for frame in frames if frame.filename == own and frame.line]
    return f" — at the line `{lines[-1]}`" if lines else ""


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    # nbgrader takes any text on stderr, even a warning, for a failed test.
    with contextlib.redirect_stderr(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@contextlib.contextmanager
def _own_randomness() -> Iterator[None]:
    """Seed a part, and give the notebook's random numbers back as they were."""
    python, numpy = random.getstate(), np.random.get_state()
    with torch.random.fork_rng(devices=[]):
        random.seed(0)
        np.random.seed(0)
        torch.manual_seed(0)
        try:
            yield
        finally:
            random.setstate(python)
            np.random.set_state(numpy)


def _append_grade(exercise: Exercise, score: Score) -> None:
    """Add one JSON line to the file that a grader names in COURSE_GRADE_FILE."""
    path = os.environ.get("COURSE_GRADE_FILE")
    if not path:
        return
    row = {"exercise": exercise.name, "points": float(score), "out_of": score.out_of}
    with contextlib.suppress(OSError), open(path, "a", encoding="utf-8") as file:
        file.write(json.dumps(row) + "\n")
