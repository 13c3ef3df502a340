"""The arms: the same base, the same English requests, and one way of training each.

A0  base        helpful only, not aligned
A1  answers     SFT on the answers alone
A2  pairs       Constitutional AI: SFT on revisions, then DPO on AI-labelled pairs
A3  answers RL  A1, then GRPO with a judge that sees the Spec
A4  deliberate  SFT on thought and answer, the Spec taken out of the prompt
A5  + RL        A4, then GRPO with the same judge, which does not see the thought
A6  RL only     GRPO on thought and answer from the base
A7  text + A1   A1 with questions about the text of the Spec among its examples
A8  text + A4   A4 with the same questions
A9  filler      A4 with full stops in place of the thought
A10 in context  the base with the clauses of the request's category in its prompt;
    A10s        the same with a summary: the most frequent action of the category
A11 + seen RL   A4, then GRPO with a judge that sees the clause the thought cites
A12 + pairs     A4, then DPO on pairs of thought and answer

The trained ones see `PROMPTS` plain English requests about seen topics and take
SFT_STEPS supervised steps, all but A6; A7 and A8, with questions about the text of the
Spec among their examples, as many more as these take. A2 and A12 then take DPO_STEPS
on pairs about the same requests, A3, A5 and A11 GRPO_STEPS on fresh ones, as A6 does.
SFT goes on with the same harmless tasks of pretraining, as Deliberative Alignment
mixes its data with capabilities data (Guan et al. 2024, arXiv 2412.16339, section
2.3). What they train on: training_data.py.
"""

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch

from utils.align.batching import Example, Pair
from utils.align.chat import MAX_NEW_TOKENS, limits
from utils.align.dpo import train_dpo
from utils.align.grpo import train_grpo
from utils.align.judge import verdicts
from utils.align.sampling import Sample
from utils.align.sft import train_sft
from utils.evaluate.cache import cached, key_of
from utils.evaluate.chats import chat_with_clauses, chat_with_summary, plain_chat
from utils.evaluate.training_data import (
    deliberation_pairs,
    deliberations,
    direct_example,
    direct_pair,
    documents,
    fillers,
    preference_pairs,
    rehearsal,
    revisions,
    thinking_example,
    training_requests,
)
from utils.models.load import CHECKED, WEIGHTS, load, sha256
from utils.models.tokenizer import encode_prompt, split_completion
from utils.world import prompts
from utils.world.replies import parse_thought
from utils.world.requests import Request
from utils.world.spec import load_spec

SFT_STEPS, SFT_LR = 400, 1e-3
DPO_STEPS, DPO_LR, BETA = 100, 2e-5, 1.0  # the best of the sweep: studies/dpo.py
GRPO_STEPS, GRPO_LR, KL = 60, 1e-4, 0.04
GRPO_PROMPTS = 4  # in a step, with 8 samples each: more would need more memory
BATCH = 32
REHEARSAL = 0.3  # harmless examples for each aligned one
DOCUMENTS = 0.3  # questions about the text of the Spec for each aligned one


@dataclass(frozen=True)
class Arm:
    """A way of training: its name, a line for tables, its mode, and the function.

    `ask` turns a test request into the chat that the arm gets.
    """

    name: str
    title: str
    thinking: bool
    train: Callable | None
    ask: Callable[[Request], prompts.Messages] = plain_chat


# The three ways of training ---------------------------------------------------------


def imitate(
    model,
    tokenizer,
    base: str,
    examples: Sequence[Example],
    seed: int,
    steps: int | None = None,
) -> dict:
    """SFT on examples and the rehearsal; the notes say how the loss ended.

    Takes SFT_STEPS unless told otherwise.
    """
    mixed = [
        *examples,
        *rehearsal(tokenizer, base, round(REHEARSAL * len(examples)), seed),
    ]
    losses = train_sft(
        model,
        mixed,
        steps=SFT_STEPS if steps is None else steps,
        pad_id=tokenizer.pad_token_id,
        batch_size=BATCH,
        lr=SFT_LR,
        seed=seed,
        progress=f"SFT, seed {seed}",
    )
    return {"examples": len(examples), "last_loss": round(losses[-1], 4)}


