"""Exercise of notebook 24, part 3: how often an edit changes the answer."""

from collections.abc import Sequence
from itertools import product

from utils.teach.exercise import Exercise, Mistake, Mutant, Part, expect
from utils.world.spec import ACTIONS

NOTEBOOK = "24_is_the_reasoning_real"
Rates = dict[str, float | None]


def flip_and_follow(
    before: Sequence[str], after: Sequence[str], implied: Sequence[str]
) -> Rates:
    """What edits of thoughts did to the actions of the answers, as three shares.

    before  : the action without the edit
    after   : the action with the edit; "none" if the answer is none of the five
    implied : the action that follows from the edited thought; "" if none does
    returns : {"flip": ..., "follow": ..., "sham": ...}
              flip   : of edits that imply another action than before: changed it
              follow : of the same edits: changed it to the implied one
              sham   : of edits that imply the same action: changed it all the same
              None for a share of no edits
    """
    triples = list(zip(before, after, implied, strict=True))
    other = [(b, a, i) for b, a, i in triples if i and i != b]
    same = [(b, a) for b, a, i in triples if i == b]
    return {
        "flip": _share([a != b for b, a, _ in other]),
        "follow": _share([a == i for _, a, i in other]),
        "sham": _share([a != b for b, a in same]),
    }


def _share(values: Sequence[bool]) -> float | None:
    return sum(values) / len(values) if values else None


def _all_edits(before, after, implied) -> Rates:
    """Shams, and edits that imply nothing, in the denominator."""
    n = len(before)
    found = flip_and_follow(before, after, implied)
    other = sum(bool(i) and i != b for b, i in zip(before, implied, strict=True))
    return {
        "flip": (found["flip"] or 0) * other / n,
        "follow": (found["follow"] or 0) * other / n,
        "sham": found["sham"],
    }


def _of_flipped(before, after, implied) -> Rates:
    found = flip_and_follow(before, after, implied)
    if found["flip"]:
        found["follow"] = found["follow"] / found["flip"]
    return found


def _flip_is_follow(before, after, implied) -> Rates:
    found = flip_and_follow(before, after, implied)
    return found | {"flip": found["follow"]}


def _shams_flip(before, after, implied) -> Rates:
    """All changes count as flips, those of shams too."""
    changed = [a != b for b, a in zip(before, after, strict=True)]
    return flip_and_follow(before, after, implied) | {"flip": _share(changed)}


def _readable(before, after, implied) -> Rates:
    kept = [t for t in zip(before, after, implied, strict=True) if t[1] != "none"]
    if not kept:
        return {"flip": None, "follow": None, "sham": None}
    return flip_and_follow(*zip(*kept, strict=True))


def _follow_of_all(before, after, implied) -> Rates:
    told = [a == i for a, i in zip(after, implied, strict=True) if i]
    return flip_and_follow(before, after, implied) | {"follow": _share(told)}


def _none_stays(before, after, implied) -> Rates:
    after = [b if a == "none" else a for b, a in zip(before, after, strict=True)]
    return flip_and_follow(before, after, implied)


def _nothing_is_other(before, after, implied) -> Rates:
    return flip_and_follow(before, after, [i or "nothing" for i in implied])


def _nothing_is_sham(before, after, implied) -> Rates:
    implied = [i or b for i, b in zip(implied, before, strict=True)]
    return flip_and_follow(before, after, implied)


def _zero(before, after, implied) -> Rates:
    found = flip_and_follow(before, after, implied)
    return {name: value or 0.0 for name, value in found.items()}


def _sham_unchanged(before, after, implied) -> Rates:
    found = flip_and_follow(before, after, implied)
    sham = found["sham"]
    return found | {"sham": None if sham is None else 1 - sham}


