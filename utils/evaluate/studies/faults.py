"""DPO runs whose loss counts the wrong tokens: what they log, and what they have done.

Four runs that differ in one thing, which tokens the sums of log-probabilities count:

    right    the completion with its end token
    late     shifted by one to the right: misses the first token, counts one behind
    early    shifted by one to the left: counts the prompt's last token, misses the end
    padding  the completion and all padding behind it

They begin at the same model, half-way through SFT on revisions, so that greedy answers
have room to become better. All four log what a DPO library logs, by their own sums.
"""

import copy
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from utils.align.batching import Example, Pair, batches, right_pad
from utils.align.dpo import dpo_loss
from utils.align.fit import fit
from utils.align.sft import train_sft
from utils.evaluate.metrics import score
from utils.evaluate.studies.dpo import VALIDATION_SEED, answers
from utils.evaluate.studies.reward_model import pairs_in_words
from utils.evaluate.training_data import direct_example, direct_pair, revisions
from utils.models.load import load
from utils.world.requests import Request, sample_requests

MASKS = ("right", "late", "early", "padding")
REQUESTS, KEPT = 1200, 150  # to train on, and pairs kept out
SFT_STEPS, SFT_LR = 80, 1e-3
BETA, LR, STEPS, BATCH, EVERY = 0.3, 2e-4, 60, 32, 10
ASKED = 200  # requests
SHOWN, AUDITED = 8, 30  # answers, and texts with every token's change, in a row
Row = dict


def counted(name: str, starts: Tensor, ends: Tensor, width: int) -> Tensor:
    """Which tokens a run counts: (n, width) bool. `ends` lie behind the end token."""
    place = torch.arange(width)
    starts, ends = starts[:, None], ends[:, None]
    if name == "padding":
        return place >= starts
    shift = {"right": 0, "late": 1, "early": -1}[name]
    return (place >= starts + shift) & (place < ends + shift)


def every_logprob(model, examples: Sequence[Example], pad: int) -> Tensor:
    """log p of every token from the prompt's last one on, padding too: (n, longest)."""
    ids = right_pad([one.prompt + one.completion for one in examples], pad)
    starts, _ = places(examples)
    wanted = torch.arange(1, ids.shape[1]) >= starts[:, None] - 1
    hidden = model.get_decoder()(ids[:, :-1], use_cache=False).last_hidden_state
    logits = model.get_output_embeddings()(hidden[wanted])
    found = -F.cross_entropy(logits, ids[:, 1:][wanted], reduction="none")
    found = found.new_zeros(wanted.shape).masked_scatter(wanted, found)
    return F.pad(found, (1, 0))  # the first token of a row is given


def places(examples: Sequence[Example]) -> tuple[Tensor, Tensor]:
    """Where each completion starts, and the place behind its end: (n,) each."""
    starts = torch.tensor([len(one.prompt) for one in examples])
    return starts, torch.tensor([len(one) for one in examples])


def halves(pairs: Sequence[Pair]) -> list[Example]:
    """All chosen texts, then all rejected ones."""
    chosen = [Example(pair.prompt, pair.chosen) for pair in pairs]
    return chosen + [Example(pair.prompt, pair.rejected) for pair in pairs]


def train(policy, reference, name: str, pairs: list[Pair], pad: int, seed: int) -> list:
    """DPO that counts the tokens of mask `name`; returns the metrics of each step."""

    def loss_fn(index: list[int]) -> tuple[Tensor, dict]:
        batch = [pairs[i] for i in index]
        texts = halves(batch)
        own = every_logprob(policy, texts, pad)
        with torch.no_grad():
            fixed = every_logprob(reference, texts, pad)
        mask = counted(name, *places(texts), own.shape[1])
        now, before = ((x * mask).sum(dim=1).chunk(2) for x in (own, fixed))
        p = torch.tensor([pair.p for pair in batch])
        return dpo_loss(*now, *before, BETA, p)

    order = batches(pairs, BATCH, STEPS, seed)
    label = f"DPO with mask {name}, seed {seed}"
    return fit(policy, order, loss_fn, steps=STEPS, lr=LR, progress=label)


