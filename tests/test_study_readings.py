"""What notebook 21 says about who sees which fault holds in results/readings.json."""

import pytest
import torch

from utils.evaluate.studies.filter import FAULTS
from utils.evaluate.studies.readings import MIXED, SAMPLED, correlation, passes
from utils.evaluate.study import load_rows, over_seeds

ROWS = load_rows("readings")


def passed(fault: str, checker: str, rule: str = "all") -> float:
    """Mean share that gets through, over seeds."""
    return over_seeds(ROWS, rule, fault=fault, checker=checker)[0]


def test_three_seeds_and_every_fault():
    assert {row["seed"] for row in ROWS} == {0, 1, 2}
    assert {row["fault"] for row in ROWS} == {"none", *FAULTS}


def test_the_form_sees_contradictions_and_nothing_else():
    for fault in ("answer", "clause", "foreign", "category"):
        assert passed(fault, "form") == 0
    for fault in ("none", "misread", "topic"):
        assert passed(fault, "form") == 1
    for fault in FAULTS:  # the simplest check sees one kind alone
        assert passed(fault, "decision") == (fault != "answer")


def test_the_large_judge_sees_answer_and_clause_alone():
    for fault in ("answer", "clause", "misread"):
        assert passed(fault, "lab") < 0.03
    for fault in ("none", "foreign", "category", "topic"):
        assert passed(fault, "lab") > 0.95


@pytest.mark.parametrize("judge", ("lab_s", "lab_xs"))
def test_small_judges_overlook_about_half_of_the_misread_ones(judge):
    assert 0.3 < passed("misread", judge, "single") < 0.7
    for fault in ("answer", "clause"):
        assert passed(fault, judge) < 0.03


@pytest.mark.parametrize(
    ("judge", "fault"),
    [("lab_s", "misread"), ("lab_xs", "misread"), ("lab_s", "foreign")],
)
def test_six_readings_are_hardly_more_than_one(judge, fault):
    one, six = passed(fault, judge, "single"), passed(fault, judge)
    assert six > 0.85 * one
    assert six - one**6 > 0.3


def test_readings_agree_in_their_mistakes():
    for judge in ("lab_s", "lab_xs"):
        found = over_seeds(ROWS, "agreement", fault="misread", checker=judge)
        assert found[1] > 0.8


def test_two_judges_overlook_less_than_two_readings_of_either():
    for seed in (0, 1, 2):
        pair = {
            row["checker"]: row["pair"]
            for row in ROWS
            if row["seed"] == seed and row["fault"] == "misread"
        }
        assert pair[MIXED] < min(pair["lab_s"], pair["lab_xs"]) - 0.02
    found = over_seeds(ROWS, "agreement", fault="misread", checker=MIXED)
    assert found[0] < 0.6


def test_sampling_helps_the_unsure_judge_and_costs_it_good_examples():
    for seed in (0, 1, 2):
        own = {
            (row["checker"], row["fault"]): row for row in ROWS if row["seed"] == seed
        }
        sampled = own["lab_xs" + SAMPLED, "misread"]
        assert sampled["all"] < 0.7 * sampled["single"]
        assert sampled["all"] < own["lab_xs", "misread"]["all"]
        assert own["lab_xs" + SAMPLED, "none"]["all"] < 0.9
        assert own["lab_xs", "none"]["all"] > 0.9
    sure = "lab_s" + SAMPLED
    assert passed("misread", sure) > 0.8 * passed("misread", sure, "single")


def test_correlation_of_columns():
    yes = torch.tensor([[1, 1], [0, 0], [1, 1], [0, 0]], dtype=torch.bool)
    assert correlation(yes) == pytest.approx(1)
    assert correlation(torch.stack([yes[:, 0], ~yes[:, 0]], 1)) == pytest.approx(-1)
    assert correlation(torch.ones(4, 3, dtype=torch.bool)) is None
    torch.manual_seed(0)
    assert abs(correlation(torch.rand(4000, 3) < 0.4)) < 0.05


def test_shares_that_pass_by_hand():
    scores = torch.tensor([[0.9, 0.9, 0.1], [0.9, 0.1, 0.1], [0.4, 0.4, 0.9]])
    found = passes(scores)
    assert found["single"] == pytest.approx(4 / 9)
    assert found["pair"] == pytest.approx(1 / 3)
    assert found["all"] == 0
    assert found["mean"] == pytest.approx(2 / 3)
