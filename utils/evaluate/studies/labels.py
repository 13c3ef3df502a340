"""How right the AI's preference labels are: by order, principles and size of judge.

A judge sees a request with two answers, one of which takes the right action, and says
A or B. What it reads besides is a *principle*: all rules about the category (the
chapter), one rule of them, or one rule of the whole constitution. The seed draws
requests, answers and rules; the judges are the same for every seed.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import torch
from torch import Tensor

from utils.align.batching import eval_mode, right_pad, sorted_batches
from utils.align.judge import Clauses, verdicts
from utils.models.load import load
from utils.models.tokenizer import encode_prompt
from utils.world import prompts
from utils.world.replies import answer
from utils.world.requests import Request, sample_requests
from utils.world.spec import ACTIONS, load_principles

JUDGES = ("lab", "lab_s", "lab_xs")
N = 400  # pairs of answers
DRAWS = 9  # rules drawn for each pair: the largest ensemble
SIZES = (1, 3, 5, 9)
BINS = 10
SURE = 0.9  # a label is sure when p is above it, or below 1 - SURE
AMOUNTS = (0.0, 0.5, 1.0, 1.5, 2.0)  # of a disturbance, in the judge's own strength


@dataclass(frozen=True)
class Case:
    """A request with two answers; `right` says whether the first is the right one."""

    request: Request
    first: str
    second: str
    right: bool


def draw_cases(seed: int, n: int = N) -> list[Case]:
    """Return `n` requests, each with a right and a wrong answer in random order.

    The truth decides what is measured here; no judge sees it.
    """
    rng = random.Random(f"cases-{seed}")
    found = []
    for request in sample_requests(n, seed=seed, pairs="all"):
        right = request.action()
        wrong = rng.choice([action for action in ACTIONS if action != right])
        two = [answer(action, request.topic.name) for action in (right, wrong)]
        is_first = rng.random() < 0.5
        found.append(Case(request, *(two if is_first else two[::-1]), is_first))
    return found


# What the judge reads ---------------------------------------------------------------


def chapter(case: Case) -> Clauses:
    """Return all rules about the category of the request."""
    return load_principles().of(case.request.topic.category)


def one_rule(case: Case, rng: random.Random) -> Clauses:
    """Return one rule of the chapter, which need not be about the intent."""
    return [rng.choice(chapter(case))]


def any_rule(case: Case, rng: random.Random) -> Clauses:
    """Return one rule of the whole constitution, most often of another category."""
    return [rng.choice(load_principles().clauses)]


def covers(rules: Clauses, request: Request) -> bool:
    """Say whether one of the rules is about the request's category and intent."""
    wanted = request.topic.category
    return any(r.category == wanted and request.intent in r.intents for r in rules)


# What the judge says ----------------------------------------------------------------


@torch.no_grad()
def letter_logprobs(model, tokenizer, chats: Sequence[prompts.Messages]) -> Tensor:
    """Return (n, 2) float: log p(A) and log p(B) as the next token of each chat."""
    texts = [encode_prompt(tokenizer, chat, thinking=False) for chat in chats]
    letters = [tokenizer.encode(x, add_special_tokens=False)[0] for x in "AB"]
    found = torch.zeros(len(texts), 2, dtype=torch.double)
    with eval_mode(model):
        for index in sorted_batches(texts, 64):
            ids = right_pad([texts[i] for i in index], tokenizer.pad_token_id)
            last = torch.tensor([len(texts[i]) - 1 for i in index])
            hidden = model.get_decoder()(ids, use_cache=False).last_hidden_state
            logits = model.get_output_embeddings()(hidden[torch.arange(len(ids)), last])
            found[index] = logits.log_softmax(dim=-1)[:, letters].double()
    return found


