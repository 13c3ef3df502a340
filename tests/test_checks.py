"""Every check is itself checked: with right, missing and known wrong answers."""

import json
import time
import warnings

import pytest
import torch

from utils import files
from utils.teach import checks
from utils.teach.checks import Score, check, grade, use
from utils.teach.exercise import Exercise, Mistake, Mutant, Part, expect_close, registry

EXERCISES = list(registry().values())
MUTANTS = [
    pytest.param(exercise, mutant, id=f"{exercise.name}-{name}")
    for exercise in EXERCISES
    for name, mutant in exercise.mutants.items()
]


def stub(*args, **kwargs):
    raise NotImplementedError("exercise not attempted yet")


def each_exercise(test):
    return pytest.mark.parametrize("exercise", EXERCISES, ids=lambda e: e.name)(test)


@each_exercise
def test_reference_gets_full_marks_in_two_seconds(exercise):
    start = time.thread_time()
    score = grade(exercise, exercise.reference)
    assert score == exercise.points, score.lines
    assert all(line.startswith("ok") for line in score.lines)
    assert time.thread_time() - start < 2


@each_exercise
def test_stub_scores_nothing_and_says_todo(exercise):
    for answer in [None, ...] + [stub] * callable(exercise.reference):
        score = grade(exercise, answer)
        assert score == 0
        assert [line[:4] for line in score.lines] == ["TODO"]


@each_exercise
def test_lazy_answers_score_less_than_half(exercise):
    for value in (None, 0, 0.0, 1.0, torch.zeros(2), "", [], {}):
        lazy = (lambda *a, v=value, **k: v) if callable(exercise.reference) else value
        assert grade(exercise, lazy) < exercise.points / 2


@each_exercise
def test_there_are_enough_different_mutants(exercise):
    assert len(exercise.mutants) >= 4
    messages = [mutant.message for mutant in exercise.mutants.values()]
    assert len(set(messages)) == len(messages)


@pytest.mark.parametrize(("exercise", "mutant"), MUTANTS)
def test_mutant_loses_points_with_its_own_message_first(exercise, mutant):
    score = grade(exercise, mutant.answer)
    assert score < exercise.points
    first = next(line for line in score.lines if line.startswith("FAIL"))
    assert mutant.message in first, score.lines


# The machinery, on a small exercise of its own.


def _is_two(answer) -> None:
    expect_close(answer(), 2.0, [("You halved it.", 1.0)])


def _is_noisy(answer) -> None:
    warnings.warn("noise", stacklevel=1)
    assert answer() is not None


TOY = Exercise(
    name="toy",
    notebook="00_toy",
    reference=lambda: 2.0,
    parts=[Part("gives 2", _is_two, points=3), Part("gives anything", _is_noisy)],
    mutants={"half": Mutant(lambda: 1.0, "You halved it.")},
)


@pytest.fixture(autouse=True)
def toy_registry(monkeypatch, tmp_path):
    monkeypatch.setattr(checks, "registry", lambda: {"toy": TOY})
    monkeypatch.setattr(checks, "_PASSED", {})
    monkeypatch.setattr(files, "WORK", tmp_path / "work")


def test_score_is_a_bare_number_that_shows_points():
    score = Score(2.0, 4.0, [])
    assert repr(score) == "2"
    assert score._repr_html_() == "<b>2 / 4 points</b>"


def test_part_of_the_points_and_the_mistake_before_the_numbers(capsys):
    score = check("toy", lambda: 1.0)
    assert (score, score.out_of) == (1, 4)
    out = capsys.readouterr().out
    assert "toy: 1 of 4 points" in out
    assert out.index("You halved it.") < out.index("Expected 2, and got 1")
    assert "ok    gives anything" in out


def test_check_never_raises_and_shows_the_line_that_stopped(capsys):
    def broken():
        return [][7]

    assert check("toy", broken) == 0
    out = capsys.readouterr().out
    assert "IndexError: list index out of range" in out
    assert "at the line `return [][7]`" in " ".join(out.split())
    assert "The same mistake." in out
    assert check("toy", lambda: exit(1)) == 0
    assert check("toy", "not a function") == 0


def test_unknown_name_is_explained(capsys):
    assert check("toys", lambda: 2.0) == 0
    assert "no exercise called 'toys'. Did you mean 'toy'?" in capsys.readouterr().out
    assert use("toys", 5) == 5


def test_check_writes_nothing_to_stderr(capfd):
    check("toy", lambda: 2.0)
    assert capfd.readouterr().err == ""


def test_check_leaves_random_numbers_as_they_were():
    torch.manual_seed(5)
    want = torch.rand(3)
    torch.manual_seed(5)
    check("toy", lambda: torch.rand(1))
    assert torch.equal(torch.rand(3), want)


def test_reference_handed_in_earns_nothing(capsys):
    assert check("toy", TOY.reference) == 0
    assert "Run your own cell again" in capsys.readouterr().out


