"""Two learners on one JupyterHub, in a browser, with the settings that a class gets.

One hub, one installation and one cache for both; a server and a folder for each. The
lesson is given once, and each test looks at one side of it.
"""

import json
import re
import socket
import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.classroom import lab_page
from tests.classroom.hub import Hub, change_mode, commit, follow, running
from utils import files
from utils.teach.exercise import registry

NOTEBOOK = "22_learning_the_spec"  # it loads trained arms and trains none
EXERCISE = "pass_at_k"
ANSWER = """
def pass_at_k(right, k):
    n, wrong = right.shape[1], (~right).sum(dim=1, keepdim=True)
    drawn = torch.arange(k)
    return 1 - ((wrong - drawn).clamp_min(0) / (n - drawn)).prod(dim=1)


import utils.files

print(utils.__file__, utils.files.WORK, utils.files.cache_folder(), sep="\\n")
"""


def state(folder: Path) -> dict[str, tuple[int, int, int, int]]:
    """Size and times of each file: any write, even of the same bytes, changes them.

    Files behind links count, git's own files don't.
    """
    found = {}
    for path in folder.rglob("*"):
        if path.name != ".venv" and ".git" not in path.relative_to(folder).parts:
            s = path.stat()
            times = (s.st_mtime_ns, path.lstat().st_ctime_ns)
            found[str(path.relative_to(folder))] = (s.st_ino, s.st_size, *times)
    return found


def work(hub: Hub, page, name: str, answer: str | None) -> SimpleNamespace:
    """One learner's lesson: follow the link, write an answer or none, run all."""
    follow(page, hub, name, hub.link(NOTEBOOK))
    if answer is not None:
        lab_page.fill_cell(page, f"def {EXERCISE}(", answer)
    file = hub.course(name) / f"{NOTEBOOK}.ipynb"
    notebook = lab_page.run_all(page, file, seconds=600)
    points = kept(hub.course(name))
    return SimpleNamespace(page=page, file=file, notebook=notebook, points=points)


def kept(course: Path) -> list[dict]:
    """The tries in a learner's folder."""
    file = course / "progress.jsonl"
    lines = file.read_text(encoding="utf-8").split("\n") if file.exists() else []
    return [json.loads(line) for line in lines if line]


def new_edition(hub: Hub) -> str:
    """The lecturer changes the notebook's title in the clone; returns the new one."""
    change_mode(hub.clone, writable=True)
    source = hub.clone / "course" / f"{NOTEBOOK}.ipynb"
    text = source.read_text(encoding="utf-8")
    title = re.search(r"# 22 · [^\"\\]+", text)[0]
    source.write_text(text.replace(title, f"{title}, second edition"), "utf-8")
    commit(hub.clone, "A better title")
    return f"{title}, second edition"


@pytest.fixture(scope="module")
def lesson(trained, tmp_path_factory) -> SimpleNamespace:
    """Everything that the tests below look at, when the hub is stopped again."""
    seen = SimpleNamespace()
    folder = tmp_path_factory.mktemp("hub")
    with running(folder, files.cache_folder()) as hub, lab_page.chromium() as web:
        seen.hub, seen.before = hub, state(hub.clone)
        pages = [web.new_context().new_page() for _ in range(2)]
        seen.ada = work(hub, pages[0], "ada", ANSWER)
        seen.ben = work(hub, pages[1], "ben", None)
        seen.map = (hub.course("ada") / "map.md").read_text(encoding="utf-8")
        seen.after = state(hub.clone)
        seen.memory = {name: hub.memory(name) for name in ("ada", "ben")}
        seen.processes = {name: hub.pids(name) for name in ("ada", "ben")}
        seen.visit = pages[1].goto(f"{hub.url}/user/ada/lab").status
        seen.title = new_edition(hub)
        follow(pages[0], hub, "ada", hub.link(NOTEBOOK))
        seen.updated = lab_page.read(seen.ada.file)
    return seen


