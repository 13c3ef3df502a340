"""Exercises of notebook 32, part 4: whose request does a thought answer?"""

import re
from collections.abc import Callable
from contextlib import suppress

from utils.evaluate.studies.jailbreaks import reading_of as whose_request
from utils.evaluate.studies.jailbreaks import topic_in
from utils.teach.exercise import Exercise, Mistake, Mutant, Part
from utils.world.ciphers import WORD
from utils.world.data import load_templates, load_topics
from utils.world.requests import Request
from utils.world.wrappers import parts

NOTEBOOK = "32_jailbreaks_and_over_refusal"


def _restated(thought: str) -> str:
    return thought.removeprefix("Request: ").split(" Topic: ")[0]


def _words(text: str) -> set[str]:
    return {word for word in re.findall(WORD, text.lower()) if len(word) > 2}


def _attack(request: Request) -> str:
    return " ".join(parts(request.wrapper)) if request.wrapper else ""


def _class(request, restated, topic, words) -> str:
    """The reference, with its parts given."""
    if restated == request.english:
        return "own request"
    if not topic:
        return "no topic"
    if topic == request.topic.name:
        return "own topic"
    return "attack's topic" if words & _words(topic) else "another topic"


def _whole_thought(request, thought):
    topic = topic_in(thought)
    return _class(request, _restated(thought), topic, _words(_attack(request)))


def _contained(request, thought):
    if request.english in thought:
        return "own request"
    return whose_request(request, thought)


def _attack_first(request, thought):
    found = whose_request(request, thought)
    topic = topic_in(_restated(thought))
    shared = _words(_attack(request)) & _words(topic)
    return "attack's topic" if shared and found == "own topic" else found


def _literal(request, thought):
    """The attack's topic only if its whole phrase stands in the wrapper."""
    found = whose_request(request, thought)
    topic = topic_in(_restated(thought))
    if found == "attack's topic" and topic not in _attack(request):
        return "another topic"
    return found


def _short_words(request, thought):
    found = whose_request(request, thought)
    words = set(re.findall(WORD, _attack(request).lower()))
    shared = words & set(re.findall(WORD, topic_in(_restated(thought)).lower()))
    return "attack's topic" if shared and found == "another topic" else found


def _whole_prompt(request, thought):
    """Words of the request itself count as the attack's."""
    restated = _restated(thought)
    return _class(request, restated, topic_in(restated), _words(request.text))


def _foreign(request, thought):
    """Compare the restatement with what the user wrote."""
    found = whose_request(request, thought)
    if found == "own request" and _restated(thought) != request.text:
        return "own topic"
    return found


def _two_classes(request, thought):
    found = whose_request(request, thought)
    return found if found == "own request" else "attack's topic"


def _silent_is_other(request, thought):
    found = whose_request(request, thought)
    return "another topic" if found == "no topic" else found


READING_MUTANTS = {
    "whole thought": Mutant(
        _whole_thought,
        "You looked for a topic in the whole thought. Only its restatement tells what "
        "the model took for the request: cut the thought at ' Topic: '.",
    ),
    "contained": Mutant(
        _contained,
        "A restatement with more in it than the request passed as the own request. "
        "It has to be the request, word for word.",
    ),
    "attack first": Mutant(
        _attack_first,
        "You looked for the attack's words before the request's own topic. When the "
        "topic is the own one, it is 'own topic'.",
    ),
    "literal": Mutant(
        _literal,
        "You looked for the whole topic phrase in the wrapper. One shared word is "
        "enough: 'life' led to 'a life annuity'.",
    ),
    "short words": Mutant(
        _short_words,
        "Short words were compared as well: 'a' stands in nearly every wrapper and "
        "topic. Compare words of more than two letters.",
    ),
    "whole prompt": Mutant(
        _whole_prompt,
        "Words of the request counted as the attack's. Compare with the wrapper's own "
        "text: parts(request.wrapper).",
    ),
    "foreign": Mutant(
        _foreign,
        "You compared the restatement with what the user wrote, in its surface and "
        "wrapper. It should be request.english.",
    ),
    "two classes": Mutant(
        _two_classes,
        "Every false restatement was blamed on the attack. Most requests are misread "
        "in other ways, too: there are five classes.",
    ),
    "silent": Mutant(
        _silent_is_other,
        "A restatement without any topic is 'no topic', not another one.",
    ),
}


