"""Made-up submissions of every kind that a grader meets, each with what must come out.

    python -m utils.teach.grade --demo 200 submissions/ --out grades/

writes 200 of them to a folder and grades them. Each hands in notebook 13; what is
special about a kind is in the cell of `dpo_loss`, or in the file.
"""

import io
import json
import zipfile
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import nbformat

from utils import files
from utils.teach.grading.find import LARGEST

STEM, NAME = "13_dpo", "dpo_loss"
POINTS = 9  # of dpo_loss
Files = dict[str, bytes]
Change = Callable[[dict], None]


@dataclass(frozen=True)
class Kind:
    """A kind of submission, and what its cell of `dpo_loss` must come out as.

    cell   : what stands in the cell; SOLVED in it is the solution. None: as it was
    change : what else is changed in the notebook
    pack   : files to hand in, given the notebook's bytes; default: the notebook
    points : for `dpo_loss`, and its status; "" where nothing is graded
    note   : a part of what the lecturer must be told; so is flag
    """

    cell: str | None = None
    points: float = 0
    status: str = "zero"
    note: str = ""
    flag: str = ""
    change: Change | None = None
    pack: Callable[[bytes], Files] | None = None


def _without(*names: str) -> Change:
    def change(book: dict) -> None:
        book["cells"] = [cell for cell in book["cells"] if cell["id"] not in names]

    return change


def _edit_check(book: dict) -> None:
    _cell(book, f"check-{NAME}")["source"] = f"print('{NAME}: 9 of 9 points')\n9"


def _duplicate(book: dict) -> None:
    cell = deepcopy(_cell(book, f"ex-{NAME}"))
    _cell(book, f"ex-{NAME}")["source"] = f"def {NAME}(*args):\n    return 0"
    book["cells"].append(cell)


def _helper_elsewhere(book: dict) -> None:
    cell = deepcopy(_cell(book, f"ex-{NAME}"))
    cell |= {"id": "mine", "metadata": {}, "source": "def helper(*a):\n    return 1"}
    book["cells"].insert(2, cell)


def _patch_elsewhere(book: dict) -> None:
    _helper_elsewhere(book)
    patch = "from utils.teach import checks\nchecks.grade = lambda *a: 9"
    _cell(book, "mine")["source"] = patch


def _without_ids(book: dict) -> None:
    book["nbformat_minor"] = 4
    for cell in book["cells"]:
        del cell["id"]


def _own_cell(book: dict) -> None:
    """The learner deleted the cell and wrote a new one, without id and metadata."""
    cell = _cell(book, f"ex-{NAME}")
    cell |= {"id": "a1b2c3d4", "metadata": {}}


def _old_format(data: bytes) -> Files:
    book = nbformat.reads(data.decode(), as_version=3)
    return {"old.ipynb": nbformat.writes(book, version=3).encode()}


def _zipped(name: str) -> Callable[[bytes], Files]:
    def pack(data: bytes) -> Files:
        return {"handed in.zip": archive({name: data, "notes/read me.txt": b"hello"})}

    return pack


def archive(content: Files) -> bytes:
    """A zip archive of files."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as target:
        for name, data in content.items():
            target.writestr(name, data)
    return packed.getvalue()


@cache
def _bomb() -> bytes:
    return archive({"13_dpo.ipynb": bytes(LARGEST + 1)})


PATCH = """SOLVED
import utils.teach.checks as checks
checks._problem = lambda part, answer: None
def dpo_loss(*args):
    return 0
"""
REGISTRY = """
from utils.teach.exercise import registry
for part in registry()["dpo_loss"].parts:
    object.__setattr__(part, "test", lambda answer: None)
def dpo_loss(*args):
    return 0
"""
ALLCLOSE = """
torch.allclose = lambda *args, **more: True
def dpo_loss(*args):
    return torch.tensor(0.0)
"""
CHANNEL = """
import os
for number in range(3, 50):
    try:
        os.write(number, b'{"points": 9}\\n')
    except OSError:
        pass
"""
RESULT_FILE = """
import os
path = os.environ.get("COURSE_GRADE_FILE", "../grades.csv")
with open(path, "a") as file:
    file.write('{"exercise": "dpo_loss", "points": 9, "out_of": 9}')
"""
FORK_BOMB = """SOLVED
import os
while True:
    os.fork()
"""
STAYS = """SOLVED
import ctypes, os, time
libc = ctypes.CDLL(None)
if libc.fork() == 0:
    os.setsid()
    if libc.fork() == 0:
        time.sleep(600)
    os._exit(0)
"""
NETWORK = """SOLVED
import urllib.request
urllib.request.urlopen("http://192.0.2.1/", timeout=1)
"""
REFERENCE = """
from utils.teach.exercises.nb13_c_loss import dpo_loss as known
def dpo_loss(*args):
    return known(*args)
"""
STDERR = """SOLVED
import sys, warnings
warnings.warn("this is only noise")
print("noise " * 1000, file=sys.stderr)
"""
NO_MINUS = """
def dpo_loss(pc, pr, rc, rr, beta, p=1.0):
    z = beta * ((pc - rc) - (pr - rr))
    return (p * F.logsigmoid(z) + (1 - p) * F.logsigmoid(-z)).mean()
