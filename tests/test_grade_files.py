"""The grader's eyes: files, cells, what a cell needs, and what is flagged."""

import io
import zipfile

import pytest

from utils import files
from utils.teach.grading import demo
from utils.teach.grading.context import context_of, modules_of, statements_of
from utils.teach.grading.demo import KINDS, NAME
from utils.teach.grading.find import Student, files_in, whose
from utils.teach.grading.notebook import (
    NotANotebook,
    course,
    handed_in,
    read_cells,
    task_of,
)
from utils.teach.grading.suspicion import flags

LABS = course(files.ROOT)
LAB = LABS["13_dpo"]
STEMS = list(LABS)
LATE = "müllerjürgen_LATE_77_88_13_dpo-1.ipynb"
MOODLE = "Anna Müller_4711_assignsubmission_file"


# Whose file it is.


@pytest.mark.parametrize(
    ("path", "student"),
    [
        ("Anna Müller/13_dpo (1).ipynb", Student("Anna Müller")),
        ("Anna Müller/deep/er/x.ipynb", Student("Anna Müller")),
        ("Anna Müller.zip/x.ipynb", Student("Anna Müller")),
        (f"{MOODLE}_/13_dpo.ipynb", Student("Anna Müller", moodle="4711")),
        (f"lab.zip/{MOODLE}/13.ipynb", Student("Anna Müller", moodle="4711")),
        (f"{MOODLE}_13_dpo.ipynb", Student("Anna Müller", moodle="4711")),
        ("doejane_123_456_13_dpo.ipynb", Student("doejane", canvas="123")),
        ("all.zip/doejane_123_456_13_dpo.ipynb", Student("doejane", canvas="123")),
        (LATE, Student("müllerjürgen", canvas="77")),
        ("13_dpo_Ñandú O'Neil (2).ipynb", Student("Ñandú O'Neil")),
        ("13_dpo.ipynb", Student("13_dpo")),
        ("Anna Mu\u0308ller/13_dpo.ipynb", Student("Anna Müller")),
    ],
)
def test_the_student_of_a_path(path, student):
    assert whose(tuple(path.split("/")), STEMS) == (student, path == LATE)


def test_every_notebook_is_found_and_everything_else_is_named(tmp_path):
    (tmp_path / "Zoë" / "deep").mkdir(parents=True)
    (tmp_path / "Zoë" / "deep" / "a b.ipynb").write_bytes(b"1")
    (tmp_path / "Zoë" / "notes.docx").write_bytes(b"2")
    (tmp_path / "read me.txt").write_bytes(b"from the lecturer")
    (tmp_path / "Zoë" / ".ipynb_checkpoints").mkdir()
    (tmp_path / "Zoë" / ".ipynb_checkpoints" / "a.ipynb").write_bytes(b"3")
    inner = demo.archive({"b.ipynb": b"4", "__MACOSX/b.ipynb": b"5"})
    (tmp_path / "Émile.ZIP").write_bytes(demo.archive({"x/inner.zip": inner}))
    (tmp_path / "Ida").mkdir()
    (tmp_path / "Ida" / "x.zip").write_bytes(demo.archive({}))
    (tmp_path / "Leo").mkdir()
    (tmp_path / "Leo" / "y.zip").write_bytes(b"PK no archive")
    found = [(f.student.name, f.data, f.problem) for f in files_in(tmp_path, STEMS)]
    assert sorted(found, key=str) == [
        ("Ida", None, "is an empty archive"),
        ("Leo", None, "cannot be unpacked: File is not a zip file"),
        ("Zoë", None, "is no notebook"),
        ("Zoë", b"1", ""),
        ("Émile", b"4", ""),
    ]


