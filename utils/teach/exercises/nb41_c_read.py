"""Exercise of notebook 41, part 3: could not read, or read and decided wrongly?"""

import random
from collections.abc import Sequence

from utils.teach.exercise import Exercise, Mistake, Mutant, Part, expect

NOTEBOOK = "41_in_the_wild"
Shares = dict[str, float | None]
KEYS = ("read", "right_if_read", "right_if_not")


def right_if_read(restated: Sequence[bool], right: Sequence[bool]) -> Shares:
    """Split replies by whether the request was read, and say how often each is right.

    restated : for each reply, whether its thought restates the request rightly
    right    : for each reply, whether its action is right
    returns  : read          : share of replies that restate the request
               right_if_read : share that is right, among those
               right_if_not  : share that is right, among the others
               A share of no replies is None
    """
    read = [r for said, r in zip(restated, right, strict=True) if said]
    not_read = [r for said, r in zip(restated, right, strict=True) if not said]
    return {
        "read": _share(restated),
        "right_if_read": _share(read),
        "right_if_not": _share(not_read),
    }


def _share(values: Sequence[bool]) -> float | None:
    return sum(values) / len(values) if values else None


def _made(read, if_read, if_not) -> Shares:
    return dict(zip(KEYS, (read, if_read, if_not), strict=True))


def _both(restated, right) -> tuple[int, int]:
    """How many are (read and right, not read and right)."""
    pairs = list(zip(restated, right, strict=True))
    return pairs.count((True, True)), pairs.count((False, True))


def _joint(restated, right):
    read, other = _both(restated, right)
    n = len(right)
    return _made(_share(restated), read / n, other / n)


def _inverted(restated, right):
    hits = [said for said, r in zip(restated, right, strict=True) if r]
    misses = [said for said, r in zip(restated, right, strict=True) if not r]
    return _made(_share(restated), _share(hits), _share(misses))


def _swapped(restated, right):
    found = right_if_read(restated, right)
    return _made(found["read"], found["right_if_not"], found["right_if_read"])


def _zero(restated, right):
    return {k: v or 0.0 for k, v in right_if_read(restated, right).items()}


def _errors(restated, right):
    found = right_if_read(restated, [not r for r in right])
    return _made(_share(restated), found["right_if_read"], found["right_if_not"])


def _overall(restated, right):
    found = right_if_read(restated, right)
    return _made(found["read"], found["right_if_read"], _share(right))


def _percent(restated, right):
    found = right_if_read(restated, right)
    return {k: None if v is None else 100 * v for k, v in found.items()}


def _counted(restated, right):
    read, other = _both(restated, right)
    return _made(sum(restated), read, other)


def _complement(restated, right):
    found = right_if_read(restated, right)
    known = found["right_if_read"]
    return found | {"right_if_not": None if known is None else 1 - known}


def _read_and_right(restated, right):
    found = right_if_read(restated, right)
    return found | {"read": _both(restated, right)[0] / len(right)}


READ_MUTANTS = {
    "zero": Mutant(
        _zero,
        "A share of no replies is not 0: nobody was wrong there. Return None.",
    ),
    "joint": Mutant(
        _joint,
        "You divided by all replies. 'Right, among those that read' divides by the "
        "number that read.",
    ),
    "inverted": Mutant(
        _inverted,
        "This is how many of the RIGHT replies had read. The question is how many of "
        "those that had read are right.",
    ),
    "swapped": Mutant(_swapped, "right_if_read and right_if_not have changed places."),
    "errors": Mutant(
        _errors, "These are the shares of WRONG replies; asked is how many are right."
    ),
    "overall": Mutant(
        _overall,
        "right_if_not is the share over all replies. Leave those that read out of it.",
    ),
    "percent": Mutant(_percent, "These are per cent. Return shares, from 0 to 1."),
    "counted": Mutant(_counted, "These are numbers of replies. Return shares."),
    "complement": Mutant(
        _complement,
        "right_if_not is not 1 - right_if_read: the two are about different replies "
        "and need not add up to anything.",
    ),
    "read and right": Mutant(
        _read_and_right,
        "`read` counts only replies that are also right. A reply can read the request "
        "and still decide wrongly; that is what we want to find out.",
    ),
}


def _close(one: float | None, two: float | None) -> bool:
    if one is None or two is None:
        return one is two
    return abs(one - two) < 1e-6


def _alike(one: Shares, two: Shares, keys: Sequence[str] = KEYS) -> bool:
    return all(_close(one[key], two[key]) for key in keys)


def _case(answer, restated: list[bool], right: list[bool]) -> Shares:
    """Return what the answer says of a case, or raise with the likely mistake."""
    got, want = answer(restated, right), right_if_read(restated, right)
    expect(isinstance(got, dict), "Return a dictionary.")
    expect({*KEYS} <= {*got}, f"The keys are {', '.join(KEYS)}.")
    got = {k: None if got[k] is None else float(got[k]) for k in KEYS}
    if not _alike(got, want):
        sentence = next(
            (
                text
                for wrong, text in READ_MUTANTS.values()
                if _alike(got, wrong(restated, right))
            ),
            "",
        )
        raise Mistake(sentence, f"Expected {want}, and got {got}.")
    return got


def _by_hand(answer) -> None:
    """Ten replies: six read, of which three are right; four did not, one is right."""
    restated = [True] * 6 + [False] * 4
    right = [True] * 3 + [False] * 3 + [True] + [False] * 3
    _case(answer, restated, right)


def _adds_up(answer) -> None:
    """The two groups together give the share that is right at all."""
    rng = random.Random(41)
    restated = [rng.random() < 0.3 for _ in range(57)]
    right = [rng.random() < (0.8 if said else 0.25) for said in restated]
    got = _case(answer, restated, right)
    whole = got["read"] * got["right_if_read"]
    whole += (1 - got["read"]) * got["right_if_not"]
    expect(_close(whole, sum(right) / len(right)), "The two groups don't add up.")


def _empty_groups(answer) -> None:
    _case(answer, [True] * 4, [True, False, True, True])
    _case(answer, [False] * 5, [True, False, False, False, False])


def _nobody_right(answer) -> None:
    _case(answer, [True, True, False], [False, False, True])


EXERCISES = [
    Exercise(
        name="right_if_read",
        notebook=NOTEBOOK,
        reference=right_if_read,
        parts=[
            Part("ten replies, by hand", _by_hand, 2),
            Part("the two groups add up to all replies", _adds_up),
            Part("a group without replies", _empty_groups),
            Part("a group in which nobody is right", _nobody_right),
        ],
        mutants=READ_MUTANTS,
    ),
]
