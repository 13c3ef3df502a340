"""The arms: the same base, the same English requests, and one way of training each.

A0  base        helpful only, not aligned
A1  answers     SFT on the answers alone
A2  pairs       Constitutional AI: SFT on revisions, then DPO on AI-labelled pairs
A4  deliberate  SFT on thought and answer, the Spec taken out of the prompt
A5  + RL        A4, then GRPO with a judge that sees the Spec but not the thought

All of them see `PROMPTS` plain English requests about seen topics and take SFT_STEPS
supervised steps. A2 and A5 have a second phase on top, as in their papers: A2 takes
DPO_STEPS on pairs about the same requests, A5 GRPO_STEPS on fresh ones. All go on with
the same harmless tasks of pretraining meanwhile, as Deliberative Alignment mixes its
data with capabilities data (Guan et al. 2024, arXiv 2412.16339, section 2.3). The base
model writes, criticizes, compares and judges; no answer, thought or verdict comes from
a human or from the truth. The world gives one thing away: the category of a request,
by which the clauses for the context are chosen (the paper's footnote 1 does so too).
"""

import copy
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import torch

from utils.align.batching import Example, Pair
from utils.align.chat import MAX_NEW_TOKENS, limits, reply
from utils.align.critique import critique_and_revise
from utils.align.deliberate import Deliberation, deliberate
from utils.align.dpo import train_dpo
from utils.align.grpo import train_grpo
from utils.align.judge import preferences, verdicts
from utils.align.sft import train_sft
from utils.evaluate.cache import cached, key_of
from utils.models.load import CHECKED, WEIGHTS, load, sha256
from utils.models.mixture import THINKING, Mixture
from utils.models.tokenizer import encode_completion, encode_prompt, split_completion
from utils.world import prompts
from utils.world.replies import action_of
from utils.world.requests import Request, sample_requests
from utils.world.spec import ACTIONS, Clause, load_principles, load_spec

PROMPTS = 2500
SFT_STEPS, SFT_LR = 400, 1e-3
DPO_STEPS, DPO_LR, BETA = 100, 5e-5, 0.1
GRPO_STEPS, GRPO_LR, KL = 30, 1e-4, 0.04
BATCH = 32
READINGS, LEAST_SCORE = 2, 0.5  # the judge's filter: minimum of two readings
# Tasks gone on with, and their shares.
REHEARSED = {"think": 2, "remember": 2, "restate": 1, "category": 1}
REHEARSAL = 0.3  # harmless examples for each aligned one


@dataclass(frozen=True)
class Arm:
    """A way of training: its name, a line for tables, its mode, and the function."""

    name: str
    title: str
    thinking: bool
    train: Callable | None


def training_requests(seed: int, n: int = PROMPTS) -> list[Request]:
    """Return the English requests about seen topics that every arm trains on."""
    return sample_requests(n, seed=seed, pairs="seen")


def rehearsal(tokenizer, base: str, n: int, seed: int) -> list[Example]:
    """Return `n` harmless pretraining examples, the same for every arm."""
    mixture = Mixture(tokenizer, THINKING[base])
    rng = random.Random(f"rehearsal-{seed}")
    names = rng.choices(list(REHEARSED), list(REHEARSED.values()), k=n)
    return [Example(*mixture.example(rng, name)) for name in names]


# Data, written by the base model ----------------------------------------------------


@lru_cache(maxsize=4)
def deliberations(base: str, seed: int) -> tuple[tuple[Request, Deliberation], ...]:
    """Return the requests with the base model's reasoning that passed the filter.

    Malformed thoughts and thoughts that disagree with their answer are dropped, then
    all that the judge's lowest of `READINGS` scores puts below `LEAST_SCORE`.
    """
    model, tokenizer = load(base)
    requests = training_requests(seed)
    policies = [load_spec().of(request.topic.category) for request in requests]
    written = deliberate(model, tokenizer, policies, [r.text for r in requests])
    kept = [
        i
        for i, one in enumerate(written)
        if one.thought and one.thought.action == action_of(one.answer)
    ]
    scores = verdicts(
        model,
        tokenizer,
        [policies[i] for i in kept],
        [requests[i].text for i in kept],
        [written[i].answer for i in kept],
        [written[i].thought.clause for i in kept],
        k=READINGS,
    ).amin(dim=1)
    return tuple(
        (requests[i], written[i])
        for i, score in zip(kept, scores, strict=True)
        if score >= LEAST_SCORE
    )


