"""The grader's tables, pages, versions and workers, without running a submission."""

import csv
import io
import json
import subprocess
import sys

import pytest

from utils import files
from utils.teach import grade
from utils.teach.grading import demo, tables
from utils.teach.grading.demo import KINDS, NAME
from utils.teach.grading.find import Student
from utils.teach.grading.notebook import course, handed_in, read_cells
from utils.teach.grading.outcome import is_sound, nothing
from utils.teach.grading.pages import feedback, page_name
from utils.teach.grading.pool import CannotStart, Pool, Settings, Worker
from utils.teach.grading.records import Row, fill_in, version_of
from utils.teach.grading.worker import FORKS

LABS = course(files.ROOT)
LAB = LABS["13_dpo"]


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
    last = "Last modified (grade)"
    (tmp_path / "sheet.csv").write_text(
        f"Identifier,Full name,Email address,Status,Grade,{last}\n"
        "Participant 4711,Anna Müller,anna@example.org,Submitted,,-\n"
        "Participant 12,Bo Li,bo@example.org,No submission,,-\n",
        encoding="utf-8-sig",
    )
    mine = rows(Student("Anna Müller", moodle="4711"), Student("A Stranger"))
    tables.write_moodle(mine, tmp_path / "moodle.csv")
    head, anna, _ = read(tmp_path / "moodle.csv")
    assert anna == ["Participant 4711", "Anna Müller", "", "", "7.5"]
    tables.add_roster(mine, tables.read_roster(tmp_path / "sheet.csv"), [LAB])
    tables.write_moodle(mine, tmp_path / "moodle.csv")
    head, anna, bo = read(tmp_path / "moodle.csv")  # as Moodle wants it, no stranger
    assert head[-3:] == ["Status", "Grade", last]
    assert anna[2:] == ["anna@example.org", "Submitted", "7.5", "-"]
    assert bo[2:] == ["bo@example.org", "No submission", "0", "-"]
    assert "not in the roster" in mine[1].notes
    assert mine[2].status == "nothing handed in"
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


def test_a_notebook_that_breaks_the_reader_is_said_so(tmp_path, monkeypatch):
    (tmp_path / "Anna").mkdir()
    (tmp_path / "Anna" / "a.ipynb").write_bytes(b"{}")
    monkeypatch.setattr(grade, "read_cells", lambda data: [][0])
    found = grade.gather(tmp_path, LABS, [])[Student("Anna")]
    assert found.problems == ["Anna/a.ipynb cannot be read: IndexError"]


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
