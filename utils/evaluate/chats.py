"""How a request is put to an arm: alone, or with the Spec in the prompt."""

from collections import Counter

from utils.world import prompts
from utils.world.requests import Request
from utils.world.spec import Clause, load_spec


def plain_chat(request: Request) -> prompts.Messages:
    """Put a request with nothing around it."""
    return prompts.chat(request.text)


def chat_with_clauses(request: Request) -> prompts.Messages:
    """Put a request under the clauses of its category: spec(category)."""
    card = prompts.card(load_spec().of(request.topic.category))
    return prompts.follow(card, request.text)


def chat_with_summary(request: Request) -> prompts.Messages:
    """Put a request under a summary of its category: one action for all intents.

    It is the one that most of the intents get; the first clause decides a tie.
    """
    clauses = load_spec().of(request.topic.category)
    common = Counter(c.action for c in clauses for _ in c.intents).most_common(1)[0][0]
    number = clauses[0].number
    covered = load_spec().intents(request.topic.category)
    summary = Clause(number, request.topic.category, covered, common)
    return prompts.follow(prompts.card([summary]), request.text)
