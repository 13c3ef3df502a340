"""What `make lab` copies, and that it never touches a learner's edits."""

import os
import sys

import pytest

from utils import files
from utils.teach import start
from utils.teach.start import copy_course, environment, lab_command


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


def test_lab_opens_the_map_in_the_folder_above_work(work):
    command = lab_command(work / "map.md", ["--no-browser", "--port", "8899"])
    assert command[:3] == [sys.executable, "-m", "jupyterlab"]
    assert f"--ServerApp.root_dir={work.parent}" in command
    assert "--LabApp.default_url=/lab/tree/work/map.md" in command
    assert command[-3:] == ["--no-browser", "--port", "8899"]


def test_lab_gets_the_courses_defaults_before_others(monkeypatch):
    monkeypatch.delenv("JUPYTER_CONFIG_PATH", raising=False)
    assert environment()["JUPYTER_CONFIG_PATH"] == str(start.SETTINGS)
    monkeypatch.setenv("JUPYTER_CONFIG_PATH", "mine")
    paths = environment()["JUPYTER_CONFIG_PATH"].split(os.pathsep)
    assert paths == [str(start.SETTINGS), "mine"]
    settings = start.SETTINGS / "labconfig" / "default_setting_overrides.json"
    assert "Markdown Preview" in settings.read_text(encoding="utf-8")


def test_main_copies_shows_the_points_and_opens_the_map(work, monkeypatch, capsys):
    monkeypatch.setattr(files, "WORK", work)
    commands = []
    call = lambda command, env: commands.append(command) or 0  # noqa: E731
    monkeypatch.setattr(start.subprocess, "call", call)
    assert start.main(["--no-browser"]) == 0
    assert commands[0][-1] == "--no-browser"
    said = capsys.readouterr().out
    assert "Opening JupyterLab on map.md" in said
    assert "Next: right_action in 00_lab." in said
    assert "# The map of the course" in (work / "map.md").read_text(encoding="utf-8")
    assert start.main([]) == 0
    assert "are up to date" in capsys.readouterr().out


def test_main_explains_a_folder_that_cannot_be_written(work, monkeypatch, capsys):
    work.write_text("not a folder", encoding="utf-8")
    monkeypatch.setattr(files, "WORK", work)
    assert start.main([]) == 1
    assert "Could not write to" in capsys.readouterr().out
