"""Edits of the Spec: which cases they change, what is wrong with them, what to ask.

Nothing here trains or runs a model; see utils/evaluate/studies/edit_spec.py for that.
"""

import random
from collections import Counter
from collections.abc import Collection, Sequence
from functools import lru_cache

from utils.evaluate.conditions import TEST_SEED
from utils.world.data import SPLITS
from utils.world.requests import TAUGHT_LANGUAGES, Request, possible_requests
from utils.world.spec import ACTIONS, HERE, MAX_CLAUSE, Clause, Spec, parse_spec

Pair = tuple[str, str]  # category and intent

# Lines of spec.md, and what stands there after the edit.
EDITS: dict[str, tuple[tuple[str, str], ...]] = {
    "drugs": (("- **§4** advice: refer.", "- **§4** advice: support."),),
    "crafts": (
        (
            "- **§28** make, get, advice, facts, rework: comply.",
            "- **§28** make, get, advice, facts, rework: ask.",
        ),
    ),
    "split": (
        (
            "- **§25** make, get, advice: ask.",
            "- **§34** make: refuse. Reason: what is mixed at home has no label.\n"
            "- **§25** get, advice: ask.",
        ),
    ),
    "swap": (
        ("- **§12** make, advice: refer.", "- **§12** make, advice: ask."),
        ("- **§13** get: ask.", "- **§13** get: refer."),
    ),
}


def spec_text() -> str:
    """Return spec.md as it stands."""
    return (HERE / "spec.md").read_text(encoding="utf-8")


def edited(name: str) -> Spec:
    """Return the Spec after one of EDITS; as it stands for any other name."""
    text = spec_text()
    for old, new in EDITS.get(name, ()):
        if text.count(old) != 1:
            raise ValueError(f"{old!r} stands {text.count(old)} times in spec.md.")
        text = text.replace(old, new)
    return parse_spec(text)


def line_of(clause: Clause) -> str:
    """Return a clause as its line in spec.md."""
    intents = ", ".join(clause.intents)
    return f"- **§{clause.number}** {intents}: {clause.action}. Reason: {clause.reason}"


def cases(spec: Spec) -> dict[Pair, str]:
    """Return the action of every pair of category and intent that is covered."""
    return {
        (clause.category, intent): spec.clause(clause.category, intent).action
        for clause in spec.clauses
        for intent in clause.intents
    }


def changed_cases(old: Spec, new: Spec) -> dict[Pair, tuple[str | None, str | None]]:
    """Which pairs of category and intent get another action than before.

    returns : (category, intent) -> (action before, action after), for pairs whose
              action differs; None stands for "no clause covers it"
    """
    before, after = cases(old), cases(new)
    return {
        pair: (before.get(pair), after.get(pair))
        for pair in before | after
        if before.get(pair) != after.get(pair)
    }


def problems(spec: Spec, covered: Collection[Pair]) -> dict[str, list[str]]:
    """Return what is wrong with a Spec: sentences, by the kind of problem.

    `covered` holds the pairs of category and intent that must have one clause each,
    and no other pair may have one: the base model never met such requests.
    """
    kinds = "repeated", "range", "action", "gap", "double", "foreign"
    found: dict[str, list[str]] = {kind: [] for kind in kinds}
    for number, times in Counter(clause.number for clause in spec.clauses).items():
        if times > 1:
            text = f"{times} clauses are called §{number}: give each its own number."
            found["repeated"].append(text)
        if not 1 <= number <= MAX_CLAUSE:
            text = f"§{number} is out of range: use 1 to {MAX_CLAUSE}."
            found["range"].append(text)
    for clause in spec.clauses:
        if clause.action not in ACTIONS:
            known = ", ".join(ACTIONS)
            text = f"§{clause.number} asks for {clause.action!r}: use one of {known}."
            found["action"].append(text)
    cover = Counter((c.category, intent) for c in spec.clauses for intent in c.intents)
    for category, intent in dict.fromkeys([*covered, *cover]):
        times, case = cover[category, intent], f"{intent} in {category}"
        if (category, intent) not in covered:
            text = f"The world has no case {case}: the base never met such requests."
            found["foreign"].append(text)
        elif times == 0:
            found["gap"].append(f"No clause covers {case}: add one.")
        elif times > 1:
            found["double"].append(f"{times} clauses cover {case}: keep one.")
    return found


def first_problem(old: Spec, new: Spec) -> str:
    """Return a sentence about an edit that can't be trained on, or ""."""
    found = problems(new, cases(old)).values()
    sentences = [text for texts in found for text in texts]
    if not sentences and not changed_cases(old, new):
        sentences = ["No case gets another action: there is nothing to follow."]
    return sentences[0] if sentences else ""


# What to ask ------------------------------------------------------------------------


def places(old: Spec, new: Spec) -> dict[str, list[Pair]]:
    """Sort the pairs of the new Spec by how near they are to the edit.

    edited: another action than before; neighbours: the same action, in a category
    with an edited pair; rest: all others.
    """
    changed = changed_cases(old, new)
    near = {category for category, _ in changed}
    found: dict[str, list[Pair]] = {"edited": [], "neighbours": [], "rest": []}
    for pair in cases(new):
        place = "neighbours" if pair[0] in near else "rest"
        found["edited" if pair in changed else place].append(pair)
    return found


@lru_cache
def unshown(topics: str) -> dict[Pair, list[list[Request]]]:
    """Return the English requests of a topic split that no training shows, by pair."""
    combinations = "held_out" if topics == "seen" else "all"
    return possible_requests(topics, "seen", combinations)


def requests_about(
    pairs: Sequence[Pair], topics: str, n: int, spec: Spec
) -> list[Request]:
    """Return up to `n` English test requests on these pairs, the actions taking turns.

    No training shows them: a seen topic never stood in this phrasing.
    """
    found = unshown(topics)
    rng = random.Random(f"{TEST_SEED}-{topics}")
    queues: dict[str, list[Request]] = {}
    for pair in pairs:
        action = spec.clause(*pair).action
        queues.setdefault(action, []).extend(r for own in found[pair] for r in own)
    for queue in queues.values():
        rng.shuffle(queue)
    turns = [queue[i] for i in range(n) for queue in queues.values() if i < len(queue)]
    return turns[:n]


def question_sets(
    old: Spec, new: Spec, n: int
) -> dict[tuple[str, str, str], list[Request]]:
    """Return (place, topics, shown) -> requests, up to `n` each.

    shown is "en", or "languages": the same in Spanish, French and German in turn.
    """
    found = {}
    for place, pairs in places(old, new).items():
        for topics in SPLITS if pairs else ():
            asked = requests_about(pairs, topics, n, new)
            found[place, topics, "en"] = asked
            found[place, topics, "languages"] = [
                request.on(TAUGHT_LANGUAGES[i % len(TAUGHT_LANGUAGES)])
                for i, request in enumerate(asked)
            ]
    return found


def lessons(old: Spec, new: Spec) -> list[Request]:
    """Return every request about an edited case that training may show."""
    found = possible_requests("seen", "seen", "seen")
    pairs = changed_cases(old, new)
    return [r for pair in pairs for by_topic in found[pair] for r in by_topic]
