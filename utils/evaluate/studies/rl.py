"""RL from AI feedback: what a policy gains in reward and in truth, and how far it goes.

A short imitation of AI-revised answers makes the start: a policy that has all five
forms of answer and chooses badly among them. From there GRPO follows a reward model
that saw many pairs, one that saw few, or the judge itself, with several KL weights.
One more run is wrong: its reference follows the policy.
"""

import copy
from collections.abc import Callable, Sequence
from statistics import fmean

import torch
from torch import Tensor, nn

from utils.align.batching import Example, eval_mode, right_pad, score_completions
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
from utils.models.tokenizer import encode_completion, encode_prompt, split_completion
from utils.world import prompts
from utils.world.replies import action_of, answer
from utils.world.requests import Request
from utils.world.spec import ACTIONS, load_spec

START_ANSWERS, START_STEPS, START_LR = 300, 100, 1e-3
PAIRS = {"many": 2500, "few": 150}  # requests whose pairs a reward model learns from
BETAS = (0.0, 0.2, 1.0)
RUNS = [*((name, beta) for name in PAIRS for beta in BETAS), ("judge", 0.2)]
BROKEN = ("few", 0.2, 0.3)  # reward, beta, share by which the reference follows
STEPS, EVERY, LR = 50, 10, 3e-4
PROMPTS_PER_STEP, GROUP, LONGEST = 16, 4, 24
TESTS, FIXED = 150, 15  # requests to measure on, texts whose probability is followed
SHOWN = ("refuse", "comply", "support")  # the right actions of the samples kept


def encode(tokenizer, requests: Sequence[Request]) -> list[list[int]]:
    """Return each request as a prompt in direct mode."""
    chats = [prompts.chat(request.text) for request in requests]
    return [encode_prompt(tokenizer, chat, thinking=False) for chat in chats]


def started(base: str = "lab", seed: int = 0) -> tuple:
    """Return (model, tokenizer): the policy that RL starts from, and its reference."""
    model, tokenizer = load(base)
    settings = {"n": START_ANSWERS, "steps": START_STEPS, "lr": START_LR}
    key = key_of(rl_start=digest_of(base), seed=seed, **settings)

    def train(fresh) -> dict:
        torch.manual_seed(seed)
        data = revisions(base, seed, START_ANSWERS)
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


# Grader: the rewards of answers to the requests with these numbers.
Grader = Callable[[Sequence[int], Sequence[Sample]], list[float]]

# Rewards ----------------------------------------------------------------------------


def by_model(
    reward_model: RewardModel, questions: Sequence[list[int]], pad_id: int
) -> Grader:
    """Return a grader: what the reward model says of request and answer.

    An answer without an end gets what the model says of it, as any other.
    """

    def grades(index: Sequence[int], samples: Sequence[Sample]) -> list[float]:
        examples = [
            Example(questions[i], sample.tokens)
            for i, sample in zip(index, samples, strict=True)
        ]
        return score(reward_model, examples, pad_id).tolist()

    return grades


def by_judge(judge, tokenizer, requests: Sequence[Request]) -> Grader:
    """Return a grader: the judge's probability of "yes, it fits the Spec".

    An answer without an end gets 0. Equal answers to a request are judged once.
    """

    def grades(index: Sequence[int], samples: Sequence[Sample]) -> list[float]:
        cases = [
            (i, split_completion(tokenizer, sample.tokens)[1])
            for i, sample in zip(index, samples, strict=True)
            if sample.finished
        ]
        different = list(dict.fromkeys(cases))
        found = verdicts(
            judge,
            tokenizer,
            [load_spec().of(requests[i].topic.category) for i, _ in different],
            [requests[i].text for i, _ in different],
            [text for _, text in different],
        )
        scores = dict(zip(different, found[:, 0].tolist(), strict=True))
        finished = iter(cases)
        return [scores[next(finished)] if s.finished else 0.0 for s in samples]

    return grades


# Looking at a policy ----------------------------------------------------------------


@torch.no_grad()
def distance(
    policy: nn.Module, reference: nn.Module, examples: Sequence[Example], pad_id: int
) -> Tensor:
    """Return (n,) nats: the exact KL at each place of a sample, summed along it.

    For samples of the policy its mean is an unbiased estimate of the KL between the
    two distributions over whole answers, with far less noise than `k1`.
    """
    sums = []
    with eval_mode(policy), eval_mode(reference):
        for start in range(0, len(examples), 50):
            batch = examples[start : start + 50]
            ids = right_pad([e.prompt + e.completion for e in batch], pad_id)
            kl = exact_kl(policy(ids).logits, reference(ids).logits)  # (n, T)
            # The logits at a place predict the next one.
            sums += [
                row[len(e.prompt) - 1 : len(e) - 1].sum()
                for row, e in zip(kl, batch, strict=True)
            ]
    return torch.stack(sums)


def fixed_texts(tokenizer, requests: Sequence[Request]) -> list[Example]:
    """Return one answer to each request, right or wrong: the five actions in turn."""
    return [
        Example(question, encode_completion(tokenizer, answer(action, r.topic.name)))
        for i, (r, question) in enumerate(
            zip(requests, encode(tokenizer, requests), strict=True)
        )
        for action in [ACTIONS[i % len(ACTIONS)]]
    ]


