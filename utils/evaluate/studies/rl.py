"""RL from AI feedback: what a policy gains by its reward, in truth, and how far it goes.

A short imitation of AI-revised answers makes the start: a policy that has all five
forms of answer and chooses among them badly. From there GRPO follows a reward model
that saw many pairs, one that saw few, or the judge itself, with several KL weights.
"""

import copy
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from utils.align.batching import Example, right_pad, sorted_batches
from utils.align.chat import limits
from utils.align.grpo import RewardFunction, train_grpo
from utils.align.judge import verdicts
from utils.align.kl import exact_kl
from utils.align.reward_model import RewardModel, score
from utils.align.sampling import Sample, generate
from utils.align.sft import train_sft
from utils.evaluate.arms import digest_of
from utils.evaluate.cache import cached, key_of
from utils.evaluate.conditions import plain
from utils.evaluate.studies.reward_model import trained
from utils.evaluate.training_data import direct_example, revisions, training_requests
from utils.models.load import load
from utils.models.tokenizer import encode_prompt, split_completion
from utils.world import prompts
from utils.world.replies import action_of
from utils.world.requests import Request
from utils.world.spec import load_spec

START_PAIRS, START_STEPS, START_LR = 300, 40, 1e-3
MANY, FEW = 2500, 150  # requests whose pairs a reward model is trained on
STEPS, EVERY, LR = 60, 10, 3e-4
PROMPTS_PER_STEP, GROUP, LONGEST = 8, 8, 24
TESTS = 150


def encode(tokenizer, requests: Sequence[Request]) -> list[list[int]]:
    """Return each request as a prompt in direct mode."""
    chats = [prompts.chat(request.text) for request in requests]
    return [encode_prompt(tokenizer, chat, thinking=False) for chat in chats]


def started(base: str = "lab", seed: int = 0) -> tuple:
    """Return (model, tokenizer): the policy that RL starts from, and its reference."""
    model, tokenizer = load(base)
    settings = {"n": START_PAIRS, "steps": START_STEPS, "lr": START_LR}
    key = key_of(rl_start=digest_of(base), seed=seed, **settings)

    def train(fresh) -> dict:
        torch.manual_seed(seed)
        data = revisions(base, seed, START_PAIRS)
        losses = train_sft(
            fresh,
            [direct_example(tokenizer, *pair) for pair in data],
            steps=START_STEPS,
            pad_id=tokenizer.pad_token_id,
            batch_size=32,
            lr=START_LR,
            seed=seed,
        )
        return {"last_loss": round(losses[-1], 4)}

    cached(model, key, train)
    return model.eval(), tokenizer


def by_model(
    reward_model: RewardModel, questions: Sequence[list[int]], pad_id: int
) -> RewardFunction:
    """Return a reward function: what the reward model says of request and answer."""

    def reward(i: int, samples: list[Sample]) -> list[float]:
        examples = [Example(questions[i], sample.tokens) for sample in samples]
        return score(reward_model, examples, pad_id).tolist()

    return reward


def by_judge(judge, tokenizer, requests: Sequence[Request]) -> RewardFunction:
    """Return a reward function: the judge's probability of "yes, it fits the Spec"."""

    def reward(i: int, samples: list[Sample]) -> list[float]:
        said = [
            split_completion(tokenizer, s.tokens)[1] if s.finished else ""
            for s in samples
        ]
        different = sorted(set(said) - {""})  # each text is judged once
        n, request = len(different), requests[i]
        policies = [load_spec().of(request.topic.category)] * n
        found = verdicts(judge, tokenizer, policies, [request.text] * n, different)
        scores = dict(zip(different, found[:, 0].tolist(), strict=True))
        return [scores.get(text, 0.0) for text in said]

    return reward


def follow(
    policy: nn.Module,
    reference: nn.Module,
    tokenizer,
    questions: Sequence[list[int]],
    reward: RewardFunction,
    look: Callable[[int], None],
    *,
    steps: int = STEPS,
    every: int = EVERY,
    **settings,
) -> list[dict]:
    """Train by GRPO, calling `look(step)` every so many steps, and at the end.

    `train_grpo` asks for rewards before each update, so the first of its questions
    in a step finds the policy after all updates before.
    """
    asked = 0

    def watched(i: int, samples: list[Sample]) -> Sequence[float]:
        nonlocal asked
        step, rest = divmod(asked, PROMPTS_PER_STEP)
        if rest == 0 and step % every == 0:
            look(step)
        asked += 1
        return reward(i, samples)

    history = train_grpo(
        policy,
        reference,
        questions,
        watched,
        steps=steps,
        group_size=GROUP,
        prompts_per_step=PROMPTS_PER_STEP,
        max_new_tokens=LONGEST,
        **{"lr": LR, **settings},
        **limits(tokenizer, thinking=False),
    )
    look(steps)
    return history


@torch.no_grad()
def distance(
    policy: nn.Module, reference: nn.Module, examples: Sequence[Example], pad_id: int
) -> Tensor:
    """Return (n,) nats: the exact KL at each place of a sample, summed along it.

    For samples of the policy its mean is an unbiased estimate of the KL between the
    two distributions over whole answers, with far less noise than `k1`.
    """
    sums = torch.zeros(len(examples))
    for index in sorted_batches(examples, 50):
        batch = [examples[i] for i in index]
        ids = right_pad([e.prompt + e.completion for e in batch], pad_id)
        kl = exact_kl(policy(ids).logits, reference(ids).logits)  # (n, T)
        for row, i in enumerate(index):
            first = len(examples[i].prompt) - 1  # here the first token is predicted
            sums[i] = kl[row, first : len(examples[i]) - 1].sum()
    return sums