def test_use_takes_the_learners_version_only_after_it_passed(capsys):
    def mine():
        return 2.0

    assert use("toy", mine) is TOY.reference
    assert "has not passed its check yet" in capsys.readouterr().out
    check("toy", mine)
    assert use("toy", mine) is mine
    assert "your own version is used" in capsys.readouterr().out
    assert use("toy", lambda: 2.0) is TOY.reference
    assert "changed after its check" in capsys.readouterr().out
    check("toy", lambda: 1.0)
    assert use("toy", mine) is TOY.reference


def test_grades_are_appended_for_a_grader(monkeypatch, tmp_path):
    path = tmp_path / "grades.jsonl"
    monkeypatch.setenv("COURSE_GRADE_FILE", str(path))
    check("toy", lambda: 1.0)
    check("toy", lambda: 2.0)
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert [row["points"] for row in rows] == [1, 4]
    assert rows[0] == {"exercise": "toy", "points": 1.0, "out_of": 4}
    monkeypatch.setenv("COURSE_GRADE_FILE", str(tmp_path))  # a folder cannot be written
    assert check("toy", lambda: 2.0) == 4


@pytest.mark.parametrize(
    ("got", "sentence"),
    [
        (None, "`return` line missing"),
        ("text", "Expected numbers, and got a str"),
        ([1.0], "Expected shape (2,), and got (1,)"),
        ([1.0, float("nan")], "not finite"),
        ([1.0, 3.0], "Expected [1, 2], and got [1, 3]."),
    ],
)
def test_expect_close_says_what_differs(got, sentence):
    with pytest.raises(Mistake) as error:
        expect_close(got, [1.0, 2.0])
    assert sentence in str(error.value)
    expect_close(torch.tensor([1, 2]), [1.0, 2.0])  # only values and shape matter


def test_a_mistake_without_a_name_is_not_called_the_same(monkeypatch, capsys):
    parts = [
        Part(f"part {n}", lambda answer: expect_close(answer, 2.0)) for n in (1, 2)
    ]
    exercise = Exercise("toy", "00_toy", 2.0, parts, {})
    monkeypatch.setattr(checks, "registry", lambda: {"toy": exercise})
    check("toy", 3.0)
    assert capsys.readouterr().out.count("        Expected 2, and got 3.\n") == 2


@pytest.fixture
def in_work(monkeypatch, tmp_path):
    """A learner's notebook in work/, and a course with one solved exercise."""
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    cells = [{"id": "other", "source": "1"}]
    cells.append({"id": "ex-toy", "source": ["def toy():\n", "    return 1 < 2"]})
    (tmp_path / "solutions").mkdir()
    solution = tmp_path / "solutions" / "00_toy.ipynb"
    solution.write_text(json.dumps({"cells": cells}), encoding="utf-8")
    monkeypatch.setattr(files, "ROOT", tmp_path)
    monkeypatch.setattr(checks.course_map, "write", lambda: None)
    return tmp_path


def test_the_solution_is_shown_after_three_tries(in_work, capsys):
    assert check("toy", None).solution == ""  # a stub is no try
    for left in ("2 more tries", "one more try"):
        assert check("toy", lambda: 1.0).solution == ""
        out = capsys.readouterr().out
        assert "In this notebook: 1 of 4 points." in out
        assert f"solution is shown after {left}" in out
    third = check("toy", lambda: 1.0)
    assert "<pre><code>def toy():\n    return 1 &lt; 2</code></pre>" in third.solution
    assert third._repr_html_().startswith("<b>1 / 4 points</b><details><summary>The")
    assert "shown after" not in capsys.readouterr().out
    assert repr(third) == "1"


def test_the_solution_is_shown_after_a_pass_and_from_then_on(in_work, capsys):
    assert "return 1 &lt; 2" in check("toy", lambda: 2.0).solution
    assert "return 1 &lt; 2" in check("toy", lambda: 1.0).solution
    assert "In this notebook: 4 of 4 points." in capsys.readouterr().out


def test_outside_of_work_nothing_is_kept_or_shown(in_work, monkeypatch, capsys):
    monkeypatch.chdir(in_work)
    assert check("toy", lambda: 2.0).solution == ""
    assert "In this notebook" not in capsys.readouterr().out
    assert list((in_work / "work").iterdir()) == []


def test_a_full_disk_and_a_missing_solution_stop_no_check(in_work, monkeypatch, capsys):
    def full(*_):
        raise OSError("no space left")

    with monkeypatch.context() as patch:
        patch.setattr(checks.progress, "record", full)
        assert check("toy", lambda: 2.0) == 4
    assert "Your points could not be kept (no space left)" in capsys.readouterr().out
    for damage in ("{", "{}", '{"cells": [{"id": "other", "source": ""}]}'):
        path = in_work / "solutions" / "00_toy.ipynb"
        path.write_text(damage, encoding="utf-8")
        assert check("toy", lambda: 2.0).solution == ""
    assert "In this notebook: 4 of 4 points." in capsys.readouterr().out
