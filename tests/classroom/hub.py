"""A JupyterHub on localhost with the course's settings: start, use, measure, stop.

    python -m tests.classroom.hub 13 22

lets a learner run these notebooks in a browser, each on a server of its own, and
prints how much memory that took. The cache must have what they load: `make test`.
"""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode
from urllib.request import urlopen

from playwright.sync_api import Page

from tests.classroom import lab_page
from utils import files

COMMIT = ["-c", "user.name=Lecturer", "-c", "user.email=lecturer@localhost"]
PASSWORD = "only for this test"


@dataclass
class Hub:
    """A running hub: the lecturer's clone, the learners' homes, address and log."""

    clone: Path
    homes: Path
    url: str
    log: Path

    def link(self, notebook: str) -> str:
        """The nbgitpuller link that the lecturers' page gives, for this hub."""
        query = {
            "repo": f"file://{self.clone}",
            "branch": "main",
            "targetPath": "deliberate",
            "urlpath": f"lab/tree/deliberate/course/{notebook}.ipynb",
        }
        return f"{self.url}/hub/user-redirect/git-pull?{urlencode(query, safe='/:')}"

    def course(self, name: str) -> Path:
        """Where the learner `name` has the notebooks."""
        return self.homes / name / "deliberate" / "course"

    def pids(self, name: str | None = None) -> dict[int, dict[str, str]]:
        """The processes of a learner's server and kernels, with their environments.

        Of all learners when there is no name.
        """
        homes = f"{self.homes / name if name else self.homes}/"
        found = {pid: environment(pid) for pid in map(int, numbers("/proc"))}
        return {
            pid: values
            for pid, values in found.items()
            if f"{values.get('HOME', '')}/".startswith(homes)
        }

    def memory(self, name: str) -> tuple[int, int]:
        """Megabytes that a learner's processes hold now, and held at most.

        Now: memory that several processes share is divided among them (PSS). At most:
        the sum of what each had resident (VmHWM), shared or not, so rather too much.
        """
        now = most = 0
        for pid in self.pids(name):
            now += kilobytes(Path(f"/proc/{pid}/smaps_rollup"), "Pss")
            most += kilobytes(Path(f"/proc/{pid}/status"), "VmHWM")
        return now // 1024, most // 1024


def numbers(folder: str) -> list[str]:
    """The names in a folder that are numbers."""
    return [name for name in os.listdir(folder) if name.isdigit()]


def environment(pid: int) -> dict[str, str]:
    """What a process was started with; empty when it is gone or somebody else's."""
    try:
        text = Path(f"/proc/{pid}/environ").read_bytes().decode(errors="replace")
    except OSError:
        return {}
    return dict(line.split("=", 1) for line in text.split("\0") if "=" in line)


def kilobytes(path: Path, field: str) -> int:
    """The value of a line such as `Pss:  1234 kB`; 0 when the process is gone."""
    try:
        lines = path.read_text().splitlines()
    except OSError:
        return 0
    return next((int(x.split()[1]) for x in lines if x.startswith(f"{field}:")), 0)


def lecturers_clone(folder: Path, cache: Path) -> Path:
    """Set the course up in `folder` as the lecturers' page says; only quicker.

    This working tree is copied and committed, its environment and a filled cache are
    linked. Nothing but .git is writable afterwards, except for root.
    """
    listing = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    out = subprocess.run(listing, cwd=files.ROOT, capture_output=True, check=True)
    for name in filter(None, out.stdout.decode().split("\0")):
        if (files.ROOT / name).is_file() and not (files.ROOT / name).is_symlink():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(files.ROOT / name, folder / name)
    subprocess.run(["git", "init", "-q", "-b", "main"], cwd=folder, check=True)
    subprocess.run(["git", "add", "."], cwd=folder, check=True)
    commit(folder, "The course")
    (folder / ".venv").symlink_to(sys.prefix)
    (folder / "work" / "cache").mkdir(parents=True)
    for entry in cache.iterdir():
        (folder / "work" / "cache" / entry.name).symlink_to(entry)
    # Modules compiled once, as the installation does it; learners can't.
    compiled = [sys.executable, "-m", "compileall", "-q", "utils"]
    subprocess.run(compiled, cwd=folder, check=True)
    change_mode(folder, writable=False)
    return folder


def commit(clone: Path, says: str) -> None:
    """Commit what has changed of the lecturer's clone."""
    subprocess.run(["git", *COMMIT, "commit", "-qam", says], cwd=clone, check=True)