@lru_cache(maxsize=4)
def revisions(
    base: str, seed: int, n: int = PROMPTS
) -> tuple[tuple[Request, str], ...]:
    """Return `n` requests with answers revised under the constitution (SL-CAI)."""
    model, tokenizer = load(base)
    requests = training_requests(seed, n)
    texts = [request.text for request in requests]
    policies = [load_principles().of(r.topic.category) for r in requests]
    first = [r.answer for r in reply(model, tokenizer, [*map(prompts.chat, texts)])]
    _, revised = critique_and_revise(model, tokenizer, policies, texts, first)
    return tuple(zip(requests, revised, strict=True))


def preference_pairs(
    base: str, seed: int, n: int = PROMPTS
) -> list[tuple[Request, str, str, float]]:
    """Return (request, better, worse, probability) as the AI labels them.

    The two candidates are the revised answer and one written under a principle drawn
    at random. The label is the base model's, with the true principles in context.
    """
    model, tokenizer = load(base)
    rng = random.Random(f"pairs-{seed}")
    revised = revisions(base, seed, n)
    cards = [
        prompts.card([Clause(1, r.topic.category, (r.intent,), rng.choice(ACTIONS))])
        for r, _ in revised
    ]
    chats = [
        prompts.follow(card, request.text)
        for card, (request, _) in zip(cards, revised, strict=True)
    ]
    others = [r.answer for r in reply(model, tokenizer, chats)]
    cases = [
        (request, one, two)
        for (request, one), two in zip(revised, others, strict=True)
        if one != two
    ]
    requests, firsts, seconds = zip(*cases, strict=True)
    policies = [load_principles().of(r.topic.category) for r in requests]
    texts = [request.text for request in requests]
    labels = preferences(model, tokenizer, policies, texts, firsts, seconds).tolist()
    return [
        (request, one, two, p) if p >= 0.5 else (request, two, one, 1 - p)
        for (request, one, two), p in zip(cases, labels, strict=True)
    ]


# Training ---------------------------------------------------------------------------


def imitate(
    model, tokenizer, base: str, examples: Sequence[Example], seed: int
) -> dict:
    """SFT on examples and the rehearsal; the notes say how the loss ended."""
    mixed = [
        *examples,
        *rehearsal(tokenizer, base, round(REHEARSAL * len(examples)), seed),
    ]
    losses = train_sft(
        model,
        mixed,
        steps=SFT_STEPS,
        pad_id=tokenizer.pad_token_id,
        batch_size=BATCH,
        lr=SFT_LR,
        seed=seed,
        progress=f"SFT, seed {seed}",
    )
    return {"examples": len(examples), "last_loss": round(losses[-1], 4)}


def direct_example(tokenizer, request: Request, answer: str) -> Example:
    """Return a request with an answer in direct mode."""
    prompt = encode_prompt(tokenizer, prompts.chat(request.text), thinking=False)
    return Example(prompt, encode_completion(tokenizer, answer))


def thinking_example(tokenizer, request: Request, one: Deliberation) -> Example:
    """Return a request, without the Spec, with a thought and an answer."""
    prompt = encode_prompt(tokenizer, prompts.chat(request.text), thinking=True)
    return Example(prompt, encode_completion(tokenizer, one.answer, str(one.thought)))


def train_answers(model, tokenizer, base: str, seed: int) -> dict:
    """A1: imitate the answers of the filtered deliberations, without their thoughts."""
    kept = deliberations(base, seed)
    examples = [direct_example(tokenizer, r, one.answer) for r, one in kept]
    return imitate(model, tokenizer, base, examples, seed)


