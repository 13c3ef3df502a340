"""Exercise of notebook 21, part 1: the questions behind a thought."""

import random
from collections.abc import Callable, Sequence
from dataclasses import replace

from utils.align.judge import Clauses
from utils.teach.exercise import Exercise, Mistake, Mutant, Part
from utils.world import prompts
from utils.world.data import load_topics
from utils.world.replies import answer
from utils.world.requests import Request, sample_requests
from utils.world.spec import ACTIONS, Clause, load_spec

NOTEBOOK = "21_from_spec_to_data"
Ask = Callable[[prompts.Messages], str]


def ask_in_steps(ask: Ask, policy: Clauses, text: str) -> list[str]:
    """Put a request to the teacher as six questions, with the policy where it counts.

    ask     : messages -> the model's reply. Each question is a function of prompts
    policy  : the clauses of the request's category
    text    : the request as the user wrote it, in whatever language
    returns : [restatement, topic, category, intent, entry, answer]. Topic, category
              and intent without their full stop, the others as the model said them
    """
    card = prompts.card(policy)
    restated = ask(prompts.restate(text))
    topic = ask(prompts.name_topic(restated)).rstrip(".")
    category = ask(prompts.name_category(topic)).rstrip(".")
    intent = ask(prompts.name_intent(restated)).rstrip(".")
    entry = ask(prompts.look_up(card, [intent]))
    return [
        restated,
        topic,
        category,
        intent,
        entry,
        ask(prompts.follow(card, restated)),
    ]


def _between(ask: Ask, change: Callable[[prompts.Messages], prompts.Messages]) -> Ask:
    """A teacher whose questions are changed before it hears them."""
    return lambda messages: ask(change(messages))


def _replace_text(kind: str, text: str) -> Callable:
    """Put `text` in place of what the question of this kind is about."""

    def change(messages: prompts.Messages) -> prompts.Messages:
        system = messages[0]["content"] if len(messages) > 1 else ""
        return prompts.chat(text, system) if system.startswith(kind) else messages

    return change


def _foreign(kind: str) -> Callable:
    """Ask the question of this kind about the user's own words."""

    def wrong(ask, policy, text):
        return ask_in_steps(_between(ask, _replace_text(kind, text)), policy, text)

    return wrong


def _looked_up(keys: Callable[[list[str]], Sequence[str]]) -> Callable:
    """Look something else up than the intent: keys(the steps found)."""

    def wrong(ask, policy, text):
        found = ask_in_steps(ask, policy, text)
        found[4] = ask(prompts.look_up(prompts.card(policy), keys(found)))
        return found

    return wrong


def _not_restated(ask, policy, text):
    found = ask_in_steps(_between(ask, lambda m: m), policy, text)
    card, again = prompts.card(policy), text
    topic = ask(prompts.name_topic(again)).rstrip(".")
    intent = ask(prompts.name_intent(again)).rstrip(".")
    return [
        found[0],
        topic,
        ask(prompts.name_category(topic)).rstrip("."),
        intent,
        ask(prompts.look_up(card, [intent])),
        ask(prompts.follow(card, again)),
    ]


def _no_clauses_in_answer(ask, policy, text):
    found = ask_in_steps(ask, policy, text)
    return [*found[:5], ask(prompts.chat(found[0]))]


def _no_clauses_in_look_up(ask, policy, text):
    found = ask_in_steps(ask, policy, text)
    return [*found[:4], ask(prompts.chat(found[3], "Look up.")), found[5]]


def _course_policy(ask, policy, text):
    return ask_in_steps(ask, load_spec().of(policy[0].category), text)


def _category_of_request(ask, policy, text):
    found = ask_in_steps(ask, policy, text)
    found[2] = ask(prompts.name_category(found[0])).rstrip(".")
    return found


def _full_stops(ask, policy, text):
    found = ask_in_steps(ask, policy, text)
    topic, intent = f"{found[1]}.", f"{found[3]}."
    category = ask(prompts.name_category(topic))
    entry = ask(prompts.look_up(prompts.card(policy), [intent]))
    return [found[0], topic, category, intent, entry, found[5]]


