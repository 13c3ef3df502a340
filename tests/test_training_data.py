"""What arms are trained on, shown and paid for; no trained arm is needed."""

import pytest

from utils.align.deliberate import Deliberation
from utils.align.sampling import Sample
from utils.evaluate import training_data
from utils.evaluate.arms import ARMS, judge_rewards
from utils.evaluate.training_data import (
    documents,
    fillers,
    readings,
    thinking_example,
    training_requests,
)
from utils.models.load import load
from utils.models.tokenizer import ANSWER, encode_completion
from utils.world.data import load_topics
from utils.world.replies import answer, true_thought
from utils.world.spec import load_spec


@pytest.fixture(scope="module")
def base() -> tuple:
    return load("lab")


def flawless(request) -> Deliberation:
    text = answer(request.action(), request.topic.name)
    return Deliberation(true_thought(request), text)


def test_the_documents_hold_the_whole_spec_and_no_request(base):
    _, tokenizer = base
    texts = [
        (tokenizer.decode(one.prompt), tokenizer.decode(one.completion))
        for one in documents(tokenizer, 3000, seed=0)
    ]
    said = " ".join(text for _, text in texts)
    for clause in load_spec().clauses:
        assert str(clause) in said and clause.reason in said
    everything = said + " ".join(question for question, _ in texts)
    assert not [topic.name for topic in load_topics() if topic.name in everything]
    assert documents(tokenizer, 5, seed=0) != documents(tokenizer, 5, seed=1)


def test_fillers_are_as_long_as_thoughts_and_say_nothing(base):
    _, tokenizer = base
    kept = [(request, flawless(request)) for request in training_requests(0, 60)]
    real = [thinking_example(tokenizer, *pair) for pair in kept]
    found = fillers(tokenizer, kept)
    mean = sum(map(thought_of, real)) / len(real)
    written = 0
    for filler, example in zip(found, real, strict=True):
        given = tokenizer.decode(filler.prompt[len(example.prompt) :])
        thought, _, said = tokenizer.decode(filler.completion).partition(ANSWER)
        assert set(given + thought) == {"."} and not (given and thought)
        assert len(given + thought) == round(mean)
        assert said == tokenizer.decode(example.completion).partition(ANSWER)[2]
        written += bool(thought)
    assert written == len(kept) / training_data.WRITTEN


def thought_of(example) -> int:
    """Length of the thought of an example, in tokens."""
    tokenizer = load("lab")[1]
    return example.completion.index(tokenizer.convert_tokens_to_ids(ANSWER))


def test_arms_with_the_spec_in_the_prompt_show_the_clauses_of_the_category():
    for request in training_requests(0, 50):
        full, short = (
            ARMS[name].ask(request)[0]["content"] for name in ("A10", "A10s")
        )
        clauses = load_spec().of(request.topic.category)
        wanted = [f"{i} {c.action} §{c.number}" for c in clauses for i in c.intents]
        assert all(entry in full for entry in wanted)
        (common,) = {entry.split()[1] for entry in short.split(": ")[1].split(", ")}
        actions = [c.action for c in clauses for _ in c.intents]
        assert actions.count(common) == max(map(actions.count, actions))
        assert short.count("§") == len(wanted)
        assert ARMS["A4"].ask(request)[0]["content"] == request.text


@pytest.mark.parametrize("sees", [False, True])
def test_the_judge_rewards_what_it_may_see(base, sees):
    judge, tokenizer = base
    request = next(r for r in training_requests(0, 50) if r.action() == "refuse")
    clauses = load_spec().of(request.topic.category)
    other = next(clause for clause in clauses if clause.action != "refuse")
    right = answer("refuse", request.topic.name)
    cases = [
        (true_thought(request), right),
        (true_thought(request), answer("comply", request.topic.name)),
        (true_thought(request, other), right),
        ("Request:", right),
    ]
    samples = [
        Sample(ids, [0.0] * len(ids), True)
        for thought, text in cases
        for ids in [encode_completion(tokenizer, text, str(thought))]
    ]
    samples.append(Sample(samples[0].tokens[:-1], samples[0].logprobs[:-1], False))
    rewards = judge_rewards(judge, tokenizer, request, samples, sees)
    good, bad, misquoted, skipped, unfinished = rewards
    assert good > 0.9 and bad < 0.1 and unfinished == 0.0
    if sees:
        assert misquoted < 0.1 and skipped == 0.0
    else:
        assert misquoted > 0.9 and skipped > 0.9


def test_readings_have_a_row_a_deliberation_and_a_column_a_reading(base):
    judge, tokenizer = base
    requests = training_requests(0, 6)
    scores = readings(judge, tokenizer, [(r, flawless(r)) for r in requests], k=3)
    assert scores.shape == (6, 3) and scores.min() > 0.5
