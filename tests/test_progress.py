"""The learner's points: what is kept, what is not, and what is printed."""

import os
import subprocess
import sys

import pytest

from utils import files
from utils.teach.exercise import Exercise, Part
from utils.teach.progress import best, in_work, record, report, tries


@pytest.fixture
def work(tmp_path, monkeypatch):
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.setattr(files, "WORK", folder)
    monkeypatch.chdir(folder)
    return folder


def exercise(name, notebook, points):
    return Exercise(name, notebook, None, [Part("", print, points)], {})


def test_every_try_is_kept_and_the_best_one_counts(work):
    assert best() == {} and tries("dpo_loss") == 0
    record("dpo_loss", 3)
    record("dpo_loss", 1)
    record("sequence_logprob", 2)
    assert best() == {"dpo_loss": 3, "sequence_logprob": 2}
    assert tries("dpo_loss") == 2
    assert [path.name for path in work.iterdir()] == ["progress.jsonl"]


def test_only_notebooks_in_work_count(work, monkeypatch, tmp_path):
    assert in_work()
    (tmp_path / "solutions").mkdir()
    monkeypatch.chdir(tmp_path / "solutions")
    assert not in_work()


@pytest.mark.parametrize(
    "damage",
    ["", "{", "[]\n7\nnull", '{"exercise": "dpo_loss"}', "\x00\xff", '{"points": "x"}'],
)
def test_damaged_lines_are_passed_over_and_cost_no_others(work, damage):
    record("sequence_logprob", 2)
    with (work / "progress.jsonl").open("a", encoding="latin-1") as file:
        file.write(f"\n{damage}")
    record("dpo_loss", 3)
    assert best() == {"dpo_loss": 3, "sequence_logprob": 2}


def test_a_crash_while_writing_costs_no_earlier_and_no_later_line(work):
    record("dpo_loss", 3)
    whole = (work / "progress.jsonl").read_bytes()
    for cut in range(len(whole)):
        (work / "progress.jsonl").write_bytes(whole + whole[:cut])
        record("sample", 2)
        assert best() == {"dpo_loss": 3, "sample": 2}


def test_notebooks_that_run_at_once_lose_no_points(work):
    code = "from utils.teach.progress import record\n"
    code += "import sys\nfor i in range(100): record(sys.argv[1], i)"
    started = [
        subprocess.Popen([sys.executable, "-c", code, name], env=environment(work))
        for name in ("dpo_loss", "sample")
    ]
    assert [process.wait(60) for process in started] == [0, 0]
    assert tries("dpo_loss") == tries("sample") == 100
    assert best() == {"dpo_loss": 99, "sample": 99}


def environment(work):
    python_path = os.pathsep.join(filter(None, [str(files.ROOT), *sys.path]))
    return {**os.environ, "DELIBERATE_WORK": str(work), "PYTHONPATH": python_path}


def test_the_command_prints_the_points(work):
    record("dpo_loss", 9)
    command = [sys.executable, "-m", "utils.teach.progress"]
    done = subprocess.run(
        command, env=environment(work), capture_output=True, text=True, timeout=60
    )
    assert "9 / 33 points" in done.stdout, done.stderr
    assert "Next: right_action in 00_lab." in done.stdout


def test_report_has_a_line_for_each_notebook_and_the_next_exercise():
    exercises = [
        exercise("sequence_logprob", "00_lab", 4),
        exercise("sample", "00_lab", 2),
        exercise("dpo_loss", "13_dpo", 4),
    ]
    text = report(exercises, {"sequence_logprob": 4, "dpo_loss": 2})
    lines = text.split("\n")
    assert lines[0] == "00_lab  [#############       ]    4 / 6 points"
    assert lines[1] == "13_dpo  [##########          ]    2 / 4 points"
    assert lines[2] == "total   [############        ]    6 / 10 points"
    assert lines[-1] == "Next: sample in 00_lab."
    everything = {"sequence_logprob": 4, "dpo_loss": 4, "sample": 2}
    assert report(exercises, everything).endswith("Everything is solved. Well done!")
    assert report([], {}) == "The course has no exercises yet."
