"""Exercises of notebook 25, part 1: which cases does an edit change?"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from utils.evaluate.spec_edits import cases, changed_cases
from utils.teach.exercise import Exercise, Mistake, Mutant, Part, expect
from utils.world.spec import Clause, Spec

NOTEBOOK = "25_edit_the_spec"

# What the parts of this notebook share ----------------------------------------------


def rule(number: int, category: str, intents: str, action: str) -> Clause:
    """Write a clause in one line; the intents are words in one string."""
    return Clause(number, category, tuple(intents.split()), action, f"it is {action}")


SMALL = Spec(
    (
        rule(1, "weapons", "make get", "refuse"),
        rule(2, "weapons", "facts", "comply"),
        rule(5, "law", "make advice", "refer"),
        rule(4, "law", "get", "ask"),
        rule(6, "crafts", "make get advice", "comply"),
    )
)


def changed(spec: Spec, number: int, /, **parts: Any) -> Spec:
    """Return the Spec with other parts of one clause."""
    return Spec(
        tuple(
            replace(clause, **parts) if clause.number == number else clause
            for clause in spec.clauses
        )
    )


def expect_same(got: Any, want: Any, mutants: dict[str, Mutant], *args) -> None:
    """Raise `Mistake` unless `got == want`; a mutant that returns `got` names it."""
    if got is None:
        raise Mistake("Your function returned None. Is its `return` line missing?")
    if type(got) is type(want) and got == want:
        return
    for answer, message in mutants.values():
        try:
            same = answer(*args) == got
        except Exception:  # this mutant says nothing about these inputs
            continue
        if same:
            raise Mistake(message, f"Expected {want}, and got {got}.")
    raise Mistake("", f"Expected {want}, and got {got}.")


# changed_cases ----------------------------------------------------------------------


def _by_number(old: Spec, new: Spec) -> dict:
    before = {clause.number: clause for clause in old.clauses}
    return {
        (clause.category, intent): (before[clause.number].action, clause.action)
        for clause in new.clauses
        for intent in clause.intents
        if clause.number in before and before[clause.number].action != clause.action
    }


def _by_place(old: Spec, new: Spec) -> dict:
    return {
        (two.category, intent): (one.action, two.action)
        for one, two in zip(old.clauses, new.clauses, strict=False)
        for intent in two.intents
        if one.action != two.action
    }


def _any_difference(old: Spec, new: Spec) -> dict:
    """Report every case of a clause that is not in the old Spec word for word."""
    before, after = cases(old), cases(new)
    return {
        (clause.category, intent): (before.get((clause.category, intent)), after[pair])
        for clause in new.clauses
        if clause not in old.clauses
        for intent in clause.intents
        if (pair := (clause.category, intent))
    } | {pair: (before[pair], None) for pair in before if pair not in after}


def _backwards(old: Spec, new: Spec) -> dict:
    return changed_cases(new, old)


def _only_covered_before(old: Spec, new: Spec) -> dict:
    return {k: v for k, v in changed_cases(old, new).items() if v[0]}


def _only_covered_after(old: Spec, new: Spec) -> dict:
    return {k: v for k, v in changed_cases(old, new).items() if v[1]}


def _all_cases(old: Spec, new: Spec) -> dict:
    before, after = cases(old), cases(new)
    return {pair: (before.get(pair), after.get(pair)) for pair in before | after}


def _only_after(old: Spec, new: Spec) -> dict:
    return {pair: after for pair, (_, after) in changed_cases(old, new).items()}


def _categories(old: Spec, new: Spec) -> dict:
    """Report all cases of a category in which something changed."""
    touched = {category for category, _ in changed_cases(old, new)}
    return {k: v for k, v in _all_cases(old, new).items() if k[0] in touched}


CASES_MUTANTS = {
    "by number": Mutant(
        _by_number,
        "You compared clauses with the same number. A split or a new number hides a "
        "change from that: compare the cases, pair by pair.",
    ),
    "by place": Mutant(
        _by_place,
        "You compared the clauses by their place in the list. One new clause moves all "
        "that follow it.",
    ),
    "any difference": Mutant(
        _any_difference,
        "This reports every clause that was touched, though its action is the same. A "
        "new number or reason is no new action.",
    ),
    "backwards": Mutant(_backwards, "Before and after are the wrong way round."),
    "only covered before": Mutant(
        _only_covered_before,
        "A case that only the new Spec covers is missing: its action was None before.",
    ),
    "only covered after": Mutant(
        _only_covered_after,
        "A case that the new Spec covers no longer is missing: its action is None now.",
    ),
    "all cases": Mutant(
        _all_cases, "Cases whose action is the same do not belong here."
    ),
    "only after": Mutant(
        _only_after, "Give both actions, as a tuple: (before, after)."
    ),
    "categories": Mutant(
        _categories,
        "You reported the whole category. Its other intents kept their action.",
    ),
}


def _compare(fn, old: Spec, new: Spec) -> None:
    want = changed_cases(old, new)
    expect_same(fn(old, new), want, CASES_MUTANTS, old, new)


def _one_action(fn) -> None:
    _compare(fn, SMALL, changed(SMALL, 5, action="support"))
    swapped = changed(changed(SMALL, 5, action="ask"), 4, action="refer")
    _compare(fn, SMALL, swapped)
    # §5 is split: only "make" gets another action, under a new number in front.
    rest = changed(SMALL, 5, intents=("advice",))
    _compare(fn, SMALL, Spec((rule(9, "law", "make", "refuse"), *rest.clauses)))


def _nothing_changed(fn) -> None:
    """New numbers, reasons and order, and the same actions: nothing to report."""
    same = changed(changed(SMALL, 5, number=12), 2, reason="another")
    same = Spec(same.clauses[::-1])
    got = fn(SMALL, same)
    expect_same(got, {}, CASES_MUTANTS, SMALL, same)
    wider = changed(SMALL, 2, action="refuse")
    _compare(fn, SMALL, wider)


def _cover(fn) -> None:
    gone = changed(Spec(SMALL.clauses[1:]), 4, number=14, action="refer")
    _compare(fn, SMALL, gone)
    _compare(fn, gone, SMALL)
    turned = {pair: (b, a) for pair, (a, b) in fn(gone, SMALL).items()}
    expect(
        fn(SMALL, gone) == turned,
        "An edit undone must report the same cases, turned round.",
    )


def parts(*made: Sequence) -> list[Part]:
    """Make the parts of a check of (sentence, test) or (sentence, test, points)."""
    return [Part(*one) for one in made]


EXERCISES = [
    Exercise(
        name="changed_cases",
        notebook=NOTEBOOK,
        reference=changed_cases,
        parts=parts(
            ("an action changes, two swap, a clause is split", _one_action),
            ("new numbers, reasons and order change no case", _nothing_changed),
            ("cases that lose or gain their clause; an edit undone", _cover),
        ),
        mutants=CASES_MUTANTS,
    ),
]