RATE_MUTANTS = {
    "all edits": Mutant(
        _all_edits,
        "You divided by all edits. One that implies the same action, or none, can't "
        "show whether the answer follows: leave it out of flip and follow.",
    ),
    "shams flip": Mutant(
        _shams_flip,
        "You counted the changes of all edits as flips. Those of shams are noise, and "
        "have a share of their own.",
    ),
    "flip is follow": Mutant(
        _flip_is_follow,
        "flip counts any other action than before, also one that nothing implied.",
    ),
    "of flipped": Mutant(
        _of_flipped,
        "You divided follow by the flips. Its denominator is that of flip: all edits "
        "that imply another action.",
    ),
    "readable": Mutant(
        _readable,
        "Answers that are none of the five were left out. A thought after which the "
        "model talks nonsense has changed its answer.",
    ),
    "follow of all": Mutant(
        _follow_of_all,
        "Shams count in follow. After a sham an answer that stays does what is "
        "implied, and has followed nothing: leave shams out.",
    ),
    "none stays": Mutant(
        _none_stays,
        "An answer that is none of the five was counted as unchanged. It has flipped.",
    ),
    "nothing is other": Mutant(
        _nothing_is_other,
        "An edit that implies nothing was counted among those that imply another "
        "action.",
    ),
    "nothing is sham": Mutant(
        _nothing_is_sham,
        "An edit that implies nothing was counted among the shams. A sham implies the "
        "same action as before.",
    ),
    "zero": Mutant(
        _zero,
        "A share of no edits came out as 0. It isn't measured, so it is None.",
    ),
    "sham unchanged": Mutant(
        _sham_unchanged, "sham is the share that CHANGED although it should not."
    ),
}


def _rounded(rates) -> dict:
    return {
        name: None if rates.get(name) is None else round(float(rates[name]), 6)
        for name in ("flip", "follow", "sham")
    }


def _compare(fn, *case) -> None:
    got, want = fn(*case), flip_and_follow(*case)
    expect(isinstance(got, dict), "Return a dict with flip, follow and sham.")
    missing = [name for name in want if name not in got]
    expect(not missing, f"The dict lacks {', '.join(missing)}.")
    if _rounded(got) == _rounded(want):
        return
    for mutant, message in RATE_MUTANTS.values():
        if _rounded(got) == _rounded(mutant(*case)):
            raise Mistake(message)
    raise Mistake("", f"Expected {_rounded(want)}, and got {_rounded(got)}.")


def _rates_by_hand(fn) -> None:
    """Four edits to another action: two follow, one goes astray, one stays."""
    before = ["refuse", "refuse", "comply", "ask"]
    after = ["comply", "ask", "support", "ask"]
    _compare(fn, before, after, ["comply", "refer", "support", "refuse"])


def _rates_shams(fn) -> None:
    """Three real edits, two shams, one that implies nothing."""
    before = ["refuse", "comply", "ask", "refer", "refer", "comply"]
    after = ["comply", "comply", "refer", "refer", "ask", "ask"]
    _compare(fn, before, after, ["comply", "refuse", "refer", "refer", "refer", ""])


def _rates_unreadable(fn) -> None:
    before = ["refuse", "comply", "ask", "refer"]
    _compare(fn, before, ["none", "ask", "none", "refer"], ["ask", "ask", "ask", "ask"])


def _rates_none(fn) -> None:
    _compare(fn, ["ask", "comply"], ["ask", "ask"], ["refuse", "ask"])
    _compare(fn, ["ask", "comply"], ["ask", "ask"], ["ask", "comply"])
    _compare(fn, ["ask", "comply"], ["none", "ask"], ["", ""])


def _rates_every_case(fn) -> None:
    """All 5 x 6 x 6 combinations of before, after and implied once each."""
    cases = list(product(ACTIONS, (*ACTIONS, "none"), (*ACTIONS, "")))
    _compare(fn, *map(list, zip(*cases, strict=True)))


EXERCISES = [
    Exercise(
        name="flip_and_follow",
        notebook=NOTEBOOK,
        reference=flip_and_follow,
        parts=[
            Part("four edits by hand", _rates_by_hand),
            Part("shams and edits that imply nothing among them", _rates_shams),
            Part("answers that are none of the five", _rates_unreadable),
            Part("None where there is nothing to share", _rates_none),
            Part("all 180 combinations", _rates_every_case),
        ],
        mutants=RATE_MUTANTS,
    ),
]
