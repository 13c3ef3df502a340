"""nbgrader grades the course: a lecturer's commands, from sources to the table.

The configuration and the commands are those of course/for_lecturers.md. What comes
out is compared with the course's own grader, exercise by exercise.
"""

import csv
import html
import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from utils.files import ROOT
from utils.teach import grade
from utils.teach.builder import ENVIRONMENT
from utils.teach.exercise import registry
from utils.teach.grading import demo

PAGE = (ROOT / "course" / "for_lecturers.md").read_text(encoding="utf-8")
CONFIG = re.search(r"```python\n(c = get_config\(\)\n.*?)```", PAGE, re.S)[1]
GENERATE, AUTOGRADE, FEEDBACK, EXPORT = re.findall(r"`nbgrader (\w+[^`]*)`", PAGE)
LAB, DPO = "00_lab", "13_dpo"
SECONDS = 40  # for a cell of notebook 00, and so what the endless loop takes
POINTS = {
    stem: {e.name: e.points for e in registry().values() if e.notebook == stem}
    for stem in (LAB, DPO)
}
SOLUTIONS = {
    cell["id"]: "".join(cell["source"])
    for cell in json.loads(
        (ROOT / "solutions" / f"{LAB}.ipynb").read_text(encoding="utf-8")
    )["cells"]
}

# Text on stderr from Python, from a warning and, as C++ libraries do, past Python.
NOISE = """
import os, sys, warnings
solved = nucleus
def nucleus(*args, **more):
    warnings.warn("only noise")
    print("only noise", file=sys.stderr)
    os.write(2, b"only noise\\n")
    return solved(*args, **more)
nucleus(torch.zeros(2))
"""
PATCH = """
import utils.teach.checks as checks
checks._problem = lambda part, answer: None
def nucleus(*args):
    return 0
"""
HARD_ONLY = """
def dpo_loss(pc, pr, rc, rr, beta, p=1.0):
    return -F.logsigmoid(beta * ((pc - rc) - (pr - rr))).mean()
"""
COUNTS_PROMPT = SOLUTIONS["ex-sequence_logprob"].replace("[:, prompt_length - 1 :]", "")
IN_PLACE = SOLUTIONS["ex-nucleus"].replace(
    "probs = (logits / temperature)", "logits /= temperature\n    probs = logits"
)


@dataclass(frozen=True)
class Handed:
    """What a learner hands in of notebook 00, and the points for it.

    cells   : source by cell; SOLVED in it is the solution
    solved  : whether all other exercises are solved
    deleted : cells that are gone
    points  : from nbgrader, an exercise each; those left out have all or none
    own     : from the course's own grader, where that differs
    """

    cells: dict[str, str] = field(default_factory=dict)
    solved: bool = True
    deleted: tuple[str, ...] = ()
    points: dict[str, float] = field(default_factory=dict)
    own: dict[str, float] | None = None

    def expected(self, special: dict[str, float]) -> dict[str, float]:
        """Points of every exercise."""
        rest = {n: most * self.solved for n, most in POINTS[LAB].items()}
        return rest | special


