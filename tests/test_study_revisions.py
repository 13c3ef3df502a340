"""What notebook 11 says about revisions holds in results/revisions.json."""

import pytest

from utils.evaluate.studies.labels import JUDGES, chapter, draw_cases
from utils.evaluate.studies.revisions import ROUNDS, changes, right
from utils.evaluate.study import load_rows, over_seeds
from utils.world.replies import answer


@pytest.fixture(scope="module")
def mean():
    rows = load_rows("revisions")
    assert {row["seed"] for row in rows} == {0, 1, 2}
    return lambda figure="accuracy", **wanted: over_seeds(rows, figure, **wanted)[0]


def test_one_round_with_the_chapter_is_enough_for_every_size(mean):
    for name in JUDGES:
        assert mean(judge=name, principles="chapter", round=0) < 0.25
        assert mean(judge=name, principles="chapter", round=1) > 0.95
        assert mean(judge=name, principles="chapter, no critique") > 0.95


def test_with_one_rule_the_answer_is_as_good_as_the_last_draw(mean):
    for number in range(1, ROUNDS + 1):
        wanted = {"judge": "lab", "principles": "one rule", "round": number}
        known = mean("covered", **wanted)
        assert 0.4 < known < 0.65
        assert abs(mean(**wanted) - known) < 0.05
        if number > 1:
            assert abs(mean("gained", **wanted) - mean("lost", **wanted)) < 0.1


def test_with_any_rule_there_is_no_progress(mean):
    for number in range(1, ROUNDS + 1):
        wanted = {"judge": "lab", "principles": "any rule", "round": number}
        assert mean(**wanted) < 0.3


def test_changes_by_hand():
    cases = draw_cases(0, 4)
    rules = [chapter(case) for case in cases]
    found = changes(cases, rules, [True, True, False, False], [True, False, True, True])
    assert found == {"accuracy": 0.75, "covered": 1.0, "gained": 0.5, "lost": 0.25}


def test_right_answers_are_those_of_the_spec():
    cases = draw_cases(0, 10)
    true = [answer(c.request.action(), c.request.topic.name) for c in cases]
    assert right(cases, true) == [True] * 10
    assert right(cases, ["Hello."] * 10) == [False] * 10
