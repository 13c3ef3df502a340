"""Grade a folder of submitted notebooks: `python -m utils.teach.grade --help`.

    python -m utils.teach.grade submissions/ --out grades/

In:  what a learning platform gives you, or any folder in which a student is a folder,
     an archive or a file; `utils/teach/grading/find.py` says how a name is found. Other
     files may lie among them. Which notebook a file is, its cells say, not its name.
     Of several versions of a notebook the one with most points counts.
Out: grades/grades.csv        a row a student: points, status, flags, notes
     grades/moodle.csv        Moodle: "Upload grading worksheet", or "Grades, Import"
     grades/canvas.csv        Canvas: "Grades, Import"; --title names the assignment
     grades/feedback/*.html   a page a student, to hand out
     grades/summary.html      exercises, most frequent mistakes, whom to look at
     grades/items.csv         the same numbers
With --roster FILE.csv, exported from Moodle (the grading worksheet) or Canvas (the
gradebook), addresses and numbers are filled in, and who handed in nothing has a row.
Moodle's worksheet can only be uploaded with all of its columns: give it as the roster,
and moodle.csv is that worksheet with grades.

With --extra-checks FILE.py, a list EXERCISES in the form of utils/teach/exercise.py
adds parts to exercises of the course. Students see their points and nothing else.

Only the cells of exercises are taken from a submission. Each runs in a process of its
own, with what it needs of the course's own notebook, and then the course's own check:
edited or deleted checks change nothing. Time, memory, files and output are limited.
Network, other programs and writing elsewhere are refused. Results are kept in
grades/finished: stop the command at any time, the next run continues.

What this cannot prevent. A check calls the learner's function and follows its
gradients, so both share a process. Code that is written to deceive its check can find
and change it, in memory, while it runs. Against accidents and plain attempts:

- the points come from the process through a pipe, with a token that it was given
  before the cell ran; there is no file of results that a cell could write;
- a cell that earned points is followed by an empty and by a known wrong answer, in the
  same process. If they score more than they should, the cell gets 0 points: "tampered";
- sources that reach for the checks, the process, frames, files or the network are
  flagged for a human, and lose nothing by that.

On Linux, where `unshare` is allowed, cells have no network and see no process but the
grader's; elsewhere an audit hook of Python refuses both, which is no sandbox. Either
way the code runs with your rights and can read your files: use an account without any,
or a container, for people whom you do not trust.
"""

import argparse
import sys
from functools import partial
from pathlib import Path

from tqdm import tqdm

from utils import files
from utils.teach.grading import demo, pages, tables
from utils.teach.grading.context import modules_of
from utils.teach.grading.find import Student, files_in
from utils.teach.grading.notebook import (
    Lab,
    NotANotebook,
    course,
    handed_in,
    read_cells,
    version,
)
from utils.teach.grading.pool import CannotStart, Pool, Settings
from utils.teach.grading.records import (
    MOST_VERSIONS,
    Row,
    Submission,
    fill_in,
    row_of,
    version_of,
)
from utils.teach.grading.store import Store, key_of

Submissions = dict[Student, Submission]
MOST_PROBLEMS = 20  # files of one student that are named as no notebook


class Wrong(Exception):
    """A reason not to grade at all, in words for the lecturer."""


def gather(folder: Path, labs: dict[str, Lab], only: list[str]) -> Submissions:
    """What each student handed in; with `only`, no notebooks of other names."""
    found: Submissions = {}
    for file in files_in(folder, list(labs)):
        mine = found.setdefault(file.student, Submission())
        mine.late |= file.late
        try:
            if file.data is None:
                raise NotANotebook(file.problem)
            handed = handed_in(read_cells(file.data), labs)
            if only and handed.stem not in only:
                raise NotANotebook(f"is {handed.stem}, which is not graded")
            mine.versions.append(version_of(file.path, handed, labs[handed.stem]))
        except Exception as error:  # one bad submission never stops the run
            known = isinstance(error, NotANotebook)
            why = error if known else f"cannot be read: {type(error).__name__}"
            if len(mine.problems) < MOST_PROBLEMS:
                mine.problems.append(f"{file.path} {why}")
            continue
        same = [v for v in mine.versions if v.handed.stem == handed.stem]
        if len(same) > MOST_VERSIONS:
            mine.versions.remove(same[0])
            mine.problems.append(f"{same[0].path} is one version too many, left out")
    return dict(sorted(found.items()))


def run(
    submissions: Submissions, labs: dict[str, Lab], settings: Settings, store: Store
) -> dict:
    """Run every cell that has no finished result, and fill the outcomes in.

    Returns what the workers said of themselves. Raises Wrong, before any cell is run,
    when the course's own answers do not pass here.
    """
    all_versions = [v for s in submissions.values() for v in s.versions]
    tasks = [(v, name, task) for v in all_versions for name, task in v.tasks.items()]
    names = list(dict.fromkeys(name for _, name, _ in tasks))
    statements = {s for _, _, task in tasks for s in task["context"]}
    settings.modules.extend(modules_of(sorted(statements)))
    now = version(files.ROOT, settings.extra)
    with Pool(settings) as pool:
        said = {**pool.hello(), "isolated": pool.isolated}
        measures = {key_of({"calibrate": n}, now): {"calibrate": n} for n in names}
        known = _ask(pool, store, {k: ("", t) for k, t in measures.items()}, "checks")
        wrong = {}
        for key, task in measures.items():
            wrong[task["calibrate"]] = _calibrated(known[key])
        owners = {id(v): s for s, mine in submissions.items() for v in mine.versions}
        wanted = {}
        for handed, name, task in tasks:
            task = {**task, "wrong": wrong[name]}
            handed.keys[name] = key_of(task, now)
            wanted.setdefault(handed.keys[name], (str(owners[id(handed)]), task))
        results = _ask(pool, store, wanted, "cells")
    for handed in all_versions:
        fill_in(handed, results, labs[handed.handed.stem].points, said["extra"])
    return said


