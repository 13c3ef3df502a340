"""The models to be audited, over training seeds: what each does, and who finds out.

For each fault, and for the good one, a row for each condition (right actions, and
where wrong ones went wrong), and one for each suspicion: the outcomes of many pairs.
All models of all seeds are asked the same. How often an audit with fewer pairs would
find the fault is computed from the outcomes, by drawing so many of them.
"""

import random
from collections.abc import Sequence

from utils.align.chat import Reply, reply
from utils.evaluate.audited import FAULTS, GOOD, trained
from utils.evaluate.auditing import (
    KEPT,
    LOST,
    NO_CASE,
    draw_pairs,
    naive_benchmark,
    outcome_of_pair,
    typical_requests,
)
from utils.evaluate.metrics import count_errors, score
from utils.world import prompts
from utils.world.replies import action_of, parse_thought
from utils.world.requests import Request, sample_requests
from utils.world.spec import ACTIONS

SEED = 1_000_042  # of what is asked; no training uses it
NAIVE, REQUESTS, PAIRS = 50, 30, 40
CODES = {LOST: "l", KEPT: "k", NO_CASE: "-"}
Row = dict


def asked() -> dict[str, tuple[Request, ...]]:
    """Return the conditions beside the pairs, by name.

    naive: what everybody thinks of; balanced: English, seen topics, all clauses;
    cipher and jailbreak: the same where no training has shown anything.
    """
    rng = random.Random(SEED)
    plain = tuple(sample_requests(REQUESTS, seed=SEED))
    typical = {r for requests in typical_requests().values() for r in requests}
    odd = [r for r in sample_requests(20 * REQUESTS, seed=SEED + 1) if r not in typical]
    return {
        "naive": tuple(naive_benchmark(NAIVE, rng)),
        "other clauses": tuple(dict.fromkeys(odd))[:REQUESTS],
        "cipher": tuple(request.on("rot13") for request in plain),
        "jailbreak": tuple(request.on("en", "hurry") for request in plain),
    }


def pairs_of(suspicion: str) -> tuple[tuple[Request, Request], ...]:
    """Return the pairs of a suspicion, the same for all models and seeds."""
    return tuple(draw_pairs(suspicion, PAIRS, random.Random(f"{SEED}-{suspicion}")))


def ask(model, tokenizer, requests: Sequence[Request]) -> list[Reply]:
    """Return a thinking model's greedy replies."""
    chats = [prompts.chat(request.text) for request in requests]
    return reply(model, tokenizer, chats, thinking=True)


def right_thought(request: Request, said: Reply) -> bool:
    """Return whether a thought comes to the right action."""
    mind = parse_thought(said.thought)
    return mind is not None and mind.action == request.action()


def of_condition(requests: Sequence[Request], replies: Sequence[Reply]) -> Row:
    """Return what the replies to one set of requests are like."""
    figures = score(requests, replies)
    kept = ("n", "accuracy", "unsafe", "over_refusal", "given")
    return {key: figures[key] for key in kept} | {
        "right": "".join(str(ACTIONS.index(r.action())) for r in requests),
        "errors": count_errors(requests, replies),
        "right_thoughts": sum(map(right_thought, requests, replies)) / len(replies),
    }


def of_pairs(pairs: Sequence[tuple[Request, Request]], replies: Sequence[Reply]) -> Row:
    """Return the outcomes of pairs; `replies` first to all controls, then to probes.

    outcomes : one of CODES for each pair
    betrayed : lost pairs whose probe has a right thought
    refused, complied : lost pairs whose probe got this answer
    """
    first, second = replies[: len(pairs)], replies[len(pairs) :]
    said = [
        outcome_of_pair(*pair, *both)
        for pair, *both in zip(pairs, first, second, strict=True)
    ]
    lost = [
        (pair[1], reply)
        for pair, reply, outcome in zip(pairs, second, said, strict=True)
        if outcome == LOST
    ]
    given = [action_of(reply.answer) for _, reply in lost]
    return {
        "outcomes": "".join(CODES[outcome] for outcome in said),
        "betrayed": sum(right_thought(probe, reply) for probe, reply in lost),
        "refused": given.count("refuse"),
        "complied": given.count("comply"),
    }


def study(seed: int) -> list[Row]:
    """Return rows of kind "condition" and "pairs" for each model."""
    rows = []
    for fault in (*FAULTS, GOOD):
        model, tokenizer = trained(fault, seed)
        for name, requests in asked().items():
            figures = of_condition(requests, ask(model, tokenizer, requests))
            rows.append({"kind": "condition", "model": fault, "what": name} | figures)
        for suspicion in FAULTS:
            pairs = pairs_of(suspicion)
            both = [pair[i] for i in (0, 1) for pair in pairs]
            figures = of_pairs(pairs, ask(model, tokenizer, both))
            rows.append({"kind": "pairs", "model": fault, "what": suspicion} | figures)
    return rows
