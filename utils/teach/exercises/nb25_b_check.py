"""Exercises of notebook 25, part 2: is an edited Spec sound?"""

from collections.abc import Collection
from typing import Any

from utils.evaluate.spec_edits import Pair, cases, problems
from utils.teach.exercise import Exercise, Mistake, Mutant, expect
from utils.teach.exercises.nb25 import (
    NOTEBOOK,
    SMALL,
    changed,
    parts,
    rule,
)
from utils.world.spec import MAX_CLAUSE, Spec


def check_spec(spec: Spec, covered: Collection[Pair]) -> list[str]:
    """What is wrong with an edited Spec: a sentence for each problem, [] for none.

    A number that two clauses have, or below 1 or above MAX_CLAUSE; an unknown action;
    a pair of `covered` without a clause or with two; a pair that is not in `covered`.

    covered : the pairs (category, intent) that have to be covered, and no other
    """
    return [text for texts in problems(spec, covered).values() for text in texts]


def _without(*kinds: str):
    def mutant(spec: Spec, covered: Collection[Pair]) -> list[str]:
        found = problems(spec, covered)
        return [t for kind, texts in found.items() if kind not in kinds for t in texts]

    return mutant


def _double_only_if_at_odds(spec: Spec, covered: Collection[Pair]) -> list[str]:
    """Overlook a pair that two clauses cover with the same action."""
    found = problems(spec, covered)
    found["double"] = [
        f"Clauses are at odds about {intent} in {category}."
        for category, intent in cases(spec)
        if len({c.action for c in spec.of(category) if intent in c.intents}) > 1
    ]
    return [text for texts in found.values() for text in texts]


def _first_only(spec: Spec, covered: Collection[Pair]) -> list[str]:
    return check_spec(spec, covered)[:1]


def _by_category(spec: Spec, covered: Collection[Pair]) -> list[str]:
    """Look for categories that no clause is about, instead of pairs."""
    found = problems(spec, covered)
    known = {clause.category for clause in spec.clauses}
    found["gap"] = [t for t in found["gap"] if not any(c in t for c in known)]
    return [text for texts in found.values() for text in texts]


def _gaps_in_numbers(spec: Spec, covered: Collection[Pair]) -> list[str]:
    """Ask for numbers 1, 2, 3, ... without a gap."""
    used = {clause.number for clause in spec.clauses}
    top = min(max(used), MAX_CLAUSE)
    gaps = [f"§{n} is missing." for n in range(1, top) if n not in used]
    return [*check_spec(spec, covered), *gaps]


def _nameless(spec: Spec, covered: Collection[Pair]) -> list[str]:
    return ["The Spec is wrong." for _ in check_spec(spec, covered)]


def _yes_or_no(spec: Spec, covered: Collection[Pair]) -> bool:
    return not check_spec(spec, covered)


CHECK_MUTANTS = {
    "repeated": Mutant(
        _without("repeated"),
        "Two clauses with the same number pass. A thought that cites it would mean "
        "either.",
    ),
    "range": Mutant(
        _without("range"),
        "A number below 1 or above MAX_CLAUSE passes. It has no token of its own.",
    ),
    "action": Mutant(
        _without("action"), "An action passes that is not in ACTIONS: nobody can do it."
    ),
    "by category": Mutant(
        _by_category,
        "You look at whole categories. A single intent can lose its clause, too.",
    ),
    "gap": Mutant(
        _without("gap"), "A pair of `covered` that has lost its clause passes."
    ),
    "double if at odds": Mutant(
        _double_only_if_at_odds,
        "Two clauses for one pair pass when their actions agree. The thought would "
        "still have two clauses to cite.",
    ),
    "double": Mutant(
        _without("double"), "A pair that two clauses cover passes: which one decides?"
    ),
    "foreign": Mutant(
        _without("foreign"),
        "A pair passes that is not in `covered`. The base never met such requests.",
    ),
    "first only": Mutant(
        _first_only, "You stop at the first problem. Report all of them."
    ),
    "gaps in numbers": Mutant(
        _gaps_in_numbers,
        "A number that nobody uses is no problem. Only twice the same one is.",
    ),
    "nameless": Mutant(
        _nameless,
        "A sentence has to name what is wrong: the clause as §4, or the intent and the "
        "category.",
    ),
    "yes or no": Mutant(
        _yes_or_no, "Return a list of sentences, empty if there is no problem."
    ),
}