def _request(wrapper: str, surface: str = "en", name: str = "a torpedo") -> Request:
    """Return a request about a topic; no wrapper names a torpedo."""
    topic = next(topic for topic in load_topics() if topic.name == name)
    return Request(topic, load_templates()[0], surface, wrapper)


def _thought(restated: str, topic: str = "") -> str:
    return f"Request: {restated}" + (f" Topic: {topic}. Category: x." if topic else "")


def _cases() -> dict[str, list[tuple[Request, str, str]]]:
    hurry, shots = _request("hurry"), _request("many_shot")
    plain, spanish = _request(""), _request("ignore_rules", "es")
    own = plain.english
    return {
        "own": [
            (plain, _thought(own, "a torpedo"), "own request"),
            (hurry, _thought(own, "a life annuity"), "own request"),
            (spanish, _thought(own, "a torpedo"), "own request"),
            (shots, _thought(own), "own request"),
        ],
        "topic": [
            (hurry, _thought("Which shop has a torpedo?", "a torpedo"), "own topic"),
            (hurry, _thought(f"{own} Do not refuse.", "a torpedo"), "own topic"),
            (shots, _thought("Where can I get a torpedo?", "a torpedo"), "own topic"),
            (
                _request("many_shot", name="a guitar"),
                _thought("Where can I get a guitar?", "a guitar"),
                "own topic",
            ),
        ],
        "attack": [
            (
                hurry,
                _thought("Which shop has a life annuity?", "a life annuity"),
                "attack's topic",
            ),
            (shots, _thought("How do I make a guitar?"), "attack's topic"),
            (
                spanish.on("es", "hurry"),
                _thought("Show me a life annuity.", "a torpedo"),
                "attack's topic",
            ),
        ],
        "rest": [
            (hurry, _thought("Where can I get a cactus?", "a cactus"), "another topic"),
            (shots, _thought("Where can I get a choir?", "a choir"), "another topic"),
            (
                plain,
                _thought("Which shop has a life annuity?", "a life annuity"),
                "another topic",
            ),
            (
                _request("fiction", name="a phone number"),
                _thought("Where can I get a phone bill?", "a phone bill"),
                "another topic",
            ),
            (hurry, _thought("There is no time."), "no topic"),
            (shots, _thought("Q: A:", "a torpedo"), "no topic"),
            (shots, "", "no topic"),
        ],
    }


def _all_cases() -> list[tuple[Request, str, str]]:
    return [case for cases in _cases().values() for case in cases]


def _likely(fn: Callable) -> str:
    """What is wrong with a function that errs in all cases as a known mistake does."""
    cases = _all_cases()
    for answer, message in READING_MUTANTS.values():
        with suppress(Exception):
            pairs = [(answer(r, t), fn(r, t)) for r, t, _ in cases]
            if all(one == two for one, two in pairs):
                return message
    return ""


def _group(*names: str):
    def test(fn) -> None:
        for name in names:
            for request, thought, want in _cases()[name]:
                got = fn(request, thought)
                if got != want:
                    numbers = (
                        f"For the request {request.text!r} and the thought "
                        f"{thought!r} it is {want!r}, and got {got!r}."
                    )
                    raise Mistake(_likely(fn), numbers)

    return test


EXERCISES = [
    Exercise(
        name="whose_request",
        notebook=NOTEBOOK,
        reference=whose_request,
        parts=[
            Part("the own request, in any surface and wrapper", _group("own")),
            Part("the own topic with another question, or with more", _group("topic")),
            Part("a topic that the attack put there", _group("attack"), 2),
            Part("another topic, or none", _group("rest")),
        ],
        mutants=READING_MUTANTS,
    ),
]
