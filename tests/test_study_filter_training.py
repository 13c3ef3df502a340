"""What notebook 21 says about students of a noisy teacher holds."""

import pytest

from utils.evaluate.studies.filter import corrupt, truth
from utils.evaluate.studies.filter_training import filtered
from utils.evaluate.study import load_rows

ROWS = load_rows("filter_training")
CLEAN, FAULTY, FILTERED = (0.0, False), (0.4, False), (0.4, True)
SEEDS = (0, 1, 2)


def mean(figure: str, data: tuple, seed: int | None = None, **wanted) -> float:
    """Mean of a figure over topic splits, and over seeds if none is given."""
    values = [
        row[figure]
        for row in ROWS
        if (row["level"], row["filtered"]) == data
        and seed in (None, row["seed"])
        and all(row[key] == value for key, value in wanted.items())
    ]
    assert values
    return sum(values) / len(values)


def test_three_seeds():
    assert {row["seed"] for row in ROWS} == set(SEEDS)


def test_the_filter_cleans_the_data_and_most_of_the_answers():
    for seed in SEEDS:
        assert mean("precision", FAULTY, seed) == pytest.approx(0.6)
        assert mean("precision", FILTERED, seed) > 0.85
        assert mean("right_answers", FILTERED, seed) > 0.98
        assert mean("right_answers", FAULTY, seed) < 0.92
        assert 450 < mean("examples", FILTERED, seed) < 600


@pytest.mark.parametrize("thinking", (False, True))
def test_faulty_data_cost_and_the_filter_gives_most_of_it_back(thinking):
    own = {"thinking": thinking}
    for seed in SEEDS:
        faulty = mean("sampled", FAULTY, seed, **own)
        assert mean("sampled", CLEAN, seed, **own) > faulty
        assert mean("sampled", FILTERED, seed, **own) > faulty
    lost = mean("sampled", CLEAN, **own) - mean("sampled", FAULTY, **own)
    left = mean("sampled", CLEAN, **own) - mean("sampled", FILTERED, **own)
    assert left < lost / 2


def test_the_student_of_thoughts_loses_more():
    lost = {
        thinking: mean("sampled", CLEAN, thinking=thinking)
        - mean("sampled", FAULTY, thinking=thinking)
        for thinking in (False, True)
    }
    assert 1.5 < lost[True] / lost[False] < 3.5


def test_sampling_shows_more_than_greedy_answers_for_thoughts():
    def lost(figure):
        own = {"thinking": True}
        return mean(figure, CLEAN, **own) - mean(figure, FAULTY, **own)

    assert lost("sampled") > 1.5 * lost("greedy") > 0


def test_after_a_brief_training_the_action_is_ahead_of_the_clause():
    """Notebook 22, section 4, says so of its short training."""
    for seed in SEEDS:
        own = {"seed": seed, "thinking": True}
        assert mean("greedy", CLEAN, **own) > mean("clause", CLEAN, **own) + 0.05


def test_the_share_of_right_clauses_hardly_tells_the_data_apart():
    found = [mean("clause", d, thinking=True) for d in (CLEAN, FAULTY, FILTERED)]
    assert max(found) - min(found) < 0.12


def test_the_filter_itself_on_a_few_cases():
    from utils.align.deliberate import Deliberation
    from utils.world.replies import answer, true_thought
    from utils.world.requests import sample_requests

    clean = [
        (r, Deliberation(true_thought(r), answer(r.action(), r.topic.name)))
        for r in sample_requests(30, seed=8)
    ]
    noisy = corrupt(clean, 0.4, 8, kinds=("answer", "clause", "category"))
    assert truth(noisy).sum() == 18
    assert truth(filtered(noisy)).all()
    assert len(filtered(noisy)) == 18
