"""What notebook 14 says of its runs, checked on results/rl.json."""

from itertools import pairwise

import pytest

from utils.evaluate.studies.rl import BETAS, BROKEN, RUNS, STEPS
from utils.evaluate.study import load_rows, over_seeds

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


@pytest.mark.parametrize("seed", SEEDS)
def test_a_higher_beta_stays_closer_and_loses_less(rows, seed):
    far = [one(rows, "kl", "few", beta, seed) for beta in BETAS]
    truth = [one(rows, "truth", "few", beta, seed) for beta in BETAS]
    assert all(low > high for low, high in pairwise(far))
    assert all(low < high for low, high in pairwise(truth))


def test_with_many_pairs_the_truth_stays_about_where_it_was(rows):
    for beta in BETAS:
        before, _, _ = over_seeds(rows, "truth", reward="many", beta=beta, step=0)
        last = {"reward": "many", "beta": beta, "step": STEPS}
        after, low, high = over_seeds(rows, "truth", **last)
        assert low <= before <= high and abs(after - before) < 0.05
        for seed in SEEDS:
            assert change(rows, "proxy", "many", beta, seed) > 0


@pytest.mark.parametrize("seed", SEEDS)
def test_the_judge_as_reward_loses_nothing(rows, seed):
    assert change(rows, "truth", "judge", 0.2, seed) > -0.02


@pytest.mark.parametrize("seed", SEEDS)
def test_the_broken_run_logs_less_than_the_sound_one_and_went_further(rows, seed):
    reward, beta, _ = BROKEN
    own = [r for r in rows if r["seed"] == seed]
    own = [r for r in own if (r["reward"], r["beta"]) == (reward, beta)]
    logged = {
        bug: max(r["logged kl"] for r in own if r["follows"] == bug)
        for bug in (0.0, BUG)
    }
    assert logged[BUG] < logged[0.0] / 4
    for figure, sign in (("kl", 1), ("truth", -1)):
        sound = one(rows, figure, reward, beta, seed)
        assert sign * (one(rows, figure, reward, beta, seed, STEPS, BUG) - sound) > 0
