"""Limits of a process that runs a submission. Against accidents: this is no sandbox.

Time, memory and file sizes are limited by the system where it can. The rest is an
audit hook of Python: it cannot be removed by Python code, and does not see what
compiled code does through `ctypes`.
"""

import math
import os
import sys
import time
from pathlib import Path

try:
    import resource
except ImportError:  # Windows has no such limits
    resource = None

LARGEST_FILE = 100 * 2**20
NETWORK = {
    "socket.connect",
    "socket.bind",
    "socket.sendto",
    "socket.sendmsg",
    "socket.getaddrinfo",
    "socket.gethostbyname",
}
PROGRAMS = {"subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn"}
PROGRAMS |= {"os.fork", "os.forkpty"}
SIGNALS = {"os.kill", "os.killpg"}
# Events that change what is kept on disk, and which of their arguments are paths.
CHANGES = {
    "os.remove": 1,
    "os.rmdir": 1,
    "os.mkdir": 1,
    "os.truncate": 1,
    "os.chmod": 1,
    "os.rename": 2,
    "os.link": 2,
    "os.symlink": 2,
    "shutil.rmtree": 1,
}
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


def limit(seconds: int, megabytes: int) -> None:
    """Limit this process's computing time, memory, file sizes and core dumps.

    seconds   : of computing from now on; SIGXCPU ends the process after them
    megabytes : on top of what the process has now, where that is known (Linux)
    """
    if resource is None:
        return
    _lower(resource.RLIMIT_CORE, 0, 0)
    _lower(resource.RLIMIT_FSIZE, LARGEST_FILE, LARGEST_FILE)
    until = math.ceil(time.process_time()) + seconds
    _lower(resource.RLIMIT_CPU, until, until + 1)
    if has := _size_of_this_process():
        most = has + megabytes * 2**20
        _lower(resource.RLIMIT_AS, most, most)


def what_is_missing() -> list[str]:
    """Sentences about the limits that this system does not have."""
    if resource is None:
        return ["This system limits neither memory nor file sizes: only time is."]
    if not _size_of_this_process():
        return ["This system does not limit memory here."]
    return []


def watch(folder: Path) -> list[str]:
    """Refuse network, processes, signals to others, and writing outside of `folder`.

    Returns a list that is filled with what was refused, in words.
    """
    said: list[str] = []
    inside = os.path.realpath(folder) + os.sep

    def hook(event: str, args: tuple) -> None:
        refused = _refused(event, args, inside)
        if refused and len(said) < 20:
            said.append(refused)
        if refused:
            raise PermissionError(f"the grader does not allow this: {refused}")

    sys.addaudithook(hook)
    return said


def _refused(event: str, args: tuple, inside: str) -> str:
    """What is refused about an event, in words; empty for all that is allowed."""
    if event in NETWORK:
        return "it uses the network"
    if event in PROGRAMS:
        return "it starts a process"
    if event in SIGNALS and args[0] != os.getpid():
        return "it sends a signal to another process"
    if event == "open" and isinstance(args[2], int) and args[2] & WRITES:
        return _outside(args[:1], inside)
    if event in CHANGES:
        return _outside(args[: CHANGES[event]], inside)
    return ""


def _outside(paths: tuple, inside: str) -> str:
    for path in paths:
        if isinstance(path, int):
            continue  # a file that is open already
        real = os.path.realpath(os.fsdecode(path))
        if real != os.devnull and not f"{real}{os.sep}".startswith(inside):
            return "it changes a file outside of its folder"
    return ""


def _lower(what: int, soft: int, hard: int) -> None:
    """Set a limit, or the nearest below it that the system still allows."""
    _, most = resource.getrlimit(what)
    if most != resource.RLIM_INFINITY:
        soft, hard = min(soft, most), min(hard, most)
    resource.setrlimit(what, (soft, hard))


def _size_of_this_process() -> int:
    """Bytes of address space in use; 0 where the system does not tell."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    except (OSError, ValueError):
        return 0
    return pages * resource.getpagesize()
