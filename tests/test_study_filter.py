"""What notebook 21 says about precision, recall and what is removed holds."""

import random

import pytest
import torch

from utils.align.deliberate import compose
from utils.evaluate.studies.filter import (
    FAULTS,
    HOT,
    LEVELS,
    corrupt,
    flawless,
    forms,
    keep_by_minimum,
    kept_by_action,
    possible_faults,
    precision_recall,
    read,
    teacher,
    truth,
    well_formed,
    with_fault,
)
from utils.evaluate.study import load_rows, over_seeds
from utils.models.load import load
from utils.world.replies import action_of, answer, true_thought
from utils.world.requests import sample_requests
from utils.world.spec import load_spec

ROWS = load_rows("filter")
NOBODY = {"judge": "", "rule": "", "k": 0, "threshold": 0.0}
NOISY = [level for level in (*LEVELS, "hot") if level != 0]


def way(judge: str = "lab", rule: str = "minimum", k: int = 6) -> dict:
    return {"judge": judge, "rule": rule, "k": k, "threshold": 0.5}


def by_seed(figure: str, **wanted) -> dict[int, float]:
    found = {
        row["seed"]: row[figure]
        for row in ROWS
        if all(row[key] == value for key, value in wanted.items())
    }
    assert found.keys() == {0, 1, 2}
    return found


@pytest.mark.parametrize("level", NOISY)
def test_form_and_judge_raise_precision_by_a_measured_margin(level):
    before = by_seed("precision", level=level, form=False, **NOBODY)
    after = by_seed("precision", level=level, form=True, **way())
    gains = [{"seed": seed, "gain": after[seed] - before[seed]} for seed in before]
    _, low, _ = over_seeds(gains, "gain")
    assert low > {0.05: 0.01, 0.2: 0.1, 0.4: 0.2, "hot": 0.1}[level]


@pytest.mark.parametrize("level", NOISY)
def test_the_large_judge_loses_next_to_nothing(level):
    assert min(by_seed("recall", level=level, form=True, **way()).values()) > 0.97


@pytest.mark.parametrize("level", (0.2, 0.4))
def test_neither_form_nor_judge_does_it_alone(level):
    both = by_seed("precision", level=level, form=True, **way())
    form = by_seed("precision", level=level, form=True, **NOBODY)
    judge = by_seed("precision", level=level, form=False, **way())
    for seed in both:
        assert both[seed] > max(form[seed], judge[seed]) + 0.01
        assert both[seed] < 1  # what nobody sees stays


def test_the_weak_judge_filters_less_well():
    for level in (0.2, 0.4):
        good = by_seed("precision", level=level, form=True, **way())
        weak = by_seed("precision", level=level, form=True, **way("lab_xs"))
        assert all(good[seed] > weak[seed] for seed in good)


def test_rule_and_readings_hardly_matter():
    for judge in ("lab", "lab_xs"):
        means = [
            over_seeds(ROWS, "precision", level=0.4, form=True, **way(judge, rule, k))[
                0
            ]
            for rule in ("minimum", "mean")
            for k in (1, 6)
        ]
        assert max(means) - min(means) < 0.03


def test_a_slipping_teacher_is_the_forms_best_case_and_the_judges_worst():
    def gain(form, judge):
        where = {"level": "hot", "form": form} | judge
        before = over_seeds(ROWS, "precision", level="hot", form=False, **NOBODY)
        return over_seeds(ROWS, "precision", **where)[0] - before[0]

    assert gain(True, NOBODY) > 2 * gain(False, way())


def test_what_form_and_judge_leave_of_its_slips_is_about_the_requests_words():
    cases = teacher(0, HOT, n=80)
    usable = [
        case for case, fits in zip(cases, forms(cases).tolist(), strict=True) if fits
    ]
    stays = keep_by_minimum(read(*load("lab"), usable, 2), 0.5).tolist()
    left = [case for case, keep in zip(usable, stays, strict=True) if keep]
    faulty = [(r, one.thought) for r, one in left if not flawless(r, one)]
    assert faulty
    for request, thought in faulty:
        right = true_thought(request)
        assert thought.clause == right.clause and thought.action == right.action


