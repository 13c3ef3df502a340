"""Exercise of notebook 31: a new language condition, and what makes it a fair one."""

import re
from collections.abc import Callable, Mapping, Sequence

from utils.teach.exercise import Exercise, Mistake, Mutant, Part, expect
from utils.world.ciphers import WORD
from utils.world.data import load_templates, load_topics
from utils.world.requests import Request
from utils.world.spec import ACTIONS

NOTEBOOK = "31_languages_and_ciphers"
Pairs = list[tuple[Request, str]]


def words_of(text: str) -> set[str]:
    """The words of three letters or more, in lower case."""
    return {word for word in re.findall(WORD, text.lower()) if len(word) > 2}


def language_condition(
    requests: Sequence[Request],
    templates: Mapping[str, str],
    topics: Mapping[str, str],
    same: Sequence[str] = (),
) -> Pairs:
    """Write requests in a new language, or say why its tables make no fair test.

    requests  : English requests; one whose template or topic has no translation is
                left out, the others keep their order
    templates : English template -> translation, with "{x}" in both
    topics    : English topic -> translation, with its article
    same      : words, in lower case, that may be spelt as in English
    returns   : a list of (request, its text in the new language)

    ValueError if the requests that are left don't need all five actions; if two of
    them have the same text; or if a text shares a word of three letters or more with
    its own English, whatever its capitals, and the word is not in `same`.
    """
    found = []
    for request in requests:
        template = request.template.text["en"]
        if template in templates and request.topic.name in topics:
            text = templates[template].format(x=topics[request.topic.name])
            found.append((request, text))
    missing = set(ACTIONS) - {request.action() for request, _ in found}
    if missing:
        raise ValueError(f"No request is left for {', '.join(sorted(missing))}.")
    if len({text for _, text in found}) < len(found):
        raise ValueError("Two requests have the same text.")
    for request, text in found:
        shared = (words_of(text) & words_of(request.english)) - set(same)
        if shared:
            raise ValueError(f"{text!r} shares {', '.join(sorted(shared))}.")
    return found


def _pairs(requests, templates, topics) -> Pairs:
    """The reference before its three questions."""
    return [
        (r, templates[r.template.text["en"]].format(x=topics[r.topic.name]))
        for r in requests
        if r.template.text["en"] in templates and r.topic.name in topics
    ]


def _shared(request: Request, text: str) -> set[str]:
    return words_of(text) & words_of(request.english)


def _asked(pairs: Pairs, same, actions=True, texts=True, shared=_shared) -> Pairs:
    """Ask some of the three questions about `pairs`, as the reference does."""
    if actions and {request.action() for request, _ in pairs} != set(ACTIONS):
        raise ValueError("actions")
    if texts and len({text for _, text in pairs}) < len(pairs):
        raise ValueError("texts")
    if shared and any(shared(*pair) - set(same) for pair in pairs):
        raise ValueError("shared words")
    return pairs


def _unasked(**changed) -> Callable:
    """A wrong answer that asks other questions."""
    return lambda requests, templates, topics, same=(): _asked(
        _pairs(requests, templates, topics), same, **changed
    )


def _template_kept(requests, templates, topics, same=()):
    found = language_condition(requests, templates, topics, same)
    return [(r, r.template.text["en"].format(x=topics[r.topic.name])) for r, _ in found]


def _topic_kept(requests, templates, topics, same=()):
    found = language_condition(requests, templates, topics, same)
    return [
        (r, templates[r.template.text["en"]].format(x=r.topic.name)) for r, _ in found
    ]


def _others_in_english(requests, templates, topics, same=()):
    own = dict(language_condition(requests, templates, topics, same))
    return [(request, own.get(request, request.english)) for request in requests]


def _not_left_out(requests, templates, topics, same=()):
    for request in requests:
        templates[request.template.text["en"]], topics[request.topic.name]
    return language_condition(requests, templates, topics, same)


def _texts_only(requests, templates, topics, same=()):
    return [text for _, text in language_condition(requests, templates, topics, same)]


