"""What notebook 13 says about its runs of DPO holds in results/dpo.json."""

from itertools import pairwise, product

import pytest

from utils.evaluate.arms import BETA, DPO_LR
from utils.evaluate.conditions import plain
from utils.evaluate.studies.dpo import BETAS, LEARNING_RATES, TESTED, validation
from utils.evaluate.study import load_rows, over_seeds

SETTINGS = list(product(BETAS, LEARNING_RATES))
FAR = [(beta, rate) for beta, rate in SETTINGS if beta <= 0.1 and rate >= 2e-4]


@pytest.fixture(scope="module")
def rows() -> list[dict]:
    return [
        row | {"gain": row["accuracy"] - row["accuracy_before"]}
        for row in load_rows("dpo")
    ]


def means(rows, figure, start) -> dict[tuple[float, float], float]:
    """The mean over seeds of a figure, for each beta and learning rate."""
    return {
        (beta, rate): over_seeds(rows, figure, start=start, beta=beta, lr=rate)[0]
        for beta, rate in SETTINGS
    }


def test_every_setting_was_measured_once_a_seed(rows):
    keys = [(row["seed"], row["start"], row["beta"], row["lr"]) for row in rows]
    wanted = product(range(3), ("base", "sft"), BETAS, LEARNING_RATES)
    assert sorted(keys) == sorted(wanted)


def test_settings_are_chosen_on_requests_that_are_not_in_the_test():
    asked = {request.english for request in validation()}
    assert len(asked) > 100
    assert not asked & {request.english for request in plain("seen", TESTED)}


def test_after_sft_the_kl_falls_as_beta_rises(rows):
    kl = means(rows, "kl", "sft")
    for rate in LEARNING_RATES:
        assert all(kl[a, rate] >= kl[b, rate] for a, b in pairwise(BETAS))
    for rate in LEARNING_RATES[1:]:  # the smallest steps hardly move at any beta
        assert kl[BETAS[0], rate] > 2 * kl[BETAS[-1], rate]


def test_where_beta_is_low_the_learning_rate_moves_the_kl_far(rows):
    kl = means(rows, "kl", "sft")
    for beta in (0.03, 0.1):
        assert kl[beta, 2e-4] > 5 * kl[beta, 2e-5]


def test_from_the_base_the_log_improves_and_nothing_that_is_said_moves(rows):
    said = means(rows, "kl", "base")
    assert sum(abs(kl) < 0.01 for kl in said.values()) >= 10
    assert over_seeds(rows, "reward_accuracy", start="base", beta=1.0, lr=2e-4)[1] > 0.5
    assert all(x > 0.5 for x in means(rows, "reward_accuracy", "base").values())
    changed = means(rows, "answers_changed", "base")
    assert all(x < 0.02 for key, x in changed.items() if key != (0.03, 2e-4))
    assert all(x <= 0.21 for x in means(rows, "accuracy", "base").values())


def test_after_sft_the_log_is_perfect_and_answers_stay(rows):
    assert all(x > 0.95 for x in means(rows, "reward_accuracy", "sft").values())
    changed = means(rows, "answers_changed", "sft")
    assert all((x > 0.1) == (key in FAR) for key, x in changed.items())


def test_the_largest_step_with_a_low_beta_goes_too_far(rows):
    accuracy = means(rows, "accuracy", "sft")
    assert all((x < 0.9) == (key in FAR) for key, x in accuracy.items())


def test_arm_a2_is_among_the_best_of_the_sweep_and_strong_at_home(rows):
    accuracy, kl = means(rows, "accuracy", "sft"), means(rows, "kl", "sft")
    highest = max(accuracy.values())
    best = [key for key, x in accuracy.items() if x > highest - 1e-9]
    assert len(best) == 2 and (BETA, DPO_LR) in best  # the text says so
    assert accuracy[BETA, DPO_LR] >= 0.95
    assert (max(BETAS), min(LEARNING_RATES)) == (BETA, DPO_LR)  # a corner
    assert min(kl, key=kl.get) == (BETA, DPO_LR)  # which moves least


def test_about_half_of_the_settings_cannot_be_told_from_the_best(rows):
    best = {
        row["seed"]: row["accuracy"]
        for row in rows
        if (row["start"], row["beta"], row["lr"]) == ("sft", BETA, DPO_LR)
    }
    lost = [row | {"lost": best[row["seed"]] - row["accuracy"]} for row in rows]
    as_good = [
        (beta, rate)
        for beta, rate in SETTINGS
        if over_seeds(lost, "lost", start="sft", beta=beta, lr=rate)[1] <= 0
    ]
    assert 4 <= len(as_good) <= 8


def test_no_setting_is_clearly_better_than_sft_alone(rows):
    for beta, rate in SETTINGS:
        mean, low, _ = over_seeds(rows, "gain", start="sft", beta=beta, lr=rate)
        assert low <= 0 and mean < 0.005


def test_about_half_of_the_chosen_answers_became_less_likely(rows):
    fell = means(rows, "chosen_fell", "sft")
    assert all(0.35 < share < 0.75 for share in fell.values())
    change = means(rows, "chosen_change", "sft")
    assert all(x < 0 for x in change.values())
    assert all((x < -0.2) == (key in FAR) for key, x in change.items())
    assert all(x < -2 for x in means(rows, "rejected_change", "sft").values())
