"""The builder on toy sources, and the course's own notebooks against theirs."""

import ast
import json

import nbformat
import pytest

from utils import files
from utils.teach import lint
from utils.teach.builder import (
    SourceError,
    build,
    find_sources,
    main,
    problems,
    render,
    stripped,
    text_of,
)
from utils.teach.exercise import Exercise, Part

TOY = '''# %% [markdown]
# # A toy
#
# ## Exercise: write `double` and `guess`

# %%
def check(name, answer):
    print(name)

# %% exercise="double"
def double(x: int) -> int:
    """Return 2 x."""
    # BEGIN SOLUTION
    return 2 * x
    # END SOLUTION

# %% check="double" points=4
check("double", double)

# %% exercise="guess"
# BEGIN SOLUTION
# STUB: guess = None
guess = 3
# END SOLUTION

# %% check="guess" points=1 tags=["slow"]
check("guess", guess)

# %% [markdown] solution_only=true
# Why this is right.

# %%
import os

print(os.environ["TQDM_DISABLE"])
'''


@pytest.fixture
def root(tmp_path):
    (tmp_path / "solutions").mkdir()
    (tmp_path / "solutions" / "00_toy.py").write_text(TOY, encoding="utf-8")
    return tmp_path


@pytest.fixture
def source(root):
    return root / "solutions" / "00_toy.py"


def fake_build(source):
    """Both notebooks as a build leaves them, without starting a kernel."""
    root, solved = source.parents[1], render(source, solved=True)
    for count, cell in enumerate(solved.cells, 1):
        if cell.cell_type == "code":
            cell.execution_count = count
            cell.outputs = [nbformat.v4.new_output("stream", text="ok\n")]
    (root / "course").mkdir(exist_ok=True)
    course = root / "course" / "00_toy.ipynb"
    course.write_bytes(text_of(render(source, solved=False)))
    source.with_suffix(".ipynb").write_bytes(text_of(solved))
    return solved


@pytest.fixture
def registered(monkeypatch):
    """An exercise for each of the toy's two, so that the lints find them."""
    part = [Part("right", lambda answer: None)]
    exercises = {
        "double": Exercise("double", "00_toy", None, part * 4, {}),
        "guess": Exercise("guess", "00_toy", None, part, {}),
    }
    monkeypatch.setattr(lint, "registry", lambda: exercises)
    return exercises


def test_the_courses_notebooks_agree_with_their_sources():
    assert problems(files.ROOT, find_sources(files.ROOT, [])) == []


def test_every_registered_exercise_is_in_its_notebook():
    built = {source.stem: source for source in find_sources(files.ROOT, [])}
    for exercise in lint.registry().values():
        if exercise.notebook in built:
            mark = f'exercise="{exercise.name}"'
            assert mark in built[exercise.notebook].read_text(encoding="utf-8"), (
                exercise.name
            )


def test_learner_gets_stubs_and_reader_gets_solutions(source):
    student, solved = render(source, solved=False), render(source, solved=True)
    cells = {cell.id: cell for cell in student.cells}
    assert cells["ex-double"].source.endswith(
        "    # YOUR CODE HERE\n"
        '    raise NotImplementedError("exercise not attempted yet")'
    )
    assert cells["ex-guess"].source == "# YOUR CODE HERE\nguess = None"
    assert "Why this is right" not in str(student.cells)
    assert "SOLUTION" not in str(student.cells) + str(solved.cells)
    cells = {cell.id: cell for cell in solved.cells}
    assert cells["ex-double"].source.endswith('"""Return 2 x."""\n    return 2 * x')
    assert cells["ex-guess"].source == "guess = 3"
    assert "Why this is right" in str(solved.cells)
    for cell in student.cells:
        if cell.cell_type == "code":
            ast.parse(cell.source)


def test_metadata_is_what_nbgrader_and_nbval_read(source):
    student, solved = render(source, solved=False), render(source, solved=True)
    check = next(cell for cell in solved.cells if cell.id == "check-guess")
    assert check.metadata.nbgrader == {
        "grade": True,
        "grade_id": "check-guess",
        "locked": True,
        "points": 1,
        "schema_version": 3,
        "solution": False,
        "task": False,
    }
    assert check.metadata.editable is False
    assert check.metadata.tags == ["slow", "nbval-check-output"]
    exercise = next(cell for cell in student.cells if cell.id == "ex-double")
    assert exercise.metadata.nbgrader.solution is True
    assert exercise.metadata.deletable is False
    check = next(cell for cell in student.cells if cell.id == "check-guess")
    assert check.metadata.tags == ["slow"]
    nbformat.validate(student)
    nbformat.validate(solved)


