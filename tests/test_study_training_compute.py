"""The watched runs, clause by clause; and what notebook 34 says of them."""

import numpy as np
import pytest

from utils.evaluate.studies import training_compute as study
from utils.evaluate.studies.training_compute import tasks
from utils.evaluate.study import load_rows
from utils.evaluate.training_data import training_requests
from utils.teach.exercises.nb34_d_fit import curve_of, fit_task
from utils.teach.exercises.nb34_e_line import line_against_log
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


def success(rows, name, surface, topics) -> tuple[np.ndarray, np.ndarray]:
    """(looks,) tokens read, (tasks, looks) success at tasks other than comply."""
    numbers = [str(c.number) for c in load_spec().clauses if c.action != "comply"]
    own = [
        row
        for row in rows
        if (row["arm"], row["surface"], row["topics"]) == (name, surface, topics)
        and row["step"]
    ]
    looks = sorted({row["step"] for row in own})
    read = [np.mean([r["read"] for r in own if r["step"] == k]) for k in looks]
    shares = [
        [
            np.mean([int(h) for r in own if r["step"] == k for h in r["hits"][number]])
            for k in looks
        ]
        for number in numbers
    ]
    return np.array(read), np.array(shares)


def left_over(values) -> float:
    return float(np.sqrt(np.mean(np.square(values))))


def test_tasks_of_a4_are_nearer_to_sigmoids_than_to_lines_and_those_of_a1_hardly(rows):
    ratio = {}
    for name in study.STUDENTS:
        read, shares = success(rows, name, "en", "held_out")
        bends = [y - curve_of(fit_task(read, y), read) for y in shares]
        lines = [line_against_log(read, y)[1] for y in shares]
        ratio[name] = left_over(bends) / left_over(lines)
    assert ratio["A4"] < 0.85 < ratio["A1"] < 1


def test_midpoints_of_a4_are_closer_than_one_rise_is_wide(rows):
    read, shares = success(rows, "A4", "en", "held_out")
    fits = [fit_task(read, y) for y in shares]
    inner = np.quantile([fit[0] for fit in fits], [0.1, 0.9])
    width = np.median([81 ** (1 / fit[1]) for fit in fits])
    assert inner[1] / inner[0] < width


def test_the_average_is_no_line_although_r2_is_high(rows):
    for topics in ("seen", "held_out"):
        read, shares = success(rows, "A4", "en", topics)
        _, left, r2 = line_against_log(read, shares.mean(axis=0))
        chance = np.sqrt(np.mean(shares * (1 - shares)) / 18 / len(shares))
        assert r2 > 0.9 and left_over(left) > 3 * chance


def test_training_in_english_does_not_bring_direct_answers_to_spanish(rows):
    read, shares = success(rows, "A1", "es", "held_out")
    slope, _, _ = line_against_log(read, shares.mean(axis=0))
    assert abs(slope) < 0.1
    assert success(rows, "A4", "es", "held_out")[1].mean(axis=0)[-1] > 0.85