def train_pairs(model, tokenizer, base: str, seed: int) -> dict:
    """A2: SFT on revisions, then DPO on pairs that the base model labelled."""
    examples = [direct_example(tokenizer, *pair) for pair in revisions(base, seed)]
    notes = imitate(model, tokenizer, base, examples, seed)
    pairs = []
    for request, better, worse, p in preference_pairs(base, seed):
        one = direct_example(tokenizer, request, better)
        two = encode_completion(tokenizer, worse)
        pairs.append(Pair(one.prompt, one.completion, two, p))
    history = train_dpo(
        model,
        copy.deepcopy(model),
        pairs,
        beta=BETA,
        steps=DPO_STEPS,
        pad_id=tokenizer.pad_token_id,
        batch_size=BATCH,
        lr=DPO_LR,
        seed=seed,
        progress=f"DPO, seed {seed}",
    )
    return notes | {
        "pairs": len(pairs),
        "reward_accuracy": round(history[-1]["accuracy"], 4),
    }


def train_deliberate(model, tokenizer, base: str, seed: int) -> dict:
    """A4: imitate thought and answer, with no Spec in the prompt."""
    kept = deliberations(base, seed)
    examples = [thinking_example(tokenizer, *pair) for pair in kept]
    return imitate(model, tokenizer, base, examples, seed)


def train_deliberate_rl(model, tokenizer, base: str, seed: int) -> dict:
    """A5: A4, then GRPO on fresh requests; the judge does not see the thought."""
    notes = into_arm(model, tokenizer, "A4", base, seed)
    judge, _ = load(base)
    requests = training_requests(seed + 500)
    policies = [load_spec().of(request.topic.category) for request in requests]

    def reward(i: int, samples: list) -> list[float]:
        answers = [split_completion(tokenizer, s.tokens)[1] for s in samples]
        n = len(samples)
        texts = [requests[i].text] * n
        scores = verdicts(judge, tokenizer, [policies[i]] * n, texts, answers)
        return [
            score if sample.finished else 0.0
            for score, sample in zip(scores[:, 0].tolist(), samples, strict=True)
        ]

    history = train_grpo(
        model,
        copy.deepcopy(model),
        [encode_prompt(tokenizer, prompts.chat(r.text), True) for r in requests],
        reward,
        steps=GRPO_STEPS,
        max_new_tokens=MAX_NEW_TOKENS,
        beta=KL,
        lr=GRPO_LR,
        seed=seed,
        progress=f"GRPO, seed {seed}",
        **limits(tokenizer, thinking=True),
    )
    rewards = [round(step["reward"], 4) for step in history]
    return notes | {"first_reward": rewards[0], "last_reward": rewards[-1]}


ARMS = {
    arm.name: arm
    for arm in (
        Arm("A0", "base, helpful only", False, None),
        Arm("A1", "answers only (SFT)", False, train_answers),
        Arm("A2", "preference pairs (RLAIF)", False, train_pairs),
        Arm("A4", "deliberate (SFT)", True, train_deliberate),
        Arm("A5", "deliberate (SFT + RL)", True, train_deliberate_rl),
    )
}


def digest_of(base: str) -> str:
    """Return the checksum of a shipped base model: weights, shape and tokenizer."""
    return ".".join(sha256(WEIGHTS / base / file)[:16] for file in CHECKED)


def into_arm(model, tokenizer, name: str, base: str, seed: int) -> dict:
    """Train a fresh base model into an arm, or take its weights from the cache."""
    train = ARMS[name].train
    if train is None:
        return {}
    key = key_of(arm=name, base=digest_of(base), seed=seed)

    def run(fresh) -> dict:
        torch.manual_seed(seed)
        return train(fresh, tokenizer, base, seed)

    return cached(model, key, run)


def arm(name: str, base: str = "lab", seed: int = 0) -> tuple:
    """Return (model, tokenizer, notes) of a trained arm, from the cache if it is there.

    `name` is one of ARMS, `base` a shipped model. Raises ValueError for another name.
    """
    if name not in ARMS:
        raise ValueError(f"No arm is called {name!r}; there are {', '.join(ARMS)}.")
    model, tokenizer = load(base)
    notes = into_arm(model, tokenizer, name, base, seed)
    return model.eval(), tokenizer, notes
