"""What `make lab` copies, and that it never touches a learner's edits."""

import sys

import pytest

from utils import files
from utils.teach import start
from utils.teach.start import copy_course, first_notebook, lab_command


@pytest.fixture
def course(tmp_path):
    folder = tmp_path / "course"
    folder.mkdir()
    (folder / "00_lab.ipynb").write_text("version 1", encoding="utf-8")
    (folder / "13_dpo.ipynb").write_text("dpo", encoding="utf-8")
    return folder


@pytest.fixture
def work(tmp_path):
    return tmp_path / "work"


def names(work):
    return sorted(path.name for path in work.glob("*.ipynb"))


def test_first_time_copies_everything_and_second_time_nothing(course, work):
    assert copy_course(course, work) == ["Copied 2 file(s) to work/: write there."]
    assert (work / "00_lab.ipynb").read_text(encoding="utf-8") == "version 1"
    assert copy_course(course, work) == []


def test_edits_stay_and_a_newer_version_is_put_beside_once(course, work):
    copy_course(course, work)
    (work / "00_lab.ipynb").write_text("my answers", encoding="utf-8")
    assert copy_course(course, work) == []
    (course / "00_lab.ipynb").write_text("version 2", encoding="utf-8")
    assert copy_course(course, work) == [
        "00_lab.ipynb has a newer version, saved as 00_lab.new.ipynb; "
        "yours is as it was."
    ]
    assert (work / "00_lab.ipynb").read_text(encoding="utf-8") == "my answers"
    assert (work / "00_lab.new.ipynb").read_text(encoding="utf-8") == "version 2"
    assert copy_course(course, work) == []


def test_edits_in_the_new_file_stay_too(course, work):
    copy_course(course, work)
    (work / "00_lab.ipynb").write_text("my answers", encoding="utf-8")
    (course / "00_lab.ipynb").write_text("version 2", encoding="utf-8")
    copy_course(course, work)
    (work / "00_lab.new.ipynb").write_text("my newer answers", encoding="utf-8")
    (course / "00_lab.ipynb").write_text("version 3", encoding="utf-8")
    copy_course(course, work)
    assert (work / "00_lab.new.ipynb").read_text(encoding="utf-8") == "my newer answers"
    assert (work / "00_lab.new2.ipynb").read_text(encoding="utf-8") == "version 3"


def test_an_untouched_notebook_becomes_the_newer_version(course, work):
    copy_course(course, work)
    (course / "00_lab.ipynb").write_text("version 2", encoding="utf-8")
    assert "is a newer version now" in copy_course(course, work)[0]
    assert (work / "00_lab.ipynb").read_text(encoding="utf-8") == "version 2"
    assert names(work) == ["00_lab.ipynb", "13_dpo.ipynb"]


def test_a_page_is_copied_beside_the_notebooks_and_keeps_its_notes(course, work):
    (course / "a_page.md").write_text("version 1", encoding="utf-8")
    (course / "notes.txt").write_text("not handed out", encoding="utf-8")
    (course / start.KEPT_BACK).write_text("answers", encoding="utf-8")
    assert copy_course(course, work) == ["Copied 3 file(s) to work/: write there."]
    assert first_notebook(work).name == "00_lab.ipynb"
    assert not (work / "notes.txt").exists()
    assert not (work / start.KEPT_BACK).exists()
    (work / "a_page.md").write_text("version 1, and my notes", encoding="utf-8")
    (course / "a_page.md").write_text("version 2", encoding="utf-8")
    assert copy_course(course, work) == [
        "a_page.md has a newer version, saved as a_page.new.md; yours is as it was."
    ]
    notes = (work / "a_page.md").read_text(encoding="utf-8")
    assert notes == "version 1, and my notes"
    assert (work / "a_page.new.md").read_text(encoding="utf-8") == "version 2"
    assert copy_course(course, work) == []


def test_a_deleted_notebook_comes_back_fresh(course, work):
    copy_course(course, work)
    (work / "13_dpo.ipynb").unlink()
    assert copy_course(course, work) == ["Copied 1 file(s) to work/: write there."]
    assert (work / "13_dpo.ipynb").read_text(encoding="utf-8") == "dpo"


@pytest.mark.parametrize("record", ["", "{", "[1]", "null"])
def test_a_damaged_record_loses_no_edits(course, work, record):
    copy_course(course, work)
    (work / start.RECORD).write_text(record, encoding="utf-8")
    (work / "00_lab.ipynb").write_text("my answers", encoding="utf-8")
    copy_course(course, work)
    assert (work / "00_lab.ipynb").read_text(encoding="utf-8") == "my answers"
    assert copy_course(course, work) == []


def test_lab_opens_the_first_notebook_with_the_course_as_folder(course, work):
    assert first_notebook(work) is None
    copy_course(course, work)
    (work / "00_lab.new.ipynb").write_text("newer", encoding="utf-8")
    first = first_notebook(work)
    assert first == work / "00_lab.ipynb"
    command = lab_command(work.parent, first, ["--no-browser", "--port", "8899"])
    assert command[:3] == [sys.executable, "-m", "jupyterlab"]
    assert "--LabApp.default_url=/lab/tree/work/00_lab.ipynb" in command
    assert command[-3:] == ["--no-browser", "--port", "8899"]
    assert "--LabApp.default_url=/lab" in lab_command(work.parent, None, [])


def test_main_copies_then_opens_and_explains_a_failure(
    course, work, monkeypatch, capsys
):
    monkeypatch.setattr(files, "ROOT", course.parent)
    monkeypatch.setattr(files, "WORK", work)
    commands = []
    monkeypatch.setattr(start.subprocess, "call", lambda c: commands.append(c) or 0)
    assert start.main(["--no-browser"]) == 0
    assert commands[0][-1] == "--no-browser"
    assert "Opening JupyterLab on 00_lab.ipynb" in capsys.readouterr().out
    assert start.main([]) == 0
    assert "are up to date" in capsys.readouterr().out
    monkeypatch.setattr(files, "WORK", course / "00_lab.ipynb")  # not a folder
    assert start.main([]) == 1
    assert "Could not write to" in capsys.readouterr().out