def change_mode(clone: Path, writable: bool) -> None:
    """Make files and folders writable by their owner, or by nobody; .git always is."""
    for place, folders, names in os.walk(clone):
        folders[:] = [name for name in folders if name != ".git"]
        for path in [Path(place), *(Path(place) / name for name in names)]:
            if not path.is_symlink():
                mode = path.stat().st_mode & 0o777
                path.chmod(mode | 0o200 if writable else mode & 0o555)


def free_port() -> int:
    """A port of this machine that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def hub_command(clone: Path, homes: Path, port: int) -> list[str]:
    """The hub as the lecturer configures it, with what a test needs besides."""
    # Jupyter refuses to serve root, and in containers tests often run as root.
    as_root = ["--Spawner.args=--allow-root"] if os.geteuid() == 0 else []
    return [
        str(clone / ".venv" / "bin" / "jupyterhub"),
        *("-f", str(clone / "scripts" / "jupyterhub_config.py")),
        *("--ip=127.0.0.1", f"--port={port}"),
        f"--JupyterHub.hub_port={free_port()}",
        f"--ConfigurableHTTPProxy.api_url=http://127.0.0.1:{free_port()}",
        "--JupyterHub.authenticator_class=dummy",
        f"--DummyAuthenticator.password={PASSWORD}",
        "--Authenticator.allow_all=True",
        "--JupyterHub.spawner_class=simple",
        f"--SimpleLocalProcessSpawner.home_dir_template={homes}/{{username}}",
        *as_root,
    ]


@contextmanager
def running(folder: Path, cache: Path) -> Iterator[Hub]:
    """A hub whose files are all in `folder`. Whatever happens, it is stopped.

    An error inside takes the end of the hub's log with it.
    """
    clone = lecturers_clone(folder / "srv" / "deliberate", cache)
    homes, log, port = folder / "home", folder / "hub.log", free_port()
    homes.mkdir(parents=True)
    hub = Hub(clone, homes, f"http://127.0.0.1:{port}", log)
    environ = {**os.environ, "PYTHONPATH": str(clone)}
    with log.open("w") as out:
        process = subprocess.Popen(
            hub_command(clone, homes, port),
            cwd=folder,
            env=environ,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            wait_for(hub, process)
            yield hub
        except BaseException as error:
            error.add_note(f"The end of the hub's log:\n{telling(log)}")
            raise
        finally:
            stop(hub, process)
            change_mode(clone, writable=True)


def telling(log: Path, lines: int = 60) -> str:
    """The end of the hub's log, without the requests and savings that went well."""
    well = re.compile(r"\] (20\d [A-Z]+ |Saving )")
    found = log.read_text(errors="replace").splitlines()
    return "\n".join([line for line in found if not well.search(line)][-lines:])


def wait_for(hub: Hub, process: subprocess.Popen, seconds: float = 120) -> None:
    """Wait until the hub answers."""
    deadline = time.monotonic() + seconds
    while True:
        assert process.poll() is None, "JupyterHub ended while it was starting"
        assert time.monotonic() < deadline, f"no hub answers after {seconds:.0f} s"
        try:
            with urlopen(f"{hub.url}/hub/health", timeout=5):
                return
        except OSError:
            time.sleep(0.5)


def stop(hub: Hub, process: subprocess.Popen) -> None:
    """Ask the hub to stop its servers and itself; then end what is left of them."""
    process.terminate()
    with suppress(subprocess.TimeoutExpired):
        process.wait(timeout=30)
    for pid in {process.pid, *hub.pids()}:
        with suppress(ProcessLookupError):
            os.killpg(os.getpgid(pid), signal.SIGKILL)
    process.wait()


def follow(page: Page, hub: Hub, name: str, link: str) -> None:
    """Follow an nbgitpuller link; log in where the hub asks; wait for the notebook."""
    page.set_default_timeout(120_000)
    page.goto(link)
    if page.locator("#username_input").count():
        page.fill("#username_input", name)
        page.fill("#password_input", PASSWORD)
        page.click("#login_submit")
    lab_page.wait_until_idle(page, 180)


def main(notebooks: list[str]) -> None:
    """Print the memory of a learner's server after each of these notebooks."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with running(folder, files.cache_folder()) as hub, lab_page.chromium() as web:
            for number in notebooks:
                (source,) = (files.ROOT / "course").glob(f"{number}_*.ipynb")
                learner = f"learner{number}"
                page = web.new_context().new_page()
                follow(page, hub, learner, hub.link(source.stem))
                file = hub.course(learner) / source.name
                lab_page.run_all(page, file, seconds=1800)
                now, most = hub.memory(learner)
                print(f"{source.stem}: {now} MB, {most} MB at most", flush=True)
                page.context.close()


if __name__ == "__main__":
    main(sys.argv[1:])