def test_a_right_answer_earns_its_points_in_the_learners_own_folder(lesson):
    worth = registry()[EXERCISE].points
    check = lab_page.printed(lesson.ada.notebook, f"check-{EXERCISE}")
    assert f"{worth:g} of {worth:g} points" in check
    assert lesson.ada.points == [{"exercise": EXERCISE, "points": worth}]
    assert f"You have {worth:g} of" in lesson.map


def test_an_untouched_notebook_earns_nothing_whatever_others_earned(lesson):
    for exercise in registry().values():
        if exercise.notebook == NOTEBOOK:
            check = lab_page.printed(lesson.ben.notebook, f"check-{exercise.name}")
            assert f"{exercise.name}: 0 of {exercise.points:g} points" in check
    assert lesson.ben.points == []


def test_the_package_is_the_shared_one_and_the_folders_are_the_learners(lesson):
    home = lesson.hub.homes / "ada"
    assert lab_page.printed(lesson.ada.notebook, f"ex-{EXERCISE}").split() == [
        str(lesson.hub.clone / "utils" / "__init__.py"),
        str(home / "deliberate" / "course"),
        str(home / ".cache" / "deliberate"),
    ]


def test_the_shared_installation_and_cache_are_only_read(lesson):
    assert any(name.startswith("work/cache/") for name in lesson.before)
    assert lesson.after == lesson.before


def test_nobody_trained_what_the_shared_cache_has(lesson):
    for name in ("ada", "ben"):
        own = lesson.hub.homes / name / ".cache" / "deliberate"
        assert not own.exists(), list(own.iterdir())


def test_each_learner_has_a_server_and_a_kernel_of_their_own(lesson):
    ada, ben = lesson.processes["ada"], lesson.processes["ben"]
    assert len(ada) >= 2 and len(ben) >= 2
    assert not ada.keys() & ben.keys()
    for name, processes in lesson.processes.items():
        assert {p["JUPYTERHUB_USER"] for p in processes.values()} == {name}
        assert {p["OMP_NUM_THREADS"] for p in processes.values()} == {"1"}
    assert lesson.visit == 403


def test_a_newer_notebook_is_pulled_and_the_learners_answer_stays(lesson):
    assert lesson.updated.cells[0].source.startswith(lesson.title)
    (answer,) = (c for c in lesson.updated.cells if c.id == f"ex-{EXERCISE}")
    assert answer.source.strip() == ANSWER.strip()
    assert kept(lesson.hub.course("ada")) == lesson.ada.points


def test_a_learner_fits_into_the_limit(lesson):
    settings = lesson.hub.clone / "scripts" / "jupyterhub_config.py"
    limit = int(re.search(r'mem_limit = "(\d+)G"', settings.read_text())[1])
    for name, (now, most) in lesson.memory.items():
        print(f"{name}: {now} MB after {NOTEBOOK}, {most} MB at most")
        assert 200 < now <= most < 1024 * limit


def test_the_lecturers_page_gives_the_link_that_was_followed(lesson):
    page = (files.ROOT / "course" / "for_lecturers.md").read_text(encoding="utf-8")
    link = lesson.hub.link("00_lab").replace(lesson.hub.url, "https://HUB")
    assert link.replace(str(lesson.hub.clone), "/srv/deliberate") in page


def test_nothing_is_left_running(lesson):
    assert lesson.hub.pids() == {}
    with socket.socket() as probe:
        port = int(lesson.hub.url.rsplit(":", 1)[1])
        assert probe.connect_ex(("127.0.0.1", port)) != 0


def test_a_failure_shows_the_hubs_log_and_leaves_nothing_running(tmp_path):
    cache = tmp_path / "cache"
    cache.mkdir()
    with pytest.raises(RuntimeError) as caught, running(tmp_path / "a", cache) as hub:
        raise RuntimeError("in the middle of a lesson")
    assert "JupyterHub is now running" in caught.value.__notes__[0]
    done = subprocess.run(["pgrep", "-f", str(hub.clone)], capture_output=True)
    assert done.stdout == b""
