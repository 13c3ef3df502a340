"""What notebook 11 says about labels holds in results/labels.json."""

import random

import pytest
import torch

from utils.evaluate.studies.labels import (
    JUDGES,
    SIZES,
    bins,
    both_orders,
    chapter,
    covers,
    disturbed,
    draw_cases,
    ensembles,
    grade,
    one_rule,
    position,
)
from utils.evaluate.study import load_rows, over_seeds
from utils.world.replies import action_of


@pytest.fixture(scope="module")
def mean():
    rows = load_rows("labels")
    assert {row["seed"] for row in rows} == {0, 1, 2}
    return lambda figure="accuracy", **wanted: over_seeds(rows, figure, **wanted)[0]


# The findings.


def test_with_the_whole_chapter_the_large_judge_is_right_and_sure(mean):
    for orders in ("one order", "both orders", "reasoned"):
        wanted = {"judge": "lab", "principles": "chapter", "orders": orders}
        assert mean(**wanted) > 0.99 and mean("sure", **wanted) > 0.99


def test_without_a_fitting_rule_the_place_decides_often(mean):
    fits, not_ = (
        mean("turns", judge="lab", principles="one rule", covered=covered)
        for covered in (True, False)
    )
    assert fits < 0.02 and not_ > 0.4


def test_both_orders_make_sure_mistakes_rarer_and_labels_hardly_better(mean):
    one, both = (
        {"judge": "lab", "principles": "one rule", "orders": orders}
        for orders in ("one order", "both orders")
    )
    assert mean("sure_wrong", **both) < 0.7 * mean("sure_wrong", **one)
    assert mean("brier", **both) < mean("brier", **one)
    assert -0.01 < mean(**both) - mean(**one) < 0.08


def test_small_judges_guess_letters_and_are_right_when_they_reason(mean):
    for name in JUDGES[1:]:
        wanted = {"judge": name, "principles": "chapter"}
        assert abs(mean(orders="both orders", **wanted) - 0.5) < 0.1
        assert mean("turns", position="all", **wanted) > 0.8
        assert mean("sure", orders="one order", **wanted) < 0.05
        assert mean(orders="reasoned", **wanted) > 0.95


def test_both_orders_bring_out_a_faint_opinion_of_the_middle_judge(mean):
    wanted = {"judge": "lab_s", "principles": "chapter"}
    assert mean(orders="both orders", **wanted) > mean(orders="one order", **wanted)
    _, low, _ = over_seeds(
        load_rows("labels"), "accuracy", orders="both orders", **wanted
    )
    assert low > 0.5


def test_reasoning_does_not_make_up_for_a_missing_rule(mean):
    wanted = {"judge": "lab", "principles": "one rule"}
    assert mean(orders="reasoned", **wanted) < mean(orders="both orders", **wanted)
    both, told = (
        mean("sure_wrong", orders=way, **wanted) for way in ("both orders", "reasoned")
    )
    assert told > both


def test_only_the_second_order_helps_against_a_bias(mean):
    for amount in (1.0, 1.5):
        one, twice, both = (
            mean(disturbance="bias", amount=amount, asked=orders)
            for orders in ("one order", "one order, twice", "both orders")
        )
        assert one == twice < 0.85 and both > 0.99


def test_against_noise_it_is_a_second_reading_and_no_more(mean):
    for amount in (1.0, 1.5, 2.0):
        one, twice, both = (
            mean(disturbance="noise", amount=amount, asked=orders)
            for orders in ("one order", "one order, twice", "both orders")
        )
        assert twice > one + 0.03 and abs(both - twice) < 0.04
        twice, both = (
            mean(disturbance="bias and noise", amount=amount, asked=orders)
            for orders in ("one order, twice", "both orders")
        )
        assert both > twice + 0.03


