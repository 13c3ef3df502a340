"""Where the course keeps its files."""

import os
import subprocess
import sys

from utils import files

SHOW = "from utils import files; print(files.WORK, files.cache_folder(), sep='\\n')"


def shown(**settings: str) -> list[str]:
    """The learner's folder and cache, in a process that starts with these settings."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("DELIBERATE_")}
    command = [sys.executable, "-c", SHOW]
    environment = {**kept, **settings}
    done = subprocess.run(
        command, cwd=files.ROOT, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_the_folders_are_in_the_course_unless_told_otherwise():
    work = files.ROOT / "work"
    assert shown() == [str(work), str(work / "cache")]
    assert shown(DELIBERATE_WORK="/a") == ["/a", "/a/cache"]
    assert shown(DELIBERATE_CACHE="/b") == [str(work), "/b"]


def test_a_hub_may_name_them_from_the_learners_home():
    home = {"HOME": "/homes/ada"}
    assert shown(DELIBERATE_WORK="~/a", **home) == [
        "/homes/ada/a",
        "/homes/ada/a/cache",
    ]
    assert shown(DELIBERATE_CACHE="~/b", **home)[1] == "/homes/ada/b"