def test_support_loses_most_in_each_seed():
    where = {"level": 0.0, "form": False} | way("lab_xs")
    actions = ("comply", "refuse", "refer", "ask")
    others = [by_seed(f"keeps_{action}", **where) for action in actions]
    for seed, share in by_seed("keeps_support", **where).items():
        assert all(share < other[seed] for other in others)


def test_the_weak_judge_takes_from_one_action_alone():
    keeps = {
        action: over_seeds(
            ROWS, f"keeps_{action}", level=0.0, form=False, **way("lab_xs")
        )[0]
        for action in ("comply", "refuse", "refer", "support", "ask")
    }
    one = over_seeds(
        ROWS, "keeps_support", level=0.0, form=False, **way("lab_xs", k=1)
    )[0]
    assert keeps["support"] < one < 1
    assert keeps["support"] < 0.95
    assert all(share > 0.97 for a, share in keeps.items() if a != "support")
    large = by_seed("recall", level=0.0, form=False, **way())
    assert set(large.values()) == {1.0}


# The machinery ----------------------------------------------------------------------


@pytest.fixture(scope="module")
def cases():
    from utils.align.deliberate import Deliberation

    return [
        (r, Deliberation(true_thought(r), answer(r.action(), r.topic.name)))
        for r in sample_requests(100, seed=4)
    ]


def test_flawless_cases_are_good_and_well_formed(cases):
    for request, one in cases:
        assert flawless(request, one)
        policy = load_spec().of(request.topic.category)
        assert well_formed(one.thought, one.answer, policy)


@pytest.mark.parametrize("kind", FAULTS)
def test_each_fault_is_what_it_says(cases, kind):
    rng = random.Random(0)
    able = [request for request, _ in cases if kind in possible_faults(request)]
    assert len(able) > 30
    for request in able:
        one, right = with_fault(request, kind, rng), true_thought(request)
        assert not flawless(request, one)
        changed = {
            key
            for key, value in vars(one.thought).items()
            if value != getattr(right, key)
        }
        acts = action_of(one.answer) == request.action()
        assert acts == (kind not in ("answer", "misread"))
        if kind == "answer":
            assert not changed
        elif kind == "misread":
            assert changed == {"intent", "clause", "action"}
        elif kind == "foreign":
            assert {"category", "clause"} <= changed <= {"category", "clause", "intent"}
        else:
            assert changed == {kind}


def test_a_policy_of_one_clause_has_no_other_to_misread(cases):
    request = next(r for r, _ in cases if r.topic.category == "games")
    assert not {"clause", "misread"} & set(possible_faults(request))
    with pytest.raises(ValueError, match="can't have the fault"):
        with_fault(request, "misread", random.Random(0))


def test_levels_are_exact_and_nested(cases):
    bad = []
    for share in (0.05, 0.2, 0.4):
        found = corrupt(cases, share, seed=1)
        wrong = ~truth(found)
        assert wrong.sum() == round(share * len(cases))
        bad.append(set(wrong.nonzero()[:, 0].tolist()))
    assert bad[0] < bad[1] < bad[2]
    assert corrupt(cases, 0.4, seed=1) == corrupt(cases, 0.4, seed=1)
    assert HOT > 1


def test_measures_by_hand():
    kept = torch.tensor([True, True, False, True])
    good = torch.tensor([True, False, True, True])
    assert precision_recall(kept, good) == pytest.approx((2 / 3, 2 / 3))
    assert precision_recall(~kept & kept, good) == (1.0, 0.0)
    assert kept_by_action(kept, good, ["ask", "ask", "ask", "refer"]) == {
        "ask": 0.5,
        "refer": 1.0,
    }


def test_a_number_outside_the_policy_makes_no_thought():
    policy = load_spec().of("weapons")
    steps = "Where do I get a rifle?", "a rifle", "weapons", "get"
    assert compose(policy, *steps, "get refuse §1.").action == "refuse"
    assert compose(policy, *steps, "get refuse §3.") is None
