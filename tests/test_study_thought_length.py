"""Students of short thoughts; and what notebook 34 says of them."""

import pytest

from utils.evaluate.studies import thought_length as study
from utils.evaluate.studies.interventions import STEPS
from utils.evaluate.studies.thought_length import ending, short_example
from utils.evaluate.study import load_rows
from utils.models.tokenizer import build_tokenizer, split_completion
from utils.world.replies import answer, true_thought
from utils.world.requests import sample_requests


@pytest.fixture(scope="module")
def rows() -> list[dict]:
    return load_rows("thought_length")


def test_the_last_steps_are_kept_whole():
    request = sample_requests(1, seed=3)[0]
    thought = true_thought(request)
    assert ending(thought, len(STEPS)) == str(thought)
    assert ending(thought, 1) == f"Action: {thought.action}."
    for k in range(1, len(STEPS) + 1):
        kept = [step for step in STEPS if f"{step}: " in ending(thought, k)]
        assert kept == [*STEPS[-k:]]


def test_an_example_has_the_short_thought_and_the_whole_answer():
    tokenizer = build_tokenizer()
    request = sample_requests(1, seed=3)[0]
    thought, said = true_thought(request), answer(request.action(), request.topic.name)
    example = short_example(tokenizer, request, said, thought, 2)
    found = split_completion(tokenizer, example.completion)
    assert found == (ending(thought, 2), said)


# The results.


def test_every_length_was_measured_once_a_seed(rows):
    seeds = {row["seed"] for row in rows}
    assert len(seeds) >= 3
    for seed in seeds:
        found = {
            steps: sum(r["steps"] == steps and r["seed"] == seed for r in rows)
            for steps in (*study.WHOLE, *study.LENGTHS)
        }
        assert len(set(found.values())) == 1


def test_a_longer_thought_costs_more_tokens(rows):
    written = {}
    for row in rows:
        if row["kind"] == "plain" and row["surface"] == "en":
            written.setdefault(row["steps"], []).append(row["written"])
    means = [sum(values) / len(values) for _, values in sorted(written.items())]
    assert means == sorted(means)
