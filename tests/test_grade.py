"""The grader as a whole: every kind of submission, and what has to come out of it."""

import csv
import json
import re
from pathlib import Path

import pytest

from utils import files
from utils.teach import grade
from utils.teach.exercise import registry
from utils.teach.grading import demo
from utils.teach.grading.child import load_extra
from utils.teach.grading.demo import KINDS, NAME
from utils.teach.grading.notebook import course
from utils.teach.grading.outcome import nothing
from utils.teach.grading.worker import FORKS

LABS = course(files.ROOT)
# Cells that need nothing, an earlier exercise, a constant, and imports of the course.
REAL = ["00_lab", "11_ai_feedback", "14_rl_from_ai_feedback"]
REAL += ["32_jailbreaks_and_over_refusal"]
EXTRA = """
import torch
from utils.teach.exercise import Exercise, Part, expect
from utils.teach.exercises.nb13_c_loss import dpo_loss

def _secret(answer):
    expect(answer(*[torch.zeros(2)] * 4, 0.5) > 0, "the secret sentence")

EXERCISES = [Exercise("dpo_loss", "13_dpo", dpo_loss, [Part("secret", _secret, 3)], {})]
"""


def run(folder: Path, out: Path, *more: str) -> list[dict[str, str]]:
    """Grade a folder within small limits; returns the rows of grades.csv."""
    arguments = [str(folder), "--out", str(out), "--seconds", "3", "--workers", "1"]
    assert grade.main([*arguments, *more]) == 0
    return table(out / "grades.csv")


def table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def folder_of(kind: str) -> str:
    return kind.replace("../", "path")


