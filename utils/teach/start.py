"""Copy the notebooks and pages to work/ and open JupyterLab: what `make lab` runs.

    python -m utils.teach.start [options of JupyterLab]

The learner writes in work/, which git ignores, so that a newer course can be pulled
at any time. A file that the learner has changed is never written to: a newer version
is put beside it as NAME.new.ipynb, that of a page as NAME.new.md.
"""

import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path

from utils import files

# Which version of each file was handed out last, by the hash of its bytes.
RECORD = ".handed-out.json"
HANDED_OUT = ("*.ipynb", "*.md")
KEPT_BACK = "for_lecturers.md"  # it answers the questions that learners discuss


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


def first_notebook(work: Path) -> Path | None:
    """The notebook to open: the first by name, or None when there is none."""
    names = sorted(path for path in work.glob("*.ipynb") if ".new" not in path.name)
    return names[0] if names else None


def lab_command(root: Path, first: Path | None, options: list[str]) -> list[str]:
    """The command that opens JupyterLab with `root` as its folder, on `first`."""
    page = f"/lab/tree/{first.relative_to(root).as_posix()}" if first else "/lab"
    return [
        *(sys.executable, "-m", "jupyterlab"),
        *(f"--ServerApp.root_dir={root}", f"--LabApp.default_url={page}"),
        *options,
    ]


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
    except OSError as error:
        free = shutil.disk_usage(files.ROOT).free // 2**20
        print(f"Could not write to {files.WORK.name}/ ({error}; {free} MB free).")
        return 1
    print("\n".join(said) or "Your files in work/ are up to date.")
    first = first_notebook(files.WORK)
    print(f"Opening JupyterLab on {first.name if first else 'the course folder'} ...")
    try:
        return subprocess.call(lab_command(files.ROOT, first, options))
    except KeyboardInterrupt:
        return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