def by_place(change: Tensor, texts: list[Example]) -> dict[str, list[float]]:
    """Mean change of [chosen, rejected] texts at the places where masks differ."""
    starts, ends = places(texts)
    tokens = torch.arange(change.shape[1])
    inside = (tokens > starts[:, None]) & (tokens < ends[:, None] - 1)
    behind = ends < change.shape[1]
    rows = torch.arange(len(texts))
    values = {
        "before": (change[rows, starts - 1], torch.ones_like(behind)),
        "first": (change[rows, starts], torch.ones_like(behind)),
        "between": ((change * inside).sum(dim=1), torch.ones_like(behind)),
        "end": (change[rows, ends - 1], torch.ones_like(behind)),
        "behind": (change[rows, ends.clamp_max(change.shape[1] - 1)], behind),
    }
    return {
        place: [
            round(half[there].mean().item(), 4)
            for half, there in zip(value.chunk(2), has.chunk(2), strict=True)
        ]
        for place, (value, has) in values.items()
    }


@torch.no_grad()
def of_pairs(policy, reference, name: str, kept: list[Pair], pad: int) -> Row:
    """What a run has done to the pairs kept out, by its own sums and by right ones."""
    texts = halves(kept)
    change = every_logprob(policy, texts, pad) - every_logprob(reference, texts, pad)
    starts, ends = places(texts)
    won = {}
    for mask in (name, "right"):
        sums = (change * counted(mask, starts, ends, change.shape[1])).sum(dim=1)
        chosen, rejected = sums.chunk(2)
        won[mask] = (chosen > rejected).float().mean().item()
        if mask == name:
            logged = sums
    few = slice(0, AUDITED)
    return {
        "reward_accuracy": won[name],
        "true_reward_accuracy": won["right"],
        "moved": by_place(change, texts),
        "audit": {
            "logged": [round(x, 3) for x in logged[few].tolist()],
            "change": [[round(x, 4) for x in row] for row in change[few].tolist()],
            "start": starts[few].tolist(),
            "end": ends[few].tolist(),
        },
    }


def of_answers(tokenizer, asked: list[Request], before: list, after: list) -> Row:
    """What a run has done to the greedy answers."""
    other = [a.tokens[0] != b.tokens[0] for a, b in zip(before, after, strict=True)]
    return {
        "accuracy_before": score(asked, before)["accuracy"],
        "accuracy": score(asked, after)["accuracy"],
        "openings_changed": sum(other) / len(other),
        "stopped": sum(one.finished for one in after) / len(after),
        "samples": [
            [request.text, old.answer, new.answer]
            for request, old, new in zip(asked, before, after, strict=True)
        ][:SHOWN],
    }


def study(seed: int, base: str = "lab") -> list[Row]:
    """Return a row for each mask."""
    start, tokenizer = load(base)
    pad = tokenizer.pad_token_id
    labelled = pairs_in_words(base, seed, REQUESTS)
    pairs = [direct_pair(tokenizer, *one) for one in labelled]
    torch.manual_seed(seed)
    train_sft(
        start,
        [direct_example(tokenizer, *one) for one in revisions(base, seed, REQUESTS)],
        steps=SFT_STEPS,
        pad_id=pad,
        batch_size=BATCH,
        lr=SFT_LR,
        seed=seed,
        progress=f"SFT, seed {seed}",
    )
    asked = sample_requests(ASKED, seed=VALIDATION_SEED, pairs="held_out")
    before = answers(start, tokenizer, asked)
    rows = []
    for name in MASKS:
        policy = copy.deepcopy(start)
        history = train(policy, start, name, pairs[:-KEPT], pad, seed)
        log = {
            figure: [
                round(sum(m[figure] for m in history[i : i + EVERY]) / EVERY, 4)
                for i in range(0, STEPS, EVERY)
            ]
            for figure in ("loss", "accuracy")
        }
        after = answers(policy, tokenizer, asked)
        rows.append(
            {"mask": name, "log": log}
            | of_pairs(policy, start, name, pairs[-KEPT:], pad)
            | of_answers(tokenizer, asked, before, after)
        )
    return rows