def put(folder: Path, content: dict[str, bytes]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for path, data in content.items():
        (folder / path).write_bytes(data)


def whole_notebook(stem: str, solved: bool) -> bytes:
    """A notebook of the course, solved; or with stubs that somebody has touched."""
    path = files.ROOT / ("solutions" if solved else "course") / f"{stem}.ipynb"
    book = json.loads(path.read_text(encoding="utf-8"))
    for cell in book["cells"]:
        if cell["id"].startswith("ex-"):
            cell["source"] = f"# mine\n{''.join(cell['source'])}"
    return json.dumps(book).encode()


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    """Everything graded in one run, with a private check: rows, and the folder."""
    base = tmp_path_factory.mktemp("grade")
    (base / "extra.py").write_text(EXTRA, encoding="utf-8")
    kinds = {k: v for k, v in KINDS.items() if FORKS or "libc" not in str(v.cell)}
    for name, kind in kinds.items():
        solved = 5 if name == "solved" else 2 if name == "named mistake" else 0
        put(base / "in" / folder_of(name), demo.submission(kind, name, solved))
    for stem in REAL:
        put(base / "in" / f"solved {stem}", {"a.ipynb": whole_notebook(stem, True)})
        put(base / "in" / f"stubs {stem}", {"b.ipynb": whole_notebook(stem, False)})
    before = {p: p.read_bytes() for p in base.rglob("*") if p.is_file()}
    rows = run(base / "in", base / "out", "--extra-checks", str(base / "extra.py"))
    assert {p: p.read_bytes() for p in before} == before
    assert sorted(p.name for p in base.iterdir()) == ["extra.py", "in", "out"]
    return {row["Full name"]: row for row in rows}, base


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_comes_out_as_defined(graded, name):
    kind = KINDS[name]
    if not FORKS and "libc" in str(kind.cell):
        pytest.skip("this system has no fork")
    row = graded[0][folder_of(name)]
    states = dict(re.findall(r"(\w+): ([\w ]+)", row["states"]))
    assert float(row[NAME]) == kind.points
    assert states[NAME] == kind.status or not kind.status
    assert kind.note in row["notes"]
    assert kind.flag in row["flags"]
    assert row["look"] == ("yes" if kind.flag else "")
    assert row["status"] == ("graded" if kind.status else "no notebook")


@pytest.mark.parametrize("stem", REAL)
def test_a_solved_notebook_gets_all_points_and_stubs_get_none(graded, stem):
    solved, stubs = graded[0][f"solved {stem}"], graded[0][f"stubs {stem}"]
    assert {n: float(solved[n]) for n in LABS[stem].points} == LABS[stem].points
    assert float(solved["total"]) == sum(LABS[stem].points.values())
    assert (stubs["total"], stubs["status"]) == ("0", "graded")
    assert solved["look"] == stubs["look"] == ""


def test_points_add_up_over_exercises_and_private_checks(graded):
    rows, _ = graded
    assert float(rows["solved"]["total"]) == sum(LABS["13_dpo"].points.values()) + 3
    assert rows["solved"][f"{NAME} (extra)"] == "3"
    assert rows["patched torch"]["total"] == "0"
    some = rows["named mistake"]
    two = list(LABS["13_dpo"].points)[:2]
    assert float(some["total"]) == sum(LABS["13_dpo"].points[n] for n in two)


def test_a_students_page_says_what_failed_and_no_secret(graded):
    pages = {p.stem[:-7]: p.read_text("utf-8") for p in graded[1].glob("out/feed*/*")}
    assert len(pages) == len(graded[0])
    page = pages["named_mistake"]
    assert "dpo_loss: 0 of 9 points, no points" in page
    assert "The minus sign is missing" in page
    assert "Further checks: 0 of 3 points." in page
    assert "all points</h3>" in pages["solved"]
    assert "NameError" in pages["helper_elsewhere"]
    assert "is a PDF" in pages["PDF"]
    for text in pages.values():
        assert "secret" not in text and "script" not in text and "src=" not in text
        assert "refused" not in text and "imports the course" not in text


def test_the_summary_counts_points_and_mistakes(graded):
    rows = table(graded[1] / "out" / "items.csv")
    mine = [row for row in rows if row["exercise"] == NAME]
    first = mine[0]
    defined = [kind for kind in KINDS.values() if kind.status and FORKS]
    if FORKS:
        assert int(first["students"]) == len(defined)
        assert int(first["full"]) == sum(k.status == "full" for k in defined)
    assert first["partial"] == "0"
    often = {row["mistake"]: row["how often"] for row in mine}
    sentence = registry()[NAME].mutants["no minus"].message
    assert often[sentence] == "2"  # "named mistake" and "edited check"
    assert often["does not end"] == "1"
    page = (graded[1] / "out" / "summary.html").read_text(encoding="utf-8")
    assert sentence in page.replace("&#x27;", "'")
    assert "What this cannot prevent" in page
    assert "refused: it uses the network" in page


def test_another_run_goes_on_where_it_was(graded, tmp_path, monkeypatch, capsys):
    """Only what depends on the machine is run again; nothing else changes."""
    _, base = graded
    asked, before = [], table(base / "out" / "grades.csv")

    def answer(self, tasks):
        asked.extend(task for _, task in tasks.values())
        for key in tasks:
            yield key, {**nothing("timeout")}

    monkeypatch.setattr(grade.Pool, "run", answer)
    monkeypatch.setattr(grade.Pool, "__enter__", lambda self: self)
    hello = {"extra": {NAME: 3.0}, "missing": []}
    monkeypatch.setattr(grade.Pool, "hello", lambda self: hello)
    rows = run(base / "in", base / "out", "--extra-checks", str(base / "extra.py"))
    again = {"infinite loop", "killed kernel", "kill -9", "memory"}
    assert len(asked) == len(again)
    for old, new in zip(before, rows, strict=True):
        assert old["Full name"] in again or new == old


def test_a_stopped_run_keeps_what_is_finished(tmp_path, monkeypatch, capsys):
    asked = []

    def answer(self, tasks):
        for number, (key, (_, task)) in enumerate(tasks.items()):
            if "calibrate" in task:
                yield key, {"points": 1, "wrong": 0, "lines": []}
                continue
            if len(asked) == 2 and number == 2:
                raise KeyboardInterrupt
            asked.append(task["name"])
            yield key, {**nothing("untouched"), "status": "partial", "points": 1.0}

    monkeypatch.setattr(grade.Pool, "run", answer)
    monkeypatch.setattr(grade.Pool, "__enter__", lambda self: self)
    hello = {"extra": {}, "missing": []}
    monkeypatch.setattr(grade.Pool, "hello", lambda self: hello)
    put(tmp_path / "in" / "Anna", demo.submission(KINDS["solved"], "Anna", solved=5))
    arguments = [str(tmp_path / "in"), "--out", str(tmp_path / "out")]
    assert grade.main(arguments) == 130
    assert "the same command goes on" in capsys.readouterr().out
    assert not (tmp_path / "out" / "grades.csv").exists()
    assert grade.main(arguments) == 0
    assert sorted(asked) == sorted(LABS["13_dpo"].points)  # each of them once
    assert table(tmp_path / "out" / "grades.csv")[0]["total"] == "6"
    assert not [p for p in tmp_path.rglob("*.tmp*")]


def test_it_works_where_there_is_no_fork(tmp_path):
    put(tmp_path / "in" / "Anna", demo.submission(KINDS["solved"], "Anna"))
    row = run(tmp_path / "in", tmp_path / "out", "--spawn")[0]
    assert (row[NAME], row["total"]) == ("9", "9")


def test_a_private_file_is_explained_when_it_is_wrong(tmp_path):
    path = tmp_path / "extra.py"
    for text, why in [
        ("EXERCISES = [", "SyntaxError"),
        ("", "EXERCISES"),
        (EXTRA.replace('"dpo_loss"', '"dpo"'), "there is no exercise 'dpo'"),
    ]:
        path.write_text(text, encoding="utf-8")
        with pytest.raises(ValueError, match=why):
            load_extra(path)


def test_the_command_explains_what_it_cannot_do(tmp_path, capsys):
    for arguments, why in [
        ([str(tmp_path / "none")], "is no folder"),
        ([str(tmp_path)], "There is nothing in"),
        ([str(files.ROOT / "tests"), "--demo", "1"], "--demo needs an empty folder"),
        ([str(tmp_path), "--out", str(tmp_path / "out")], "must not be in"),
        ([str(tmp_path), "--notebooks", "77"], "No notebook of the course starts with"),
    ]:
        assert grade.main(arguments) == 1
        assert why in capsys.readouterr().out
