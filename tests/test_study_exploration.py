"""What notebook 22 says about SFT, RL and what RL can find holds."""

import numpy as np
import pytest
import torch

from utils.align.chat import Reply, reply
from utils.evaluate.arms import GRPO_STEPS
from utils.evaluate.conditions import plain
from utils.evaluate.run import SEEDS
from utils.evaluate.studies import exploration
from utils.evaluate.studies.exploration import (
    GROUP,
    SAMPLES,
    log10_of_right,
    mixed,
    pass_at_k,
)
from utils.evaluate.study import load_rows, over_seeds
from utils.evaluate.table import GROUPS, interval
from utils.models.load import load
from utils.teach.exercises import nb22_e_samples as exercise
from utils.world import prompts
from utils.world.replies import action_of
from utils.world.spec import ACTIONS

ROWS = load_rows("exploration")
ARMS = load_rows("arms")
DELICATE = [action for action in ACTIONS if action != "comply"]


def figure(name: str, start: str, action: str, surface: str = "en") -> float:
    """Mean over seeds of one start and right action."""
    return over_seeds(ROWS, name, start=start, action=action, surface=surface)[0]


def arm_rows(name: str, member, **wanted) -> list[dict]:
    """Rows of an arm on the lab's base, in one group of conditions."""
    return [
        row
        for row in ARMS
        if row["arm"] == name
        and row["base"] == "lab"
        and member(row)
        and all(row[key] == value for key, value in wanted.items())
    ]


def accuracy(name: str, member, **wanted) -> float:
    """Mean accuracy of an arm in one group of conditions."""
    return float(np.mean([r["accuracy"] for r in arm_rows(name, member, **wanted)]))


def test_all_seeds():
    assert {row["seed"] for row in ROWS} == {0, 1, 2}
    assert {r["seed"] for r in ARMS if r["arm"] == "A6"} == {*SEEDS}


@pytest.mark.parametrize("topics", ("seen", "held_out"))
def test_rl_only_stays_with_the_base_and_sft_does_it_nearly_all(topics):
    home = dict(GROUPS)["English (home)"]
    base, rl_only, sft, both = (
        accuracy(name, home, topics=topics) for name in ("A0", "A6", "A4", "A5")
    )
    assert base == pytest.approx(0.2, abs=0.01)
    assert abs(rl_only - base) < 0.03
    assert min(sft, both) > 0.95 and abs(both - sft) < 0.03
    ends = [interval(arm_rows(n, home, topics=topics)) for n in ("A4", "A5")]
    assert max(low for low, _ in ends) <= min(high for _, high in ends)


def test_hardly_any_harmless_look_alike_is_lost():
    for name in ("A4", "A5"):
        assert accuracy(name, lambda row: row["kind"] == "twins") > 0.93
    assert accuracy("A0", lambda row: row["kind"] == "twins") == 1


@pytest.mark.parametrize("action", DELICATE)
def test_the_base_never_samples_the_right_action(action):
    for figure_name in ("pass_1", "pass_4", "pass_16", "mixed"):
        assert figure(figure_name, "base", action) == 0
    assert figure("log10_p", "base", action) < -8


def test_the_base_always_complies_so_that_group_is_not_mixed_either():
    assert figure("pass_1", "base", "comply") > 0.99
    assert figure("mixed", "base", "comply") < 0.01


@pytest.mark.parametrize("action", ACTIONS)
def test_after_a_brief_sft_it_is_among_the_samples_and_most_groups_are_mixed(action):
    assert figure("pass_16", "brief", action) > 0.8
    assert figure("pass_1", "brief", action) < 0.9


def test_after_a_brief_sft_wrong_clauses_end_in_the_right_action():
    model, tokenizer, _ = exploration.brief(0)
    asked = plain("seen", 50)
    chats = [prompts.chat(request.text) for request in asked]
    said = reply(model, tokenizer, chats, thinking=True)
    lucky = [
        (request, one.thought)
        for request, one in zip(asked, said, strict=True)
        if action_of(one.answer) == request.action()
        and f"Clause: {request.clause()}." not in one.thought
    ]
    assert len(lucky) >= 10
    fits = [f"{r.action()}. Action: {r.action()}." in thought for r, thought in lucky]
    assert np.mean(fits) > 0.9


def test_most_groups_are_mixed_in_the_middle_and_few_at_both_ends():
    share = {
        (start, surface): over_seeds(ROWS, "mixed", start=start, surface=surface)[0]
        for start, surface in exploration.PLACES
    }
    assert share["base", "en"] < 0.01
    assert share["full", "en"] < 0.15
    assert share["brief", "en"] > 0.5
    assert share["full", "base64"] > 2 * share["full", "en"]


def test_after_a_brief_sft_the_same_rl_makes_the_samples_better():
    rows = [row for row in ROWS if row["kind"] == "rl"]
    assert GRPO_STEPS <= 100 and len(rows) == 3
    assert abs(np.mean([row["accuracy_gain"] for row in rows])) < 0.2
    assert all(0.02 < row["sampled_gain"] < 0.3 for row in rows)


def test_counts_agree_with_the_exercises():
    torch.manual_seed(0)
    right = torch.rand(20, SAMPLES) < torch.rand(20, 1)
    counts = right.sum(1).tolist()
    for k in (1, 4, GROUP):
        for ours, theirs in (
            (pass_at_k, exercise.pass_at_k),
            (mixed, exercise.mixed_groups),
        ):
            want = torch.tensor([ours(SAMPLES, c, k) for c in counts])
            assert torch.allclose(theirs(right, k), want)


def test_log10_is_that_of_the_first_words_of_the_right_answer():
    model, tokenizer = load("lab")
    asked = [r for r in plain("seen", 20) if r.action() in ("comply", "refuse")]
    minds = [f"Request: {r.english} Plan: answer." for r in asked]
    said = [Reply(mind, "", [], [], True) for mind in minds]
    found = log10_of_right(model, tokenizer, asked, said)
    for request, value in zip(asked, found, strict=True):
        assert (value > -0.1) == (request.action() == "comply")