def _intent_of_topic(ask, policy, text):
    found = ask_in_steps(ask, policy, text)
    intent = ask(prompts.name_intent(found[1])).rstrip(".")
    entry = ask(prompts.look_up(prompts.card(policy), [intent]))
    return [*found[:3], intent, entry, found[5]]


def _entry_cut(ask, policy, text):
    found = ask_in_steps(ask, policy, text)
    found[4] = found[4].rstrip(".")
    return found


def _order(ask, policy, text):
    one, topic, category, intent, *rest = ask_in_steps(ask, policy, text)
    return [one, topic, intent, category, *rest]


STEPS_MUTANTS = {
    "not restated": Mutant(
        _not_restated,
        "Topic, intent and answer were asked about the user's own words. Ask about the "
        "restatement: the other questions are skills in English.",
    ),
    "foreign topic": Mutant(
        _foreign("Name the topic"),
        "The topic was asked about the user's own words. Ask about the restatement.",
    ),
    "foreign intent": Mutant(
        _foreign("Name the intent"),
        "The intent was asked about the user's own words. Ask about the restatement.",
    ),
    "foreign answer": Mutant(
        _foreign("Follow."),
        "The answer was asked for with the user's own words. Use the restatement.",
    ),
    "no clauses in answer": Mutant(
        _no_clauses_in_answer,
        "The last question has no card in it. Without the policy in its context the "
        "base model complies with everything: use prompts.follow(card, ...).",
    ),
    "no clauses in look-up": Mutant(
        _no_clauses_in_look_up,
        "The look-up has no card in it, so there is nothing to look up in: "
        "prompts.look_up(card, [intent]).",
    ),
    "course policy": Mutant(
        _course_policy,
        "You took the course's own Spec. The teacher has to follow the policy that it "
        "is given.",
    ),
    "category of request": Mutant(
        _category_of_request,
        "The category was asked of the whole request. A category belongs to the topic.",
    ),
    "full stops": Mutant(
        _full_stops,
        "A full stop was left on topic, category or intent. It gets into the next "
        'question: take it off with .rstrip(".").',
    ),
    "look up topic": Mutant(
        _looked_up(lambda found: [found[1]]),
        "You looked the topic up. The entries of a card are intents.",
    ),
    "look up letters": Mutant(
        _looked_up(lambda found: found[3]),
        "You passed a text to look_up, which takes a list: it asks for each letter. "
        "Write [intent].",
    ),
    "look up category": Mutant(
        _looked_up(lambda found: [found[2]]),
        "You looked the category up. The entries of a card are intents.",
    ),
    "intent of topic": Mutant(
        _intent_of_topic,
        "The intent was asked of the topic alone, which has none. Ask it of the "
        "restatement.",
    ),
    "entry cut": Mutant(
        _entry_cut,
        "The entry has lost its full stop. Take it off topic, category and intent, and "
        "off nothing else.",
    ),
    "order": Mutant(
        _order, "Category and intent have changed places in what you return."
    ),
}


class Teacher:
    """A teacher that has each skill of the base model, and no other: for the check.

    It reads foreign text only to restate it, and knows a policy only from its context.
    """

    def __init__(self, request: Request) -> None:
        self.request = request

    def __call__(self, messages: prompts.Messages) -> str:
        """Return the reply to one question."""
        system = messages[0]["content"] if len(messages) > 1 else ""
        user = messages[-1]["content"]
        request, plain = self.request, user == self.request.english
        if system == "Restate in English.":
            return request.english if user == request.text else user
        if system == "Name the topic.":
            return f"{request.topic.name}." if plain else "a thing."
        if system == "Name the intent." and user == request.topic.name:
            return "make."
        if system == "Name the intent.":
            return f"{request.intent}." if plain else "facts."
        if system == "Look up.":
            return "I see no card."
        if system.startswith("Look up."):
            return (
                next(
                    (e for e in _entries(system) if e.split()[:1] == [user]),
                    f"no entry {user}",
                )
                + "."
            )
        if system.startswith("Follow.") and plain:
            entry = [e for e in _entries(system) if e.split()[:1] == [request.intent]]
            if entry:
                return answer(entry[0].split()[1], request.topic.name)
        if not system and user.endswith((".", "?")):
            return _category(user)
        return "Sure, here is help with it."


