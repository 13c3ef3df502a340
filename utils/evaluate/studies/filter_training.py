"""What the filter is worth: students of a noisy teacher, with and without it.

The same requests and the same deliberations, with faults of all kinds in a share of
them (`studies/filter.py`). A student is trained on the answers alone (as A1 is) or on
thought and answer (as A4 is), on all of them or on those that pass form and judge.
Both take the same number of steps, so the filtered one sees its examples more often.
"""

from collections.abc import Sequence

import torch

from utils.align.chat import reply
from utils.align.sft import train_sft
from utils.evaluate.conditions import plain
from utils.evaluate.studies.filter import (
    Case,
    corrupt,
    forms,
    keep_by_minimum,
    precision_recall,
    read,
    teacher,
    truth,
)
from utils.evaluate.training_data import direct_example, thinking_example
from utils.models.load import load
from utils.world import prompts
from utils.world.data import SPLITS
from utils.world.replies import action_of
from utils.world.requests import Request

REQUESTS = 800
LEVELS = (0.4,)
STEPS, LR, BATCH = 100, 1e-3, 32
ASKED = 60  # test requests of each topic split
READINGS, LEAST = 2, 0.5


def filtered(cases: Sequence[Case]) -> list[Case]:
    """Return the cases that agree with themselves and that all readings approve of."""
    formed = forms(cases).tolist()
    usable = [case for case, fits in zip(cases, formed, strict=True) if fits]
    stays = keep_by_minimum(read(*load("lab"), usable, READINGS), LEAST).tolist()
    return [case for case, good in zip(usable, stays, strict=True) if good]


def student(cases: Sequence[Case], thinking: bool, seed: int):
    """Return a model trained from the base on the cases, with thoughts or without."""
    model, tokenizer = load("lab")
    examples = [
        thinking_example(tokenizer, request, one)
        if thinking
        else direct_example(tokenizer, request, one.answer)
        for request, one in cases
    ]
    torch.manual_seed(seed)
    train_sft(
        model,
        examples,
        steps=STEPS,
        pad_id=tokenizer.pad_token_id,
        batch_size=BATCH,
        lr=LR,
        seed=seed,
    )
    return model.eval()


def measure(model, requests: Sequence[Request], thinking: bool) -> dict:
    """Return shares of right actions, greedy and sampled, and of right clauses.

    sampled: at temperature 1, which shows what greedy answers hide. clause: of greedy
    thoughts; None without thoughts.
    """
    _, tokenizer = load("lab")
    chats = [prompts.chat(request.text) for request in requests]
    n, found = len(requests), {}
    for name, temperature in (("greedy", 0.0), ("sampled", 1.0)):
        said = reply(
            model, tokenizer, chats, thinking=thinking, temperature=temperature
        )
        both = list(zip(requests, said, strict=True))
        found[name] = sum(action_of(r.answer) == q.action() for q, r in both) / n
        if name == "greedy":
            cited = sum(f"Clause: {q.clause()}." in r.thought for q, r in both) / n
    return found | {"clause": cited if thinking else None}


def data_sets(seed: int) -> dict[tuple[float, bool], list[Case]]:
    """Return (share of faults, filtered) -> cases to train on."""
    clean = teacher(seed, n=REQUESTS)
    found = {(0.0, False): clean}
    for level in LEVELS:
        noisy = corrupt(clean, level, seed)
        found |= {(level, False): noisy, (level, True): filtered(noisy)}
    return found


def study(seed: int) -> list[dict]:
    """Return a row for each student and topic split."""
    rows = []
    tests = {split: plain(split, ASKED) for split in SPLITS}
    for (level, is_filtered), cases in data_sets(seed).items():
        good = truth(cases)
        precision, _ = precision_recall(torch.ones_like(good), good)
        data = {"level": level, "filtered": is_filtered, "examples": len(cases)}
        data |= {"precision": precision}
        data["right_answers"] = sum(
            action_of(one.answer) == request.action() for request, one in cases
        ) / len(cases)
        for thinking in (False, True):
            model = student(cases, thinking, seed)
            for split, requests in tests.items():
                row = data | {"thinking": thinking, "topics": split}
                rows.append(row | measure(model, requests, thinking))
    return rows
