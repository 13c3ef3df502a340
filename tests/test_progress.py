"""The learner's points: what is kept, what is not, and what is printed."""

import json

import pytest

from utils import files
from utils.teach.exercise import Exercise, Part
from utils.teach.progress import best, record, report


@pytest.fixture
def work(tmp_path, monkeypatch):
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.setattr(files, "WORK", folder)
    monkeypatch.chdir(folder)
    return folder


def exercise(name, notebook, points):
    return Exercise(name, notebook, None, [Part("", print, points)], {})


def test_the_best_points_are_kept(work):
    assert best() == {}
    record("13_dpo", "dpo_loss", 3, 4)
    record("13_dpo", "dpo_loss", 1, 4)
    record("00_lab", "sequence_logprob", 2, 4)
    assert best() == {"dpo_loss": 3, "sequence_logprob": 2}
    assert [path.name for path in work.iterdir()] == ["progress.json"]


def test_only_notebooks_in_work_are_recorded(work, monkeypatch, tmp_path):
    (tmp_path / "solutions").mkdir()
    monkeypatch.chdir(tmp_path / "solutions")
    record("13_dpo", "dpo_loss", 4, 4)
    assert best() == {}


@pytest.mark.parametrize("text", ["", "{", "[]", '{"dpo_loss": 7}', "\x00"])
def test_a_damaged_file_counts_as_empty_and_is_replaced(work, text):
    (work / "progress.json").write_text(text, encoding="utf-8")
    assert best() == {}
    record("13_dpo", "dpo_loss", 3, 4)
    assert best() == {"dpo_loss": 3}
    assert (
        json.loads((work / "progress.json").read_text(encoding="utf-8"))["dpo_loss"][
            "out_of"
        ]
        == 4
    )


def test_recording_never_raises(work, monkeypatch):
    def full(*args):
        raise OSError("no space left")

    monkeypatch.setattr(files, "write_atomic", full)
    record("13_dpo", "dpo_loss", 3, 4)
    assert best() == {}


def test_a_failed_write_keeps_the_old_file(work, monkeypatch):
    record("13_dpo", "dpo_loss", 3, 4)

    def crash(*args):
        raise OSError("stopped half way")

    monkeypatch.setattr(files.os, "replace", crash)
    record("13_dpo", "dpo_loss", 4, 4)
    assert best() == {"dpo_loss": 3}
    assert [path.name for path in work.iterdir()] == ["progress.json"]


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