def in_both_orders(
    model, tokenizer, rules: Sequence[Clauses], cases: Sequence[Case]
) -> Tensor:
    """Return (n, 2, 2) log-probabilities: cases, orders, letters A and B.

    The first answer stands in place A in order 0, and in place B in order 1.
    """
    chats = []
    for card, case in zip(map(prompts.card, rules), cases, strict=True):
        for two in ((case.first, case.second), (case.second, case.first)):
            chats.append(prompts.compare(card, case.request.text, *two))
    return letter_logprobs(model, tokenizer, chats).reshape(len(cases), 2, 2)


def ask(
    model, tokenizer, rules: Sequence[Clauses], cases: Sequence[Case]
) -> tuple[Tensor, Tensor]:
    """Return the log-odds of A against B, (n,) each: as given, and turned round."""
    said = in_both_orders(model, tokenizer, rules, cases)
    odds = said[..., 0] - said[..., 1]  # (n, orders)
    return odds[:, 0], odds[:, 1]


def both_orders(forward: Tensor, backward: Tensor) -> Tensor:
    """Return the probability that the first answer is better, from two log-odds of A.

    p = 1/2 [ P(A | first is A) + P(B | first is B) ]
    """
    return (forward.sigmoid() + 1 - backward.sigmoid()) / 2


def reasoned(model, tokenizer, rules: Sequence[Clauses], cases: Sequence[Case]):
    """Return labels (n,) of a judge that writes a verdict on each answer first.

    With y the probability of "yes": log-odds = logit y(first) - logit y(second).
    """
    texts = [case.request.text for case in cases]
    said = [
        verdicts(model, tokenizer, rules, texts, answers)[:, 0].clamp(1e-6, 1 - 1e-6)
        for answers in ([c.first for c in cases], [c.second for c in cases])
    ]
    return torch.sigmoid(said[0].logit() - said[1].logit())


# What is measured -------------------------------------------------------------------


def grade(p: Tensor, truth: Tensor) -> dict[str, float]:
    """Return accuracy, Brier scores and sureness of labels p, (n,) probabilities.

    A label of exactly 1/2 counts as half right. `brier` is the mean of (p - truth)^2
    (Brier 1950); `brier_hard` the same after rounding p to 0 or 1.
    """
    y, hard = truth.float(), (p > 0.5).float() + 0.5 * (p == 0.5)
    sure = (p - 0.5).abs() > SURE - 0.5
    return {
        "accuracy": (1 - (hard - y).abs()).mean().item(),
        "brier": ((p - y) ** 2).mean().item(),
        "brier_hard": ((hard - y) ** 2).mean().item(),
        "sure": sure.float().mean().item(),
        "sure_wrong": (sure & (hard != y)).float().mean().item(),
    }


def position(forward: Tensor, backward: Tensor) -> dict[str, float]:
    """Return how a judge takes to the place of an answer.

    says_a: mean P(A) over both orders, 1/2 without a bias. turns: share of pairs whose
    winner depends on the order. bias, strength: mean and spread of what the order and
    what the answers add to the log-odds.
    """
    return {
        "says_a": ((forward.sigmoid() + backward.sigmoid()) / 2).mean().item(),
        "turns": ((forward > 0) == (backward > 0)).float().mean().item(),
        "bias": ((forward + backward) / 2).mean().item(),
        "strength": ((forward - backward) / 2).abs().median().item(),
    }


def bins(p: Tensor, truth: Tensor) -> list[dict]:
    """Return count, mean label and share of truth in `BINS` bins of equal width."""
    index = (p * BINS).long().clamp(max=BINS - 1)
    rows = []
    for b in range(BINS):
        own = index == b
        if own.any():
            mean, share = p[own].mean().item(), truth[own].float().mean().item()
            rows.append({"bin": b, "n": int(own.sum()), "mean": mean, "right": share})
    return rows