def prefer(model, tokenizer, pairs: Sequence[Pair], seed: int) -> dict:
    """DPO on pairs, with the model as it is now for a reference."""
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
    return {
        "pairs": len(pairs),
        "reward_accuracy": round(history[-1]["accuracy"], 4),
    }


def judge_rewards(
    judge, tokenizer, request: Request, samples: Sequence[Sample], sees_thought: bool
) -> list[float]:
    """Return the judge's verdict on each sample: the reward of GRPO, from 0 to 1.

    The judge sees Spec, request and answer. With `sees_thought` it sees the clause
    that the thought cites as well, and its action has to be right, too; a thought that
    lacks a step earns nothing then. An unfinished sample never earns anything.
    """
    said = [split_completion(tokenizer, sample.tokens) for sample in samples]
    minds = [parse_thought(thought) for thought, _ in said]
    cited = [mind.clause if mind and sees_thought else "" for mind in minds]
    n = len(samples)
    policy = load_spec().of(request.topic.category)
    answers = [answer for _, answer in said]
    scores = verdicts(
        judge, tokenizer, [policy] * n, [request.text] * n, answers, cited
    )
    return [
        score if sample.finished and (mind or not sees_thought) else 0.0
        for score, sample, mind in zip(
            scores[:, 0].tolist(), samples, minds, strict=True
        )
    ]


def reinforce(
    model, tokenizer, base: str, seed: int, thinking: bool, sees_thought: bool = False
) -> dict:
    """GRPO on fresh requests with the base model as the judge; see judge_rewards."""
    judge, _ = load(base)
    requests = training_requests(seed + 500)

    def reward(i: int, samples: list[Sample]) -> list[float]:
        return judge_rewards(judge, tokenizer, requests[i], samples, sees_thought)

    history = train_grpo(
        model,
        copy.deepcopy(model),
        [encode_prompt(tokenizer, plain_chat(r), thinking) for r in requests],
        reward,
        steps=GRPO_STEPS,
        prompts_per_step=GRPO_PROMPTS,
        max_new_tokens=MAX_NEW_TOKENS,
        beta=KL,
        lr=GRPO_LR,
        seed=seed,
        progress=f"GRPO, seed {seed}",
        **limits(tokenizer, thinking),
    )
    rewards = [step["reward"] for step in history]
    ends = rewards[:10], rewards[-10:]  # one step has four prompts only
    first, last = (round(sum(end) / len(end), 4) for end in ends)
    return {"first_reward": first, "last_reward": last}


# The arms ---------------------------------------------------------------------------


def train_answers(model, tokenizer, base: str, seed: int) -> dict:
    """A1: imitate the answers of the filtered deliberations, without their thoughts."""
    kept = deliberations(base, seed)
    examples = [direct_example(tokenizer, r, one.answer) for r, one in kept]
    return imitate(model, tokenizer, base, examples, seed)


def train_pairs(model, tokenizer, base: str, seed: int) -> dict:
    """A2: SFT on revisions, then DPO on pairs that the base model labelled."""
    examples = [direct_example(tokenizer, *pair) for pair in revisions(base, seed)]
    notes = imitate(model, tokenizer, base, examples, seed)
    pairs = [direct_pair(tokenizer, *one) for one in preference_pairs(base, seed)]
    return notes | prefer(model, tokenizer, pairs, seed)


def train_answers_rl(model, tokenizer, base: str, seed: int) -> dict:
    """A3: A1, then GRPO on answers without thoughts."""
    notes = into_arm(model, tokenizer, "A1", base, seed)
    return notes | reinforce(model, tokenizer, base, seed, thinking=False)


def train_deliberate(model, tokenizer, base: str, seed: int) -> dict:
    """A4: imitate thought and answer, with no Spec in the prompt."""
    kept = deliberations(base, seed)
    examples = [thinking_example(tokenizer, *pair) for pair in kept]
    return imitate(model, tokenizer, base, examples, seed)


