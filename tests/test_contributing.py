"""The example in CONTRIBUTING.md works as it is printed there."""

import re
from types import ModuleType

import pytest
import yaml

from utils.files import ROOT
from utils.teach.builder import render
from utils.teach.checks import grade

PAGE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")


def listings(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.M | re.S)


@pytest.fixture(scope="module")
def exercise():
    module = ModuleType("example")
    exec(listings("python")[0], module.__dict__)
    (exercise,) = module.EXERCISES
    return exercise


def test_the_exercise_tells_right_from_wrong(exercise):
    assert grade(exercise, exercise.reference) == exercise.points
    assert len(exercise.mutants) >= 4
    for mutant in exercise.mutants.values():
        score = grade(exercise, mutant.answer)
        failed = [line for line in score.lines if line.startswith("FAIL")]
        assert mutant.message in failed[0]


def test_the_cells_become_a_notebook_and_solve_the_exercise(exercise, tmp_path):
    source = tmp_path / f"{exercise.notebook}.py"
    source.write_text(listings("python")[1], encoding="utf-8")
    cells = {cell.id: cell for cell in render(source, solved=True).cells}
    names: dict = {}
    exec(cells[f"ex-{exercise.name}"].source, names)
    assert grade(exercise, names[exercise.name]) == exercise.points
    about = cells[f"check-{exercise.name}"].metadata.nbgrader
    assert about.points == exercise.points


def test_the_workflow_is_yaml_and_installs_both_ends():
    (workflow,) = map(yaml.safe_load, listings("yaml"))
    rows = workflow["jobs"]["test"]["strategy"]["matrix"]["include"]
    assert [row["set"] for row in rows] == ["oldest", "newest"]


def test_every_file_that_the_page_names_exists():
    named = re.findall(r"`((?:utils|tests|solutions)/[\w/.]+)`", PAGE)
    named += [".ci/run", "constraints.txt", "pyproject.toml"]
    assert len(named) > 5
    for name in named:
        made_up = re.search(r"NAME|NN_|balanced", name)
        assert made_up or (ROOT / name).exists(), name