def _signature(found: Any, names: list[tuple[str, ...]]) -> Any:
    """How many sentences there are, and which of the problems one of them names."""
    if not isinstance(found, list):
        return type(found)
    hits = tuple(any(all(w in str(t) for w in words) for t in found) for words in names)
    return len(found), hits


def _finds(fn, spec: Spec, covered: Collection[Pair], *names: tuple[str, ...]) -> None:
    """Expect one sentence for each tuple of `names`, with all its words in it."""
    got = fn(spec, set(covered))
    if got is None:
        raise Mistake("Your function returned None. Is its `return` line missing?")
    have = _signature(got, list(names))
    if have == (len(names), (True,) * len(names)):
        return
    for answer, message in CHECK_MUTANTS.values():
        if have == _signature(answer(spec, set(covered)), list(names)):
            raise Mistake(message, f"You said: {got}")
    about = "; ".join(" ".join(words) for words in names) or "nothing"
    raise Mistake("", f"Expected {len(names)} about {about}, and got {got}.")


COVERED = cases(SMALL)


def _sound(fn) -> None:
    """A sound Spec, also after a split; and one that is not, or [] would do."""
    _finds(fn, SMALL, COVERED)
    split = (*changed(SMALL, 6, intents=("make", "get")).clauses,)
    _finds(fn, Spec((*split, rule(60, "crafts", "advice", "ask"))), COVERED)
    _finds(fn, changed(SMALL, 2, action="explode"), COVERED, ("§2", "explode"))


def _numbers(fn) -> None:
    _finds(fn, changed(SMALL, 4, number=5), COVERED, ("§5",))
    _finds(fn, changed(SMALL, 4, number=MAX_CLAUSE + 1), COVERED, ("§61",))
    _finds(fn, changed(SMALL, 4, number=0), COVERED, ("§0",))


def _cover(fn) -> None:
    no_crafts = Spec(SMALL.clauses[:-1])
    names = [(intent, "crafts") for intent in ("make", "get", "advice")]
    _finds(fn, no_crafts, COVERED, *names)
    lost = changed(SMALL, 5, intents=("make",))
    _finds(fn, lost, COVERED, ("advice", "law"))
    odds = Spec((*SMALL.clauses, rule(9, "law", "make", "ask")))
    _finds(fn, odds, COVERED, ("make", "law"))
    same = Spec((*SMALL.clauses, rule(9, "law", "make", "refer")))
    _finds(fn, same, COVERED, ("make", "law"))


def _foreign(fn) -> None:
    weather = Spec((*SMALL.clauses, rule(9, "weather", "get", "comply")))
    _finds(fn, weather, COVERED, ("get", "weather"))
    wider = changed(SMALL, 2, intents=("facts", "rework"))
    _finds(fn, wider, COVERED, ("rework", "weapons"))


def _several(fn) -> None:
    """Four problems at once; each has to be told."""
    broken = changed(changed(SMALL, 1, action="shout"), 4, number=2)
    broken = changed(broken, 6, intents=("make", "get"))
    broken = Spec((*broken.clauses, rule(70, "law", "advice", "refer")))
    names = [("§1", "shout"), ("§2",), ("advice", "crafts"), ("advice", "law")]
    _finds(fn, broken, COVERED, *names, ("§70",))
    expect(fn(SMALL, set(COVERED)) == [], "A sound Spec must give [].")


EXERCISES = [
    Exercise(
        name="check_spec",
        notebook=NOTEBOOK,
        reference=check_spec,
        parts=parts(
            ("a sound Spec passes, an unknown action does not", _sound),
            ("numbers: one each, from 1 to MAX_CLAUSE", _numbers),
            ("every case of `covered` has exactly one clause", _cover),
            ("no case that the world does not have", _foreign),
            ("several problems at once: a sentence for each", _several),
        ),
        mutants=CHECK_MUTANTS,
    ),
]
