"""The grader's side of its workers: starts them, asks them, and replaces the dead."""

import contextlib
import json
import os
import queue
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path

from utils import files
from utils.teach.grading.outcome import nothing
from utils.teach.grading.worker import NAME, PATIENT, STARTING

# Tried in this order: no network and no sight of other processes, or no network.
NAMESPACES = (
    "unshare --map-root-user --net --pid --fork --mount-proc --kill-child".split(),
    "unshare --map-root-user --net".split(),
    "unshare --net".split(),
)
PATIENCE = 3  # of one student's cells may time out; the rest is not run then


@dataclass
class Settings:
    """How submissions are run; `modules` are loaded once in each worker.

    seconds : of computing for a cell and its check; waiting counts a fifth
    minutes : for all cells; those that come later are "not run"
    """

    workers: int = 2
    seconds: int = 20
    megabytes: int = 2000
    minutes: float = 600
    extra: Path | None = None
    modules: list[str] = field(default_factory=list)
    spawn: bool = False


class CannotStart(Exception):
    """A worker does not come up; says why."""


def isolation() -> list[str]:
    """The first command of NAMESPACES that this system allows, or nothing."""
    for command in NAMESPACES:
        with contextlib.suppress(OSError, subprocess.TimeoutExpired):
            done = subprocess.run([*command, "true"], capture_output=True, timeout=10)
            if done.returncode == 0:
                return command
    return []


class Worker:
    """A process of `worker.py` that is asked one task at a time."""

    def __init__(self, settings: Settings, prefix: list[str]) -> None:
        """Start it without waiting; `hello` waits until it is ready."""
        self.settings = settings
        command = [*prefix, sys.executable, "-m", NAME]
        if settings.extra:
            command += ["--extra-checks", str(settings.extra.resolve())]
        if settings.spawn:
            command.append("--spawn")
        if settings.modules:
            command += ["--preload", *settings.modules]
        self.command = command
        self.start()

    def start(self) -> None:
        """Start the process, with one thread and without CUDA: it will be forked."""
        quiet = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "MPLBACKEND": "agg"}
        quiet |= {"CUDA_VISIBLE_DEVICES": "", "HF_HUB_OFFLINE": "1"}
        path = os.pathsep.join([str(files.ROOT), os.environ.get("PYTHONPATH", "")])
        self.process = subprocess.Popen(
            self.command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            encoding="utf-8",
            env={**os.environ, **quiet, "PYTHONPATH": path.rstrip(os.pathsep)},
        )
        self.ready: dict | None = None

    def hello(self) -> dict:
        """Wait until it is ready, and return what it says. Raises CannotStart."""
        if self.ready is None:
            line = self.process.stdout.readline()
            self.ready = json.loads(line) if line else {"ready": False, "why": ""}
        if not self.ready["ready"]:
            command = " ".join(self.command)
            raise CannotStart(self.ready["why"] or f"no answer from: {command}")
        return self.ready

    def ask(self, task: dict) -> dict:
        """The result of a task. A worker that dies is started anew."""
        self.hello()
        limits = {"seconds": self.settings.seconds}
        limits["megabytes"] = self.settings.megabytes
        longest = STARTING + PATIENT + 10 * self.settings.seconds + 60
        watchdog = threading.Timer(longest, self.process.kill)
        watchdog.start()
        try:
            self.process.stdin.write(json.dumps({**task, **limits}) + "\n")
            self.process.stdin.flush()
            return json.loads(self.process.stdout.readline())
        except (OSError, ValueError):
            self.stop()
            self.start()
            return nothing("died", flags=["ended the grader's worker with it"])
        finally:
            watchdog.cancel()

    def stop(self) -> None:
        """End it, and with it what it runs."""
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout):
            with contextlib.suppress(OSError):
                stream.close()


@dataclass
class Pool:
    """Workers that share the tasks; use it in a `with` block."""

    settings: Settings
    idle: queue.Queue = field(default_factory=queue.Queue)
    all: list[Worker] = field(default_factory=list)
    isolated: bool = False

    def __enter__(self) -> "Pool":
        """Start every worker; they get ready side by side."""
        prefix = isolation()
        self.isolated = bool(prefix)
        self.all = [Worker(self.settings, prefix) for _ in range(self.settings.workers)]
        for worker in self.all:
            self.idle.put(worker)
        return self

    def __exit__(self, *_) -> None:
        """End every worker."""
        for worker in self.all:
            worker.stop()

    def hello(self) -> dict:
        """What the first worker says of itself. Raises CannotStart."""
        return self.all[0].hello()

    def run(self, tasks: dict[str, tuple[str, dict]]) -> Iterator[tuple[str, dict]]:
        """Results by key, in the order in which they are finished.

        tasks : by key, the student and the task. After PATIENCE timeouts the rest of
                a student is "not run", so that nobody holds up the others.
        """
        late: Counter = Counter()
        until = time.monotonic() + 60 * self.settings.minutes

        def do(student: str, task: dict) -> dict:
            if late[student] >= PATIENCE:
                note = f"not run, as {PATIENCE} other cells did not end in time"
                return nothing("not run", notes=[note])
            if time.monotonic() > until:
                return nothing("not run", notes=["not run: the time for all was over"])
            worker = self.idle.get()
            try:
                result = worker.ask(task)
            finally:
                self.idle.put(worker)
            late[student] += result.get("status") == "timeout"
            return result

        with ThreadPoolExecutor(self.settings.workers) as threads:
            waiting = {
                threads.submit(do, student, task): key
                for key, (student, task) in tasks.items()
            }
            try:
                for future in as_completed(waiting):
                    yield waiting[future], future.result()
            finally:
                threads.shutdown(wait=False, cancel_futures=True)
