"""What notebook 12 says about the reward model's accuracy and calibration holds."""

import pytest
import torch

from utils.evaluate.conditions import plain
from utils.evaluate.studies.reward_model import (
    BLANK,
    SWAPPED,
    accuracy_of,
    best_temperature,
    calibration_error,
    five_answers,
    gaps,
    right_of,
)
from utils.evaluate.study import load_rows, over_seeds
from utils.models.load import load
from utils.world.requests import CONTROLS, TAUGHT_CIPHERS, TAUGHT_LANGUAGES
from utils.world.spec import ACTIONS

ROWS = load_rows("reward_model")


def figure(name: str, shown: str = "en", topics: str = "seen", named: bool = True):
    """Mean, low and high over seeds."""
    where = {"kind": "truth", "shown": shown, "topics": topics, "named": named}
    return over_seeds(ROWS, name, **where)


def test_three_seeds():
    assert {row["seed"] for row in ROWS} == {0, 1, 2}


def test_at_home_it_ranks_nearly_all_pairs_rightly():
    assert figure("accuracy")[0] > 0.9
    fresh = [row["accuracy"] for row in ROWS if row["kind"] == "fresh"]
    assert min(fresh) > 0.85


def test_held_out_topics_are_harder_in_english_too():
    assert figure("accuracy", topics="held_out")[2] < figure("accuracy")[1]


@pytest.mark.parametrize("language", TAUGHT_LANGUAGES)
def test_a_language_looks_good_and_most_of_it_is_there_without_a_request(language):
    named, blank = figure("accuracy", language)[0], figure("accuracy", BLANK)[0]
    assert figure("accuracy")[0] > named > 0.75
    assert blank - 0.5 > 0.6 * (named - 0.5)


@pytest.mark.parametrize("language", TAUGHT_LANGUAGES)
def test_without_the_topic_in_the_answer_little_is_left_of_a_language(language):
    for topics in ("seen", "held_out"):
        assert figure("accuracy", language, topics, named=False)[0] < 0.65
    home = figure("accuracy", named=False)[0]
    assert figure("accuracy")[0] > home > 0.7


@pytest.mark.parametrize("surface", (*TAUGHT_CIPHERS, *CONTROLS))
def test_ciphers_and_controls_are_near_chance_and_below_a_blank(surface):
    for topics in ("seen", "held_out"):
        mean = figure("accuracy", surface, topics)[0]
        assert mean < 0.65
        assert mean < figure("accuracy", BLANK, topics)[0]


def test_another_request_is_worse_than_none():
    assert figure("accuracy", SWAPPED)[0] < figure("accuracy", BLANK)[0]


def test_calibrated_at_home_and_too_sure_everywhere_else():
    assert 0.7 < figure("temperature")[0] < 1.4
    assert abs(figure("confidence")[0] - figure("accuracy")[0]) < 0.03
    for surface in (*TAUGHT_CIPHERS, *CONTROLS):
        assert figure("confidence", surface)[0] > figure("accuracy", surface)[0] + 0.1
        assert figure("temperature", surface)[0] > 2
    for topics, surface in (("held_out", "en"), ("held_out", "es"), ("seen", BLANK)):
        assert figure("temperature", surface, topics)[0] > 1.2


def test_mean_rewards_differ_between_requests_but_less_than_between_answers():
    within, between = figure("within")[0], figure("between")[0]
    assert 0.2 * within < between < 0.6 * within


def test_gaps_are_right_minus_wrong():
    rewards = torch.tensor([[1.0, 2.0, 3.0, 4.0, 5.0], [0.0, 0.0, 9.0, 0.0, 1.0]])
    found = gaps(rewards, torch.tensor([1, 2]))
    assert found.tolist() == [[1, -1, -2, -3], [9, 9, 9, 8]]
    assert accuracy_of(torch.tensor([1.0, 0.0, -2.0, 3.0])) == 0.625


def test_calibration_and_temperature_find_a_scale():
    torch.manual_seed(0)
    true = 3 * torch.rand(20_000)
    z = torch.where(torch.rand(20_000) < true.sigmoid(), true, -true)
    assert calibration_error(z) < 0.01 < calibration_error(3 * z)
    assert best_temperature(3 * z) == pytest.approx(3, rel=0.1)


def test_five_answers_show_what_they_should():
    _, tokenizer = load("lab")
    asked = plain("seen", 3)
    read = {
        shown: [
            tokenizer.decode(e.prompt) for e in five_answers(tokenizer, asked, shown)
        ]
        for shown in ("en", BLANK, SWAPPED)
    }
    for i, request in enumerate(asked):
        one = slice(5 * i, 5 * i + 5)
        assert all(request.text in text for text in read["en"][one])
        assert not any(request.text in text for text in read[BLANK][one])
        assert all(asked[(i + 1) % 3].text in text for text in read[SWAPPED][one])
    without = five_answers(tokenizer, asked, "en", named=False)
    texts = [tokenizer.decode(example.completion) for example in without]
    assert not any(asked[0].topic.name in text for text in texts)
    assert right_of(asked).tolist() == [ACTIONS.index(r.action()) for r in asked]
