"""Base models of four sizes, and their students; and what notebook 34 says of them."""

import pytest

from utils.evaluate.outcomes import right_of_conditions
from utils.evaluate.studies import scale as study
from utils.evaluate.studies.scale import code_of, given_of, right_of, taught
from utils.evaluate.study import load_rows
from utils.world.requests import SURFACES
from utils.world.spec import ACTIONS
from utils.world.wrappers import NEW


@pytest.fixture(scope="module")
def rows() -> list[dict]:
    return load_rows("scale")


def test_home_gets_more_requests_than_other_places():
    found = study.tested(10, 5)
    assert len(found) == 2 * (len(SURFACES) + len(NEW))
    for condition in found:
        home = condition.surface == "en" and not condition.wrapper
        assert len(condition.requests) == (10 if home else 5)
        right = right_of_conditions(10 if home else 5)
        assert right_of(condition.requests) == right[tuple(condition.keys.values())]


def test_an_action_is_one_character():
    assert [code_of(action) for action in ACTIONS] == [*"01234"]
    assert code_of("none") == "-"
    assert given_of([]) == ""


def test_the_largest_model_is_taught_by_itself(monkeypatch):
    monkeypatch.setattr(study, "arm", lambda *which: (*which, "notes"))
    assert taught("A4", "lab", 3) == ("A4", "lab")


# The results.


def test_every_student_was_measured_once_a_seed(rows):
    seeds = {row["seed"] for row in rows}
    assert len(seeds) >= 3
    students = [row for row in rows if row["kind"] != "teacher"]
    assert len(students) == len(seeds) * len(study.BASES) * 2 * 2 * len(
        study.tested(5, 5)
    )
    assert all(len(row["given"]) == len(row["right"]) == row["n"] for row in students)


def test_the_largest_teacher_is_as_good_as_any(rows):
    teachers = [row for row in rows if row["kind"] == "teacher"]
    for seed in {row["seed"] for row in teachers}:
        own = {r["base"]: r["flawless"] for r in teachers if r["seed"] == seed}
        assert own["lab"] == max(own.values())
