"""A worker of the grader: has the checks loaded, and starts a process for each cell.

    python -m utils.teach.grading.worker [--extra-checks FILE.py] [--preload MODULE]

It reads a task a line from stdin and writes a result a line to stdout, both JSON.
Where the system can fork (Linux), a process costs milliseconds, because the checks
are loaded once. Elsewhere each one loads them anew, which costs seconds; macOS has
fork, and its libraries do not survive it.
"""

import argparse
import contextlib
import ctypes
import importlib
import json
import os
import secrets
import select
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from utils.teach.grading import guard
from utils.teach.grading.outcome import is_sound, nothing

FORKS = sys.platform.startswith("linux")
NAME = "utils.teach.grading.worker"
LONGEST_RESULT = 2**20
SUBREAPER = 36  # PR_SET_CHILD_SUBREAPER
STARTING = 120  # seconds that loading the checks may take where it is done each time
PATIENT = 600  # seconds for the course's own answer, which surely ends


def run_task(task: dict, extra: Path | None = None, forks: bool = FORKS) -> dict:
    """The result of one task, from a process that is gone afterwards.

    task : for `child.run` or, with "calibrate", for `child.calibrate`; and its
           limits: seconds (of computing) and megabytes
    """
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        token = secrets.token_hex(16)
        start = _fork if forks else _spawn
        text, ended = start(task, token, Path(folder), extra)
        result = _read(text, token, ended)
        if "calibrate" not in task and not is_sound(result):
            result = nothing("tampered", flags=["sends a result that is none"])
    return result


def _wall_time(task: dict) -> float:
    """How long to wait: waiting is no computing, and a busy machine computes slowly."""
    return 5 * task["seconds"] + (PATIENT if "calibrate" in task else 5)


def _perform(task: dict, folder: Path) -> dict:
    """In the process of the task: do it, in an empty folder."""
    from utils.teach.grading import child

    os.chdir(folder)
    tempfile.tempdir = str(folder)
    sys.dont_write_bytecode = True
    os.environ.pop("COURSE_GRADE_FILE", None)
    if "calibrate" in task:
        return child.calibrate(task["calibrate"])
    return child.run(task, folder)


def _read(text: bytes, token: str, ended: str) -> dict:
    """The result in what a process wrote; only a text that has the token counts."""
    head, _, rest = text.partition(b" ")
    if head == token.encode() and rest.endswith(b"\n"):
        with contextlib.suppress(ValueError, RecursionError):
            return json.loads(rest)
    if text:
        return nothing("tampered", flags=["writes to the channel of the result"])
    return nothing(ended)


# With fork.


def _fork(task: dict, token: str, folder: Path, extra) -> tuple[bytes, str]:
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        _in_the_fork(task, token, folder, write)
    os.close(write)
    try:
        text, late = _wait(read, pid, time.monotonic() + _wall_time(task))
    finally:
        os.close(read)
        out_of_time = _end(pid)
    return text, "timeout" if late or out_of_time else "died"


def _in_the_fork(task: dict, token: str, folder: Path, write: int) -> None:
    """What the new process does; it never returns."""
    try:
        os.setsid()
        for number in (0, 1, 2):
            os.dup2(os.open(os.devnull, os.O_RDWR), number)
        write = os.dup2(write, 3)
        os.closerange(4, 2**16)
        text = f"{token} {json.dumps(_perform(task, folder))}\n".encode()
        while text:
            text = text[os.write(write, text) :]
    finally:
        os._exit(0)


def _wait(read: int, pid: int, until: float) -> tuple[bytes, bool]:
    """What the process writes until it has written a line or is gone, and if neither"""
    text = b""
    while time.monotonic() < until and len(text) < LONGEST_RESULT:
        if select.select([read], [], [], 0.05)[0]:
            part = os.read(read, 2**16)
            text += part
            if not part or text.endswith(b"\n"):
                return text, False
        elif os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT):
            return text, False  # what it left behind may hold the other end open
    return text, True


def _end(pid: int) -> bool:
    """End the process with all it started; True if the system had ended it for time."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    # Those that left the group come to the subreaper, and when they end, theirs do.
    while orphans := _children():
        for orphan in orphans:
            with contextlib.suppress(ProcessLookupError, ChildProcessError):
                os.kill(orphan, signal.SIGKILL)
                os.waitpid(orphan, 0)
    return os.WIFSIGNALED(status) and os.WTERMSIG(status) == _XCPU


_XCPU = getattr(signal, "SIGXCPU", None)


def _children() -> list[int]:
    """Processes whose parent is this one."""
    me, found = str(os.getpid()), []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError, IndexError):
            # "pid (name) state parent ...", and the name may hold anything.
            if path.read_text("utf-8", "replace").rsplit(")", 1)[1].split()[1] == me:
                found.append(int(path.parent.name))
    return found


# Without fork.


def _spawn(task: dict, token: str, folder: Path, extra) -> tuple[bytes, str]:
    command = [sys.executable, "-m", NAME, "--one", str(folder)]
    if extra:
        command += ["--extra-checks", str(extra)]
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=os.name == "posix",
    )
    question = f"{token} {json.dumps(task)}\n".encode()
    try:
        text, _ = process.communicate(question, timeout=STARTING + _wall_time(task))
        timed_out = process.returncode == -(_XCPU or 0) != 0
    except subprocess.TimeoutExpired:
        text, timed_out = b"", True
    finally:
        _end_tree(process)
    return text, "timeout" if timed_out else "died"


def _end_tree(process: subprocess.Popen) -> None:
    with contextlib.suppress(OSError):
        if os.name == "posix":
            os.killpg(process.pid, signal.SIGKILL)
        else:
            command = ["taskkill", "/F", "/T", "/PID", str(process.pid)]
            subprocess.run(command, capture_output=True)
    process.kill()
    process.wait()


def _only_one(folder: Path) -> None:
    """The process of one task, where there is no fork."""
    token, _, task = sys.stdin.buffer.readline().decode().partition(" ")
    result = os.dup(1)
    quiet = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(quiet, number)
    text = f"{token} {json.dumps(_perform(json.loads(task), folder))}\n".encode()
    while text:
        text = text[os.write(result, text) :]
    os._exit(0)


# The worker.


def _adopt_orphans() -> None:
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(SUBREAPER, 1, 0, 0, 0)


def main(arguments: list[str] | None = None) -> None:
    """Load the checks, say so, and do a task for each line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--extra-checks", type=Path)
    parser.add_argument("--preload", nargs="*", default=[])
    parser.add_argument("--spawn", action="store_true")
    parser.add_argument("--one", type=Path)
    options = parser.parse_args(arguments)
    hello: dict = {"ready": True, "extra": {}, "missing": guard.what_is_missing()}
    forks = FORKS and not options.spawn
    if forks or options.one or options.extra_checks:
        from utils.teach.exercise import registry
        from utils.teach.grading import child

        registry()
        try:
            if options.extra_checks:
                hello["extra"] = child.load_extra(options.extra_checks)
        except ValueError as error:
            print(json.dumps({"ready": False, "why": str(error)}), flush=True)
            return
    if options.one:
        _only_one(options.one)
    if forks:
        _adopt_orphans()
        for module in options.preload:
            with contextlib.suppress(ImportError):
                importlib.import_module(module)
    print(json.dumps(hello), flush=True)
    for line in sys.stdin:
        result = run_task(json.loads(line), options.extra_checks, forks)
        print(json.dumps(result), flush=True)


if __name__ == "__main__":
    main()
