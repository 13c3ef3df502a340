"""Base models of four sizes, and their students; and what notebook 34 says of them."""

import numpy as np
import pytest

from utils.evaluate.outcomes import (
    hierarchical_interval,
    outcome_matrix,
    right_of_conditions,
)
from utils.evaluate.studies import scale as study
from utils.evaluate.studies.scale import code_of, given_of, right_of, taught
from utils.evaluate.study import load_rows
from utils.evaluate.training_data import PROMPTS
from utils.teach.exercises.nb34_f_gain import extra_gain
from utils.world.requests import SURFACES, TAUGHT_CIPHERS, TAUGHT_LANGUAGES
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


def in_place(rows, name, base, teacher, surfaces, wrapped=False, topics=""):
    """(seeds, requests) hits of a student."""
    found = [
        row
        for row in rows
        if row["kind"] != "teacher"
        and (row["arm"], row["base"], row["teacher"]) == (name, base, teacher)
        and row["surface"] in surfaces
        and bool(row["wrapper"]) == wrapped
        and topics in ("", row["topics"])
    ]
    return outcome_matrix(
        found,
        lambda row: np.array(
            [float(a == b) for a, b in zip(row["given"], row["right"], strict=True)]
        ),
    )


def gain(rows, teacher, *where, **more):
    """Return how much more A4 gains than A1, from the smallest base to the largest."""
    four = [
        in_place(rows, name, base, teacher, *where, **more)
        for name in ("A4", "A1")
        for base in (study.BASES[0], study.BASES[-1])
    ]
    return extra_gain(*four)


def test_what_teachers_keep_is_right_and_the_smallest_keeps_little(rows):
    teachers = [row for row in rows if row["kind"] == "teacher"]
    assert all(row["right_share"] > 0.99 for row in teachers)
    assert all(row["flawless"] > 0.98 for row in teachers)
    for row in teachers:
        share = row["kept"] / PROMPTS
        assert share < 0.5 if row["base"] == "lab_xxs" else share > 0.95


def test_the_teacher_matters_at_the_smallest_size(rows):
    for topics in ("seen", "held_out"):
        own, other = (
            in_place(rows, "A4", "lab_xxs", teacher, ("en",), topics=topics)
            for teacher in ("itself", "largest")
        )
        assert hierarchical_interval(other - own)[1] > 0.1
    for base in ("lab_s", "lab_xs"):
        own, other = (
            in_place(rows, "A4", base, teacher, TAUGHT_LANGUAGES)
            for teacher in ("itself", "largest")
        )
        assert abs(hierarchical_interval(other - own)[0]) < 0.05


@pytest.mark.parametrize("teacher", ["itself", "largest"])
def test_deliberation_gains_more_abroad_and_less_in_jailbreaks(rows, teacher):
    assert gain(rows, teacher, TAUGHT_LANGUAGES)[1] > 0
    assert gain(rows, teacher, TAUGHT_CIPHERS)[1] > 0
    assert gain(rows, teacher, ("en",), wrapped=True)[2] < 0


def test_at_home_the_sign_depends_on_the_teacher_and_neither_is_shown(rows):
    found = {
        teacher: gain(rows, teacher, ("en",), topics="held_out")
        for teacher in ("itself", "largest")
    }
    assert found["itself"][0] > 0 > found["largest"][0]
    assert all(low < 0 < high for _, low, high in found.values())


def test_on_seen_topics_there_is_no_room(rows):
    for base in study.BASES[:3]:
        for name in study.STUDENTS:
            hits = in_place(rows, name, base, "itself", ("en",), topics="seen")
            assert hits.mean() > 0.97


def test_direct_answers_stay_at_chance_in_ciphers(rows):
    for base in study.BASES:
        assert in_place(rows, "A1", base, "itself", TAUGHT_CIPHERS).mean() < 0.25
    for base, least in (("lab", 0.5), ("lab_s", 0.5)):
        assert in_place(rows, "A4", base, "itself", TAUGHT_CIPHERS).mean() > least


def test_small_models_read_ciphers_and_lose_the_chain(rows):
    found = [
        row
        for row in rows
        if row["kind"] != "teacher"
        and (row["arm"], row["base"], row["teacher"]) == ("A4", "lab_xs", "largest")
        and row["surface"] in TAUGHT_CIPHERS
    ]
    total = sum(row["n"] for row in found)
    share = {
        error: sum(row["errors"][error] for row in found) / total
        for error in ("decoded wrongly", "did not deliberate", "reasoned wrongly")
    }
    assert share["decoded wrongly"] < 0.1
    assert min(share["did not deliberate"], share["reasoned wrongly"]) > 0.2