def _ask(pool: Pool, store: Store, wanted: dict, what: str) -> dict[str, dict]:
    """Results by key: those that are finished, and from the pool the others."""
    results = {key: store.get(key) for key in wanted}
    missing = {key: wanted[key] for key, found in results.items() if found is None}
    for key, result in tqdm(pool.run(missing), what, total=len(missing), unit=""):
        store.put(key, result)
        results[key] = result
    return {key: found for key, found in results.items() if found is not None}


def _calibrated(measured: dict) -> float:
    if "wrong" not in measured or measured["lines"]:
        why = "\n".join(measured["lines"])
        raise Wrong(f"The course's own answer does not pass its check here.\n{why}")
    return measured["wrong"]


def report(rows: list[Row], labs: list[Lab], said: dict, options) -> list[str]:
    """Write all tables and pages; returns sentences about what could not be done."""
    out, extra = options.out, said["extra"]
    most = tables.out_of(labs, extra)
    found = tables.items(rows, labs)
    missing = list(said["missing"])
    if not said["isolated"]:
        missing.append("Here an audit hook refuses the network, which is no sandbox.")
    tables.write_grades(rows, labs, extra, out / "grades.csv")
    tables.write_moodle(rows, out / "moodle.csv")
    tables.write_canvas(rows, most, options.title, out / "canvas.csv")
    tables.write_items(found, out / "items.csv")
    for row in rows:
        page = pages.feedback(row, labs, extra, most)
        pages.write(out / "feedback" / f"{pages.page_name(row)}.html", page)
    pages.write(out / "summary.html", pages.summary(rows, found, most, missing))
    return missing


def grade_folder(options: argparse.Namespace) -> list[Row]:
    """Grade what `options` say. Raises Wrong or CannotStart when that is impossible."""
    labs = course(files.ROOT)
    only = [
        stem for name in options.notebooks for stem in labs if stem.startswith(name)
    ]
    for name in options.notebooks:
        if not any(stem.startswith(name) for stem in labs):
            raise Wrong(f"No notebook of the course starts with {name!r}.")
    if not options.folder.is_dir():
        raise Wrong(f"{options.folder} is no folder.")
    if options.out.resolve().is_relative_to(options.folder.resolve()):
        raise Wrong(f"{options.out} must not be in {options.folder}.")
    roster = tables.read_roster(options.roster) if options.roster else []
    submissions = gather(options.folder, labs, only)
    if not submissions:
        raise Wrong(f"There is nothing in {options.folder}.")
    handed = {v.handed.stem for s in submissions.values() for v in s.versions}
    graded = [lab for lab in labs.values() if lab.stem in (only or handed)]
    settings = Settings(
        workers=options.workers,
        seconds=options.seconds,
        megabytes=options.megabytes,
        minutes=options.minutes,
        extra=options.extra_checks,
        spawn=options.spawn,
    )
    said = run(submissions, labs, settings, Store(options.out / "finished"))
    rows = [row_of(student, mine, graded) for student, mine in submissions.items()]
    if roster:
        tables.add_roster(rows, roster, graded)
    for sentence in report(rows, graded, said, options):
        print(sentence)
    return rows


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m utils.teach.grade",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = partial(parser.add_argument)
    add("folder", type=Path, help="where the submissions are")
    add("--out", type=Path, default=Path("grades"), help="default: %(default)s")
    add("--notebooks", nargs="+", default=[], help="such as 13 or 13_dpo; default: all")
    add("--workers", type=int, default=2, help="processes side by side")
    add("--seconds", type=int, default=20, help="of computing for a cell and its check")
    add("--minutes", type=float, default=600, help="for all; the next run continues")
    add("--megabytes", type=int, default=2000, help="of memory for a cell (Linux)")
    add("--extra-checks", type=Path, help="a file with EXERCISES, see exercise.py")
    add("--roster", type=Path, help="a CSV file that Moodle or Canvas exported")
    add("--title", default="Deliberate", help="the assignment's column in Canvas")
    add(
        "--demo", type=int, help="first write so many made-up submissions to the folder"
    )
    add("--spawn", action="store_true", help=argparse.SUPPRESS)  # as without fork
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    """The command line; returns the exit status."""
    options = _options(arguments)
    try:
        if options.demo:
            if options.folder.exists() and any(options.folder.iterdir()):
                raise Wrong("--demo needs an empty folder.")
            demo.write(options.folder, options.demo)
        rows = grade_folder(options)
    except (Wrong, CannotStart, ValueError, OSError) as error:
        print(error)
        return 1
    except KeyboardInterrupt:
        print(
            "\nStopped. What is finished is kept; the same command goes on from there."
        )
        return 130
    look = sum(bool(row.flags) for row in rows)
    print(
        f"{len(rows)} students; {look} to look at: see {options.out / 'summary.html'}."
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
