"""The reward model of AI-labelled pairs: how well it ranks, and where."""

import torch

from utils.align.batching import Pair
from utils.align.reward_model import RewardModel, train_reward_model
from utils.evaluate.arms import digest_of
from utils.evaluate.cache import cached, key_of
from utils.evaluate.training_data import direct_example, preference_pairs
from utils.models.load import load
from utils.models.tokenizer import encode_completion

STEPS, LR, BATCH = 150, 5e-4, 32


def labelled_pairs(tokenizer, base: str, seed: int, n: int) -> list[Pair]:
    """Return AI-labelled pairs about `n` English requests, as tokens."""
    pairs = []
    for request, better, worse, p in preference_pairs(base, seed, n):
        one = direct_example(tokenizer, request, better)
        two = encode_completion(tokenizer, worse)
        pairs.append(Pair(one.prompt, one.completion, two, p))
    return pairs


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
            labelled_pairs(tokenizer, base, seed, n),
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
