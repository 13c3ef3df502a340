"""The grader's parts, without running a submission: files, cells, sources, tables."""

import csv
import io
import json
import subprocess
import sys
import zipfile

import pytest

from utils import files
from utils.teach import grade
from utils.teach.grading import demo, tables
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
from utils.teach.grading.outcome import is_sound, nothing
from utils.teach.grading.pages import feedback, page_name
from utils.teach.grading.pool import CannotStart, Pool, Settings, Worker
from utils.teach.grading.records import Row, fill_in, version_of
from utils.teach.grading.suspicion import flags
from utils.teach.grading.worker import FORKS

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


# Tables and pages.


def rows(*students: Student) -> list[Row]:
    outcomes = {name: nothing("untouched") for name in LAB.points}
    outcomes[NAME] = {**nothing("untouched"), "status": "full", "points": 7.5}
    return [
        Row(s, dict(outcomes), {LAB.stem: "a.ipynb"}, "graded", ["a\nnote"], [])
        for s in students
    ]


def read(path) -> list[list[str]]:
    return list(csv.reader(io.StringIO(path.read_text("utf-8-sig"), newline="")))


def test_moodles_worksheet_fills_in_and_comes_back(tmp_path):
    (tmp_path / "sheet.csv").write_text(
        "Identifier,Full name,Email address,Grade\n"
        "Participant 4711,Anna Müller,anna@example.org,\n"
        "Participant 12,Bo Li,bo@example.org,\n",
        encoding="utf-8-sig",
    )
    mine = rows(Student("Anna Müller", moodle="4711"), Student("A Stranger"))
    roster = tables.read_roster(tmp_path / "sheet.csv")
    tables.add_roster(mine, roster, [LAB])
    tables.write_moodle(mine, tmp_path / "moodle.csv")
    _, anna, stranger, bo = read(tmp_path / "moodle.csv")
    assert anna[:3] == ["Participant 4711", "Anna Müller", "anna@example.org"]
    assert (anna[4], bo[0], bo[4], bo[5]) == (
        "7.5",
        "Participant 12",
        "0",
        "nothing handed in",
    )
    assert stranger[0] == "" and "not in the roster" in mine[1].notes
    tables.write_grades(mine, [LAB], {}, tmp_path / "grades.csv")
    head, first, *_ = read(tmp_path / "grades.csv")
    named = dict(zip(head, first, strict=True))
    assert named["Email address"] == "anna@example.org"
    assert (named[NAME], named["total"], named["out of"]) == ("7.5", "7.5", "33")
    assert named["notes"] == "a note"


