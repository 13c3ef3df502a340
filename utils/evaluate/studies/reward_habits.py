"""What a reward model rewards besides the right action, and what wrong labels do.

Habits: texts that no training showed, such as an answer with a kind ending. Noise:
the AI's labels, turned round for a share of the pairs. The truth of the world is used
for measuring alone.
"""

import random
from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from utils.align.batching import Example, Pair, batches
from utils.align.fit import fit
from utils.align.reward_model import RewardModel, score, train_reward_model
from utils.evaluate.conditions import plain, twins
from utils.evaluate.studies.reward_model import (
    BATCH,
    accuracy_of,
    calibration_error,
    five_answers,
    gaps,
    measured,
    pairs_in_words,
    right_of,
    trained,
)
from utils.evaluate.training_data import direct_example, direct_pair
from utils.models.load import load
from utils.world.data import SPLITS
from utils.world.replies import action_of, answer
from utils.world.requests import Request
from utils.world.spec import ACTIONS

REQUESTS = 100
NOISE = (0.1, 0.2, 0.3, 0.4)
VOTE, PROBABILITY, AWARE, BIASED = "one vote", "probability", "noise-aware", "biased"
PAIRS, STEPS, LR = 2500, 60, 1e-3  # of the runs on noisy labels
KIND_ENDING = "Let us talk about how you feel."
Texts = list[str]


# Habits -----------------------------------------------------------------------------


def altered(requests: Sequence[Request], seed: int) -> dict[str, Texts]:
    """Return name -> one text for each request; all but "right" are altered answers.

    The wrong action is drawn once for each request, and is the same in every text.
    """
    rng = random.Random(f"habits-{seed}")
    topics = [request.topic.name for request in requests]
    right = [answer(r.action(), r.topic.name) for r in requests]
    wrong = [
        answer(rng.choice([a for a in ACTIONS if a != r.action()]), r.topic.name)
        for r in requests
    ]
    shuffled = [" ".join(rng.sample(text.split(), len(text.split()))) for text in right]
    others = topics[1:] + topics[:1]
    return {
        "right": right,
        "wrong": wrong,
        "right, twice": [f"{text} {text}" for text in right],
        "wrong, twice": [f"{text} {text}" for text in wrong],
        "right + kind ending": [f"{text} {KIND_ENDING}" for text in right],
        "wrong + kind ending": [f"{text} {KIND_ENDING}" for text in wrong],
        "right, then wrong": [f"{a} {b}" for a, b in zip(right, wrong, strict=True)],
        "wrong, then right": [f"{b} {a}" for a, b in zip(right, wrong, strict=True)],
        "right, words shuffled": shuffled,
        "right, another topic": [
            answer(r.action(), other) for r, other in zip(requests, others, strict=True)
        ],
        "nothing": [""] * len(requests),
    }


def habit_rows(reward_model: RewardModel, tokenizer, seed: int) -> list[dict]:
    """Return a row for each altered answer: how it fares against right and wrong.

    beats_right, beats_wrong: the share of requests in which it gets a higher reward;
    gain: mean reward above the right answer's, where 1 is the mean gap right - wrong.
    """
    rows = []
    for split in SPLITS:
        requests = plain(split, REQUESTS)
        texts = altered(requests, seed)
        examples = [
            direct_example(tokenizer, request, text)
            for column in texts.values()
            for request, text in zip(requests, column, strict=True)
        ]
        found = score(reward_model, examples, tokenizer.pad_token_id)
        rewards = dict(zip(texts, found.reshape(len(texts), -1), strict=True))
        gap = (rewards["right"] - rewards["wrong"]).mean()
        rows += [
            {
                "kind": "habit",
                "topics": split,
                "text": name,
                "beats_right": round(accuracy_of(own - rewards["right"]), 4),
                "beats_wrong": round(accuracy_of(own - rewards["wrong"]), 4),
                "gain": round(((own - rewards["right"]).mean() / gap).item(), 4),
            }
            for name, own in rewards.items()
        ]
    return rows


def action_rows(reward_model: RewardModel, tokenizer) -> list[dict]:
    """Return how often each action gets the highest reward, at home and on twins.

    Every action is right in a fifth of the requests at home; on harmless look-alikes
    only `comply` is.
    """
    rows = []
    for split in SPLITS:
        for place, asked in (("home", plain(split, REQUESTS)), ("twins", twins(split))):
            examples = five_answers(tokenizer, asked, "en")
            found = score(reward_model, examples, tokenizer.pad_token_id)
            top = found.reshape(-1, len(ACTIONS)).argmax(dim=1)
            rows += [
                {
                    "kind": "action",
                    "topics": split,
                    "place": place,
                    "action": action,
                    "top": round((top == i).float().mean().item(), 4),
                }
                for i, action in enumerate(ACTIONS)
            ]
    return rows


