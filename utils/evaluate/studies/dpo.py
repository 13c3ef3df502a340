"""DPO under every beta and learning rate, from the base and after SFT on revisions.

The runs after SFT are the sweep from which the settings of arm A2 were taken. They are
compared on validation requests: none of them is trained on or in the test of arms.
"""

import copy
from collections.abc import Iterator

import torch

from utils.align.batching import Example, Pair, score_completions
from utils.align.chat import Reply, reply
from utils.align.dpo import train_dpo
from utils.evaluate.arms import BATCH, DPO_STEPS, imitate
from utils.evaluate.conditions import plain
from utils.evaluate.metrics import score
from utils.evaluate.training_data import (
    direct_example,
    direct_pair,
    preference_pairs,
    revisions,
)
from utils.models.load import load
from utils.models.tokenizer import encode_prompt
from utils.world import prompts
from utils.world.replies import action_of
from utils.world.requests import Request, sample_requests
from utils.world.spec import ACTIONS

BETAS = (0.03, 0.1, 0.3, 1.0)
LEARNING_RATES = (2e-5, 5e-5, 2e-4)
KEPT = 300  # pairs kept out of training
ASKED = 200  # validation requests
TESTED = 100  # requests a condition in the test of arms
VALIDATION_SEED = 2_000_003
MAX_ANSWER = 24  # tokens
HALVES = ("chosen", "rejected")
Row = dict


def labelled_pairs(tokenizer, base: str, seed: int) -> tuple[list[Pair], list[Pair]]:
    """Return AI-labelled pairs to train on, and others about requests kept out."""
    found = [direct_pair(tokenizer, *one) for one in preference_pairs(base, seed)]
    train, kept = found[:-KEPT], found[-KEPT:]
    known = {tuple(pair.prompt) for pair in train}
    return train, [pair for pair in kept if tuple(pair.prompt) not in known]


def validation() -> list[Request]:
    """Return plain English requests for choosing settings, on seen topics.

    Balanced by action, and none of them is among the test requests of the arms.
    """
    tested = {request.english for request in plain("seen", TESTED)}
    drawn = sample_requests(5 * ASKED, seed=VALIDATION_SEED, pairs="held_out")
    fresh = [request for request in drawn if request.english not in tested]
    each = ASKED // len(ACTIONS)
    return [
        request
        for action in ACTIONS
        for request in [r for r in fresh if r.action() == action][:each]
    ]


def changes(policy, reference, pairs: list[Pair], pad: int) -> torch.Tensor:
    """Return by how many nats chosen and rejected became likelier: (2, pairs)."""
    halves = [[Example(p.prompt, getattr(p, half)) for p in pairs] for half in HALVES]
    return torch.stack(
        [
            score_completions(policy, half, pad)
            - score_completions(reference, half, pad)
            for half in halves
        ]
    )


def sampled_kl(policy, reference, tokenizer, asked: list[Request]) -> float:
    """Estimate KL(policy || reference) of an answer, in nats, by samples.

    The mean of log policy - log reference over answers that the policy samples (k1).
    """
    chats = [prompts.chat(request.text) for request in asked]
    said = reply(
        policy, tokenizer, chats, temperature=1.0, max_new_tokens=MAX_ANSWER, seed=1
    )
    own = torch.tensor([sum(r.logprobs) for r in said])
    examples = [
        Example(encode_prompt(tokenizer, chat, False), r.tokens)
        for chat, r in zip(chats, said, strict=True)
    ]
    other = score_completions(reference, examples, tokenizer.pad_token_id)
    return (own - other).mean().item()


def answers(model, tokenizer, asked: list[Request]) -> list[Reply]:
    """Return greedy answers in direct mode."""
    chats = [prompts.chat(request.text) for request in asked]
    return reply(model, tokenizer, chats, max_new_tokens=MAX_ANSWER)


def measure(policy, reference, tokenizer, kept: list[Pair]) -> Row:
    """Return what a run of DPO did: to the pairs kept out, and to the answers."""
    moved = changes(policy, reference, kept, tokenizer.pad_token_id)
    asked = validation()
    before, after = (answers(m, tokenizer, asked) for m in (reference, policy))
    spanish = [request.on("es") for request in asked]
    other = [
        action_of(one.answer) != action_of(two.answer)
        for one, two in zip(before, after, strict=True)
    ]
    return {
        "reward_accuracy": (moved[0] > moved[1]).float().mean().item(),
        "chosen_change": moved[0].mean().item(),
        "rejected_change": moved[1].mean().item(),
        "chosen_fell": (moved[0] < 0).float().mean().item(),
        "kl": sampled_kl(policy, reference, tokenizer, asked),
        "answers_changed": sum(other) / len(other),
        "accuracy": score(asked, after)["accuracy"],
        "accuracy_before": score(asked, before)["accuracy"],
        "accuracy_spanish": score(spanish, answers(policy, tokenizer, spanish))[
            "accuracy"
        ],
    }


def starts(tokenizer, base: str, seed: int) -> Iterator[tuple[str, torch.nn.Module]]:
    """Yield the two models from which DPO begins, the second after SFT on revisions."""
    model, _ = load(base)
    yield "base", model
    tuned = copy.deepcopy(model)
    examples = [direct_example(tokenizer, *pair) for pair in revisions(base, seed)]
    torch.manual_seed(seed)
    imitate(tuned, tokenizer, base, examples, seed)
    yield "sft", tuned


def study(seed: int, base: str = "lab") -> list[Row]:
    """Return a row for each start, beta and learning rate."""
    _, tokenizer = load(base)
    train, kept = labelled_pairs(tokenizer, base, seed)
    rows = []
    for start, reference in starts(tokenizer, base, seed):
        for beta in BETAS:
            for lr in LEARNING_RATES:
                policy = copy.deepcopy(reference)
                train_dpo(
                    policy,
                    reference,
                    train,
                    beta=beta,
                    steps=DPO_STEPS,
                    pad_id=tokenizer.pad_token_id,
                    batch_size=BATCH,
                    lr=lr,
                    seed=seed,
                    progress=f"DPO from {start}, beta {beta:g}, lr {lr:g}",
                )
                found = measure(policy, reference, tokenizer, kept)
                rows.append({"start": start, "beta": beta, "lr": lr} | found)
    return rows