NONE = dict.fromkeys(POINTS[LAB], 0)
LAB_CASES = {
    "stubs": Handed(solved=False),
    "solved": Handed(),
    "some": Handed(
        {"ex-right_action": "SOLVED", "ex-sequence_logprob": COUNTS_PROMPT},
        solved=False,
        points={"right_action": 5, "sequence_logprob": 3},
    ),
    "broken": Handed(
        {
            "ex-nucleus": "SOLVED\nprint(no_such_name)",
            "ex-unsafe_and_over_refusal": "def unsafe_and_over_refusal(:\n    return",
        },
        deleted=("ex-bootstrap_interval",),
        points={"unsafe_and_over_refusal": 0, "bootstrap_interval": 0},
    ),
    "edited check": Handed(
        {"ex-nucleus": IN_PLACE, "check-nucleus": "print('6 of 6 points')\n6"},
        points={"nucleus": 5},
    ),
    "deleted check": Handed(deleted=("check-nucleus",)),
    "noisy": Handed({"ex-nucleus": f"SOLVED\n{NOISE}"}),
    "loop": Handed(
        {"ex-nucleus": "def nucleus(*args):\n    while True:\n        pass"},
        points={"nucleus": 0},
    ),
    # From here on the two graders differ.
    "killed": Handed(
        {"ex-nucleus": "import os\nos._exit(0)"}, points=NONE, own={"nucleus": 0}
    ),
    "helper": Handed(
        {
            "00_lab-003": SOLUTIONS["ex-nucleus"].replace("nucleus", "helper"),
            "ex-nucleus": "def nucleus(*a, **k):\n    return helper(*a, **k)",
        },
        own={"nucleus": 0},
    ),
    "patched": Handed({"ex-nucleus": PATCH}, own={"nucleus": 0}),
}
DPO_CASES = {
    "solved": (demo.KINDS["solved"], 5, POINTS[DPO]),
    "some": (
        demo.Kind(HARD_ONLY),
        2,
        dict.fromkeys(POINTS[DPO], 0)
        | {"optimal_policy": 6, "implicit_reward": 4, demo.NAME: 5},
    ),
}
CASES = [(LAB, name) for name in LAB_CASES] + [(DPO, name) for name in DPO_CASES]


