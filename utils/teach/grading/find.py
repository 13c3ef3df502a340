"""Files of a folder of submissions, and whose they are.

Nothing of an archive is unpacked to disk: its files are read one at a time, so a
path in it such as `../../x` leads nowhere, and a file that is too large is not read.
"""

import io
import re
import unicodedata
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

LARGEST = 100 * 2**20  # bytes of a notebook
LARGEST_ARCHIVE = 5 * LARGEST  # packed, and all that is read of it unpacked
MOST_FILES = 5000  # in an archive
DEEPEST = 3  # archives within archives
# What systems and programs leave behind.
LEFTOVERS = {"__macosx", "__pycache__", "thumbs.db", "desktop.ini"}

MOODLE = re.compile(r"(?P<name>.+?)_(?P<id>\d+)_assignsubmission_[a-z]+_?")
CANVAS = re.compile(
    r"(?P<name>[^\W\d_]+)(?P<late>_late)?_(?P<id>\d+)_(?P<file>\d+)_.+", re.I
)


@dataclass(frozen=True, order=True)
class Student:
    """Who handed in: a name, and the number that the learning platform gave."""

    name: str
    moodle: str = ""
    canvas: str = ""


@dataclass(frozen=True)
class File:
    """A file of a student: its path for humans, its bytes, or why there are none."""

    student: Student
    path: str
    data: bytes | None
    problem: str = ""
    late: bool = False


def files_in(folder: Path, stems: list[str]) -> Iterator[File]:
    """Every notebook in `folder`, one at a time, and a File without data for the rest.

    folder : a student is a folder in it, or an archive; or a file, see `whose`
    stems  : names of the course's notebooks, which are no part of a student's name
    """
    for top in _entries(folder):
        if top.is_dir():
            found = list(_below(top, folder, stems))
            own, _ = whose((top.name, ""), stems)
            yield from found or [File(own, top.name, None, "is an empty folder")]
        else:
            yield from _read(top, folder, stems)


def _below(top: Path, folder: Path, stems: list[str]) -> Iterator[File]:
    for path in _entries(top):
        if path.is_dir():
            yield from _below(path, folder, stems)
        else:
            yield from _read(path, folder, stems)


def _entries(folder: Path) -> list[Path]:
    """Files and folders in order, without what is hidden, and without links."""
    found = sorted(folder.iterdir())
    return [path for path in found if not (_hidden(path.name) or path.is_symlink())]


def _read(path: Path, folder: Path, stems: list[str]) -> Iterator[File]:
    if not path.is_file():
        return
    parts = path.relative_to(folder).parts
    student, late = whose(parts, stems)
    shown = "/".join(parts)
    kind = path.suffix.lower()
    if kind not in (".ipynb", ".zip"):
        if len(parts) > 1 or student.moodle or student.canvas:
            yield File(student, shown, None, "is no notebook", late)
        return
    try:
        most = LARGEST_ARCHIVE if kind == ".zip" else LARGEST
        if path.stat().st_size > most:
            raise OSError(f"larger than {most // 2**20} MB")
        data = path.read_bytes()
    except OSError as error:
        yield File(student, shown, None, f"cannot be read: {error}", late)
        return
    if kind == ".zip":
        yield from _unpacked(data, parts, stems, 1)
    else:
        yield File(student, shown, data, "", late)


def _unpacked(
    data: bytes, parts: tuple[str, ...], stems: list[str], depth: int
) -> Iterator[File]:
    """The files of an archive; it counts as a folder of its own name."""
    shown = "/".join(parts)
    student, late = whose((*parts, ""), stems)
    empty = True
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = archive.infolist()
            size = sum(m.file_size for m in members if m.file_size <= LARGEST)
            if len(members) > MOST_FILES or size > LARGEST_ARCHIVE or depth > DEEPEST:
                raise zipfile.BadZipFile("too large, or too many files in it")
            for member in members:
                for file in _member(archive, member, parts, stems, depth):
                    empty = False
                    yield file
    except Exception as error:  # zipfile raises many kinds for archives that are broken
        yield File(student, shown, None, f"cannot be unpacked: {error}", late)
        return
    if empty:
        yield File(student, shown, None, "is an empty archive", late)


def _member(
    archive: zipfile.ZipFile,
    member: zipfile.ZipInfo,
    parts: tuple[str, ...],
    stems: list[str],
    depth: int,
) -> Iterator[File]:
    steps = [s for s in re.split(r"[\\/]", member.filename) if s not in ("", ".", "..")]
    if member.is_dir() or not steps or any(map(_hidden, steps)):
        return
    where = (*parts, *steps)
    student, late = whose(where, stems)
    shown, kind = "/".join(where), Path(steps[-1]).suffix.lower()
    if kind not in (".ipynb", ".zip"):
        yield File(student, shown, None, "is no notebook", late)
        return
    if member.file_size > LARGEST:
        yield File(student, shown, None, "is larger than 100 MB", late)
        return
    data = archive.read(member)  # never more than the size that the index declares
    if kind == ".zip":
        yield from _unpacked(data, where, stems, depth + 1)
    else:
        yield File(student, shown, data, "", late)


def whose(parts: tuple[str, ...], stems: list[str]) -> tuple[Student, bool]:
    """The student of a path below the folder of submissions, and if it says "late".

    In this order: Moodle's `Name_123_assignsubmission_file_` anywhere in the path,
    Canvas's `namesurname_123_456_file.ipynb` as the file's name, the first folder (or
    archive) of the path, and for a lone file its name without that of the notebook.
    """
    parts = tuple(unicodedata.normalize("NFC", part) for part in parts)
    for part in parts:
        if match := MOODLE.match(part):
            return Student(match["name"].strip(), moodle=match["id"]), False
    for part in (parts[-1], parts[0]):
        if match := CANVAS.fullmatch(part):
            return Student(match["name"], canvas=match["id"]), bool(match["late"])
    first = Path(parts[0])
    if len(parts) > 1:
        name = first.stem if first.suffix.lower() == ".zip" else first.name
        return Student(name.strip()), False
    name = re.sub(r"\s*\(\d+\)$", "", first.stem)
    for stem in stems:
        name = re.sub(re.escape(stem), "", name, flags=re.I)
    return Student(name.strip(" _-.,") or first.stem), False


def _hidden(name: str) -> bool:
    return name.startswith(".") or name.lower() in LEFTOVERS
