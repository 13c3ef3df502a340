"""Two hundred submissions of every kind, by the command that a lecturer types.

The run is interrupted once on the way, as by Ctrl+C.
"""

import csv
import re
import signal
import subprocess
import sys
import time

import pytest

from utils import files
from utils.teach.grading.demo import KINDS, NAME

STUDENTS = 200
SECONDS = 600  # the limit that was set for two cores


def command(folder, *more):
    grade = [sys.executable, "-m", "utils.teach.grade", str(folder / "in")]
    return [*grade, "--out", str(folder / "out"), "--workers", "2", *more]


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    """The rows of grades.csv, the last lines that were said, and the seconds."""
    folder = tmp_path_factory.mktemp("class")
    started = time.monotonic()
    first = subprocess.Popen(
        command(folder, "--demo", str(STUDENTS)),
        cwd=files.ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        # Where tests run in the background, Ctrl+C is switched off for what follows.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    finished = folder / "out" / "finished"
    while len(list(finished.glob("*"))) < STUDENTS // 4:
        assert first.poll() is None, "it ended before it could be interrupted"
        assert time.monotonic() - started < SECONDS, "a quarter took all of the time"
        time.sleep(0.2)
    first.send_signal(signal.SIGINT)
    said = [first.communicate(timeout=60)[0]]
    assert first.returncode == 130, said
    assert not (folder / "out" / "grades.csv").exists()
    kept = {path: path.stat().st_mtime_ns for path in finished.glob("*")}
    rest = SECONDS - (time.monotonic() - started)
    second = subprocess.run(
        command(folder), cwd=files.ROOT, capture_output=True, text=True, timeout=rest
    )
    assert second.returncode == 0, second.stderr[-2000:]
    assert {path: path.stat().st_mtime_ns for path in kept} == kept  # none run again
    with (folder / "out" / "grades.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    return rows, [*said, second.stdout], time.monotonic() - started


def test_every_outcome_is_as_defined_in_ten_minutes(graded):
    rows, said, seconds = graded
    print(f"\n{len(rows)} submissions of {len(KINDS)} kinds in {seconds:.0f} seconds")
    assert len(rows) == STUDENTS and len(KINDS) >= 20
    assert "the same command goes on from there" in said[0]
    assert f"{STUDENTS} students; " in said[1]
    for row in rows:
        number, name = re.fullmatch(
            r"Student (\d+) \((.+)\)", row["Full name"]
        ).groups()
        kind = list(KINDS.values())[(int(number) - 1) % len(KINDS)]
        states = dict(re.findall(r"(\w+): ([\w ]+)", row["states"]))
        assert float(row[NAME]) == kind.points, name
        assert states[NAME] == (kind.status or "nothing"), name
        assert kind.note in row["notes"] and kind.flag in row["flags"], name
        assert row["look"] == ("yes" if kind.flag else ""), name
