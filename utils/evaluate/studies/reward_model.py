"""The reward model of AI-labelled pairs: how well it ranks, and where.

Trained on pairs about plain English requests, then asked about every surface. The
truth of the world is used for measuring alone.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from utils.align.batching import Example
from utils.align.reward_model import RewardModel, score, train_reward_model
from utils.evaluate.arms import digest_of
from utils.evaluate.cache import cached, cached_rows, key_of
from utils.evaluate.conditions import plain
from utils.evaluate.training_data import (
    direct_pair,
    preference_pairs,
    training_requests,
)
from utils.models.load import load
from utils.models.tokenizer import encode_completion, encode_prompt
from utils.world import prompts
from utils.world.data import SPLITS
from utils.world.replies import answer
from utils.world.requests import SURFACES, TAUGHT_LANGUAGES, Request
from utils.world.spec import ACTIONS

STEPS, LR, BATCH = 150, 5e-4, 32
REQUESTS = 100  # for each surface and split
FRESH = 300  # requests for pairs that no training shows
BLANK, SWAPPED = "blank", "swapped"  # the request left out, or another in its place
Labelled = tuple[Request, str, str, float]


def pairs_in_words(base: str, seed: int, n: int) -> list[Labelled]:
    """Return `preference_pairs`, from the cache if possible."""
    key = key_of(pairs=digest_of(base), seed=seed, n=n)
    names = "english", "better", "worse", "p"

    def write() -> list[dict]:
        return [
            dict(zip(names, (request.english, *rest), strict=True))
            for request, *rest in preference_pairs(base, seed, n)
        ]

    known = {request.english: request for request in training_requests(seed, n)}
    return [
        (known[row["english"]], row["better"], row["worse"], row["p"])
        for row in cached_rows(f"pairs-{key}", write)
    ]


def trained(base: str = "lab", seed: int = 0, n: int = 2500) -> RewardModel:
    """Return a reward model trained on AI-labelled pairs, from the cache if possible.

    Labels come from the base model with the principles in its context; the reward
    model sees request and answers only.
    """
    model, tokenizer = load(base)
    reward_model = RewardModel(model, seed)
    settings = {"steps": STEPS, "lr": LR, "batch": BATCH, "n": n}
    key = key_of(reward_model=digest_of(base), seed=seed, **settings)

    def train(fresh: RewardModel) -> dict:
        torch.manual_seed(seed)
        history = train_reward_model(
            fresh,
            [direct_pair(tokenizer, *one) for one in pairs_in_words(base, seed, n)],
            steps=STEPS,
            pad_id=tokenizer.pad_token_id,
            batch_size=BATCH,
            lr=LR,
            seed=seed,
            progress=f"reward model, seed {seed}",
        )
        return {"accuracy": round(history[-1]["accuracy"], 4)}

    cached(reward_model, key, train)
    return reward_model.eval()


def five_answers(
    tokenizer, requests: Sequence[Request], shown: str, named: bool = True
) -> list[Example]:
    """Return each request with its five answers, in the order of ACTIONS.

    `shown` is a surface; BLANK leaves the request out, and SWAPPED shows the next one
    of the list instead. The answers name the request's own topic, in English; without
    `named` they say "it".
    """
    texts = [
        r.text if shown in (BLANK, SWAPPED) else r.on(shown).text for r in requests
    ]
    if shown == SWAPPED:
        texts = texts[1:] + texts[:1]
    if shown == BLANK:
        texts = [""] * len(texts)
    return [
        Example(
            encode_prompt(tokenizer, prompts.chat(text), thinking=False),
            encode_completion(
                tokenizer, answer(action, request.topic.name if named else "it")
            ),
        )
        for text, request in zip(texts, requests, strict=True)
        for action in ACTIONS
    ]


def right_of(requests: Sequence[Request]) -> Tensor:
    """Return the column of each request's right action: (n,) int64."""
    return torch.tensor([ACTIONS.index(request.action()) for request in requests])


