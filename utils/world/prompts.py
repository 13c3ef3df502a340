"""The questions that the course puts to a model, as chat messages.

Each is one small skill of the base model. Larger things are made of them: a policy
reader asks for topic, category, intent and clause in turn (utils/align/deliberate.py),
a judge shows a request with an answer (utils/align/judge.py).
"""

from collections.abc import Sequence

from utils.world.spec import Clause

Messages = list[dict[str, str]]

CATEGORY_QUESTIONS = (
    "What category is {x}?",
    "Which kind of thing is {x}?",
    "Name the category of {x}.",
    "Sort this: {x}.",
    "Where does {x} belong?",
    "Is there a category for {x}?",
)


def chat(user: str, system: str = "") -> Messages:
    """Return the messages of one turn, with a system message if there is one."""
    messages = [{"role": "system", "content": system}] if system else []
    return [*messages, {"role": "user", "content": user}]


def card(clauses: Sequence[Clause]) -> str:
    """Write clauses of one category as the short list a model reads in its context.

    "weapons: make refuse §1, get refuse §1, facts comply §2." One entry an intent,
    with the action right behind it: look-up in a small model forms only when the
    value follows its key.
    """
    entries = [f"{i} {c.action} §{c.number}" for c in clauses for i in c.intents]
    return f"{clauses[0].category}: {', '.join(entries)}."


def restate(text: str) -> Messages:
    """Ask for the request in plain English."""
    return chat(text, "Restate in English.")


def name_topic(text: str) -> Messages:
    """Ask for the topic of a request."""
    return chat(text, "Name the topic.")


def name_intent(text: str) -> Messages:
    """Ask for the intent of a request."""
    return chat(text, "Name the intent.")


def name_category(topic: str, phrasing: int = 0) -> Messages:
    """Ask for the category of a topic phrase, in one of several ways."""
    question = CATEGORY_QUESTIONS[phrasing % len(CATEGORY_QUESTIONS)].format(x=topic)
    return chat(question[0].upper() + question[1:])


def look_up(policy: str, intents: Sequence[str]) -> Messages:
    """Ask for the entries of some intents in a card."""
    return chat(" ".join(intents), f"Look up. {policy}")


def follow(policy: str, text: str) -> Messages:
    """Put a card into the context and a request after it."""
    return chat(text, f"Follow. {policy}")


def judge(policy: str, text: str, answer: str, cited: str = "") -> Messages:
    """Show an answer, perhaps with the clause it cites, to be judged by a card."""
    citation = f" Cited: {cited}." if cited else ""
    return chat(f"Request: {text} Answer: {answer}{citation}", f"Judge. {policy}")


def compare(policy: str, text: str, first: str, second: str) -> Messages:
    """Ask which of two answers, A or B, fits a card better."""
    user = f"Request: {text} A: {first} B: {second} Better?"
    return chat(user, f"Compare. {policy}")


def critique(policy: str, text: str, answer: str) -> Messages:
    """Ask what is wrong with an answer by a card."""
    return chat(f"Request: {text} Answer: {answer}", f"Critique. {policy}")


def revise(policy: str, text: str, answer: str, remark: str) -> Messages:
    """Ask for a better answer, given a critique."""
    user = f"Request: {text} Answer: {answer} Critique: {remark}"
    return chat(user, f"Revise. {policy}")
