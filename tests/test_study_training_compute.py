"""The watched runs, clause by clause; and what notebook 34 says of them."""

import pytest

from utils.evaluate.studies import training_compute as study
from utils.evaluate.studies.training_compute import tasks
from utils.evaluate.study import load_rows
from utils.evaluate.training_data import training_requests
from utils.world.spec import load_spec


@pytest.fixture(scope="module")
def rows() -> list[dict]:
    return load_rows("training_compute")


@pytest.mark.parametrize("topics", ["seen", "held_out"])
def test_a_task_is_decided_by_its_clause_and_was_not_trained_on(topics):
    trained = {request.english for request in training_requests(0)}
    found = tasks(topics, study.EACH)
    assert sorted(found) == [clause.number for clause in load_spec().clauses]
    for number, requests in found.items():
        assert len(requests) == study.EACH
        for request in requests:
            assert request.clause().number == number
            assert request.topic.split == topics
            assert request.english not in trained


# The results.


def test_every_look_asked_about_every_clause(rows):
    numbers = {str(clause.number) for clause in load_spec().clauses}
    seeds = {row["seed"] for row in rows}
    looks = len(study.STUDENTS) * len(study.LOOKS) * len(study.PLACES)
    assert len(seeds) >= 3 and len(rows) == len(seeds) * looks
    for row in rows:
        assert set(row["hits"]) == numbers
        assert {len(hits) for hits in row["hits"].values()} == {study.EACH}


def test_compute_grows_with_the_steps_and_more_is_read_than_learned(rows):
    for name in study.STUDENTS:
        own = [r for r in rows if r["arm"] == name and r["seed"] == 0]
        read = {row["step"]: row["read"] for row in own}
        assert [*read.values()] == sorted(read.values())
        assert all(row["learned"] <= row["read"] for row in own)
        # In proportion to the steps, but for the mix of lengths.
        assert read[400] / read[40] == pytest.approx(10, rel=0.1)