def test_canvas_gets_its_columns_and_knows_its_students(tmp_path):
    (tmp_path / "book.csv").write_text(
        "Student,ID,SIS User ID,SIS Login ID,Section,Lab (1)\n"
        "    Points Possible,,,,,33\n"
        '"Doe, Jane",123,s9,jane,A,\n"Roe, Jo",5,s5,jo,B,\n',
        encoding="utf-8",
    )
    mine = rows(Student("doejane", canvas="123"), Student("Jo Roe"))
    tables.add_roster(mine, tables.read_roster(tmp_path / "book.csv"), [LAB])
    tables.write_canvas(mine, 33, "Lab (1)", tmp_path / "canvas.csv")
    assert read(tmp_path / "canvas.csv") == [
        [*tables.CANVAS, "Lab (1)"],
        ["    Points Possible", "", "", "", "", "33"],
        ["Doe, Jane", "123", "s9", "jane", "A", "7.5"],
        ["Roe, Jo", "5", "s5", "jo", "B", "7.5"],
    ]
    (tmp_path / "book.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    with pytest.raises(ValueError, match="needs a column called Full name"):
        tables.read_roster(tmp_path / "book.csv")


def test_names_are_no_formulas_no_markup_and_no_paths(tmp_path):
    bad = rows(
        Student("=HYPERLINK(1)"), Student("<script>x</script>"), Student("a/../b")
    )
    bad[1].outcomes[NAME]["lines"] = ["FAIL  <b>\n<img src=x>"]
    tables.write_grades(bad, [LAB], {}, tmp_path / "grades.csv")
    assert read(tmp_path / "grades.csv")[1][0] == "'=HYPERLINK(1)"
    page = feedback(bad[1], [LAB], {}, 33)
    assert "<script>" not in page and "<img" not in page and "&lt;img" in page
    names = {page_name(row) for row in [*bad, *rows(Student("a/../b", canvas="1"))]}
    assert len(names) == 4 and not [n for n in names if "/" in n or ".." in n]


def test_statistics_count_those_who_handed_in():
    mine = rows(Student("A"), Student("B"))
    mine.append(Row(Student("C"), dict(mine[0].outcomes), {}, "no notebook", [], []))
    mine[0].outcomes[NAME] = {**nothing("timeout"), "points": 0.0}
    item = next(i for i in tables.items(mine, [LAB]) if i["exercise"] == NAME)
    assert (item["students"], item["full"], item["partial"], item["zero"]) == (
        2,
        0,
        1,
        1,
    )
    assert item["mistakes"] == [("does not end", 1)]
    assert item["mean share"] == round(7.5 / 9 / 2, 3)


# Versions, limits of a run, and workers that die.


def test_the_best_version_counts_and_only_the_last_five_are_read(tmp_path):
    content = demo.submission(KINDS["solved"], "x")["13_dpo.ipynb"]
    (tmp_path / "Anna").mkdir()
    for number in range(7):
        (tmp_path / "Anna" / f"13_dpo ({number}).ipynb").write_bytes(content)
    found = grade.gather(tmp_path, LABS, [])[Student("Anna")]
    assert len(found.versions) == 5 and "(1).ipynb is one version" in found.problems[1]
    for version, points in zip(found.versions, (0, 4, 2, 4, 0), strict=True):
        for outcome in version.outcomes.values():
            outcome.update({**nothing("untouched"), "points": points})
    row = grade.row_of(Student("Anna"), found, [LAB])
    assert row.files["13_dpo"].endswith("(5).ipynb")  # the later of two equal ones
    assert row.points == 4 * len(LAB.points)
    other = grade.gather(tmp_path, LABS, ["00_lab"])[Student("Anna")]
    assert (
        other.versions == [] and "is 13_dpo, which is not graded" in other.problems[0]
    )


class Puppet(Worker):
    """A worker whose process is a line of Python."""

    def __init__(self, text: str) -> None:
        self.settings = Settings(seconds=1)
        self.command = [sys.executable, "-c", text]
        self.start()


def pool_of(worker: Worker, **settings) -> Pool:
    pool = Pool(Settings(workers=1, **settings), all=[worker])
    pool.idle.put(worker)
    return pool


HELLO = "print('{\"ready\": true}', flush=True)\n"
LATE_ANSWER = json.dumps(nothing("timeout"))


def test_nobody_holds_up_the_others():
    puppet = Puppet(HELLO + f"while input():\n    print({LATE_ANSWER!r}, flush=True)")
    tasks = {str(n): ("slow" if n < 5 else "other", {}) for n in range(6)}
    states = {k: r["status"] for k, r in pool_of(puppet).run(tasks)}
    assert [states[n] for n in "012345"] == [
        *("timeout", "timeout", "timeout", "not run", "not run", "timeout"),
    ]
    states = dict(pool_of(puppet, minutes=0).run(tasks))
    assert {r["status"] for r in states.values()} == {"not run"}
    puppet.stop()


def test_a_worker_that_dies_is_replaced_and_one_that_cannot_start_says_why():
    puppet = Puppet(HELLO + "input()")
    for _ in range(2):
        result = puppet.ask({})
        assert (result["status"], result["points"]) == ("died", 0)
        assert "ended the grader's worker" in result["flags"][0]
    puppet.stop()
    for text, why in [
        ("", "no answer from"),
        ('print(\'{"ready": 0, "why": "w"}\')', "w"),
    ]:
        puppet = Puppet(text)
        with pytest.raises(CannotStart, match=why):
            puppet.hello()
        puppet.stop()


def test_a_forged_result_is_no_result_or_at_most_all_points(tmp_path):
    good = {**nothing("untouched"), "status": "full", "points": 99.0, "extra": 9}
    assert is_sound(good)
    for change in ({"points": "9"}, {"points": float("nan")}, {"lines": [7]}):
        assert not is_sound({**good, **change})
    assert not is_sound([]) and not is_sound({"status": "full"})
    handed = handed_in(
        read_cells(demo.submission(KINDS["solved"], "x")["13_dpo.ipynb"]), LABS
    )
    version = version_of("a", handed, LAB)
    version.keys = {NAME: "k"}
    fill_in(version, {"k": good}, LAB.points, {})
    outcome = version.outcomes[NAME]
    assert (outcome["points"], outcome["extra"]) == (9, 0)


def test_the_course_itself_has_to_pass():
    assert grade._calibrated({"wrong": 1.5, "lines": []}) == 1.5
    for measured in ({"wrong": 0, "lines": ["x: FAIL y"]}, nothing("timeout")):
        with pytest.raises(grade.Wrong, match="does not pass its check here"):
            grade._calibrated(measured)


LEAVES = """
import os, time
from utils.teach.grading import worker
worker._adopt_orphans()
read_end, write_end = os.pipe()
pid = os.fork()
if pid == 0:
    for _ in range(3):
        os.setsid()
        if os.fork():
            time.sleep(600)
    os.write(write_end, str(os.getpid()).encode())
    time.sleep(600)
last = int(os.read(read_end, 20))
os.kill(last, 0)
worker._end(pid)
print(worker._children())
os.kill(last, 0)
"""


@pytest.mark.skipif(not FORKS, reason="this system has no fork")
def test_what_a_process_leaves_behind_is_ended():
    command = [sys.executable, "-c", LEAVES]
    done = subprocess.run(command, cwd=files.ROOT, capture_output=True, text=True)
    assert done.stdout == "[]\n"
    assert "ProcessLookupError" in done.stderr.split("\n")[-2]