class Watch:
    """Looks at a policy in training: `look(step)` adds a row to `rows`.

    policy    : the model in training
    reference : what its trainer takes for the reference
    start     : the model from which it really started
    grader    : grades answers to the `requests`, as training does for its own
    """

    def __init__(
        self,
        policy: nn.Module,
        reference: nn.Module,
        start: nn.Module,
        tokenizer,
        requests: Sequence[Request],
        grader: Grader,
    ) -> None:
        self.policy, self.reference, self.start = policy, reference, start
        self.tokenizer, self.requests, self.grader = tokenizer, requests, grader
        self.questions = encode(tokenizer, requests)
        self.fixed = fixed_texts(tokenizer, requests[:FIXED])
        right = [request.action() for request in requests]
        self.shown = [right.index(action) for action in SHOWN]
        self.rows: list[dict] = []

    def look(self, step: int) -> None:
        """Sample an answer to every request, and measure."""
        pad_id = self.tokenizer.pad_token_id
        samples = generate(
            self.policy,
            self.questions,
            max_new_tokens=LONGEST,
            generator=torch.Generator().manual_seed(0),
            **limits(self.tokenizer, thinking=False),
        )
        said = [split_completion(self.tokenizer, s.tokens)[1] for s in samples]
        given = [action_of(text) for text in said]
        examples = [
            Example(question, sample.tokens)
            for question, sample in zip(self.questions, samples, strict=True)
        ]
        rewards = self.grader(range(len(samples)), samples)
        hits = [r.action() == a for r, a in zip(self.requests, given, strict=True)]
        kl = distance(self.policy, self.start, examples, pad_id)
        self.rows.append(
            {
                "step": step,
                "proxy": round(fmean(rewards), 4),
                "truth": round(fmean(hits), 4),
                "kl": round(kl.mean().item(), 4),
                "finished": round(fmean(s.finished for s in samples), 4),
                "most common": round(max(map(given.count, set(given))) / len(given), 4),
                "no action": round(given.count("none") / len(given), 4),
                "asked": [self.requests[i].text for i in self.shown],
                "said": [said[i] for i in self.shown],
                "policy": self.logprobs(self.policy),
                "reference": self.logprobs(self.reference),
            }
        )

    def logprobs(self, model: nn.Module) -> list[float]:
        """Return the log-probabilities of the fixed texts."""
        found = score_completions(model, self.fixed, self.tokenizer.pad_token_id)
        return [round(value, 4) for value in found.tolist()]


# Training ---------------------------------------------------------------------------


@torch.no_grad()
def move(model: nn.Module, goal: nn.Module, share: float) -> None:
    """Move the weights of `model` a share of the way to those of `goal`."""
    for own, other in zip(model.parameters(), goal.parameters(), strict=True):
        own.lerp_(other, share)


def watched(
    grader: Grader, look: Callable[[int], None], after: Callable[[], None]
) -> RewardFunction:
    """Return a reward function that also looks at the policy every so many steps.

    `train_grpo` asks for the rewards of each prompt of a step before its update, so
    the first question in a step finds the policy after all updates before.
    """
    asked = 0

    def function(i: int, samples: list[Sample]) -> Sequence[float]:
        nonlocal asked
        step, rest = divmod(asked, PROMPTS_PER_STEP)
        asked += 1
        if rest == 0:
            if step % EVERY == 0:
                look(step)
            after()
        return grader([i] * len(samples), samples)

    return function


def run(
    start: nn.Module,
    tokenizer,
    requests: Sequence[Request],
    grader: Callable[[Sequence[Request]], Grader],
    beta: float,
    seed: int,
    follows: float = 0.0,
) -> list[dict]:
    """Train a copy of `start` by GRPO and return a row for each look at it.

    `grader(requests)` makes the grader for a list of requests. `follows`
    breaks the run: by this share the reference moves to the policy in each step.
    """
    policy, reference = copy.deepcopy(start), copy.deepcopy(start)
    tests = plain("seen", TESTS)
    watch = Watch(policy, reference, start, tokenizer, tests, grader(tests))
    history = train_grpo(
        policy,
        reference,
        encode(tokenizer, requests),
        watched(grader(requests), watch.look, lambda: move(reference, policy, follows)),
        steps=STEPS,
        group_size=GROUP,
        prompts_per_step=PROMPTS_PER_STEP,
        max_new_tokens=LONGEST,
        beta=beta,
        lr=LR,
        seed=seed,
        **limits(tokenizer, thinking=False),
    )
    watch.look(STEPS)
    for row in watch.rows:  # what the trainer itself logged before the look
        recent = history[max(0, row["step"] - EVERY) : max(1, row["step"])]
        for name in ("reward", "kl"):
            row[f"logged {name}"] = round(fmean(step[name] for step in recent), 4)
    return watch.rows


def study(seed: int) -> list[dict]:
    """Return a row for each look at each run."""
    start, tokenizer = started("lab", seed)
    requests = training_requests(seed + 500)
    models = {name: trained("lab", seed, n) for name, n in PAIRS.items()}
    judge, _ = load("lab")

    def grader(name: str) -> Callable[[Sequence[Request]], Grader]:
        if name == "judge":
            return lambda asked: by_judge(judge, tokenizer, asked)
        return lambda asked: by_model(
            models[name], encode(tokenizer, asked), tokenizer.pad_token_id
        )

    rows = []
    for name, beta, follows in [*((*two, 0.0) for two in RUNS), BROKEN]:
        looks = run(start, tokenizer, requests, grader(name), beta, seed, follows)
        keys = {"reward": name, "beta": beta, "follows": follows}
        rows += [keys | row for row in looks]
    return rows
