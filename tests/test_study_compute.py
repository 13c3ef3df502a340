"""Samples, votes and cut thoughts; and what notebook 34 says of them."""

import numpy as np
import pytest

from utils.evaluate.outcomes import hierarchical_interval
from utils.evaluate.studies import compute as study
from utils.evaluate.studies.compute import choose, cut, samples_row
from utils.evaluate.studies.interventions import STEPS
from utils.evaluate.study import load_rows
from utils.models.load import load
from utils.teach.exercises.nb34_b_vote import vote_accuracy
from utils.teach.exercises.nb34_c_spread import spread_of_items
from utils.world.replies import true_thought
from utils.world.requests import sample_requests


@pytest.fixture(scope="module")
def rows() -> list[dict]:
    return load_rows("compute")


@pytest.fixture(scope="module")
def small():
    return load("lab_xxs")


def test_a_thought_is_cut_behind_each_step():
    thought = str(true_thought(sample_requests(1, seed=3)[0]))
    parts = [cut(thought, k) for k in range(len(STEPS) + 1)]
    assert parts[0] == "" and parts[-1] == thought
    for k, part in enumerate(parts[1:], start=1):
        assert thought.startswith(part) and part.endswith((".", "?"))
        assert [step for step in STEPS if f"{step}: " in part] == [*STEPS[:k]]


def test_an_unfinished_thought_is_kept_as_far_as_it_goes():
    assert cut("Request: Hello? Topic: a", 4) == "Request: Hello? Topic: a"
    assert cut("nonsense", 1) == "nonsense"


def test_samples_are_kept_request_by_request(small, monkeypatch):
    monkeypatch.setattr(study, "SAMPLES", 3)
    requests = sample_requests(5, seed=0)
    row = samples_row(*small, requests, False, 0)
    assert row["n"] == len(row["samples"]) == len(row["right"]) == 5
    assert all(len(drawn) == 3 for drawn in row["samples"])
    assert row["thought"] == 0.0 < row["written"]


def test_a_choice_is_always_one_of_the_five(small):
    requests = sample_requests(10, seed=0)
    texts = [str(true_thought(request)) for request in requests]
    alone = [choose(*small, [r], [t]) for r, t in zip(requests, texts, strict=True)]
    assert choose(*small, requests, texts) == "".join(alone)  # padding changes nothing
    assert set("".join(alone)) <= set("01234")


# The results.


def test_every_run_and_place_was_sampled_once_a_seed(rows):
    samples = [row for row in rows if row["kind"] == "samples"]
    seeds = {row["seed"] for row in samples}
    assert len(seeds) >= 3
    assert len(samples) == len(seeds) * len(study.RUNS) * len(study.PLACES) * 2
    assert all(
        len(drawn) == study.SAMPLES for row in samples for drawn in row["samples"]
    )


def samples_in(rows, name, surface, wrapper="", base="lab"):
    """seed -> [(samples, right action)] of a run in a place."""
    found = {}
    for row in rows:
        where = row["arm"], row["base"], row["surface"], row["wrapper"]
        if row["kind"] == "samples" and where == (name, base, surface, wrapper):
            pairs = zip(row["samples"], row["right"], strict=True)
            found.setdefault(row["seed"], []).extend(pairs)
    return found


def votes(rows, n, *where, **more):
    """(seeds, requests) accuracy of a vote of n."""
    found = samples_in(rows, *where, **more)
    return np.array(
        [
            [
                vote_accuracy([drawn.count(c) for c in "01234-"], int(right), n)
                for drawn, right in found[seed]
            ]
            for seed in sorted(found)
        ]
    )


def test_votes_repair_a_thought_in_ciphers_and_no_direct_answer(rows):
    for surface in ("rot13", "base64"):
        gains = {
            name: hierarchical_interval(
                votes(rows, 16, name, surface) - votes(rows, 1, name, surface)
            )
            for name in ("A1", "A4")
        }
        assert gains["A4"][1] > 0.03
        assert gains["A1"][1] < 0 and gains["A1"][0] < 0.02


def test_one_thought_beats_sixteen_direct_votes_but_for_the_jailbreak(rows):
    for surface, wrapper in study.PLACES:
        gap = votes(rows, 1, "A4", surface, wrapper)
        gap = gap - votes(rows, 16, "A1", surface, wrapper)
        _, low, high = hierarchical_interval(gap)
        assert high < 0 if wrapper else low > 0


def test_a_vote_can_lose(rows):
    where = "A4", "base64"
    gap = votes(rows, 16, *where, base="lab_xs") - votes(rows, 1, *where, base="lab_xs")
    assert hierarchical_interval(gap)[2] < 0


def test_shapes_of_the_histograms(rows):
    def beta(name, surface, wrapper=""):
        found = samples_in(rows, name, surface, wrapper)
        pairs = [
            spread_of_items([d.count(r) for d, r in items], study.SAMPLES)
            for items in found.values()
        ]
        mean, rho = np.mean(pairs, axis=0)
        return mean * (1 / rho - 1), (1 - mean) * (1 / rho - 1)

    assert max(beta("A1", "es")) < 0.5  # a U
    assert max(*beta("A1", "en", "hurry"), *beta("A4", "en", "hurry")) < 0.9
    for surface in ("en", "es"):  # one peak at 1
        a, b = beta("A4", surface)
        assert b < 0.5 < 1 < a
    for surface in ("rot13", "base64"):  # nearly flat; one peak at 0
        assert min(beta("A4", surface)) > 0.5 and max(beta("A4", surface)) < 1.5
        a, b = beta("A1", surface)
        assert a < 0.5 < 1 < b


def test_the_answer_is_read_off_the_last_step(rows):
    def right(steps, key, surface):
        own = [
            row
            for row in rows
            if row["kind"] == "cut"
            and (row["arm"], row["base"], row["wrapper"]) == ("A4", "lab", "")
            and (row["steps"], row["surface"]) == (steps, surface)
        ]
        return np.mean(
            [a == b for r in own for a, b in zip(r[key], r["right"], strict=True)]
        )

    for surface in ("en", "es"):
        assert all(right(k, "chosen", surface) < 0.3 for k in range(5))
        assert all(right(k, "given", surface) < 0.25 for k in range(5))
        assert 0.35 < right(5, "chosen", surface) < 0.65
        assert right(6, "chosen", surface) > 0.9
