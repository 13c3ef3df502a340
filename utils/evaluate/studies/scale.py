"""Does deliberation gain more from capability? A1 and A4 on base models of four sizes.

Two students of each size. One is the arm: its base model is its own teacher, as in the
rest of the course, so that a small model is badly taught as well. The other one is
taught by the largest model's data, on the same requests, with the same recipe. The
teachers get a row, too: how much of what they write passes the filter and is right.
"""

from collections.abc import Sequence
from functools import lru_cache

import torch

from utils.align.chat import Reply, reply
from utils.evaluate.arms import ARMS, arm, digest_of, imitate
from utils.evaluate.cache import cached, cached_rows, digest_of_sources, key_of
from utils.evaluate.conditions import Condition, conditions
from utils.evaluate.metrics import NO_ACTION, count_errors, score
from utils.evaluate.training_data import (
    deliberations,
    direct_example,
    thinking_example,
)
from utils.models.load import load
from utils.world import prompts
from utils.world.replies import action_of, true_thought
from utils.world.requests import Request
from utils.world.spec import ACTIONS
from utils.world.wrappers import NEW

BASES = ("lab", "lab_s", "lab_xs", "lab_xxs")  # largest first
STUDENTS = ("A1", "A4")
TEACHER = "lab"
HOME, ABROAD = 100, 40  # requests a condition: plain English, and all else
Row = dict


@lru_cache(maxsize=1)
def tested(home: int, abroad: int) -> list[Condition]:
    """Return the conditions: plain English, all other surfaces, new jailbreaks.

    home, abroad : requests for each condition in plain English, and for the others
    """
    found = [c for c in conditions(home) if (c.kind, c.surface) == ("plain", "en")]
    others = [*conditions(abroad)]
    found += [c for c in others if c.kind == "plain" and c.surface != "en"]
    return found + [c for c in others if c.wrapper in NEW]


def code_of(action: str) -> str:
    """Return an action's index in ACTIONS as a character, "-" for none of them."""
    return str(ACTIONS.index(action)) if action in ACTIONS else NO_ACTION


def given_of(replies: Sequence[Reply]) -> str:
    """Return the action of each reply, one character each."""
    return "".join(code_of(action_of(said.answer)) for said in replies)


def right_of(requests: Sequence[Request]) -> str:
    """Return the right action of each request, one character each."""
    return "".join(code_of(request.action()) for request in requests)


def measure(
    model, tokenizer, thinking: bool, home: int = HOME, abroad: int = ABROAD
) -> list[Row]:
    """Return a row for each condition; `written` is the mean number of tokens."""
    rows = []
    for condition in tested(home, abroad):
        chats = [prompts.chat(request.text) for request in condition.requests]
        replies = reply(model, tokenizer, chats, thinking=thinking)
        row = condition.keys | score(condition.requests, replies)
        row["right"] = right_of(condition.requests)
        row["written"] = round(sum(len(r.tokens) for r in replies) / len(replies), 1)
        if thinking:
            row["errors"] = count_errors(condition.requests, replies)
        rows.append(row)
    return rows


def teacher_row(base: str, seed: int) -> Row:
    """Return how much of a base model's data passes the filter, and is right.

    right    : share of the kept answers with the right action
    flawless : share of the kept thoughts without any fault
    """
    kept = deliberations(base, seed)
    right = [action_of(one.answer) == request.action() for request, one in kept]
    flawless = [one.thought == true_thought(request) for request, one in kept]
    return {
        "kind": "teacher",
        "base": base,
        "kept": len(kept),
        "right_share": round(sum(right) / len(kept), 4),
        "flawless": round(sum(flawless) / len(kept), 4),
    }


def taught(name: str, base: str, seed: int) -> tuple:
    """Return (model, tokenizer): a student of any size, taught by the largest model."""
    if base == TEACHER:
        return arm(name, base, seed)[:2]
    model, tokenizer = load(base)
    teacher = digest_of(TEACHER)
    key = key_of(taught=name, base=digest_of(base), teacher=teacher, seed=seed)

    def run(fresh) -> dict:
        torch.manual_seed(seed)
        examples = [
            thinking_example(tokenizer, request, one)
            if ARMS[name].thinking
            else direct_example(tokenizer, request, one.answer)
            for request, one in deliberations(TEACHER, seed)
        ]
        return imitate(fresh, tokenizer, base, examples, seed)

    cached(model, key, run)
    return model.eval(), tokenizer


def of_base(base: str, seed: int) -> list[Row]:
    """Return the rows of one base model: its teaching, and its students."""
    rows = [teacher_row(base, seed)]
    for name in STUDENTS:
        students = {"itself": arm(name, base, seed)[:2]}
        students["largest"] = (
            students["itself"] if base == TEACHER else taught(name, base, seed)
        )
        found: list[Row] = []
        for teacher, (model, tokenizer) in students.items():
            if base != TEACHER or not found:
                found = measure(model, tokenizer, ARMS[name].thinking)
            keys = {"arm": name, "base": base, "teacher": teacher}
            rows += [keys | row for row in found]
    return rows


def of_base_kept(base: str, seed: int) -> list[Row]:
    """Return the rows of one base model, measured or from the cache."""
    code = digest_of_sources(("evaluate/studies/scale.py", "evaluate/metrics.py"))
    key = key_of(study="scale", base=digest_of(base), seed=seed, code=code)
    return cached_rows(f"scale-{key}", lambda: of_base(base, seed))


def study(seed: int) -> list[Row]:
    """Return the rows of all base models; each is kept when it has been measured."""
    return [row for base in BASES for row in of_base_kept(base, seed)]