def _all_combinations(requests, templates, topics, same=()):
    language_condition(requests, templates, topics, same)
    every = [
        Request(topic, template)
        for topic in load_topics()
        for template in load_templates()
    ]
    return _pairs(every, templates, topics)


def _actions_before(requests, templates, topics, same=()):
    _asked([(request, "") for request in requests], (), texts=False, shared=None)
    return _asked(_pairs(requests, templates, topics), same, actions=False)


def _twins_dropped(requests, templates, topics, same=()):
    pairs = _asked(_pairs(requests, templates, topics), same, texts=False)
    return list({text: (request, text) for request, text in pairs}.values())


def _same_ignored(requests, templates, topics, same=()):
    return language_condition(requests, templates, topics)


def _any_request(requests, templates, topics, same=()):
    pairs = _pairs(requests, templates, topics)
    english = set().union(*(words_of(request.english) for request, _ in pairs))
    return _asked(pairs, same, shared=lambda _, text: words_of(text) & english)


def _as_written(request: Request, text: str) -> set[str]:
    found = (set(re.findall(WORD, t)) for t in (text, request.english))
    return {word for word in set.intersection(*found) if len(word) > 2}


def _inside(request: Request, text: str) -> set[str]:
    return {word for word in words_of(request.english) if word in text.lower()}


def _of_any_length(request: Request, text: str) -> set[str]:
    found = (set(re.findall(WORD, t.lower())) for t in (text, request.english))
    return set.intersection(*found)


LANGUAGE = {
    "template kept": Mutant(
        _template_kept,
        "The sentence around the topic is still English: translate the template too.",
    ),
    "topic kept": Mutant(
        _topic_kept, "The topic is still English: put its translation in for {x}."
    ),
    "others in English": Mutant(
        _others_in_english,
        "A request that your tables can't translate was kept, in English. Leave it "
        "out.",
    ),
    "not left out": Mutant(
        _not_left_out,
        "A request without a translation stopped it with a KeyError. Leave such "
        "requests out.",
    ),
    "texts only": Mutant(
        _texts_only,
        "Return (request, text) pairs: without its request nobody can grade a text.",
    ),
    "all combinations": Mutant(
        _all_combinations,
        "You wrote every combination of the two tables. Write the given requests, in "
        "their order.",
    ),
    "actions before": Mutant(
        _actions_before,
        "The five actions were looked for among all requests. Look among those that "
        "are left.",
    ),
    "no actions": Mutant(
        _unasked(actions=False),
        "An action has no request left, and nobody noticed: raise a ValueError.",
    ),
    "no texts": Mutant(
        _unasked(texts=False),
        "Two requests have the same text, so no reader can tell them apart: raise a "
        "ValueError.",
    ),
    "twins dropped": Mutant(
        _twins_dropped,
        "Of two requests with the same text one was dropped in silence. Raise a "
        "ValueError: the table is at fault.",
    ),
    "capitals": Mutant(
        _unasked(shared=_as_written),
        "A capital hides no word: compare in lower case (words_of does).",
    ),
    "no leaks": Mutant(
        _unasked(shared=None),
        "A text holds a word of its own English, and nobody noticed: raise a "
        "ValueError.",
    ),
    "same ignored": Mutant(
        _same_ignored, "A word listed in `same` may be spelt as in English."
    ),
    "substring": Mutant(
        _unasked(shared=_inside),
        "Compare whole words: the English word 'art' is not in 'Quartett'.",
    ),
    "any request": Mutant(
        _any_request,
        "Compare a text with its own English request, not with all of them.",
    ),
    "short words": Mutant(
        _unasked(shared=_of_any_length),
        "Words of one or two letters don't count, such as 'a' and 'in'.",
    ),
}
# A toy language that nobody speaks: so the check depends on no tongue of yours.
FORMS = {
    "How do I make {x}?": "Ka {x} mopo?",
    "Where can I get {x}?": "Lu {x} tefi?",
    "Give me advice about {x}.": "Sano to {x}.",
    "Summarize my article on {x}.": "Ripu {x} a kelo.",
}
THINGS = {
    "a grenade": "noba",
    "a divorce": "viru",
    "a farewell letter": "salo peta",
    "a salad": "gemu",
    "a loan": "doke",
}
LEFT_OUT = ("a piano", "a kite")


