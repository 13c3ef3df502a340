"""Does the form of a label matter to a reward model? Hard, soft and clamped ones.

Two sources of labels: a judge that reads one rule of the chapter, so that it is often
unsure; and a judge that is sure of everything and wrong about a quarter of it, as a
judge can be that reasons first. Everything else is the same, and the truth decides.
"""

import random
from collections.abc import Sequence

import torch
from torch import Tensor

from utils.align.batching import Example, Pair
from utils.align.reward_model import RewardModel, score, train_reward_model
from utils.evaluate.studies.labels import (
    Case,
    ask,
    both_orders,
    draw_cases,
    grade,
    one_rule,
)
from utils.evaluate.training_data import direct_pair
from utils.models.load import load

JUDGE = "lab"
BODY = "lab_s"  # what the reward model is made of; smaller, so faster
TRAIN, TEST = 480, 300  # pairs
STEPS, LR, BATCH = 100, 1e-3, 32
WRONG, CERTAIN = 0.25, 0.999
CLAMPS = ((0.2, 0.8), (0.4, 0.6))


def forms(p: Tensor) -> dict[str, Tensor]:
    """Return the labels p, (n,), as they are and in every other form."""
    clamped = {
        f"clamped {round(100 * low)}-{round(100 * high)}": p.clamp(low, high)
        for low, high in CLAMPS
    }
    return {"soft": p, "hard": (p > 0.5).float()} | clamped


def sources(model, tokenizer, cases: Sequence[Case], seed: int) -> dict[str, Tensor]:
    """Return labels (n,) of each source: the truth, a judge, and a sure one."""
    rng = random.Random(f"training-{seed}")
    truth = torch.tensor([float(case.right) for case in cases])
    rules = [one_rule(case, rng) for case in cases]
    judge = both_orders(*ask(model, tokenizer, rules, cases))
    flips = torch.tensor([rng.random() < WRONG for _ in cases])
    sure = torch.where(flips, 1 - truth, truth).clamp(1 - CERTAIN, CERTAIN)
    return {"truth": truth, "one rule": judge, "sure": sure}


def pairs_of(tokenizer, cases: Sequence[Case], p: Tensor) -> list[Pair]:
    """Return the cases as pairs of tokens; p says how probably the first is better."""
    return [
        direct_pair(tokenizer, case.request, case.first, case.second, value)
        for case, value in zip(cases, p.tolist(), strict=True)
    ]


def measure(reward_model: RewardModel, pairs: Sequence[Pair], truth: Tensor, pad: int):
    """Return accuracy, Brier score and median gap of rewards on pairs kept out."""
    first = score(reward_model, [Example(p.prompt, p.chosen) for p in pairs], pad)
    second = score(reward_model, [Example(p.prompt, p.rejected) for p in pairs], pad)
    gap = first - second
    found = grade(gap.double().sigmoid(), truth)
    return {
        "accuracy": found["accuracy"],
        "brier": found["brier"],
        "gap": gap.abs().median().item(),
    }


def study(seed: int) -> list[dict]:
    """Return a row for each source and form of the labels."""
    judge, tokenizer = load(JUDGE)
    body, _ = load(BODY)
    pad = tokenizer.pad_token_id
    train, test = draw_cases(1000 + seed, TRAIN), draw_cases(2000 + seed, TEST)
    seen = {case.request.english for case in train}
    test = [case for case in test if case.request.english not in seen]
    truth = torch.tensor([case.right for case in test])
    asked = pairs_of(tokenizer, test, truth.float())
    rows = []
    for source, labels in sources(judge, tokenizer, train, seed).items():
        known = torch.tensor([case.right for case in train])
        of_labels = {"label_accuracy": grade(labels, known)["accuracy"]}
        used = {"hard": labels} if source == "truth" else forms(labels)
        if source == "sure":
            del used["hard"]  # as good as the same as soft
        for form, p in used.items():
            reward_model = RewardModel(body, seed)
            torch.manual_seed(seed)
            train_reward_model(
                reward_model,
                pairs_of(tokenizer, train, p),
                steps=STEPS,
                pad_id=pad,
                batch_size=BATCH,
                lr=LR,
                seed=seed,
            )
            row = {"labels": source, "form": form, "test_pairs": len(test)}
            rows.append(row | of_labels | measure(reward_model, asked, truth, pad))
    return rows