def test_ensembles_need_soft_labels_and_rules_of_the_right_chapter(mean):
    wanted = {"judge": "lab", "principles": "one rule"}
    last = SIZES[-1]
    votes, soft, odds = (
        mean(ensemble=way, k=last, **wanted)
        for way in ("votes", "probabilities", "log-odds")
    )
    alone = mean(ensemble="probabilities", k=1, **wanted)
    assert soft > alone + 0.05 and odds > soft + 0.02 and soft > votes + 0.03
    assert votes - alone < 0.06
    assert odds < mean(judge="lab", principles="chapter", orders="both orders")
    for k in SIZES:
        elsewhere = mean(judge="lab", principles="any rule", ensemble="votes", k=k)
        assert abs(elsewhere - 0.5) < 0.08
    assert mean("sure", judge="lab", principles="any rule", orders="both orders") > 0.3


def test_a_rule_about_something_else_is_worse_than_guessing(mean):
    assert mean(judge="lab", principles="one rule", covered=False) < 0.5


def test_both_orders_are_closer_to_calibrated_than_one(mean):
    def distance(method: str) -> float:
        wanted = ("lab", "one rule", method)
        own = [
            row
            for row in load_rows("labels")
            if (row["judge"], row["principles"], row.get("calibration")) == wanted
        ]
        total = sum(row["n"] for row in own)
        return sum(row["n"] * abs(row["mean"] - row["right"]) for row in own) / total

    assert distance("both orders") < distance("one order")


# The measurements.


def test_cases_have_one_right_and_one_wrong_answer():
    cases = draw_cases(3, 200)
    for case in cases:
        wanted = case.request.action()
        found = [action_of(text) == wanted for text in (case.first, case.second)]
        assert found == [case.right, not case.right]
    assert 70 < sum(case.right for case in cases) < 130
    assert draw_cases(3, 200) == cases != draw_cases(4, 200)


def test_a_chapter_covers_and_one_rule_may():
    rng, cases = random.Random(0), draw_cases(0, 100)
    assert all(covers(chapter(case), case.request) for case in cases)
    known = [covers(one_rule(case, rng), case.request) for case in cases]
    assert 30 < sum(known) < 80


def test_grades_by_hand():
    p, truth = torch.tensor([0.95, 0.3, 0.5]), torch.tensor([False, False, True])
    found = grade(p, truth)
    assert found["accuracy"] == pytest.approx((0 + 1 + 0.5) / 3)
    assert found["brier"] == pytest.approx((0.95**2 + 0.3**2 + 0.25) / 3, rel=1e-5)
    assert found["sure"] == found["sure_wrong"] == pytest.approx(1 / 3)


def test_a_judge_that_only_sees_the_place_is_found_out():
    always_a = torch.full((4,), 3.0)
    found = position(always_a, always_a)
    assert found["turns"] == 1 and found["says_a"] > 0.9
    assert found["bias"] == 3 and found["strength"] == 0
    assert both_orders(always_a, always_a).tolist() == [0.5] * 4


def test_bins_hold_every_label_once():
    p, truth = torch.tensor([0.0, 0.05, 0.5, 1.0]), torch.tensor([0, 1, 1, 1]) > 0
    rows = bins(p, truth)
    assert [(row["bin"], row["n"], row["right"]) for row in rows] == [
        (0, 2, 0.5),
        (5, 1, 1.0),
        (9, 1, 1.0),
    ]


def test_a_disturbance_of_amount_zero_changes_nothing():
    odds = torch.tensor([[4.0, -4.0, 4.0], [-4.0, 4.0, -4.0]]).double()
    rows = disturbed(odds, torch.tensor([True, False, True]), seed=0)
    assert all(row["accuracy"] == 1 for row in rows if row["amount"] == 0)
    half = [r for r in rows if r["disturbance"] == "bias" and r["amount"] == 1.5]
    assert [row["accuracy"] for row in half] == pytest.approx([2 / 3, 2 / 3, 1])


def test_an_ensemble_of_one_is_its_only_rule():
    forward, backward = torch.randn(2, 9, 50).double()
    truth = torch.rand(50) < 0.5
    alone = grade(both_orders(forward[0], backward[0]), truth)
    row = ensembles(forward, backward, truth)[0]
    assert row["k"] == 1 and row["ensemble"] == "probabilities"
    assert {name: row[name] for name in alone} == alone
