"""The broken lab of notebook 13: its masks, and what the notebook says of its runs."""

import pytest
import torch

from utils.align.batching import Example, token_logprobs
from utils.evaluate.studies.faults import (
    MASKS,
    by_place,
    counted,
    every_logprob,
    places,
)
from utils.evaluate.study import load_rows, over_seeds
from utils.teach.exercises.nb13_e_fault import find_fault, masks

TEXTS = [Example([5, 6], [7, 8, 1]), Example([5, 6, 9], [8, 1]), Example([4], [7, 1])]


@pytest.fixture(scope="module")
def rows() -> list[dict]:
    return load_rows("faults")


def mean(rows, figure, mask) -> float:
    return over_seeds(rows, figure, mask=mask)[0]


# The study's own functions.


def test_masks_are_those_of_the_exercise():
    starts, ends = places(TEXTS)
    for name, mask in masks(starts, ends, 5).items():
        assert torch.equal(counted(name, starts, ends, 5), mask), name


def test_right_mask_sums_what_the_library_sums(llama):
    found = every_logprob(llama, TEXTS, pad=0)
    right = counted("right", *places(TEXTS), found.shape[1])
    logprobs, _ = token_logprobs(llama, TEXTS, 0)
    assert torch.allclose((found * right).sum(dim=1), logprobs.sum(dim=1), atol=1e-5)


def test_padding_and_the_prompts_last_token_are_scored_too(llama):
    found = every_logprob(llama, TEXTS, pad=0)
    assert found.shape == (3, 5)
    ids = torch.tensor([4, 7, 1, 0, 0])
    logits = llama(ids[None]).logits[0].log_softmax(dim=-1)
    want = logits[:-1].gather(1, ids[1:, None])[:, 0]
    assert torch.allclose(found[2, 1:], want, atol=1e-5)
    assert found[1, 2] < 0 and found[1, 1] == 0  # its prompt ends at place 2


def test_changes_are_put_to_their_places():
    texts = [Example([5, 6], [7, 8, 9, 1]), Example([5, 6], [7, 1])]
    change = torch.tensor([[0.0, 1, 2, 3, 4, 5, 0], [0.0, 1, 2, 3, 6, 0, 0]])
    assert by_place(change, texts) == {
        "before": [1, 1],
        "first": [2, 2],
        "between": [7, 0],
        "end": [5, 3],
        "behind": [0, 6],
    }


# The results.


def test_every_mask_was_measured_once_a_seed(rows):
    assert len(rows) == 3 * len(MASKS)
    assert {(row["seed"], row["mask"]) for row in rows} == {
        (seed, mask) for seed in range(3) for mask in MASKS
    }


def test_the_exercise_finds_the_fault_of_every_run(rows):
    for row in rows:
        audit = {name: torch.tensor(value) for name, value in row["audit"].items()}
        assert find_fault(**audit) == row["mask"]


def test_every_log_looks_healthy(rows):
    for row in rows:
        loss, hits = row["log"]["loss"], row["log"]["accuracy"]
        assert loss[-1] < 0.8 * loss[0] and hits[-1] > 0.8
        assert row["reward_accuracy"] > 0.7


def test_a_late_mask_learns_nothing_and_wins_behind_the_end(rows):
    assert over_seeds(rows, "reward_accuracy", mask="late")[1] > 0.6
    assert 0.4 < mean(rows, "true_reward_accuracy", "late") < 0.6
    for row in rows:
        won = {place: chosen - other for place, (chosen, other) in row["moved"].items()}
        if row["mask"] == "late":
            assert won["behind"] > 5 * won["first"]
            assert row["accuracy"] < row["accuracy_before"]
        if row["mask"] == "right":
            assert won["first"] > 5 * abs(won["behind"])
            assert won["first"] > 5 * abs(won["between"])


def test_counting_padding_makes_a_part_of_the_margin(rows):
    right = {row["seed"]: row for row in rows if row["mask"] == "right"}
    for row in rows:
        if row["mask"] == "padding":
            chosen, rejected = row["moved"]["behind"]
            assert chosen - rejected > 1
            best = right[row["seed"]]["true_reward_accuracy"]
            assert 0.7 < row["true_reward_accuracy"] < best


def test_an_early_mask_is_harmless_on_these_pairs(rows):
    right = {row["seed"]: row for row in rows if row["mask"] == "right"}
    for row in rows:
        if row["mask"] == "early":
            twin = right[row["seed"]]
            assert row["samples"] == twin["samples"]
            assert row["accuracy"] == twin["accuracy"]
            assert row["log"]["loss"] == pytest.approx(twin["log"]["loss"], abs=0.01)
            assert row["moved"]["before"][0] == row["moved"]["before"][1]  # cancels
            assert abs(row["moved"]["end"][0]) < 0.01


def test_the_right_mask_does_not_clearly_raise_the_right_action(rows):
    gains = [row | {"gain": row["accuracy"] - row["accuracy_before"]} for row in rows]
    _, low, high = over_seeds(gains, "gain", mask="right")
    assert low < 0 < high