def test_a_path_out_of_an_archive_and_a_lie_about_a_size_do_no_harm(tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    packed = demo.archive({"../../../evil.ipynb": b"x", "C:\\up\\..\\b.ipynb": b"y"})
    (folder / "Kim.zip").write_bytes(packed)
    assert [f.data for f in files_in(folder, STEMS)] == [b"x", b"y"]
    assert {f.student.name for f in files_in(folder, STEMS)} == {"Kim"}
    assert [p.name for p in tmp_path.rglob("*")] == ["in", "Kim.zip"]
    honest = demo.archive({"a.ipynb": bytes(5000)})
    for_zip = zipfile.ZipFile(io.BytesIO(honest)).infolist()[0].file_size
    lie = honest.replace(for_zip.to_bytes(4, "little"), (9).to_bytes(4, "little"))
    (folder / "Kim.zip").write_bytes(lie)
    found = list(files_in(folder, STEMS))
    assert [f.data for f in found] == [None] or len(found[0].data) <= 9


def test_links_are_not_followed(tmp_path):
    (tmp_path / "in" / "Kim").mkdir(parents=True)
    try:
        (tmp_path / "in" / "Kim" / "all").symlink_to(tmp_path)
    except OSError:
        pytest.skip("this system allows no links")
    assert [f.problem for f in files_in(tmp_path / "in", STEMS)] == [
        "is an empty folder"
    ]


# Cells.


@pytest.mark.parametrize(
    "data",
    [
        *(b"", b"{}", b"[]", b"[" * 100_000, b"\xff\xfe", b'{"cells": 7}', b"null"),
        b'{"cells": [{"cell_type": "code", "source": 7}], "nbformat": "x"}',
        b'{"nbformat": 3, "worksheets": [7]}',
    ],
)
def test_whatever_is_no_notebook_is_said_to_be_none(data):
    with pytest.raises(NotANotebook):
        read_cells(data)


def test_a_notebook_of_another_course_is_none_of_ours():
    cells = read_cells(b'{"cells": [{"cell_type": "code", "source": "1"}]}')
    with pytest.raises(NotANotebook, match="no cell of it is known"):
        handed_in(cells, LABS)


def test_the_course_has_points_stubs_and_solutions_for_every_exercise():
    assert sum(map(len, (lab.points for lab in LABS.values()))) > 70
    for lab in LABS.values():
        assert set(lab.points) == set(lab.before) == set(lab.solutions)


def test_of_a_duplicated_cell_the_last_changed_one_counts():
    data = demo.submission(KINDS["duplicate cells"], "x")["13_dpo.ipynb"]
    cells = read_cells(data)
    handed = handed_in(cells, LABS)
    assert "logsigmoid" in handed.answers[NAME].source
    handed = handed_in([*cells, cells[-1].__class__("ex-dpo_loss", "# last")], LABS)
    assert handed.answers[NAME].source == "# last"


def test_the_published_solution_is_recognised():
    path = files.ROOT / "solutions" / "13_dpo.ipynb"
    handed = handed_in(read_cells(path.read_bytes()), LABS)
    assert "word for word: optimal_policy" in handed.notes[0]
    assert handed.flags == []


# What a cell needs.


def test_every_solution_finds_what_it_needs():
    for lab in LABS.values():
        for name, source in lab.solutions.items():
            task, notes = task_of(name, source, lab)
            assert notes == [] and len(task["context"]) <= 4, name


def test_only_what_is_used_is_run_in_order_and_exercises_are_the_courses():
    before = statements_of(
        "import torch\nfrom math import log\n%matplotlib inline\nbase = train()\n"
        "A = 2\nB = A + log(1)\n\ndef double(x):\n    return B * other(x)\n"
    )
    source = "def mine(x):\n    y = helper\n    return double(x) + unknown.z"
    context = context_of(source, before, frozenset({"mine", "other"}))
    assert [text.split("\n")[0] for text in context.statements] == [
        "from math import log",
        "A = 2",
        "B = A + log(1)",
        "def double(x):",
    ]
    assert context.references == ["other"]
    assert context.unknown == ["helper", "unknown"]
    assert modules_of(["import a.b, c", "from d.e import f", "x = 1"]) == [
        "a.b",
        "c",
        "d.e",
    ]


def test_magics_are_left_out_and_syntax_errors_are_explained():
    task, notes = task_of(
        NAME, "%time\n!ls\ndef dpo_loss():\n    return 5 \\\n% 3", LAB
    )
    assert task["source"].startswith("# %time\n# !ls\n")
    assert "IPython" in notes[0]
    task, notes = task_of(NAME, "def dpo_loss():\n    return (5\n% 3)", LAB)
    assert "\n% 3" in task["source"] and notes == []
    for source, why in [
        ("def f(:", r"SyntaxError: .* at the line `def f\(:`"),
        ("x = '\0'", "cannot be read|null bytes"),
        ("(" * 5000, "SyntaxError|cannot be read"),
        ("-" * 50_000 + "1", "cannot be read|SyntaxError"),
    ]:
        with pytest.raises(SyntaxError, match=why):
            task_of(NAME, source, LAB)


# What a human should look at.


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("import utils.teach.checks", "imports the course's checks"),
        ("from utils.teach import exercise", "imports the course's checks"),
        ("from utils import teach", "imports the course's checks"),
        ("import os\nos._exit(0)", "ends the process (line 2)"),
        ("from os import _exit", "ends the process"),
        ("import subprocess as s", "starts processes"),
        ("import os\nos.system('x')", "starts processes"),
        ("import ctypes", "imports ctypes"),
        ("x = eval('1')", "runs text as code"),
        ("run = exec", "runs text as code"),
        ("import gc", "inspects the process (gc)"),
        ("import sys\nsys._getframe()", "inspects the process (frames)"),
        ("import sys\nsys.modules['a']", "reaches into sys.modules"),
        ("f.__globals__", "reaches into globals"),
        ("object.__setattr__(a, 'b', 1)", "changes a frozen object"),
        ("torch.allclose = f", "changes torch for everyone"),
        ("x = 'COURSE_GRADE_FILE'", "names the file of results"),
        ("import socket", "uses the network"),
        ("open('x')", "opens a file"),
        ("x = '" + "y" * 200_000 + "'", "is longer than a cell should be"),
    ],
)
def test_what_is_flagged(source, said):
    assert any(flag.startswith(said) for flag in flags(source))


def test_no_solution_is_flagged_and_nothing_stops_the_search():
    for lab in LABS.values():
        for name, source in lab.solutions.items():
            assert flags(source) == [], name
    assert flags("def (") == flags("x = '\0'") == []
    for source in ("(" * 90_000, "-" * 90_000 + "1", "x" + ".y" * 45_000):
        assert isinstance(flags(source), list)