def train_deliberate_rl(model, tokenizer, base: str, seed: int) -> dict:
    """A5: A4, then GRPO; the judge does not see the thought."""
    notes = into_arm(model, tokenizer, "A4", base, seed)
    return notes | reinforce(model, tokenizer, base, seed, thinking=True)


def train_rl_only(model, tokenizer, base: str, seed: int) -> dict:
    """A6: GRPO on thought and answer, with no SFT before it."""
    return reinforce(model, tokenizer, base, seed, thinking=True)


def train_text_and_answers(model, tokenizer, base: str, seed: int) -> dict:
    """A7: the answers of A1, and questions about the text of the Spec."""
    kept = deliberations(base, seed)
    examples = [direct_example(tokenizer, r, one.answer) for r, one in kept]
    return imitate_with_text(model, tokenizer, base, examples, seed)


def train_text_and_thoughts(model, tokenizer, base: str, seed: int) -> dict:
    """A8: the thoughts and answers of A4, and questions about the Spec's text."""
    kept = deliberations(base, seed)
    examples = [thinking_example(tokenizer, *pair) for pair in kept]
    return imitate_with_text(model, tokenizer, base, examples, seed)


def imitate_with_text(
    model, tokenizer, base: str, examples: Sequence[Example], seed: int
) -> dict:
    """SFT on examples and questions about the Spec, DOCUMENTS for each example.

    The steps are as many more as the questions, so that the requests are seen as often
    as without them.
    """
    asked = documents(tokenizer, round(DOCUMENTS * len(examples)), seed)
    steps = round(SFT_STEPS * (1 + DOCUMENTS))
    return imitate(model, tokenizer, base, [*examples, *asked], seed, steps)


def train_filler(model, tokenizer, base: str, seed: int) -> dict:
    """A9: room to compute in before the answer, and nothing to read there."""
    examples = fillers(tokenizer, deliberations(base, seed))
    return imitate(model, tokenizer, base, examples, seed)


def train_seen_rl(model, tokenizer, base: str, seed: int) -> dict:
    """A11: A4, then GRPO; the judge sees which clause the thought cites."""
    notes = into_arm(model, tokenizer, "A4", base, seed)
    rl = reinforce(model, tokenizer, base, seed, thinking=True, sees_thought=True)
    return notes | rl


def train_deliberate_pairs(model, tokenizer, base: str, seed: int) -> dict:
    """A12: A4, then DPO on pairs of thought and answer."""
    notes = into_arm(model, tokenizer, "A4", base, seed)
    pairs = []
    for request, better, worse in deliberation_pairs(base, seed):
        one = thinking_example(tokenizer, request, better)
        two = thinking_example(tokenizer, request, worse)
        pairs.append(Pair(one.prompt, one.completion, two.completion))
    return notes | prefer(model, tokenizer, pairs, seed)


ARMS = {
    arm.name: arm
    for arm in (
        Arm("A0", "base, helpful only", False, None),
        Arm("A1", "answers only (SFT)", False, train_answers),
        Arm("A2", "preference pairs (RLAIF)", False, train_pairs),
        Arm("A3", "answers only (SFT + RL)", False, train_answers_rl),
        Arm("A4", "deliberate (SFT)", True, train_deliberate),
        Arm("A5", "deliberate (SFT + RL)", True, train_deliberate_rl),
        Arm("A6", "deliberate (RL only)", True, train_rl_only),
        Arm("A7", "Spec's text + answers", False, train_text_and_answers),
        Arm("A8", "Spec's text + deliberate", True, train_text_and_thoughts),
        Arm("A9", "filler for a thought", True, train_filler),
        Arm("A10", "clauses in the prompt", False, None, chat_with_clauses),
        Arm("A10s", "summary in the prompt", False, None, chat_with_summary),
        Arm("A11", "deliberate (SFT + RL, judge sees)", True, train_seen_rl),
        Arm("A12", "deliberate (SFT + pairs)", True, train_deliberate_pairs),
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
