"""What notebook 14 says of its runs, checked on results/rl.json."""

from itertools import pairwise

import pytest
import torch

from utils.evaluate.studies.rl import BETAS, BROKEN, RUNS, STEPS
from utils.evaluate.study import load_rows
from utils.teach.exercises.nb14_e_diagnose import diagnose

SEEDS = (0, 1, 2)
BUG = BROKEN[2]


@pytest.fixture(scope="module")
def rows() -> list[dict]:
    return load_rows("rl")


def one(rows, figure, reward, beta, seed, step=STEPS, follows=0.0) -> float:
    wanted = (reward, beta, follows, seed, step)
    keys = ("reward", "beta", "follows", "seed", "step")
    (row,) = [row for row in rows if tuple(row[k] for k in keys) == wanted]
    return row[figure]


def change(rows, figure, reward, beta, seed, follows=0.0) -> float:
    last = one(rows, figure, reward, beta, seed, STEPS, follows)
    return last - one(rows, figure, reward, beta, seed, 0, follows)


def test_every_run_was_made_with_every_seed(rows):
    wanted = {(*run, 0.0) for run in RUNS} | {BROKEN}
    for run in wanted:
        own = [r for r in rows if (r["reward"], r["beta"], r["follows"]) == run]
        assert {row["seed"] for row in own} >= set(SEEDS), run
    assert {(r["reward"], r["beta"], r["follows"]) for r in rows} == wanted


@pytest.mark.parametrize("seed", SEEDS)
def test_with_few_pairs_proxy_and_truth_part(rows, seed):
    assert change(rows, "proxy", "few", 0.0, seed) > 0
    assert change(rows, "truth", "few", 0.0, seed) < -0.1


def test_with_few_pairs_a_higher_beta_stays_closer_and_loses_less(rows):
    for seed in SEEDS:
        far = [one(rows, "kl", "few", beta, seed) for beta in BETAS]
        assert all(low > high for low, high in pairwise(far))
        lost = [change(rows, "truth", "few", beta, seed) for beta in BETAS]
        assert all(low < high for low, high in pairwise(lost))
        assert abs(lost[-1]) < 0.03


@pytest.mark.parametrize("seed", SEEDS)
def test_with_many_pairs_proxy_and_truth_rise_together(rows, seed):
    for beta in BETAS[:-1]:
        assert change(rows, "proxy", "many", beta, seed) > 0
        assert change(rows, "truth", "many", beta, seed) > 0


def test_with_many_pairs_the_highest_beta_costs_part_of_the_gain(rows):
    gains = [
        sum(change(rows, "truth", "many", beta, seed) for seed in SEEDS)
        for beta in (BETAS[0], BETAS[-1])
    ]
    assert gains[0] > gains[1]


@pytest.mark.parametrize("seed", SEEDS)
def test_the_truth_rises_with_the_judge_as_reward(rows, seed):
    assert change(rows, "truth", "judge", 0.2, seed) > 0


@pytest.mark.parametrize("seed", SEEDS)
def test_the_broken_run_looks_better_than_the_sound_one_and_is_worse(rows, seed):
    reward, beta, _ = BROKEN
    own = [r for r in rows if r["seed"] == seed]
    own = [r for r in own if (r["reward"], r["beta"]) == (reward, beta)]
    logged = {
        bug: max(r["logged kl"] for r in own if r["follows"] == bug)
        for bug in (0.0, BUG)
    }
    assert logged[BUG] < logged[0.0] / 4
    ends = {
        figure: [one(rows, figure, reward, beta, seed, follows=f) for f in (0.0, BUG)]
        for figure in ("kl", "truth")
    }
    assert ends["kl"][1] > 2 * ends["kl"][0]
    assert ends["truth"][1] < ends["truth"][0]


def test_the_notebook_finds_the_moving_reference_in_every_broken_run(rows):
    for follows, verdict in ((0.0, "healthy"), (BUG, "reference moves")):
        for seed in SEEDS:
            own = [
                row
                for row in rows
                if (row["reward"], row["beta"]) == BROKEN[:2]
                and (row["follows"], row["seed"]) == (follows, seed)
            ]
            log = {
                name: torch.tensor([row[name] for row in own])
                for name in ("policy", "reference")
            }
            assert diagnose(log) == verdict


def test_the_broken_run_shown_says_it_is_where_it_began_and_speaks_differently(rows):
    own = [
        row
        for row in rows
        if (row["reward"], row["beta"], row["follows"]) == BROKEN and row["seed"] == 0
    ]
    first, last = own[0], own[-1]
    assert last["logged kl"] < 0.001
    assert all(a != b for a, b in zip(first["said"], last["said"], strict=True))