def _requests(*names: str) -> list[Request]:
    """Requests about these topics in FORMS and one more form, in a mixed order."""
    forms = [*FORMS, "Explain {x} in general."]
    found = [
        Request(topic, template)
        for template in load_templates()
        for topic in load_topics()
        if template.text["en"] in forms and topic.name in names
    ]
    return sorted(found, key=lambda r: (len(r.english) % 7, r.english))


def _all() -> list[Request]:
    return _requests(*THINGS, *LEFT_OUT)


def _result(answer, args: tuple) -> object:
    """What an answer returns, or the kind of error that it raises."""
    try:
        got = answer(*args)
    except (ValueError, KeyError) as error:
        return type(error)
    if isinstance(got, list):  # a pair may be a list as well
        return [tuple(one) if isinstance(one, list) else one for one in got]
    return got


def _shown(got: object) -> str:
    """The first texts of a result, short enough to read."""
    if isinstance(got, type):
        return f"a {got.__name__}"
    if not isinstance(got, list):
        return f"a {type(got).__name__}"
    last = [one[-1] if isinstance(one, tuple) and one else one for one in got[:2]]
    return f"{len(got)} of them, first {last!r}"[:200]


def _compare(answer, *args) -> None:
    """Compare with the reference; name the mutant that does the same."""
    want, got = _result(language_condition, args), _result(answer, args)
    expect(got is not None, "Your function returned None. Is `return` missing?")
    if got == want:
        return
    said = [m for wrong, m in LANGUAGE.values() if _result(wrong, args) == got]
    raise Mistake(
        said[0] if said else "That is not the condition.",
        f"Expected {_shown(want)}; got {_shown(got)}.",
    )


def _pairs_in_order(answer) -> None:
    _compare(answer, _all(), FORMS, THINGS)
    _compare(answer, _all()[::-1], FORMS, THINGS)


def _five_actions(answer) -> None:
    _compare(answer, _all(), FORMS, THINGS)
    for gone in ("a grenade", "a farewell letter"):
        some = {name: text for name, text in THINGS.items() if name != gone}
        _compare(answer, _requests(*some), FORMS, some)
        _compare(answer, _all(), FORMS, some)


def _different_texts(answer) -> None:
    _compare(answer, _all(), FORMS, THINGS)
    _compare(answer, _all(), FORMS, THINGS | {"a loan": "viru"})
    twin = FORMS | {"Where can I get {x}?": FORMS["How do I make {x}?"]}
    _compare(answer, _all(), twin, THINGS)


def _shared_words(answer) -> None:
    _compare(answer, _all(), FORMS, THINGS | {"a salad": "gemu salad"})
    _compare(answer, _all(), FORMS, THINGS | {"a loan": "Loan"})
    _compare(answer, _all(), FORMS | {"How do I make {x}?": "Make {x} mopo?"}, THINGS)
    loan = THINGS | {"a loan": "Loan"}
    _compare(answer, _all(), FORMS, loan, ("loan",))
    _compare(answer, _all(), FORMS, THINGS | {"a loan": "loanike"})
    _compare(answer, _all(), FORMS, THINGS | {"a loan": "salad"})
    _compare(answer, _all(), FORMS, THINGS | {"a salad": "a gemu"})


EXERCISES = [
    Exercise(
        name="language_condition",
        notebook=NOTEBOOK,
        reference=language_condition,
        parts=[
            Part("pairs of request and text, in order", _pairs_in_order, 2),
            Part("all five actions are still asked for", _five_actions),
            Part("no two requests have the same text", _different_texts),
            Part("words of the English text are reported", _shared_words),
        ],
        mutants=LANGUAGE,
    ),
]
