"""Success task by task against the compute of training: A1 and A4, watched.

A task is a clause of the Spec: requests that this clause decides. One run of each arm,
with the batches, the step sizes and the data that it has in the course, is stopped now
and then and asked requests about every clause. A row holds the hits of all clauses at
one look, and how many tokens the run has read and learned by then.
"""

from collections.abc import Iterator
from functools import lru_cache
from random import Random

import torch

from utils.align.batching import Example, batches, token_logprobs
from utils.align.chat import reply
from utils.align.fit import fit
from utils.align.sft import sft_loss
from utils.evaluate import arms
from utils.evaluate.conditions import TEST_SEED
from utils.evaluate.training_data import (
    deliberations,
    direct_example,
    rehearsal,
    thinking_example,
)
from utils.models.load import load
from utils.world import prompts
from utils.world.replies import action_of
from utils.world.requests import Request, possible_requests
from utils.world.spec import load_spec

STUDENTS = ("A1", "A4")
LOOKS = (0, 10, 20, 30, 40, 60, 80, 120, 160, 240, 400)  # steps
PLACES = (("en", "seen"), ("en", "held_out"), ("es", "held_out"))
EACH = 6  # requests for each clause
Row = dict


@lru_cache
def tasks(topics: str, each: int) -> dict[int, list[Request]]:
    """Return `each` English test requests for each clause, by its number.

    As everywhere, a seen topic is asked about in a phrasing that it never had in
    alignment.
    """
    cases = possible_requests(topics, "seen", "held_out" if topics == "seen" else "all")
    found = {}
    for clause in load_spec().clauses:
        own = [
            request
            for intent in clause.intents
            for by_topic in cases[clause.category, intent]
            for request in by_topic
        ]
        Random(f"{TEST_SEED}-{clause.number}").shuffle(own)
        found[clause.number] = own[:each]
    return found


def look(model, tokenizer, thinking: bool, keys: Row) -> list[Row]:
    """Return a row for each place: the hits of each clause, as "1" and "0"."""
    rows = []
    for surface, topics in PLACES:
        asked = [
            (number, request.on(surface))
            for number, requests in tasks(topics, EACH).items()
            for request in requests
        ]
        chats = [prompts.chat(request.text) for _, request in asked]
        replies = reply(model, tokenizer, chats, thinking=thinking)
        hits: dict[str, str] = {}
        for (number, request), said in zip(asked, replies, strict=True):
            hit = action_of(said.answer) == request.action()
            hits[str(number)] = hits.get(str(number), "") + str(int(hit))
        rows.append(keys | {"surface": surface, "topics": topics, "hits": hits})
    return rows


def examples_of(name: str, tokenizer, base: str, seed: int) -> list[Example]:
    """Return what an arm trains on, with the rehearsal, as `imitate` mixes it."""
    kept = deliberations(base, seed)
    examples = [
        thinking_example(tokenizer, request, one)
        if arms.ARMS[name].thinking
        else direct_example(tokenizer, request, one.answer)
        for request, one in kept
    ]
    n = round(arms.REHEARSAL * len(examples))
    return examples + rehearsal(tokenizer, base, n, seed)


def watch(name: str, base: str, seed: int) -> list[Row]:
    """Train an arm and return the rows of all looks.

    read    : tokens that went through the model so far, without padding
    learned : those of them that had a loss
    """
    torch.manual_seed(seed)
    model, tokenizer = load(base)
    examples = examples_of(name, tokenizer, base, seed)
    thinking = arms.ARMS[name].thinking
    rows: list[Row] = []
    done = {"read": 0, "learned": 0}

    def watched() -> Iterator[list[int]]:
        order = batches(examples, arms.BATCH, arms.SFT_STEPS, seed)
        for step, index in enumerate(order):
            if step in LOOKS:
                see(step)
            done["read"] += sum(len(examples[i]) for i in index)
            done["learned"] += sum(len(examples[i].completion) for i in index)
            yield index

    def see(step: int) -> None:
        keys = {"arm": name, "base": base, "step": step}
        rows.extend(look(model, tokenizer, thinking, keys | done))

    def loss_fn(index: list[int]) -> tuple[torch.Tensor, dict]:
        batch = [examples[i] for i in index]
        loss = sft_loss(*token_logprobs(model, batch, tokenizer.pad_token_id))
        return loss, {"loss": loss.item()}

    fit(
        model,
        watched(),
        loss_fn,
        steps=arms.SFT_STEPS,
        lr=arms.SFT_LR,
        progress=f"{name} watched, seed {seed}",
    )
    see(arms.SFT_STEPS)
    return rows


def study(seed: int, base: str = "lab") -> list[Row]:
    """Return a row for each arm, look and place."""
    return [row for name in STUDENTS for row in watch(name, base, seed)]
