"""A learner's first hour: `make lab` in a real JupyterLab, by keyboard alone.

The tests are one story, in this order. They work in a copy of the course, so that
nobody's own work/ is touched.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

import pytest
from playwright.sync_api import Page

from tests.classroom.hub import free_port
from tests.classroom.lab_page import (
    choose_next,
    chromium,
    go_to_cell,
    printed,
    run_all,
    run_two_cells,
    tab_to,
    wait_until_idle,
)
from utils import files
from utils.teach.exercise import registry

NAME, STEM = "right_action", "00_lab"
POINTS = registry()[NAME].points
HEAD = "def right_action(category, intent, spec):\n"
RIGHT = f"""{HEAD}    for clause in spec.clauses:
        if clause.category == category and intent in clause.intents:
            return clause.number, clause.action
    raise KeyError(intent)"""
WRONG = f"""{HEAD}    clause = spec.of(category)[0]
    return clause.number, clause.action"""


class Course(NamedTuple):
    """A copy of the course, and the command that runs in it."""

    folder: Path
    url: str
    process: subprocess.Popen

    def notebook(self) -> Path:
        """The learner's own notebook."""
        return self.folder / "work" / f"{STEM}.ipynb"


def make_lab(folder: Path) -> Course:
    """Run `make lab` in a copy of the course and wait for the address that it says."""
    port = free_port()
    options = f"--no-browser --allow-root --port {port} --ServerApp.port_retries=0"
    environment = {
        **os.environ,
        "PYTHONPATH": str(folder),  # the copy is not what is installed
        "DELIBERATE_CACHE": str(files.cache_folder()),
        "JUPYTER_CONFIG_DIR": str(folder.parent / "config"),
        "JUPYTER_DATA_DIR": str(folder.parent / "data"),
        "IPYTHONDIR": str(folder.parent / "ipython"),
        "MAKEFLAGS": "",
    }
    log = folder.parent / "lab.log"
    # The environment is the one that runs this test: there is nothing to install.
    command = ["make", "-o", ".venv/installed", "lab", f"VENV={sys.executable}"]
    with log.open("w", encoding="utf-8") as file:
        process = subprocess.Popen(
            [*command, f"ARGS={options}"],
            cwd=folder,
            env=environment,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    for _ in range(120):
        said = log.read_text(encoding="utf-8")
        found = re.search(rf"http://127\.0\.0\.1:{port}/lab\S*", said)
        if found:
            return Course(folder, found[0], process)
        assert process.poll() is None, said
        time.sleep(1)
    raise AssertionError(f"JupyterLab said no address in two minutes:\n{said}")


def kill(course: Course) -> None:
    """End the command and all that it started, as a power cut would."""
    if course.process.poll() is None:
        os.killpg(course.process.pid, signal.SIGKILL)
        course.process.wait()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    course = tmp_path_factory.mktemp("learner") / "deliberate"
    skip = shutil.ignore_patterns(".venv", ".git", "work", "__pycache__", ".*cache")
    shutil.copytree(files.ROOT, course, ignore=skip)
    return course


@pytest.fixture(scope="module")
def course(folder):
    course = make_lab(folder)
    yield course
    kill(course)


@pytest.fixture(scope="module")
def page(course):
    with chromium() as browser:
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.goto(course.url)
        yield page
        page.screenshot(path=course.folder.parent / "last.png")


def the_map(page: Page) -> str:
    viewer = page.locator(".jp-MarkdownViewer")
    viewer.get_by_role("heading", name="The map of the course").wait_for(timeout=60_000)
    return viewer.inner_text()


def check_of(course: Course) -> str:
    """What the learner's notebook, as saved, shows below the check."""
    notebook = json.loads(course.notebook().read_text(encoding="utf-8"))
    cell = next(c for c in notebook["cells"] if c["id"] == f"check-{NAME}")
    return json.dumps(cell["outputs"])


def hand_in(page: Page, course: Course, code: str, until: str) -> str:
    """Type an answer, run it and its check, save; returns what the check shows."""
    go_to_cell(page, course.notebook(), f"ex-{NAME}")
    page.keyboard.press("Enter")
    page.keyboard.press("Control+a")
    page.keyboard.insert_text(code)
    run_two_cells(page)
    for _ in range(60):
        page.wait_for_timeout(500)
        page.keyboard.press("Control+s")
        if until in check_of(course):
            return check_of(course)
    raise AssertionError(f"the check never said {until!r}, but {check_of(course)}")


def points(course: Course) -> list[float]:
    """The points of every try that was kept."""
    file = course.folder / "work" / "progress.jsonl"
    if not file.exists():
        return []
    rows = [json.loads(row) for row in file.read_text("utf-8").split("\n") if row]
    return [row["points"] for row in rows if row["exercise"] == NAME]


def test_make_lab_opens_the_map(page):
    text = the_map(page)
    assert "You have 0 of" in text and "Begin with right_action" in text
    page.wait_for_timeout(3000)
    assert page.get_by_text("Would you like to get notified").count() == 0


def test_the_next_exercise_is_a_link_that_the_keyboard_reaches(page):
    tab_to(page, page.locator(".jp-MarkdownViewer").get_by_role("link", name=NAME))
    page.keyboard.press("Enter")
    wait_until_idle(page)
    heading = page.get_by_role("heading", name=f"Exercise 1: write {NAME}")
    heading.wait_for(timeout=60_000)
    assert heading.is_visible()


def test_an_untouched_notebook_runs_through_and_earns_nothing(page, course):
    notebook = run_all(page, course.notebook())
    checks = [c.id for c in notebook.cells if c.id.startswith("check-")]
    assert len(checks) == len([e for e in registry().values() if e.notebook == STEM])
    for check in checks:
        assert re.search(r": 0 of \d+ points\n  TODO", printed(notebook, check))
    assert points(course) == []


def test_a_wrong_answer_gets_its_message(page, course):
    said = hand_in(page, course, WRONG, until="The hints come first")
    assert "You take the first clause of the category." in said
    assert len(points(course)) == 1 and points(course)[0] < POINTS
    assert "<details>" not in said


def test_a_right_answer_gets_all_points_and_shows_the_solution(page, course):
    said = hand_in(page, course, RIGHT, until=f"{POINTS:g} / {POINTS:g} points")
    assert "<details><summary>The course's solution" in said
    assert points(course)[1:] == [POINTS]
    code = page.locator("details pre").filter(has_text="no clause covers")
    assert not code.is_visible()
    tab_to(page, page.locator("summary").filter(has_text="The course's solution"))
    page.keyboard.press("Enter")
    code.wait_for()


def test_a_widget_moves_by_keyboard(page, course):
    notebook = json.loads(course.notebook().read_text(encoding="utf-8"))
    cell = next(c for c in notebook["cells"] if "Explorer(" in "".join(c["source"]))
    go_to_cell(page, course.notebook(), cell["id"])
    menu = page.get_by_label("surface")
    menu.wait_for()
    table = page.locator(".jp-OutputArea table").filter(has_text="right action").first
    german = table.inner_text()
    assert "Armbrust" in german
    tab_to(page, menu)
    choose_next(page)
    page.wait_for_timeout(3000)
    assert table.inner_text() != german
    page.screenshot(path=course.folder.parent / "widget.png")


def test_nothing_is_lost_when_the_computer_stops(page, course):
    kill(course)
    again = make_lab(course.folder)
    try:
        page.goto(again.url)
        text = the_map(page)
        assert f"You have {POINTS:g} of" in text
        assert re.search(rf"{POINTS:g} / \d+", text)
        assert "Go on with" in text
        assert "for clause in spec.clauses" in again.notebook().read_text("utf-8")
    finally:
        kill(again)
