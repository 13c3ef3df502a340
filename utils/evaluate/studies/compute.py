"""Compute at inference: many samples, votes, and thoughts that are cut short.

Each request is answered once greedily and SAMPLES times at temperature 1. A row holds
every action, so that votes, pass@n and the success probability of each request can be
counted afterwards. Then A4's own thoughts are cut behind each step and the answer is
forced: as the model writes it, and as a choice among the five actions.
"""

from collections.abc import Sequence
from itertools import pairwise

import torch

from utils.align.batching import right_pad
from utils.align.chat import MAX_NEW_TOKENS, Reply, ids, limits, reply
from utils.align.sampling import generate
from utils.evaluate.arms import ARMS, arm
from utils.evaluate.conditions import plain
from utils.evaluate.studies.interventions import (
    STEPS,
    force,
    go_on,
    tokens_of,
)
from utils.evaluate.studies.scale import code_of, given_of, right_of
from utils.models.tokenizer import ANSWER, encode_prompt, split_completion
from utils.world import prompts
from utils.world.data import SPLITS
from utils.world.replies import OPENINGS, action_of
from utils.world.requests import Request
from utils.world.spec import ACTIONS

RUNS = (("A1", "lab"), ("A4", "lab"), ("A1", "lab_xs"), ("A4", "lab_xs"))
# (surface, wrapper): home, a language, two ciphers, a jailbreak that nothing showed
PLACES = (("en", ""), ("es", ""), ("rot13", ""), ("base64", ""), ("en", "hurry"))
SAMPLES = 16
REQUESTS = 30  # for each place and split
Row = dict


def samples_row(
    model, tokenizer, requests: Sequence[Request], thinking: bool, seed: int
) -> Row:
    """Return right actions, the greedy ones, and SAMPLES sampled ones a request.

    prompt, thought, answer : mean numbers of tokens, of the sampled replies
    """
    chats = [prompts.chat(request.text) for request in requests]
    starts = [encode_prompt(tokenizer, chat, thinking) for chat in chats]
    greedy = reply(model, tokenizer, chats, thinking=thinking)
    drawn = generate(
        model,
        [start for start in starts for _ in range(SAMPLES)],
        max_new_tokens=MAX_NEW_TOKENS,
        temperature=1.0,
        batch_size=128,
        generator=torch.Generator().manual_seed(seed),
        **limits(tokenizer, thinking),
    )
    said = [split_completion(tokenizer, sample.tokens)[1] for sample in drawn]
    codes = "".join(code_of(action_of(text)) for text in said)
    (mark,) = ids(tokenizer, ANSWER)
    thoughts = [s.tokens.index(mark) if mark in s.tokens else 0 for s in drawn]
    n = len(requests)
    return {
        "n": n,
        "right": right_of(requests),
        "greedy": given_of(greedy),
        "samples": [codes[SAMPLES * i : SAMPLES * (i + 1)] for i in range(n)],
        "prompt": round(sum(map(len, starts)) / n, 1),
        "thought": round(sum(thoughts) / len(drawn), 1),
        "written": round(sum(len(s.tokens) for s in drawn) / len(drawn), 1),
    }


def cut(thought: str, steps: int) -> str:
    """Return a thought up to the end of so many steps; all of it if there are fewer."""
    if steps == 0:
        return ""
    for _, later in list(pairwise(STEPS))[steps - 1 :]:
        before, mark, _ = thought.partition(f" {later}: ")
        if mark:
            return before
    return thought


def choose(model, tokenizer, requests: Sequence[Request], texts: Sequence[str]) -> str:
    """Return the likeliest of the five actions behind each forced thought.

    The answers' first tokens differ, so that one token decides.
    """
    first = [tokens_of(tokenizer, OPENINGS[action])[0] for action in ACTIONS]
    if len(set(first)) < len(ACTIONS):
        raise ValueError("Two answers begin with the same token.")
    (mark,) = ids(tokenizer, ANSWER)
    starts = []
    for request, text in zip(requests, texts, strict=True):
        prompt = encode_prompt(tokenizer, prompts.chat(request.text), thinking=True)
        starts.append(force(prompt, tokens_of(tokenizer, text), mark, True)[0])
    ends = torch.tensor([len(start) - 1 for start in starts])
    with torch.no_grad():
        logits = model(right_pad(starts, tokenizer.pad_token_id)).logits
    last = logits[torch.arange(len(starts)), ends][:, first]  # (n, 5)
    return "".join(str(i) for i in last.argmax(-1).tolist())


def cut_rows(model, tokenizer, requests: Sequence[Request]) -> list[Row]:
    """Return a row for each number of steps that a model's own thought may have."""
    chats = [prompts.chat(request.text) for request in requests]
    replies: list[Reply] = reply(model, tokenizer, chats, thinking=True)
    rows = []
    for steps in range(len(STEPS) + 1):
        texts = [cut(said.thought.strip(), steps) for said in replies]
        forced = go_on(model, tokenizer, requests, texts, True)
        lengths = [len(tokens_of(tokenizer, text)) if text else 0 for text in texts]
        rows.append(
            {
                "steps": steps,
                "n": len(requests),
                "right": right_of(requests),
                "given": given_of(forced),
                "chosen": choose(model, tokenizer, requests, texts),
                "thought": round(sum(lengths) / len(lengths), 1),
            }
        )
    return rows


def study(seed: int) -> list[Row]:
    """Return the rows of every run, place and split."""
    rows = []
    for name, base in RUNS:
        model, tokenizer, _ = arm(name, base, seed)
        thinking = ARMS[name].thinking
        for surface, wrapper in PLACES:
            for topics in SPLITS:
                asked = [r.on(surface, wrapper) for r in plain(topics, REQUESTS)]
                keys = {"arm": name, "base": base, "surface": surface}
                keys |= {"wrapper": wrapper, "topics": topics}
                found = samples_row(model, tokenizer, asked, thinking, seed)
                rows.append({"kind": "samples"} | keys | found)
                if thinking:
                    more = cut_rows(model, tokenizer, asked)
                    rows += [{"kind": "cut"} | keys | row for row in more]
    return rows
