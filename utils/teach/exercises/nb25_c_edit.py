"""Exercises of notebook 25, part 3: edit a clause, or split it."""

from collections.abc import Sequence
from dataclasses import replace

from utils.evaluate.spec_edits import cases, changed_cases
from utils.teach.exercise import Exercise, Mistake, Mutant, expect
from utils.teach.exercises.nb25 import NOTEBOOK, SMALL, parts
from utils.world.spec import ACTIONS, MAX_CLAUSE, Clause, Spec


def edit_clause(
    spec: Spec, number: int, action: str, intents: Sequence[str] | None = None
) -> Spec:
    """Return the Spec with another action for a clause, or for a part of its intents.

    Without `intents`, or with all of the clause's, the clause gets the action. With
    fewer, it is split: a new clause with a free number gets these intents and the
    action, and the old one keeps the others. ValueError for an unknown clause or
    action, or an intent that the clause does not cover.
    """
    clause = next((c for c in spec.clauses if c.number == number), None)
    if clause is None:
        raise ValueError(f"There is no clause §{number}.")
    if action not in ACTIONS:
        raise ValueError(f"{action!r} is no action: use one of {', '.join(ACTIONS)}.")
    part = clause.intents if intents is None else tuple(intents)
    for intent in part:
        if intent not in clause.intents:
            raise ValueError(f"§{number} does not cover {intent}.")
    rest = tuple(intent for intent in clause.intents if intent not in part)
    if not rest:
        edited = (replace(clause, action=action),)
    else:
        new = replace(clause, number=_free(spec), intents=part, action=action)
        edited = (replace(clause, intents=rest), new)
    return _put(spec, clause, *edited)


def _free(spec: Spec) -> int:
    used = {clause.number for clause in spec.clauses}
    return min(n for n in range(1, MAX_CLAUSE + 1) if n not in used)


def _put(spec: Spec, clause: Clause, *edited: Clause) -> Spec:
    place = spec.clauses.index(clause)
    return Spec((*spec.clauses[:place], *edited, *spec.clauses[place + 1 :]))


def _clause(spec: Spec, number: int) -> Clause:
    return next(c for c in spec.clauses if c.number == number)


def _whole(spec, number, action, intents=None):
    return edit_clause(spec, number, action)


def _overlap(spec, number, action, intents=None):
    done, clause = edit_clause(spec, number, action, intents), _clause(spec, number)
    if len(done.clauses) == len(spec.clauses):
        return done
    return _put(done, _clause(done, number), clause)


def _lost(spec, number, action, intents=None):
    done, clause = edit_clause(spec, number, action, intents), _clause(spec, number)
    part = clause.intents if intents is None else tuple(intents)
    if len(done.clauses) == len(spec.clauses):
        return done
    return _put(spec, clause, replace(clause, action=action, intents=part))


def _rest_changed(spec, number, action, intents=None):
    clause = _clause(spec, number)
    if intents is None or set(intents) == set(clause.intents):
        return edit_clause(spec, number, action)
    rest = [intent for intent in clause.intents if intent not in intents]
    return edit_clause(spec, number, action, rest)


def _same_number(spec, number, action, intents=None):
    done = edit_clause(spec, number, action, intents)
    new = [c for c in done.clauses if c.number not in {d.number for d in spec.clauses}]
    return _put(done, new[0], replace(new[0], number=number)) if new else done


def _counted(spec, number, action, intents=None):
    """Number the new clause by how many there are, though that one may be taken."""
    done = edit_clause(spec, number, action, intents)
    new = [c for c in done.clauses if c.number not in {d.number for d in spec.clauses}]
    count = len(spec.clauses) + 1
    return _put(done, new[0], replace(new[0], number=count)) if new else done


def _empty_rest(spec, number, action, intents=None):
    clause = _clause(spec, number)
    if intents is None or set(intents) != set(clause.intents):
        return edit_clause(spec, number, action, intents)
    new = replace(clause, number=_free(spec), action=action)
    return _put(spec, clause, replace(clause, intents=()), new)


def _by_place(spec, number, action, intents=None):
    return edit_clause(spec, spec.clauses[number - 1].number, action, intents)


def _any_action(spec, number, action, intents=None):
    if action in ACTIONS:
        return edit_clause(spec, number, action, intents)
    clause = _clause(spec, number)
    return _put(spec, clause, replace(clause, action=action))


def _any_number(spec, number, action, intents=None):
    if any(clause.number == number for clause in spec.clauses):
        return edit_clause(spec, number, action, intents)
    return spec


def _any_intent(spec, number, action, intents=None):
    known = [i for c in spec.clauses if c.number == number for i in c.intents]
    part = None if intents is None else [i for i in intents if i in known]
    return edit_clause(spec, number, action, part or None)


