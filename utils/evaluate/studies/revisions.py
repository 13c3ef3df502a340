"""How far critique and revision bring answers, round by round, by size of model.

Each round reads principles anew: the whole chapter, one rule of it, or one rule of the
whole constitution. `studies/labels.py` has the same three and says more about them.
"""

import random
from collections.abc import Sequence

from utils.align.chat import reply
from utils.align.critique import critique_and_revise
from utils.align.judge import Clauses
from utils.evaluate.studies.labels import (
    JUDGES,
    Case,
    any_rule,
    chapter,
    covers,
    draw_cases,
    one_rule,
)
from utils.models.load import load
from utils.world import prompts
from utils.world.replies import action_of

N = 200  # requests
ROUNDS = 4
MOST = 24  # tokens of a helpful answer


def right(cases: Sequence[Case], answers: Sequence[str]) -> list[bool]:
    """Say for each answer whether it takes the action of the Spec."""
    return [
        case.request.action() == action_of(text)
        for case, text in zip(cases, answers, strict=True)
    ]


def share(values: Sequence[bool]) -> float:
    """Return the share of true values; there has to be one."""
    return sum(values) / len(values)


def changes(
    cases: Sequence[Case],
    rules: Sequence[Clauses],
    before: Sequence[bool],
    after: Sequence[bool],
) -> dict[str, float]:
    """Return accuracy, and what a round gained and lost.

    covered: share of requests that the rules were about; gained: share of all answers
    that became right; lost: share that was right and is not any more.
    """
    pairs = list(zip(before, after, strict=True))
    known = [covers(r, c.request) for r, c in zip(rules, cases, strict=True)]
    return {
        "accuracy": share(after),
        "covered": share(known),
        "gained": share([now and not was for was, now in pairs]),
        "lost": share([was and not now for was, now in pairs]),
    }


def of_model(name: str, seed: int) -> list[dict]:
    """Return the rows of one model: every kind of principles, every round."""
    model, tokenizer = load(name)
    cases = draw_cases(seed, N)
    texts = [case.request.text for case in cases]
    rng = random.Random(f"revisions-{seed}")
    draw = {
        "chapter": lambda case: chapter(case),
        "one rule": lambda case: one_rule(case, rng),
        "any rule": lambda case: any_rule(case, rng),
    }
    chats = [prompts.chat(text) for text in texts]
    first = [r.answer for r in reply(model, tokenizer, chats, max_new_tokens=MOST)]
    cards = [prompts.card(chapter(case)) for case in cases]
    direct = [*map(prompts.follow, cards, texts)]
    told = [r.answer for r in reply(model, tokenizer, direct, max_new_tokens=MOST)]
    rows = [
        {"principles": "chapter, no critique", "accuracy": share(right(cases, told))}
    ]
    for principles, choose in draw.items():
        answers, hits = first, right(cases, first)
        rows.append({"principles": principles, "round": 0, "accuracy": share(hits)})
        for number in range(1, ROUNDS + 1):
            rules = [choose(case) for case in cases]
            _, answers = critique_and_revise(model, tokenizer, rules, texts, answers)
            before, hits = hits, right(cases, answers)
            row = {"principles": principles, "round": number}
            rows.append(row | changes(cases, rules, before, hits))
    return [{"judge": name} | row for row in rows]


def study(seed: int) -> list[dict]:
    """Return the rows of all models for one seed."""
    return [row for name in JUDGES for row in of_model(name, seed)]
