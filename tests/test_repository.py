"""The repository as a whole: packages, commands, layers, and house rules."""

import ast
import os
import re
import shutil
import stat
import subprocess
import sys
import tomllib
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from utils.evaluate.cache import SOURCES
from utils.files import ROOT
from utils.teach.exercise import registry

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
LAYERS = ["world", "models", "align", "evaluate", "show", "teach"]
MODULES = sorted((ROOT / "utils").rglob("*.py"))
PAGES = [f"course/{path.name}" for path in sorted((ROOT / "course").glob("*.md"))]


@cache
def tracked() -> list[Path]:
    """Every file that git has or would add; all files where there is no git."""
    listing = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    try:
        out = subprocess.run(listing, cwd=ROOT, capture_output=True, check=True).stdout
        paths = [ROOT / name for name in out.decode().split("\0") if name]
    except (OSError, subprocess.CalledProcessError):
        skip = {".venv", "work", ".git"}
        paths = [p for p in ROOT.rglob("*") if p.relative_to(ROOT).parts[0] not in skip]
    return [path for path in paths if path.is_file()]


def requirements(*extras: str) -> dict[str, Requirement]:
    lines = list(PROJECT["project"]["dependencies"])
    for extra in extras:
        lines += PROJECT["project"]["optional-dependencies"][extra]
    found = [Requirement(line) for line in lines]
    return {canonicalize_name(requirement.name): requirement for requirement in found}