def test_rendering_twice_gives_the_same_bytes(source):
    assert text_of(render(source, True)) == text_of(render(source, True))


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("    # END SOLUTION\n", "", "has no"),
        ("    # END SOLUTION", "    # BEGIN SOLUTION", "not expected here"),
        ("    # BEGIN SOLUTION\n", "", "not expected here"),
        ('exercise="double"', 'exersise="double"', "unknown cell metadata exersise"),
        ('exercise="guess"', 'exercise="double"', "a second cell is called"),
        ('# %% exercise="double"', "# %%", 'needs exercise="name"'),
        ("# STUB: guess = None\n", "", "outside a function needs"),
        (" points=4", "", "needs points"),
        ("# %% [markdown] s", "# %% [raw] s", "only code and markdown"),
    ],
)
def test_a_broken_source_is_explained(source, old, new, complaint):
    assert old in TOY
    source.write_text(TOY.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(SourceError, match=complaint):
        render(source, solved=False)
    assert any(complaint in line for line in problems(source.parents[1], [source]))


def test_build_executes_once_and_then_has_nothing_to_do(root, source, registered):
    assert build(root, source) == [
        "wrote course/00_toy.ipynb",
        "executed solutions/00_toy.ipynb",
    ]
    solved = nbformat.read(source.with_suffix(".ipynb"), 4)
    assert [o.text for c in solved.cells for o in c.get("outputs", [])] == [
        "double\n",
        "guess\n",
        "1\n",
    ]
    assert text_of(stripped(solved)) == text_of(render(source, solved=True))
    assert solved.metadata == render(source, solved=True).metadata
    before = source.with_suffix(".ipynb").read_bytes()
    assert build(root, source) == []
    assert build(root, source, again=True) == []  # executing is byte-stable
    assert source.with_suffix(".ipynb").read_bytes() == before
    assert main(["--check", "00"], root) == 0


def never(*_):
    raise AssertionError("executed")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("# # A toy", "# # Our toy"),
        ("# Why this is right.", "# Why.\n#\n# Because it is right."),
        ("\n# %%\nimport os", "\n# That is all.\n\n# %%\nimport os"),
    ],
)
def test_new_prose_keeps_the_outputs(root, source, monkeypatch, old, new):
    before = fake_build(source)
    assert TOY.count(old) == 1
    source.write_text(TOY.replace(old, new), encoding="utf-8")
    monkeypatch.setattr("utils.teach.builder.execute", never)
    assert build(root, source)[-1] == "kept the outputs of solutions/00_toy.ipynb"
    built = nbformat.read(source.with_suffix(".ipynb"), 4)
    assert text_of(stripped(built)) == text_of(render(source, solved=True))
    assert [c.get("outputs") for c in built.cells] == [
        c.get("outputs") for c in before.cells
    ]
    assert [c.get("execution_count") for c in built.cells] == [
        c.get("execution_count") for c in before.cells
    ]
    assert build(root, source) == []
    with pytest.raises(AssertionError, match="executed"):
        build(root, source, again=True)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("return 2 * x", "return x * 2"),
        ("points=1", "points=2"),
        (' tags=["slow"]', ""),
        ("# %%\nimport os", "# %%\nprint(1)\n\n# %%\nimport os"),
        ("# %%\nimport os", "# %% [markdown]\n# Another cell.\n\n# %%\nimport os"),
    ],
)
def test_new_code_is_executed(root, source, monkeypatch, old, new):
    fake_build(source)
    assert TOY.count(old) == 1
    source.write_text(TOY.replace(old, new), encoding="utf-8")
    monkeypatch.setattr("utils.teach.builder.execute", never)
    with pytest.raises(AssertionError, match="executed"):
        build(root, source)


