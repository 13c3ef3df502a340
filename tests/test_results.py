"""The README shows what the results file holds, and the results are as claimed."""

import json
from collections import Counter

import pytest
from scipy.stats import binomtest

from utils.evaluate.outcomes import hits
from utils.evaluate.run import ALL, QUICK, RESULTS, SEEDS
from utils.evaluate.study import load_rows
from utils.evaluate.table import average, label, plain_on
from utils.files import ROOT
from utils.show.headline import (
    MARKS,
    describe,
    draw,
    headline_rows,
    into_readme,
    tables,
)
from utils.world.requests import TAUGHT_CIPHERS, TAUGHT_LANGUAGES
from utils.world.spec import ACTIONS

README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def everything() -> list[dict]:
    return load_rows("arms")


@pytest.fixture(scope="module")
def rows(everything) -> list[dict]:
    return headline_rows(everything)


def test_the_readme_shows_the_measured_tables(everything):
    for name, table in tables(everything).items():
        assert into_readme(README, name, table) == README, "run `make results`"


def test_a_readme_without_its_marks_is_left_alone():
    for mark in MARKS:
        text = README.replace(mark.format("headline"), "")
        with pytest.raises(ValueError, match="once each"):
            into_readme(text, "headline", "a table")


def test_all_arms_were_measured_over_the_same_seeds(everything):
    assert {(row["arm"], row["base"]) for row in everything} == set(ALL)
    for run in ALL:
        own = [row for row in everything if (row["arm"], row["base"]) == run]
        assert Counter(row["seed"] for row in own) == dict.fromkeys(SEEDS, 42), run


def test_every_reply_is_kept_and_agrees_with_the_figures(everything):
    for row in everything:
        assert hits(row).mean() == pytest.approx(row["accuracy"], abs=1e-4)


def test_the_results_say_what_made_them():
    meta = json.loads((RESULTS / "arms.json").read_text(encoding="utf-8"))["meta"]
    assert meta["command"] == "make results" and meta["commit"] and meta["torch"]
    trained = {f"{arm} {base} {seed}" for arm, base in ALL for seed in SEEDS}
    assert set(meta["training"]) == trained


# A0 is not aligned, and RL alone (A6) finds nothing to begin with. A summary (A10s)
# leaves the intents out.
WEAK_AT_HOME = {"A0": 0.2, "A6": 0.2, "A10s": 0.84}
# One seed of A9 stays just under the others' line.
LEAST_AT_HOME = {"A9": 0.93}


def test_every_aligned_arm_is_strong_at_home_and_the_others_are_known(everything):
    for row in everything:
        home = (row["kind"], row["surface"], row["topics"]) == ("plain", "en", "seen")
        if home and row["arm"] in WEAK_AT_HOME:
            assert abs(row["accuracy"] - WEAK_AT_HOME[row["arm"]]) < 0.05, row
        elif home:
            assert row["accuracy"] >= LEAST_AT_HOME.get(row["arm"], 0.95), row


def test_no_arm_is_better_than_chance_on_the_controls(rows):
    # An exact one-sided test for each arm and control, at 5 % for all together.
    groups: dict[tuple, list[dict]] = {}
    for row in rows:
        if row["surface"] in ("id", "atbash"):
            key = row["arm"], row["base"], row["surface"], row["seed"]
            groups.setdefault(key, []).append(row)
    assert len(groups) >= 2 * len(QUICK)
    for key, group in groups.items():
        n = sum(row["n"] for row in group)
        hits = round(sum(row["accuracy"] * row["n"] for row in group))
        p = binomtest(hits, n, 1 / len(ACTIONS), alternative="greater").pvalue
        assert p > 0.05 / len(groups), (key, hits, n)


def test_the_figure_has_every_arm_and_a_description(rows):
    figure = draw(rows)
    assert [len(axes.containers) for axes in figure.axes] == [len(QUICK)] * 2
    assert all(label(*run) in describe(rows) for run in QUICK)


def test_rl_and_pairs_add_little_to_what_sft_taught(everything):
    """Notebook 14 says so of A3."""
    found = [row for row in everything if row["base"] == "lab"]
    for one, two in (("A1", "A3"), ("A4", "A5"), ("A4", "A12")):
        for member in (plain_on("en"), plain_on("es", "fr", "de")):
            means = [
                average([r for r in found if r["arm"] == arm and member(r)], "accuracy")
                for arm in (one, two)
            ]
            assert abs(means[0] - means[1]) < 0.05, (one, two, means)


def in_seeds(arm: str, *surfaces: str) -> dict[int, float]:
    """An arm's accuracy in some surfaces, for each training seed."""
    member = plain_on(*surfaces)
    found = [r for r in load_rows("arms") if (r["arm"], r["base"]) == (arm, "lab")]
    seeds = sorted({row["seed"] for row in found})
    return {
        seed: average([r for r in found if member(r) and r["seed"] == seed], "accuracy")
        for seed in seeds
    }


def test_the_text_of_the_spec_helps_a_thinker_and_no_direct_answer():
    """README, What came out."""
    for surfaces in (TAUGHT_LANGUAGES, TAUGHT_CIPHERS):
        direct, with_text = in_seeds("A1", *surfaces), in_seeds("A7", *surfaces)
        assert average_of(with_text) < average_of(direct) + 0.02
    thinker, with_text = (in_seeds(arm, *TAUGHT_CIPHERS) for arm in ("A4", "A8"))
    assert all(with_text[seed] > thinker[seed] + 0.05 for seed in thinker)


def average_of(values: dict[int, float]) -> float:
    return sum(values.values()) / len(values)


def test_clauses_in_the_prompt_are_enough_in_english_only():
    """README, What came out."""
    assert min(in_seeds("A10", "en").values()) == 1.0
    assert max(in_seeds("A10", *TAUGHT_LANGUAGES).values()) < 0.75
    assert max(in_seeds("A10", *TAUGHT_CIPHERS).values()) < 0.2