def imports(path: Path) -> set[str]:
    """The full names of the modules that a Python file imports."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            found.add(node.module)
            if node.module == "utils":
                found |= {f"utils.{alias.name}" for alias in node.names}
    return found


def undeclared(paths: list[Path], *extras: str) -> set[str]:
    declared, owners = requirements(*extras), packages_distributions()
    tops = {name.split(".")[0] for path in paths for name in imports(path)}
    outside = tops - set(sys.stdlib_module_names) - {"utils", "tests", "conftest"}
    return {
        top
        for top in outside
        if not {canonicalize_name(name) for name in owners.get(top, [top])}
        & set(declared)
    }


# Packages.


def test_every_import_is_declared():
    bench = ROOT / "utils" / "bench.py"  # compares with TRL, so it needs the extra
    # run.py says what to install where a cluster is asked for and dask is missing.
    assert undeclared([path for path in MODULES if path != bench]) == {"dask"}
    assert undeclared(MODULES, "test") == set()
    tests, classroom = [ROOT / "conftest.py"], []
    for path in (ROOT / "tests").rglob("*.py"):
        (classroom if path.parent.name == "classroom" else tests).append(path)
    assert undeclared([*tests, *(ROOT / "solutions").glob("*.py")], "test") == set()
    assert undeclared(classroom, "test", "classroom") == set()


def test_an_undeclared_import_would_be_noticed(tmp_path):
    module = tmp_path / "module.py"
    module.write_text(
        "import os\nimport pip\nfrom numpy.linalg import norm\n", encoding="utf-8"
    )
    assert undeclared([module]) == {"pip"}


def test_constraints_pin_every_requirement_within_its_range():
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = dict(line.split("==") for line in lines if not line.startswith("#"))
    pins = {canonicalize_name(name): version for name, version in pins.items()}
    assert pins["torch"] == "2.13.0"  # a pin without +cpu fits every build of it
    for name, requirement in requirements("test", "classroom").items():
        assert requirement.specifier.contains(pins[name]), name


def test_environment_leaves_all_but_python_to_pyproject():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    assert environment["name"] == PROJECT["project"]["name"] == "deliberate"
    assert environment["channels"] == ["conda-forge", "nodefaults"]
    python, pip, rest = environment["dependencies"]
    assert python == "python=3.11" and pip == "pip"
    assert Requirement(f"python{PROJECT['project']['requires-python']}").specifier
    assert rest == {"pip": ["-c constraints.txt", "-e .[test]"]}


def test_data_files_are_part_of_the_package():
    patterns = PROJECT["tool"]["setuptools"]["package-data"]["utils"]
    suffixes = {pattern.removeprefix("**/*") for pattern in patterns}
    for path in tracked():
        if path.is_relative_to(ROOT / "utils") and path.suffix != ".py":
            assert path.suffix in suffixes, path


def test_the_readme_gives_each_notebooks_minutes_and_points():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    row = r"^\| \[\d+\]\(solutions/(\w+)\.ipynb\) \|.*\| (\d+) \| (\d+) \|$"
    said = {n: (int(m), int(p)) for n, m, p in re.findall(row, readme, re.M)}
    found = {}
    for source in sorted((ROOT / "solutions").glob("*.py")):
        text = source.read_text(encoding="utf-8").replace("*", "").replace("\n# ", " ")
        minutes = re.search(r"Time:? (?:about )?(\d+) minutes", text)
        points = [e.points for e in registry().values() if e.notebook == source.stem]
        assert re.search(rf"Points:? {sum(points):g}\b", text), source.stem
        found[source.stem] = (int(minutes[1]), sum(points))
    assert said == found


@pytest.mark.parametrize("page", ["README.md", *PAGES], ids=str)
def test_the_links_of_a_page_lead_somewhere(page):
    path = ROOT / page
    links = re.findall(r"\]\(([^)\s]+)\)", path.read_text(encoding="utf-8"))
    inside = [link for link in links if not link.startswith(("https://", "#"))]
    assert inside
    for link in inside:
        assert (path.parent / link).exists(), link
    if page in PAGES:  # `make lab` copies it to work/, which has the same parent
        assert [link for link in inside if not link.startswith("../")] == []


# House rules.


def test_no_large_files_but_weights():
    large = [path for path in tracked() if path.stat().st_size > 1_000_000]
    assert [path for path in large if path.suffix != ".safetensors"] == []


def test_no_path_of_one_machine_and_no_leftovers():
    bad = re.compile(r"/work/(main|shared)|/roo[t]/|/home/\w+/|\b(FIX[M]E|XX[X])\b")
    picture = re.compile(r'"image/png": "[^"]*"')  # letters by chance, not words
    for path in tracked():
        if path.suffix in {".safetensors", ".png"}:
            continue
        match = bad.search(picture.sub("", path.read_text(encoding="utf-8")))
        assert match is None, f"{path.relative_to(ROOT)} mentions {match[0]}"


def test_git_ignores_the_learners_work_and_the_environment():
    names = [
        "work/00_lab.ipynb",
        ".venv/bin/python",
        "utils/__pycache__/a.pyc",
        "a.log",
    ]
    command = ["git", "check-ignore", *names]
    if not (ROOT / ".git").exists():
        pytest.skip("not a git clone")
    out = subprocess.run(command, cwd=ROOT, capture_output=True, text=True).stdout
    assert out.split() == names


def test_every_module_belongs_to_a_layer():
    ground = {"__init__.py", "files.py"}  # below all of them
    above = {"bench.py"}
    inside = {path.relative_to(ROOT / "utils") for path in MODULES}
    alone = {path.name for path in inside if len(path.parts) == 1}
    assert alone == ground | above
    assert {path.parts[0] for path in inside} - alone == set(LAYERS)
    assert not [n for n in imports(ROOT / "utils" / "files.py") if "utils" in n]


@pytest.mark.parametrize("layer", LAYERS)
def test_imports_run_one_way(layer):
    above = LAYERS[LAYERS.index(layer) + 1 :]
    for path in (ROOT / "utils" / layer).rglob("*.py"):
        for name in imports(path):
            parts = name.split(".")
            if parts[0] == "utils" and len(parts) > 1:
                assert parts[1] not in above, f"{path.relative_to(ROOT)}: {name}"


def test_the_key_covers_every_module_that_training_imports():
    found, waiting = set(), [ROOT / "utils" / "evaluate" / "arms.py"]
    while waiting:
        path = waiting.pop()
        if path.exists() and path not in found:
            found.add(path)
            waiting += [module_path(name) for name in imports(path)]
    covered = {p for s in SOURCES for p in (ROOT / "utils").glob(s)}
    keeping = {module_path(name) for name in ("utils.files", "utils.evaluate.cache")}
    assert found - covered == keeping
    assert len(found) > 20


def module_path(name: str) -> Path:
    return ROOT / (name.replace(".", "/") + ".py")


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_modules_and_functions_are_short_and_documented(path):
    text = path.read_text(encoding="utf-8")
    tree = ast.parse(text)
    assert ast.get_docstring(tree), "a module says what it is for"
    assert len(text.splitlines()) <= 350
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            length = node.end_lineno - node.lineno + 1
            assert length <= 60, f"{node.name} has {length} lines"
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name[0] != "_":
            assert ast.get_docstring(node), f"{node.name} has no docstring"


@pytest.mark.parametrize("command", [["check", "."], ["format", "--check", "."]])
def test_style(command):
    done = subprocess.run(
        [sys.executable, "-m", "ruff", *command],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout


# Commands: scripts/install.sh with stand-ins for python, pip and df.

PYTHON = """#!/bin/sh
echo "$(basename "$0") $*" >> log
case "$1" in
    --version) echo "Python {version}" ;;
    -c) exit {unfit} ;;