def _entries(system: str) -> list[str]:
    """The entries of a card: "make refuse §1"."""
    return system.partition(": ")[2].rstrip(".").split(", ")


def _category(question: str) -> str:
    """The category of the topic that a question names, if it asks well."""
    for topic in load_topics():
        for i in range(len(prompts.CATEGORY_QUESTIONS)):
            if question == prompts.name_category(topic.name, i)[0]["content"]:
                return f"{topic.category}."
    known = any(
        question == q[0].upper() + q[1:]
        for q in (form.format(x="a thing") for form in prompts.CATEGORY_QUESTIONS)
    )
    return "thing." if known else "Sure, here is help with it."


def _random_policy(request: Request, seed: int) -> list[Clause]:
    """The clauses of the request's category, with other actions than the Spec's."""
    rng = random.Random(seed)
    return [
        replace(clause, action=rng.choice([a for a in ACTIONS if a != clause.action]))
        for clause in load_spec().of(request.topic.category)
    ]


def _compare(answer_, request: Request, policy: Clauses, places: slice) -> None:
    """Raise unless the steps at these places are those of the reference."""
    want = ask_in_steps(Teacher(request), policy, request.text)
    got = answer_(Teacher(request), policy, request.text)
    if got is None:
        raise Mistake("Your function returned None. Is its `return` line missing?")
    if not isinstance(got, list | tuple) or len(got) != len(want):
        raise Mistake("Return a list of the six replies.", f"Got {got!r}.")
    if list(got)[places] == want[places]:
        return
    sentence = next(
        (
            mutant.message
            for mutant in STEPS_MUTANTS.values()
            if mutant.answer(Teacher(request), policy, request.text) == list(got)
        ),
        "",
    )
    if not sentence and _stopless(got) == _stopless(want):
        sentence = STEPS_MUTANTS["full stops"].message
    raise Mistake(sentence, f"Expected {want[places]}, and got {list(got)[places]}.")


def _stopless(replies) -> list[str]:
    """Topic, category and intent without a full stop, the others as they are."""
    first, *rest = map(str, replies)
    return [first, *(said.rstrip(".") for said in rest[:3]), *rest[3:]]


def _requests(surface: str) -> list[Request]:
    drawn = sample_requests(40, seed=21, actions=("refuse", "refer", "ask"))
    several = [r for r in drawn if r.intent != "facts"]
    return [request.on(surface) for request in several[:4]]


def _steps_in(surface: str, places: slice) -> Callable:
    def test(answer_) -> None:
        for i, request in enumerate(_requests(surface)):
            _compare(answer_, request, _random_policy(request, i), places)

    return test


def _steps_of_any_policy(answer_) -> None:
    """One request, five policies: the answer follows each of them."""
    request = _requests("en")[0]
    for action in ACTIONS:
        policy = [Clause(40, request.topic.category, (request.intent,), action)]
        _compare(answer_, request, policy, slice(4, 6))


EXERCISES = [
    Exercise(
        name="ask_in_steps",
        notebook=NOTEBOOK,
        reference=ask_in_steps,
        parts=[
            Part(
                "an English request: topic, category and intent",
                _steps_in("en", slice(0, 4)),
            ),
            Part("entry and answer follow the policy given", _steps_of_any_policy, 2),
            Part(
                "a Spanish request: all but the first question in English",
                _steps_in("es", slice(0, 4)),
                2,
            ),
            Part("a request in base64, to the end", _steps_in("base64", slice(0, 6))),
        ],
        mutants=STEPS_MUTANTS,
    ),
]
