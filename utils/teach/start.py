"""Copy the notebooks and pages to work/ and open the map: what `make lab` runs.

    python -m utils.teach.start [options of JupyterLab]

The learner writes in work/, which git ignores, so that a newer course can be pulled
at any time. A file that the learner has changed is never written to: a newer version
is put beside it as NAME.new.ipynb, that of a page as NAME.new.md.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from utils import files
from utils.teach import course_map, progress
from utils.teach.exercise import registry

# Which version of each file was handed out last, by the hash of its bytes.
RECORD = ".handed-out.json"
HANDED_OUT = ("*.ipynb", "*.md")
KEPT_BACK = "for_lecturers.md"  # it answers the questions that learners discuss
SETTINGS = Path(__file__).parent / "settings"  # Jupyter looks into its labconfig/


def copy_course(course: Path, work: Path) -> list[str]:
    """Bring `work` up to date with `course`; returns what a learner should know."""
    before = _read_record(work / RECORD)
    record, said, copied = dict(before), [], 0
    sources = [path for pattern in HANDED_OUT for path in course.glob(pattern)]
    for source in sorted(sources):
        if source.name == KEPT_BACK:
            continue
        mine, newest = work / source.name, _hash(source)
        if not mine.exists():
            _copy(source, mine)
            copied += 1
        elif _hash(mine) != newest and record.get(source.name) != newest:
            said.append(_update(source, mine, record.get(source.name)))
        record[source.name] = newest
    if copied:
        said.insert(0, f"Copied {copied} file(s) to {work.name}/: write there.")
    if record != before:
        files.write_atomic(work / RECORD, json.dumps(record, indent=1).encode())
    return said


def _update(source: Path, mine: Path, handed_out: str | None) -> str:
    if _hash(mine) == handed_out:
        _copy(source, mine)
        return f"{mine.name} is a newer version now; you had not changed yours."
    beside, number = mine.with_suffix(f".new{mine.suffix}"), 2
    while beside.exists():
        beside, number = mine.with_suffix(f".new{number}{mine.suffix}"), number + 1
    _copy(source, beside)
    return (
        f"{mine.name} has a newer version, saved as {beside.name}; yours is as it was."
    )


def lab_command(page: Path, options: list[str]) -> list[str]:
    """The command that opens JupyterLab on `page`; its folder's parent is the root."""
    root = page.parent.parent
    return [
        *(sys.executable, "-m", "jupyterlab"),
        f"--ServerApp.root_dir={root}",
        f"--LabApp.default_url=/lab/tree/{page.relative_to(root).as_posix()}",
        *options,
    ]


def environment() -> dict[str, str]:
    """The environment for JupyterLab: pages are shown rendered, and no news are asked.

    These are defaults, which a learner's own settings overrule.
    """
    folders = [str(SETTINGS), os.environ.get("JUPYTER_CONFIG_PATH", "")]
    return {**os.environ, "JUPYTER_CONFIG_PATH": os.pathsep.join(filter(None, folders))}


def _copy(source: Path, target: Path) -> None:
    files.write_atomic(target, source.read_bytes())


def _hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _read_record(path: Path) -> dict[str, str]:
    """The record, or an empty one when it is missing or damaged."""
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return record if isinstance(record, dict) else {}


def main(options: list[str]) -> int:
    """Copy, say what changed, and run JupyterLab until the learner stops it."""
    try:
        said = copy_course(files.ROOT / "course", files.WORK)
        course_map.write()
    except OSError as error:
        free = shutil.disk_usage(files.ROOT).free // 2**20
        print(f"Could not write to {files.WORK.name}/ ({error}; {free} MB free).")
        return 1
    print("\n".join(said) or "Your files in work/ are up to date.")
    print(progress.report(list(registry().values()), progress.best()))
    print(f"Opening JupyterLab on {course_map.path().name}, the map of the course ...")
    try:
        command = lab_command(course_map.path(), options)
        return subprocess.call(command, env=environment())
    except KeyboardInterrupt:
        return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