def nbgrader(folder: Path, *arguments: str) -> subprocess.CompletedProcess:
    """Run one of nbgrader's commands in a course's folder, with no other settings."""
    environment = {k: v for k, v in os.environ.items() if k not in ENVIRONMENT}
    # As in an activated environment: nbgrader calls `alembic` by its name.
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment |= {"PATH": path, "JUPYTER_CONFIG_DIR": str(folder / "none")}
    return subprocess.run(
        [sys.executable, "-m", "nbgrader", *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=1800,
    )


def put(folder: Path, student: str, stem: str, data: bytes) -> None:
    path = folder / "submitted" / student / stem / f"{stem}.ipynb"
    path.parent.mkdir(parents=True)
    path.write_bytes(data)


def hand_in(released: Path, case: Handed) -> bytes:
    """A notebook as a learner saves it: the released one with other cells."""
    book = json.loads(released.read_text(encoding="utf-8"))
    book["cells"] = [c for c in book["cells"] if c["id"] not in case.deleted]
    cells = {cell["id"]: cell for cell in book["cells"]}
    for name, cell in cells.items():
        if name.startswith("ex-") and case.solved:
            cell["source"] = SOLUTIONS[name]
    for name, text in case.cells.items():
        cells[name]["source"] = text.replace("SOLVED", SOLUTIONS[name])
        if name.startswith("check-"):
            cells[name]["metadata"]["nbgrader"]["points"] = 100
    return json.dumps(book).encode()


@pytest.fixture(scope="module")
def school(tmp_path_factory, trained):
    """A course's folder after every command, and what autograding said by notebook."""
    folder = tmp_path_factory.mktemp("nbgrader")
    (folder / "nbgrader_config.py").write_text(CONFIG, encoding="utf-8")
    said = {}
    for stem in (LAB, DPO):
        source = folder / "source" / stem
        source.mkdir(parents=True)
        shutil.copy(ROOT / "course" / f"{stem}.ipynb", source)
        done = nbgrader(folder, *GENERATE.replace(DPO, stem).split())
        assert done.returncode == 0, done.stderr
    for name, case in LAB_CASES.items():
        put(folder, name, LAB, hand_in(folder / "release" / LAB / f"{LAB}.ipynb", case))
    for name, (kind, solved, _) in DPO_CASES.items():
        (data,) = demo.submission(kind, name, solved).values()
        put(folder, name, DPO, data)
    for stem, limit in ((LAB, [f"--Execute.timeout={SECONDS}"]), (DPO, [])):
        said[stem] = nbgrader(folder, *AUTOGRADE.replace(DPO, stem).split(), *limit)
        done = nbgrader(folder, *FEEDBACK.replace(DPO, stem).split())
        # What could not be run has no page; that is no error.
        assert done.returncode == 0, done.stderr
    done = nbgrader(folder, *EXPORT.split())
    assert done.returncode == 0, done.stderr
    return folder, said


@pytest.fixture(scope="module")
def own(school, tmp_path_factory):
    """The rows of the course's own grader for the same submissions, by student."""
    out = tmp_path_factory.mktemp("own")
    folder = str(school[0] / "submitted")
    arguments = [folder, "--out", str(out), "--seconds", "5", "--workers", "1"]
    assert grade.main(arguments) == 0
    with (out / "grades.csv").open(encoding="utf-8-sig", newline="") as file:
        return {row["Full name"]: row for row in csv.DictReader(file)}


def expected(stem: str, student: str) -> dict[str, float]:
    if stem == DPO:
        return DPO_CASES[student][2]
    case = LAB_CASES[student]
    return case.expected(case.points)


def text_of(page: Path) -> str:
    """The text of an HTML page without tags, on one line."""
    text = re.sub(r"<[^>]*>", "", page.read_text(encoding="utf-8"))
    return " ".join(html.unescape(text).split())


@pytest.mark.parametrize("stem", [LAB, DPO])
def test_what_is_released_is_the_learners_notebook(school, stem):
    """By default nbgrader would empty the cells whose stubs are already there."""
    released = school[0] / "release" / stem / f"{stem}.ipynb"
    books = [
        json.loads(path.read_text(encoding="utf-8"))["cells"]
        for path in (ROOT / "course" / f"{stem}.ipynb", released)
    ]
    given, got = [[(c["id"], "".join(c["source"])) for c in cells] for cells in books]
    assert got == given


def test_a_kernel_that_dies_stops_only_its_own_notebook(school):
    said = school[1]
    assert said[LAB].returncode == 1
    failed = re.findall(r"error processing .* for student '(.*)'", said[LAB].stderr)
    assert failed == ["killed"]
    assert said[DPO].returncode == 0, said[DPO].stderr


@pytest.mark.parametrize(("stem", "student"), CASES)
def test_points_in_the_gradebook(school, stem, student):
    from nbgrader.api import Gradebook  # here, so that others can collect this file

    with Gradebook(f"sqlite:///{school[0] / 'gradebook.db'}") as book:
        handed = book.find_submission_notebook(stem, stem, student)
        points = {g.name.removeprefix("check-"): g.score for g in handed.grades}
        waiting = {g.needs_manual_grade for g in handed.grades}
    assert points == expected(stem, student)
    assert waiting == {student == "killed"}


@pytest.mark.parametrize(("stem", "student"), CASES)
def test_the_courses_own_grader_gives_the_same_points(own, stem, student):
    case = LAB_CASES[student]
    want = expected(stem, student)
    if stem == LAB and case.own is not None:
        want = case.expected(case.own)
        assert want != expected(stem, student)
    assert {name: float(own[student][name]) for name in want} == want
    assert own[student]["look"] == ("yes" if case.own else "")


def test_the_exported_table_has_the_totals(school):
    name = EXPORT.split()[-1]
    with (school[0] / name).open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    totals = {
        (row["assignment"], row["student_id"]): (row["score"], row["max_score"])
        for row in rows
        if (row["assignment"], row["student_id"]) in CASES
    }
    assert {case: tuple(map(float, two)) for case, two in totals.items()} == {
        (stem, student): (
            sum(expected(stem, student).values()),
            sum(POINTS[stem].values()),
        )
        for stem, student in CASES
    }


def test_feedback_has_the_messages_of_the_checks(school):
    folder = school[0] / "feedback"
    pages = {(path.parts[-2], path.parts[-3]): path for path in folder.rglob("*.html")}
    assert set(pages) == set(CASES) - {(LAB, "killed")}
    for case, name, mutant, points in [
        ((LAB, "some"), "sequence_logprob", "prompt counted", "3 of 4"),
        ((LAB, "edited check"), "nucleus", "in place", "5 of 6"),
        ((DPO, "some"), "dpo_loss", "hard only", "5 of 9"),
    ]:
        text = text_of(pages[case])
        assert f"{name}: {points} points" in text
        assert registry()[name].mutants[mutant].message in text
    assert "dpo_loss: 9 of 9 points" in text_of(pages[DPO, "solved"])
