"""Samples, votes and cut thoughts; and what notebook 34 says of them."""

import pytest

from utils.evaluate.studies import compute as study
from utils.evaluate.studies.compute import choose, cut, samples_row
from utils.evaluate.studies.interventions import STEPS
from utils.evaluate.study import load_rows
from utils.models.load import load
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