NO_ERROR = "An unknown {} passes in silence: raise ValueError, with a sentence."
EDIT_MUTANTS = {
    "whole": Mutant(
        _whole, "`intents` is not used: the whole clause got the new action."
    ),
    "overlap": Mutant(
        _overlap,
        "After a split two clauses cover the same intents. Take them off the old one.",
    ),
    "lost": Mutant(
        _lost, "The intents that were not named have lost their clause in the split."
    ),
    "rest changed": Mutant(
        _rest_changed, "The wrong half of the clause got the new action."
    ),
    "same number": Mutant(
        _same_number, "Both halves have the same number. Give the new one a free one."
    ),
    "counted": Mutant(
        _counted,
        "The new number is taken. Numbers may have gaps, so counting clauses will not "
        "do: look for one that nobody has.",
    ),
    "empty rest": Mutant(
        _empty_rest,
        "All intents were named, and a clause without any intent is left. Then nothing "
        "has to be split.",
    ),
    "by place": Mutant(
        _by_place,
        "You took the clause at that place in the list. Look for its number instead.",
    ),
    "any action": Mutant(_any_action, NO_ERROR.format("action")),
    "any number": Mutant(_any_number, NO_ERROR.format("clause number")),
    "any intent": Mutant(
        _any_intent,
        "An intent that the clause does not cover passes in silence: raise ValueError, "
        "with a sentence.",
    ),
}


def _shape(spec: Spec) -> tuple:
    """A Spec but for the order of its clauses and the choice of new numbers."""
    old = {clause.number for clause in SMALL.clauses}
    numbers = [clause.number for clause in spec.clauses]
    clauses = sorted(
        (c.category, sorted(c.intents), c.action, c.number if c.number in old else 0)
        for c in spec.clauses
    )
    return clauses, len(set(numbers)) == len(numbers), max(numbers) <= MAX_CLAUSE


def _edits(fn, *args) -> None:
    got, want = fn(SMALL, *args), edit_clause(SMALL, *args)
    if got is None:
        raise Mistake("Your function returned None. Is its `return` line missing?")
    if not isinstance(got, Spec):
        raise Mistake(f"Return a Spec, and not a {type(got).__name__}.")
    if _shape(got) == _shape(want):
        return
    for answer, message in EDIT_MUTANTS.values():
        try:
            same = _shape(answer(SMALL, *args)) == _shape(got)
        except Exception:  # this mutant says nothing about these inputs
            continue
        if same:
            raise Mistake(message)
    found = changed_cases(SMALL, got)
    raise Mistake("", f"Expected {list(map(str, want.clauses))}; changed are {found}.")


def _whole_clause(fn) -> None:
    _edits(fn, 1, "ask")
    _edits(fn, 5, "support")
    _edits(fn, 6, "refuse", ["make", "get", "advice"])


def _split(fn) -> None:
    """§3 is free; five clauses are numbered 1, 2, 5, 4, 6."""
    _edits(fn, 5, "support", ("advice",))
    _edits(fn, 6, "ask", ["get"])
    _edits(fn, 6, "refer", ["make", "advice"])


def _reverse(fn) -> None:
    """What changed is what was named, and the rest of the Spec is as it was."""
    for number, action, intents in ((6, "ask", ["get"]), (5, "refuse", None)):
        _edits(fn, number, action, intents)
        new = fn(SMALL, number, action, intents)
        clause = _clause(SMALL, number)
        named = {(clause.category, i) for i in intents or clause.intents}
        want = {pair: (clause.action, action) for pair in named}
        expect(
            changed_cases(SMALL, new) == want,
            "Other cases have changed than those that were named.",
        )
        kept = [c for c in SMALL.clauses if c.number != number]
        expect(
            all(c in new.clauses for c in kept)
            and cases(new).keys() == cases(SMALL).keys(),
            "The other clauses must stay as they are, reasons included.",
        )


def _refuses(fn, *args, sentence: str) -> None:
    try:
        fn(SMALL, *args)
    except ValueError as error:
        expect(len(str(error)) > 10, "The ValueError needs a sentence for the reader.")
        return
    except NotImplementedError:
        raise
    except Exception as error:
        name = type(error).__name__
        raise Mistake(
            f"Raise ValueError there; your code stopped with {name}."
        ) from None
    raise Mistake(sentence)


def _bad_edits(fn) -> None:
    _refuses(fn, 9, "ask", sentence=EDIT_MUTANTS["any number"].message)
    _refuses(fn, 1, "shout", sentence=EDIT_MUTANTS["any action"].message)
    _refuses(fn, 1, "ask", ["facts"], sentence=EDIT_MUTANTS["any intent"].message)
    both = ["make", "facts"]
    _refuses(fn, 1, "ask", both, sentence=EDIT_MUTANTS["any intent"].message)
    _edits(fn, 1, "ask", ["make"])


EXERCISES = [
    Exercise(
        name="edit_clause",
        notebook=NOTEBOOK,
        reference=edit_clause,
        parts=parts(
            ("a whole clause gets another action", _whole_clause),
            ("a part of its intents: the clause is split", _split),
            ("nothing else changes", _reverse),
            ("a bad edit raises ValueError with a sentence", _bad_edits),
        ),
        mutants=EDIT_MUTANTS,
    ),
]
