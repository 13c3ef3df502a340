"""Write spec-grounded reasoning with the base model: G_spec of Deliberative Alignment.

Guan et al. 2024, arXiv 2412.16339, section 2.2: a model that is only helpful gets the
request *and* the clauses about its category, and writes a chain of thought that cites
them, then an answer. A 2 M-parameter model can't follow such an instruction at once. So
the instruction is put as questions, one after the other, each on a skill it has: what
does the request say, what is its topic, which category, which intent, what does the
policy say of it. The answers are joined to one thought, which quotes the clause whose
number the model has found. It may be wrong: filter it (`utils/align/judge.py`).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from utils.align.chat import reply
from utils.align.judge import Clauses
from utils.world import prompts
from utils.world.replies import Thought


@dataclass(frozen=True)
class Deliberation:
    """A thought and the answer after it; the thought is None if it is malformed."""

    thought: Thought | None
    answer: str


def deliberate(
    model,
    tokenizer,
    policies: Sequence[Clauses],
    texts: Sequence[str],
    *,
    temperature: float = 0.0,
    seed: int = 0,
) -> list[Deliberation]:
    """Return a deliberation for each request, with its policy in the context.

    `policies` holds the clauses of the request's category: spec(category). A higher
    `temperature` gives more varied and more faulty reasoning.
    """

    def ask(chats: list[prompts.Messages]) -> list[str]:
        replies = reply(model, tokenizer, chats, temperature=temperature, seed=seed)
        return [r.answer.strip() for r in replies]

    cards = [prompts.card(clauses) for clauses in policies]
    restated = ask([prompts.restate(text) for text in texts])
    topics = words(ask([prompts.name_topic(text) for text in restated]))
    categories = words(ask([prompts.name_category(topic) for topic in topics]))
    intents = words(ask([prompts.name_intent(text) for text in restated]))
    entries = ask(
        [
            prompts.look_up(card, [intent])
            for card, intent in zip(cards, intents, strict=True)
        ]
    )
    answers = ask(
        [prompts.follow(card, text) for card, text in zip(cards, restated, strict=True)]
    )
    steps = zip(policies, restated, topics, categories, intents, entries, strict=True)
    thoughts = [compose(*step) for step in steps]
    return [
        Deliberation(thought, answer)
        for thought, answer in zip(thoughts, answers, strict=True)
    ]


def words(answers: list[str]) -> list[str]:
    """Take the full stop off each short answer."""
    return [answer.rstrip(".") for answer in answers]


def compose(
    policy: Clauses, restated: str, topic: str, category: str, intent: str, entry: str
) -> Thought | None:
    """Join the steps to a thought that quotes the clause; None if there is none."""
    found = re.fullmatch(r"\w+ (\w+) §(\d+)\.", entry)
    if not found:
        return None
    action, number = found[1], int(found[2])
    for clause in policy:
        if clause.number == number:
            return Thought(restated, topic, category, intent, str(clause), action)
    return None
