"""Does more training make up for the missing thought? A1 at ten times its steps.

Small models that answer directly may learn a rule long after they know their examples
by heart: grokking (Power et al. 2022, arXiv 2201.02177). From-scratch studies of two
steps of reasoning see it happen for a new first step and a known second one (Ye et al.
2025, arXiv 2505.23653): here, another surface and a topic seen in alignment.

So A1 is trained on: the same examples, batches and peak step size, in legs, each with
a warm-up and a decay of its own. A4 is looked at earlier, since one of its examples is
longer than one of A1's: `tokens` allows an equal comparison.
"""

from collections.abc import Sequence
from functools import partial

import torch

from utils.align.batching import Example
from utils.align.chat import reply
from utils.align.sft import train_sft
from utils.evaluate.arms import (
    ARMS,
    BATCH,
    REHEARSAL,
    SFT_LR,
    SFT_STEPS,
    arm,
    digest_of,
    plain_chat,
)
from utils.evaluate.cache import cached, cached_rows, key_of
from utils.evaluate.conditions import Condition, conditions
from utils.evaluate.metrics import score
from utils.evaluate.training_data import (
    deliberations,
    direct_example,
    rehearsal,
    thinking_example,
    training_requests,
)
from utils.models.load import load
from utils.world.replies import action_of
from utils.world.spec import ACTIONS

# Times the steps of the arm. What is below 1 is a shorter training of its own.
LEGS = {"A1": (0.3, 1, 3, 10), "A4": (0.1, 0.3, 1)}
REQUESTS = 100  # in each condition
Row = dict


def examples_of(name: str, tokenizer, base: str, seed: int) -> list[Example]:
    """Return all that the arm trains on: its examples, and the rehearsal."""
    kept = deliberations(base, seed)
    own = [
        thinking_example(tokenizer, request, one)
        if ARMS[name].thinking
        else direct_example(tokenizer, request, one.answer)
        for request, one in kept
    ]
    return [*own, *rehearsal(tokenizer, base, round(REHEARSAL * len(own)), seed)]


def train_on(model, name: str, steps: int, times: float, base: str, seed: int) -> dict:
    """Take `steps` more, up to `times` the arm's own; the notes hold the last loss.

    The model comes from the cache if this leg was trained before.
    """
    _, tokenizer = load(base)

    def run(fresh) -> dict:
        examples = examples_of(name, tokenizer, base, seed)
        torch.manual_seed(seed)
        losses = train_sft(
            fresh,
            examples,
            steps=steps,
            pad_id=tokenizer.pad_token_id,
            batch_size=BATCH,
            lr=SFT_LR,
            seed=seed + round(1000 * times),  # other batches in each leg
            progress=f"{name} to {times} times its steps, seed {seed}",
        )
        last = losses[-20:]
        mean = sum(map(len, examples)) / len(examples)
        return {"loss": round(sum(last) / len(last), 5), "tokens": round(mean, 2)}

    key = key_of(
        study="long training",
        arm=name,
        steps=steps,
        times=times,
        base=digest_of(base),
        seed=seed,
    )
    return cached(model, key, run)


def tested(seed: int) -> list[Condition]:
    """Return the conditions without wrappers and twins, and some training requests."""
    shown = tuple(training_requests(seed, REQUESTS))
    known = Condition("training", "en", "", "seen", shown)
    wanted = [c for c in conditions(REQUESTS) if c.kind in ("plain", "phrasing")]
    return [known, *wanted]


def ask(model, tokenizer, thinking: bool, asked: Sequence[Condition]) -> list[Row]:
    """Return a row for each condition.

    given : one character a request, the place of the given action in ACTIONS, "-" for
            an answer that is none of the five
    """
    requests = [request for condition in asked for request in condition.requests]
    chats = [plain_chat(request) for request in requests]
    said = iter(reply(model, tokenizer, chats, thinking=thinking))
    rows = []
    for condition in asked:
        own = [next(said) for _ in condition.requests]
        given = [action_of(one.answer) for one in own]
        letters = [str(ACTIONS.index(a)) if a in ACTIONS else "-" for a in given]
        row = condition.keys | score(condition.requests, own)
        rows.append(row | {"given": "".join(letters)})
    return rows


def legs(name: str, base: str, seed: int) -> list[Row]:
    """Return the rows of one arm after each of its legs, from the shortest on."""
    rows, done, length = [], 0.0, 0.0
    model, tokenizer = load(base)
    for times in LEGS[name]:
        if times == 1:
            model, _, notes = arm(name, base, seed)
            notes = {"loss": notes.get("last_loss")}
        else:
            if times < 1:
                (model, _), done = load(base), 0.0
            more = round((times - done) * SFT_STEPS)
            notes = train_on(model, name, more, times, base, seed)
        done = times
        length = notes.get("tokens", length)  # of an example; known since the first leg
        steps = round(times * SFT_STEPS)
        keys = {"arm": name, "times": times, "steps": steps, "loss": notes["loss"]}
        keys["tokens"] = round(steps * BATCH * length)
        look = partial(ask, model.eval(), tokenizer, ARMS[name].thinking, tested(seed))
        key = key_of(study="long training", look=keys, n=REQUESTS, seed=seed)
        rows += [keys | row for row in cached_rows(f"rows-{key}", look)]
    return rows


def study(seed: int, base: str = "lab") -> list[Row]:
    """Return the rows of both arms."""
    return [row for name in LEGS for row in legs(name, base, seed)]