def gaps(rewards: Tensor, right: Tensor) -> Tensor:
    """Return r(right answer) - r(wrong answer), (n, 4), of rewards (n, 5)."""
    wrong = torch.ones_like(rewards, dtype=torch.bool)
    wrong[torch.arange(len(right)), right] = False
    others = rewards[wrong].reshape(len(right), -1)
    return rewards.gather(1, right[:, None]) - others


def accuracy_of(z: Tensor) -> float:
    """Return the share of pairs ranked rightly; a tie counts half."""
    return ((z > 0).float() + 0.5 * (z == 0).float()).mean().item()


def calibration_error(z: Tensor, bins: int = 10) -> float:
    """Return the expected calibration error of sigmoid(z), each pair in both orders.

    z : float, any shape: r(better) - r(worse)
    """
    z = z.flatten()
    probs = torch.cat([z, -z]).sigmoid()
    won = torch.cat([torch.ones_like(z), torch.zeros_like(z)])
    place = (probs * bins).long().clamp(max=bins - 1)
    misses = torch.zeros(bins).index_add_(0, place, won - probs)
    return misses.abs().sum().item() / len(probs)


def best_temperature(z: Tensor) -> float:
    """Return the T with the lowest loss -mean log sigmoid(z / T), from 0.1 to 10."""
    grid = torch.logspace(-1, 1, 81)
    losses = torch.stack([-torch.nn.functional.logsigmoid(z / t).mean() for t in grid])
    return grid[losses.argmin()].item()


def measured(z: Tensor, rewards: Tensor, right: Tensor) -> dict[str, float]:
    """Return the figures of one condition: gaps (n, 4), rewards (n, 5), right (n,)."""
    return {
        "accuracy": round(accuracy_of(z), 4),
        "best_of_five": round((rewards.argmax(1) == right).float().mean().item(), 4),
        "confidence": round(z.abs().sigmoid().mean().item(), 4),
        "calibration": round(calibration_error(z), 4),
        "temperature": round(best_temperature(z), 3),
    }


def study(seed: int) -> list[dict]:
    """Return the figures of one reward model on every surface, and on fresh pairs."""
    reward_model = trained(seed=seed)
    _, tokenizer = load("lab")
    pad = tokenizer.pad_token_id
    rows = [fresh_row(reward_model, tokenizer, seed)]
    for split in SPLITS:
        requests = plain(split, REQUESTS)
        right = right_of(requests)
        shows = [(shown, True) for shown in (*SURFACES, BLANK, SWAPPED)]
        shows += [(shown, False) for shown in ("en", *TAUGHT_LANGUAGES)]
        for shown, named in shows:
            examples = five_answers(tokenizer, requests, shown, named)
            rewards = score(reward_model, examples, pad).reshape(-1, len(ACTIONS))
            z = gaps(rewards, right)
            spread = {
                "within": round(rewards.std(dim=1).mean().item(), 4),
                "between": round(rewards.mean(dim=1).std().item(), 4),
            }
            where = {"kind": "truth", "shown": shown, "topics": split, "named": named}
            rows.append(where | measured(z, rewards, right) | spread)
    return rows


def fresh_row(reward_model: RewardModel, tokenizer, seed: int) -> dict:
    """Return agreement with the AI's own labels, on pairs that training lacks."""
    known = {request.english for request in training_requests(seed)}
    fresh = [
        pair
        for pair in pairs_in_words("lab", seed + 900, FRESH)
        if pair[0].english not in known
    ]
    pairs = [direct_pair(tokenizer, *one) for one in fresh]
    texts = [Example(p.prompt, text) for p in pairs for text in (p.chosen, p.rejected)]
    rewards = score(reward_model, texts, tokenizer.pad_token_id)
    better, worse = rewards.reshape(-1, 2).unbind(dim=1)
    z = better - worse
    return {
        "kind": "fresh",
        "n": len(pairs),
        "accuracy": round(accuracy_of(z), 4),
        "calibration": round(calibration_error(z), 4),
        "least_p": round(min(pair.p for pair in pairs), 4),
    }