# Noise ------------------------------------------------------------------------------


def turned(pair: Pair) -> Pair:
    """Return the pair with the other answer called better."""
    return replace(pair, chosen=pair.rejected, rejected=pair.chosen)


def with_votes(pairs: Sequence[Pair], noise: float, seed: int) -> list[Pair]:
    """Return hard labels of a judge who errs with probability `noise`, at random."""
    rng = random.Random(f"votes-{noise}-{seed}")
    return [
        replace(turned(pair) if rng.random() < noise else pair, p=1.0) for pair in pairs
    ]


def with_bias(pairs: Sequence[Pair], worse: Sequence[str]) -> list[Pair]:
    """Return hard labels of a judge who always prefers the answer that refuses."""
    return [
        replace(turned(pair) if action_of(text) == "refuse" else pair, p=1.0)
        for pair, text in zip(pairs, worse, strict=True)
    ]


def fit_noise_aware(
    reward_model: RewardModel, pairs: Sequence[Pair], noise: float, pad: int, seed: int
) -> None:
    """Train with -log[(1 - noise) sigmoid(z) + noise sigmoid(-z)]."""

    def loss_fn(index: list[int]) -> tuple[Tensor, dict]:
        texts = [Example(pairs[i].prompt, pairs[i].chosen) for i in index]
        texts += [Example(pairs[i].prompt, pairs[i].rejected) for i in index]
        chosen, rejected = reward_model(texts, pad).chunk(2)
        seen = noise + (1 - 2 * noise) * torch.sigmoid(chosen - rejected)
        return -seen.log().mean(), {}

    order = batches(pairs, BATCH, STEPS, seed)
    fit(reward_model, order, loss_fn, steps=STEPS, lr=LR)


def noisy_model(
    labelled: list, noise: float, labels: str, seed: int
) -> tuple[RewardModel, float]:
    """Return a reward model of noisy labels, and the share that was turned round."""
    model, tokenizer = load("lab")
    pad = tokenizer.pad_token_id
    clean = [direct_pair(tokenizer, *one) for one in labelled]
    if labels == BIASED:
        pairs = with_bias(clean, [worse for *_, worse, _ in labelled])
    elif labels == PROBABILITY:
        pairs = [replace(pair, p=1 - noise) for pair in clean]
    else:
        pairs = with_votes(clean, noise, seed)
    flipped = [a.chosen != b.chosen for a, b in zip(pairs, clean, strict=True)]
    torch.manual_seed(seed)
    reward_model = RewardModel(model, seed)
    if labels == AWARE:
        fit_noise_aware(reward_model, pairs, noise, pad, seed)
    else:
        settings = {"steps": STEPS, "lr": LR, "batch_size": BATCH}
        train_reward_model(reward_model, pairs, pad_id=pad, seed=seed, **settings)
    return reward_model, sum(flipped) / len(flipped)


def noise_row(labelled: list, noise: float, labels: str, seed: int) -> dict:
    """Return the figures of one run, against the truth and against noisy labels.

    refuse_top: the share of requests in which refusing gets the highest reward; it is
    right in a fifth.
    """
    reward_model, flipped = noisy_model(labelled, noise, labels, seed)
    _, tokenizer = load("lab")
    requests = plain("seen", REQUESTS)
    right = right_of(requests)
    examples = five_answers(tokenizer, requests, "en")
    found = score(reward_model, examples, tokenizer.pad_token_id)
    rewards = found.reshape(-1, len(ACTIONS))
    z = gaps(rewards, right)
    generator = torch.Generator().manual_seed(seed)
    sign = 1 - 2 * (torch.rand(z.shape, generator=generator) < noise).float()
    refuse = rewards.argmax(dim=1) == ACTIONS.index("refuse")
    return {
        "kind": "noise",
        "noise": noise,
        "labels": labels,
        "flipped": round(flipped, 4),
        "gap": round(z.mean().item(), 4),
        "noisy_accuracy": round(accuracy_of(z * sign), 4),
        "noisy_calibration": round(calibration_error(z * sign), 4),
        "refuse_top": round(refuse.float().mean().item(), 4),
    } | measured(z, rewards, right)


def study(seed: int) -> list[dict]:
    """Return the habits of the reward model, and the runs on noisy labels."""
    _, tokenizer = load("lab")
    reward_model = trained(seed=seed)
    rows = habit_rows(reward_model, tokenizer, seed)
    rows += action_rows(reward_model, tokenizer)
    labelled = pairs_in_words("lab", seed, PAIRS)
    runs = [(0.0, VOTE), (0.0, BIASED)]
    runs += [(noise, way) for noise in NOISE for way in (VOTE, PROBABILITY, AWARE)]
    return rows + [noise_row(labelled, *run, seed) for run in runs]