"""
CHECKS = "imports the course's checks"
READ = "is no notebook"
FULL = {"cell": "SOLVED", "points": POINTS, "status": "full"}
TAMPERED = {"status": "tampered", "flag": "it changes the grading"}

KINDS = {
    "solved": Kind(**FULL),
    "untouched": Kind(status="untouched"),
    "named mistake": Kind(NO_MINUS),
    "syntax error": Kind("def dpo_loss(:\n    return 0", status="error"),
    "stops": Kind("SOLVED\nprint(no_such_name)", POINTS, "full", "the cell stopped"),
    "infinite loop": Kind("while True:\n    pass", status="timeout"),
    "killed kernel": Kind("import os\nos._exit(0)", status="died", flag="ends the"),
    "kill -9": Kind(
        "import os\nos.kill(os.getpid(), 9)", status="died", flag="sends signals"
    ),
    "memory": Kind("def dpo_loss(*a):\n    return bytearray(10**12)", status="memory"),
    "50 MB of output": Kind(
        'SOLVED\nprint("x" * 50_000_000)', 9, "full", "prints 48 MB"
    ),
    "noisy stderr": Kind(STDERR, POINTS, "full"),
    "result file": Kind(RESULT_FILE, status="error", flag="refused: it changes a file"),
    "result channel": Kind(CHANNEL, **TAMPERED),
    "patched checks": Kind(PATCH, **TAMPERED),
    "patched registry": Kind(REGISTRY, **TAMPERED),
    "patched torch": Kind(ALLCLOSE, **TAMPERED),
    "patched elsewhere": Kind(**FULL, flag="not run reaches", change=_patch_elsewhere),
    "edited check": Kind(NO_MINUS, note="check cells edited", change=_edit_check),
    "deleted check": Kind(
        **FULL, note="check cells deleted", change=_without(f"check-{NAME}")
    ),
    "deleted cell": Kind(
        status="missing", note="its cell was deleted", change=_without(f"ex-{NAME}")
    ),
    "own cell": Kind(**FULL, note="found in a cell of its own", change=_own_cell),
    "helper elsewhere": Kind(
        "def dpo_loss(*a):\n    return helper(*a)",
        flag="uses helper",
        change=_helper_elsewhere,
    ),
    "PDF": Kind(
        status="", note="PDF", pack=lambda d: {"13_dpo.ipynb": b"%PDF-1.7\n\xe2"}
    ),
    "broken JSON": Kind(
        status="",
        note="JSON is broken",
        pack=lambda d: {"13_dpo.ipynb": d[: len(d) // 2]},
    ),
    "no ids": Kind(**FULL, change=_without_ids),
    "old format": Kind(**FULL, pack=_old_format),
    "zip": Kind(**FULL, pack=_zipped("lab 13/13_dpo (1).ipynb")),
    "zip with ../": Kind(**FULL, pack=_zipped("../../escaped.ipynb")),
    "zip bomb": Kind(status="", note="larger than", pack=lambda d: {"b.zip": _bomb()}),
    "empty folder": Kind(status="", note="empty folder", pack=lambda d: {}),
    "network": Kind(NETWORK, POINTS, "full", flag="refused: it uses the network"),
    "reads the reference": Kind(REFERENCE, POINTS, "full", flag=CHECKS),
    "the reference itself": Kind(
        "from utils.teach.exercises.nb13_c_loss import dpo_loss",
        flag="the course's own function",
    ),
    "fork bomb": Kind(FORK_BOMB, POINTS, "full", flag="refused: it starts a process"),
    "leaves children": Kind(STAYS, POINTS, "full", flag="imports ctypes"),
    "input": Kind("x = input()\nSOLVED", status="error", flag="asks for input"),
    "duplicate cells": Kind(**FULL, note="2 cells", change=_duplicate),
}


@cache
def _books() -> tuple[dict, dict[str, str]]:
    """The student's notebook, and the solutions by cell."""
    read = [
        json.loads((files.ROOT / folder / f"{STEM}.ipynb").read_text(encoding="utf-8"))
        for folder in ("course", "solutions")
    ]
    return read[0], {cell["id"]: "".join(cell["source"]) for cell in read[1]["cells"]}


def _cell(book: dict, name: str) -> dict:
    return next(cell for cell in book["cells"] if cell["id"] == name)


def submission(kind: Kind, mark: str, solved: int = 0) -> Files:
    """The files of one submission; `mark` makes its cells unlike all others.

    solved : how many of the other exercises are solved
    """
    student, solutions = _books()
    book = deepcopy(student)
    others = [
        c["id"] for c in book["cells"] if c["id"][:3] == "ex-" if NAME not in c["id"]
    ]
    for name in others[:solved]:
        _cell(book, name)["source"] = f"# {mark}\n{solutions[name]}"
    if kind.cell is not None:
        text = kind.cell.replace("SOLVED", solutions[f"ex-{NAME}"])
        _cell(book, f"ex-{NAME}")["source"] = f"# {mark}\n{text}"
    if kind.change:
        kind.change(book)
    data = json.dumps(book, indent=1).encode()
    return kind.pack(data) if kind.pack else {f"{STEM}.ipynb": data}


def write(folder: Path, number: int) -> None:
    """Write `number` submissions, all kinds in turn, a folder each."""
    kinds = list(KINDS.items())
    for student in range(number):
        name, kind = kinds[student % len(kinds)]
        own = folder / f"Student {student + 1:03d} ({name.replace('../', 'a path')})"
        own.mkdir(parents=True, exist_ok=True)
        content = submission(kind, f"student {student}", solved=student % 6)
        for path, data in content.items():
            files.write_atomic(own / path, data)
