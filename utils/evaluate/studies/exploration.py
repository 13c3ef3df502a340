"""What RL can find: the samples of a model before RL, and what RL makes of them.

GRPO can only make likelier what a model samples, and only where the rewards of a group
differ. Three starts: the base; a brief SFT on deliberations; and A4, which had all of
it. For the first and the last, `results/arms.json` has what RL added (A6, A5). For the
brief one it is measured here, with the same RL.
"""

from collections.abc import Sequence
from math import comb, log
from statistics import fmean, median

import torch

from utils.align.batching import Example, score_completions
from utils.align.chat import Reply, reply
from utils.align.deliberate import deliberate
from utils.align.sft import train_sft
from utils.evaluate.arms import arm, digest_of, plain_chat, reinforce
from utils.evaluate.cache import cached, key_of
from utils.evaluate.conditions import plain
from utils.evaluate.training_data import thinking_example, training_requests
from utils.models.load import load
from utils.models.tokenizer import ANSWER, encode_prompt
from utils.world.replies import OPENINGS, action_of
from utils.world.requests import Request
from utils.world.spec import ACTIONS, load_spec

REQUESTS, SAMPLES, GROUP = 100, 16, 8  # GROUP is GRPO's
KS = (1, 4, 16)
BRIEF_REQUESTS, BRIEF_STEPS, BRIEF_LR = 240, 64, 1e-3
# Where each start is looked at: in English, and once where it was never trained.
PLACES = (("base", "en"), ("brief", "en"), ("full", "en"), ("full", "base64"))


def brief(seed: int, base: str = "lab", then_rl: bool = False) -> tuple:
    """Return (model, tokenizer, notes): a brief SFT on deliberations, perhaps RL."""
    model, tokenizer = load(base)
    settings = {"n": BRIEF_REQUESTS, "steps": BRIEF_STEPS, "lr": BRIEF_LR}

    def train(fresh) -> dict:
        asked = training_requests(seed, BRIEF_REQUESTS)
        policies = [load_spec().of(r.topic.category) for r in asked]
        written = deliberate(fresh, tokenizer, policies, [r.text for r in asked])
        losses = train_sft(
            fresh,
            [
                thinking_example(tokenizer, request, one)
                for request, one in zip(asked, written, strict=True)
                if one.thought and one.thought.action == action_of(one.answer)
            ],
            steps=BRIEF_STEPS,
            pad_id=tokenizer.pad_token_id,
            batch_size=16,
            lr=BRIEF_LR,
            seed=seed,
        )
        return {"last_loss": round(losses[-1], 4)}

    def go_on(fresh) -> dict:
        notes = cached(fresh, key, train)
        torch.manual_seed(seed)
        return notes | reinforce(fresh, tokenizer, base, seed, thinking=True)

    key = key_of(brief=digest_of(base), seed=seed, **settings)
    if not then_rl:
        return model, tokenizer, cached(model, key, train)
    rl_key = key_of(brief_rl=digest_of(base), seed=seed, **settings)
    return model, tokenizer, cached(model, rl_key, go_on)


def start_of(name: str, seed: int) -> tuple:
    """Return (model, tokenizer) of a start: "base", "brief" or "full"."""
    if name == "base":
        return load("lab")
    return (brief(seed) if name == "brief" else arm("A4", seed=seed))[:2]


def pass_at_k(n: int, c: int, k: int) -> float:
    """Return the chance that k of n samples hold one of the c right ones."""
    return 1 - comb(n - c, k) / comb(n, k)


def mixed(n: int, c: int, k: int) -> float:
    """Return the chance that k of n samples hold both right and wrong ones."""
    return 1 - (comb(n - c, k) + comb(c, k)) / comb(n, k)


def sampled(
    model, tokenizer, asked: Sequence[Request], seed: int, n: int
) -> list[list[bool]]:
    """Return for each request which of `n` samples at temperature 1 are right."""
    chats = [plain_chat(request) for request in asked for _ in range(n)]
    said = reply(model, tokenizer, chats, thinking=True, temperature=1.0, seed=seed)
    right = [
        action_of(one.answer) == asked[i // n].action() for i, one in enumerate(said)
    ]
    return [right[start : start + n] for start in range(0, len(right), n)]


def log10_of_right(
    model, tokenizer, asked: Sequence[Request], said: Sequence[Reply]
) -> list[float]:
    """Return log10 of the probability that an answer opens with the right action.

    The model's own thought goes before it.
    """
    examples = []
    for request, own in zip(asked, said, strict=True):
        prompt = encode_prompt(tokenizer, plain_chat(request), thinking=True)
        mind = tokenizer.encode(own.thought + ANSWER, add_special_tokens=False)
        opening = OPENINGS[request.action()]
        right = tokenizer.encode(opening, add_special_tokens=False)
        examples.append(Example(prompt + mind, right))
    found = score_completions(model, examples, tokenizer.pad_token_id)
    return (found / log(10)).tolist()


def study(seed: int) -> list[dict]:
    """Return what each start samples, by action, and what RL adds to a brief SFT."""
    rows = []
    for name, surface in PLACES:
        model, tokenizer = start_of(name, seed)
        asked = [r.on(surface) for r in plain("seen", REQUESTS)]
        counts = list(map(sum, sampled(model, tokenizer, asked, seed, SAMPLES)))
        said = reply(model, tokenizer, [plain_chat(r) for r in asked], thinking=True)
        likely = log10_of_right(model, tokenizer, asked, said)
        for action in ACTIONS:
            own = [i for i, r in enumerate(asked) if r.action() == action]
            row = {"kind": "samples", "start": name, "surface": surface}
            row |= {"action": action, "n": len(own)}
            for k in KS:
                values = [pass_at_k(SAMPLES, counts[i], k) for i in own]
                row[f"pass_{k}"] = round(fmean(values), 4)
            values = [mixed(SAMPLES, counts[i], GROUP) for i in own]
            row["mixed"] = round(fmean(values), 4)
            row["log10_p"] = round(median(likely[i] for i in own), 3)
            rows.append(row)
    return [*rows, rl_row(seed)]


def rl_row(seed: int) -> dict:
    """Return what RL adds to a brief SFT: to the most probable reply, and to samples.

    accuracy is that of greedy replies, sampled that of samples at temperature 1, which
    is what RL works on.
    """
    asked = plain("seen", REQUESTS)
    row = {"kind": "rl", "start": "brief"}
    for when, then_rl in (("before", False), ("after", True)):
        model, tokenizer, notes = brief(seed, then_rl=then_rl)
        said = reply(model, tokenizer, [plain_chat(r) for r in asked], thinking=True)
        pairs = zip(asked, said, strict=True)
        hits = [action_of(r.answer) == q.action() for q, r in pairs]
        row[f"accuracy_{when}"] = round(fmean(hits), 4)
        counts = map(sum, sampled(model, tokenizer, asked, seed, GROUP))
        row[f"sampled_{when}"] = round(fmean(counts) / GROUP, 4)
    for figure in ("accuracy", "sampled"):
        gain = row[f"{figure}_after"] - row[f"{figure}_before"]
        row[f"{figure}_gain"] = round(gain, 4)
    return row | notes