def disturbed(odds: Tensor, truth: Tensor, seed: int) -> list[dict]:
    """Grade a good judge with a bias and noise added to its log-odds, (2, n).

    Their amount is in units of the judge's own strength. Asking twice in one order has
    the same cost as asking in both orders.
    """
    forward, backward = odds
    unit = (forward - backward).abs().median() / 2
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randn(3, len(truth), generator=generator)
    rows = []
    for kind, amount in product(("bias", "noise", "bias and noise"), AMOUNTS):
        bias = amount * unit * ("bias" in kind)
        sigma = amount * unit * ("noise" in kind)
        one, again = (forward + bias + sigma * noise[i] for i in (0, 1))
        other = backward + bias + sigma * noise[2]
        labels = {
            "one order": one.sigmoid(),
            "one order, twice": (one.sigmoid() + again.sigmoid()) / 2,
            "both orders": both_orders(one, other),
        }
        for orders, p in labels.items():
            row = {"disturbance": kind, "amount": amount, "asked": orders}
            rows.append(row | {"accuracy": grade(p, truth)["accuracy"]})
    return rows


def ensembles(forward: Tensor, backward: Tensor, truth: Tensor) -> list[dict]:
    """Grade ensembles over rules: log-odds of (k, n) draws, put together three ways."""
    each = both_orders(forward, backward)
    ways = {
        "probabilities": each,
        "votes": (each > 0.5).float(),
        "log-odds": (forward - backward) / 2,
    }
    rows = []
    for k in SIZES:
        for way, values in ways.items():
            p = values[:k].mean(dim=0)
            p = p.sigmoid() if way == "log-odds" else p
            rows.append({"ensemble": way, "k": k} | grade(p, truth))
    return rows


def of_draws(said: Tensor, told: Tensor, known: Tensor, truth: Tensor) -> list[dict]:
    """Return the rows about the first draw of log-odds `said`, (draws, 2, n).

    told: labels (n,) of the judge that reasons; known: (n,) bool, whether the rules of
    the first draw were about the request at all.
    """
    forward, backward = said[0]
    both = both_orders(forward, backward)
    labels = {"one order": forward.sigmoid(), "both orders": both, "reasoned": told}
    rows = [{"position": "all"} | position(forward, backward)]
    for orders, p in labels.items():
        rows.append({"orders": orders} | grade(p, truth))
        rows += [{"calibration": orders} | row for row in bins(p, truth)]
    for covered in (True, False):
        own = known == covered
        if own.any():
            row = {"covered": covered, "share": own.float().mean().item()}
            row |= position(forward[own], backward[own])
            rows.append(row | grade(both[own], truth[own]))
    return rows


def of_judge(name: str, seed: int) -> list[dict]:
    """Return all rows about one judge."""
    model, tokenizer = load(name)
    cases = draw_cases(seed)
    truth = torch.tensor([case.right for case in cases])
    rng = random.Random(f"rules-{seed}")  # the same rules for every judge
    draws = {
        "chapter": [[chapter(case) for case in cases]],
        "one rule": [[one_rule(c, rng) for c in cases] for _ in range(DRAWS)],
        "any rule": [[any_rule(c, rng) for c in cases] for _ in range(DRAWS)],
    }
    rows = []
    for principles, drawn in draws.items():
        said = torch.stack(
            [torch.stack(ask(model, tokenizer, rules, cases)) for rules in drawn]
        )  # (draws, 2, n)
        told = reasoned(model, tokenizer, drawn[0], cases)
        known = torch.tensor([*map(covers, drawn[0], [c.request for c in cases])])
        found = of_draws(said, told, known, truth)
        if principles != "chapter":
            found += ensembles(said[:, 0], said[:, 1], truth)
        elif name == JUDGES[0]:
            found += disturbed(said[0], truth, seed)
        rows += [{"judge": name, "principles": principles} | row for row in found]
    return rows


def study(seed: int) -> list[dict]:
    """Return the rows of all judges for one seed."""
    return [row for name in JUDGES for row in of_judge(name, seed)]