def test_prose_does_not_save_outputs_that_show_an_error(root, source, monkeypatch):
    solved = fake_build(source)
    error = nbformat.v4.new_output("error", ename="E", evalue="bad")
    next(c for c in solved.cells if c.cell_type == "code").outputs = [error]
    source.with_suffix(".ipynb").write_bytes(text_of(solved))
    source.write_text(TOY.replace("A toy", "Our toy"), encoding="utf-8")
    monkeypatch.setattr("utils.teach.builder.execute", never)
    with pytest.raises(AssertionError, match="executed"):
        build(root, source)


def test_a_failing_cell_stops_the_build_with_its_error(root, source, capsys):
    source.write_text("# %%\n1 / 0\n", encoding="utf-8")
    assert main([], root) == 1
    assert "ZeroDivisionError" in capsys.readouterr().out
    assert not source.with_suffix(".ipynb").exists()


def test_check_reports_every_kind_of_drift(root, source, registered, capsys):
    fake_build(source)
    assert problems(root, [source]) == []
    source.write_text(source.read_text(encoding="utf-8").replace("A toy", "Our toy"))
    assert main(["--check"], root) == 1
    out = capsys.readouterr().out
    assert "course/00_toy.ipynb: differs" in out
    assert "solutions/00_toy.ipynb: differs" in out
    (root / "course" / "01_gone.ipynb").write_text("{}", encoding="utf-8")
    source.with_suffix(".ipynb").unlink()
    found = "\n".join(problems(root, [source]))
    assert "course/01_gone.ipynb: solutions/01_gone.py is gone" in found
    assert "solutions/00_toy.ipynb: is missing" in found


def test_recorded_outputs_that_test_nothing_are_reported(source):
    solved = fake_build(source)
    assert lint.lint_recorded(solved) == []
    assert all("not executed" in line for line in lint.lint_recorded(stripped(solved)))
    assert len(lint.lint_recorded(stripped(solved))) == 6
    code = [cell for cell in solved.cells if cell.cell_type == "code"]
    code[0].outputs = [nbformat.v4.new_output("error", ename="E", evalue="bad")]
    code[1].outputs = [nbformat.v4.new_output("stream", name="stderr", text="W")]
    code[2].outputs = []
    code[3].outputs[0].text = f"{files.ROOT}/utils"
    solved.metadata["widgets"] = {}
    found = "\n".join(lint.lint_recorded(solved))
    for complaint in ("an error", "no output", "stderr", "a path", "widget state"):
        assert complaint in found


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("points=4", "points=3", "needs points=4"),
        ('# %% check="double" points=4', "# %%", "has no check cell"),
        ('check="guess"', 'check="gues"', "has no exercise cell"),
        ("write `double` and", "write", "does not name it"),
        ('check("double", double)', "print(1)", "does not call check"),
        ("guess = 3", f"guess = {'3 + ' * 20}3", "more than 76"),
    ],
)
def test_lints_of_the_source(source, registered, old, new, complaint):
    assert lint.lint_source("00_toy", render(source, True)) == []
    assert old in TOY
    source.write_text(TOY.replace(old, new, 1), encoding="utf-8")
    found = lint.lint_source("00_toy", render(source, True))
    assert any(complaint in line for line in found), found


def test_lints_against_the_registry(source, registered, monkeypatch):
    solved = render(source, True)
    assert any("registered for" in t for t in lint.lint_source("01_other", solved))
    monkeypatch.setattr(lint, "registry", dict)
    found = lint.lint_source("00_toy", solved)
    assert any("'double' is not in utils/teach/exercises" in line for line in found)


def test_student_lint_finds_leaks(source):
    assert lint.lint_student(render(source, solved=False)) == []
    solved = fake_build(source)
    solved.cells[0].source += "\n# BEGIN SOLUTION"
    found = "\n".join(lint.lint_student(solved))
    assert "cell 0 shows a solution marker" in found
    assert "has outputs" in found


def test_a_damaged_notebook_is_rebuilt_not_a_crash(root, source):
    source.with_suffix(".ipynb").write_text(
        json.dumps({"cells": 1}) + "{", encoding="utf-8"
    )
    assert any("is missing" in line for line in problems(root, [source]))


def test_unknown_names_are_explained(root, capsys):
    assert main(["77"], root) == 1
    assert "No source in solutions/ starts with '77'" in capsys.readouterr().out
    assert main(["--check"], root / "nowhere") == 0  # no notebooks yet, none wrong