esac
case "$1 $2 $3" in
    "-m venv --clear") {venv} && mkdir -p .venv/bin && cp "$0" .venv/bin/python ;;
    "-m pip install") {pip} ;;
esac
"""


@pytest.fixture
def clone(tmp_path):
    """A folder with the commands of this one, and bin/ with stand-ins first on PATH."""
    for name in ("Makefile", "scripts/install.sh", "pyproject.toml", "constraints.txt"):
        target = tmp_path / "clone" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, target)
    (tmp_path / "bin").mkdir()
    for name in ("python3", "python3.13", "python3.12", "python3.11"):
        stand_in(tmp_path / "clone", name, version="3.9.2", unfit=1)
    program(
        tmp_path / "clone", "df", "#!/bin/sh\nprintf 'd\\nd 1 1 9000000 0%% /\\n'\n"
    )
    return tmp_path / "clone"


def program(clone, name, text):
    path = clone.parent / "bin" / name
    path.write_text(text, encoding="utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


def stand_in(clone, name, version="3.12.4", unfit=0, venv="true", pip="true"):
    text = PYTHON.format(version=version, unfit=unfit, venv=venv, pip=pip)
    program(clone, name, text)


def make(clone, *arguments):
    path = f"{clone.parent / 'bin'}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "MAKEFLAGS": ""}
    done = subprocess.run(
        ["make", *arguments], cwd=clone, env=environment, capture_output=True, text=True
    )
    return done.returncode, done.stdout + done.stderr


def log(clone):
    return (clone / "log").read_text(encoding="utf-8")


def test_make_takes_the_first_python_that_fits(clone):
    stand_in(clone, "python3.12")
    stand_in(clone, "python3.11", version="3.11.9")
    status, out = make(clone, ".venv/installed")
    assert status == 0, out
    assert "Making .venv with Python 3.12.4" in out
    assert "python3.12 -m venv --clear .venv" in log(clone)
    assert "-e .[test] -c constraints.txt" in log(clone)
    assert "python3.11 -m" not in log(clone)


def test_make_prefers_the_plain_python3_and_a_python_by_name(clone):
    stand_in(clone, "python3", version="3.13.1")
    stand_in(clone, "python3.12")
    assert "Making .venv with Python 3.13.1" in make(clone, ".venv/installed")[1]
    shutil.rmtree(clone / ".venv")
    named = make(clone, ".venv/installed", "PYTHON=python3.12")
    assert "Making .venv with Python 3.12.4" in named[1]


def test_make_installs_once_and_again_when_the_lists_change(clone):
    stand_in(clone, "python3")
    make(clone, ".venv/installed")
    (clone / "log").unlink()
    make(clone, ".venv/installed")
    assert "install" not in log(clone) and "venv" not in log(clone)
    later = (clone / ".venv" / "installed").stat().st_mtime + 5
    os.utime(clone / "constraints.txt", (later, later))
    make(clone, ".venv/installed")
    assert "pip install" in log(clone)
    assert "venv --clear" not in log(clone)


def test_make_explains_a_wrong_python(clone):
    status, out = make(clone, "lab")
    assert status != 0
    assert "needs Python 3.11, 3.12 or 3.13, and 'python3' is Python 3.9.2" in out
    assert "'nowhere' is missing or broken" in make(clone, "lab", "PYTHON=nowhere")[1]
    assert not (clone / ".venv").exists()


def test_make_repairs_an_environment_whose_python_is_gone(clone):
    stand_in(clone, "python3")
    make(clone, ".venv/installed")
    (clone / ".venv" / "bin" / "python").unlink()
    status, out = make(clone, "lab")
    assert status == 0 and "Making .venv" in out


def test_make_says_when_the_disk_filled_up_meanwhile(clone):
    stand_in(clone, "python3", pip="exit 1")
    filling = (
        "#!/bin/sh\n[ -e .venv ] && k=99 || k=9000000\necho d; echo d 1 1 $k 0 /\n"
    )
    program(clone, "df", filling)
    status, out = make(clone, "lab")
    assert status != 0 and "The disk is full" in out


def test_make_explains_a_full_disk(clone):
    stand_in(clone, "python3")
    program(clone, "df", "#!/bin/sh\nprintf 'd\\nd 1 1 1024000 0%% /\\n'\n")
    status, out = make(clone, "test")
    assert status != 0
    assert "needs 3 GB of free disk and this folder has 1000 MB" in out
    assert not (clone / ".venv").exists()


def test_make_explains_a_failed_installation_and_tries_again(clone):
    stand_in(clone, "python3", venv="false")
    status, out = make(clone, "lab")
    assert status != 0 and "sudo apt install python3-venv" in out
    stand_in(clone, "python3", pip="exit 1")
    status, out = make(clone, "lab")
    assert status != 0 and "The installation did not finish" in out
    assert not (clone / ".venv" / "installed").exists()
    stand_in(clone, "python3")
    shutil.rmtree(clone / ".venv")
    assert make(clone, ".venv/installed")[0] == 0


def test_commands_pass_their_arguments_on(clone):
    stand_in(clone, "python3")
    for arguments, want in [
        (["lab", "ARGS=--no-browser"], "-m utils.teach.start --no-browser"),
        (["test", "ARGS=-k dpo"], "-m pytest -n 2 --dist loadfile -k dpo"),
        (["run"], "-m utils.evaluate.run"),
        (["grade", "ARGS=folder"], "-m utils.teach.grade folder"),
        (["results", "ARGS=--workers 1"], "-m utils.evaluate.run --all --workers 1"),
        (["results"], "-m utils.show.headline"),
        (["build", "ARGS=13"], "-m utils.teach.builder 13"),
        (["lint"], "-m utils.teach.builder --check"),
    ]:
        assert make(clone, *arguments)[0] == 0
        assert want in log(clone)


def test_help_names_every_command(clone):
    out = make(clone)[1]
    for name in "lab test classroom grade run results build lint".split():
        assert re.search(rf"^{name} +\w+", out, re.MULTILINE)


def test_the_clean_clone_check_runs_the_same_tests():
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    lines = script.read_text(encoding="utf-8").splitlines()
    assert "make test" in lines and "make classroom" in lines
    assert subprocess.run(["bash", "-n", str(script)]).returncode == 0
    for path in (ROOT / "scripts").glob("*.sh"):
        assert subprocess.run(["sh", "-n", str(path)]).returncode == 0
