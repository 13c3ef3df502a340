"""Exercise of notebook 33, part 3: what an interval says about a claim."""

from collections.abc import Sequence

from utils.teach.exercise import Exercise, Mistake, Mutant, Part, expect

NOTEBOOK = "33_what_made_the_difference"
SUPPORTED, REFUTED, OPEN = "supported", "refuted", "open"


def rule_on(low: float, high: float, kind: str, bound: float) -> str:
    """What a 95 % interval says about a claim that was fixed before.

    low, high : ends of the interval of a difference
    kind      : "above" : the claim is that the difference is above `bound`
                "below" : ... below `bound`
                "within": ... between -bound and bound: no difference that matters
    returns   : "supported" if the whole interval agrees with the claim, "refuted" if
                none of it does, else "open". An end right at the bound decides nothing
    """
    if kind == "below":
        low, high, bound = -high, -low, -bound
    if kind == "within":
        if -bound < low and high < bound:
            return SUPPORTED
        return REFUTED if low > bound or high < -bound else OPEN
    if low > bound:
        return SUPPORTED
    return REFUTED if high < bound else OPEN


def _ro_middle(low, high, kind, bound):
    middle = (low + high) / 2
    return rule_on(middle, middle, kind, bound)


def _ro_no_open(low, high, kind, bound):
    found = rule_on(low, high, kind, bound)
    return REFUTED if found == OPEN else found


def _ro_never_refuted(low, high, kind, bound):
    found = rule_on(low, high, kind, bound)
    return OPEN if found == REFUTED else found


def _ro_any(low, high, kind, bound):
    found = rule_on(low, high, kind, bound)
    return SUPPORTED if found == OPEN else found


def _ro_zero(low, high, kind, bound):
    return rule_on(low, high, kind, 0 if kind != "within" else bound)


def _ro_one_way(low, high, kind, bound):
    return rule_on(low, high, "above" if kind == "below" else kind, bound)


def _ro_absence(low, high, kind, bound):
    if kind == "within" and low <= 0 <= high:
        return SUPPORTED
    return rule_on(low, high, kind, bound)


def _ro_significant(low, high, kind, bound):
    if kind == "within" and not low <= 0 <= high:
        return REFUTED
    return rule_on(low, high, kind, bound)


def _ro_one_end(low, high, kind, bound):
    return rule_on(low, high, "below" if kind == "within" else kind, bound)


def _ro_touching(low, high, kind, bound):
    return rule_on(low + 1e-6, high - 1e-6, kind, bound)


RULE_MUTANTS = {
    "middle": Mutant(
        _ro_middle,
        "You judged by the middle of the interval. What is likely too lies in all of "
        "it: both ends have to agree.",
    ),
    "no open": Mutant(
        _ro_no_open,
        "An interval that holds both sides of the bound can't refute anything. It "
        "leaves the claim open.",
    ),
    "never refuted": Mutant(
        _ro_never_refuted,
        "An interval with no part on the claim's side refutes it. A claim that can't "
        "be refuted says nothing.",
    ),
    "any": Mutant(
        _ro_any,
        "A part of the interval on the good side is not enough: the whole of it has "
        "to be there.",
    ),
    "zero": Mutant(
        _ro_zero,
        "You compared with 0. The bound was fixed before, and it is `bound`.",
    ),
    "one way": Mutant(
        _ro_one_way,
        "'below' was treated like 'above'. There the good side is the other one.",
    ),
    "absence": Mutant(
        _ro_absence,
        "An interval that holds 0 doesn't show that there is no difference: it may be "
        "wide because little was measured. All of it has to lie within the bound.",
    ),
    "significant": Mutant(
        _ro_significant,
        "An interval without 0 doesn't show a difference that matters: it may lie "
        "close to 0 as a whole. Compare with the bound.",
    ),
    "one end": Mutant(
        _ro_one_end,
        "'within' has two ends. A large NEGATIVE difference is a difference, too.",
    ),
    "touching": Mutant(
        _ro_touching,
        "An end right at the bound was counted as beyond it. That decides nothing.",
    ),
}
Case = tuple[float, float, str, float]


def _ro_cases(*cases: Case):
    def test(answer) -> None:
        wrong = [
            (message, [mutant(*case) for case in cases])
            for mutant, message in RULE_MUTANTS.values()
        ]
        got = [answer(*case) for case in cases]
        for value in got:
            text = f"Return 'supported', 'refuted' or 'open', not {value!r}."
            expect(value in (SUPPORTED, REFUTED, OPEN), text)
        want = [rule_on(*case) for case in cases]
        if got == want:
            return
        case, said, right = _ro_first(cases, got, want)
        numbers = f"For {case} expected {right!r}, and got {said!r}."
        for message, values in wrong:
            if values == got:
                raise Mistake(message, numbers)
        raise Mistake("", numbers)

    return test


def _ro_first(cases: Sequence[Case], got: list[str], want: list[str]):
    """Return the first case that was judged wrongly, with both verdicts."""
    return next(
        (case, said, right)
        for case, said, right in zip(cases, got, want, strict=True)
        if said != right
    )


EXERCISES = [
    Exercise(
        name="rule_on",
        notebook=NOTEBOOK,
        reference=rule_on,
        parts=[
            Part(
                "above: a floor",
                _ro_cases(
                    (6, 20, "above", 5),
                    (1, 4, "above", 5),
                    (-3, 12, "above", 5),
                    (2, 9, "above", 5),
                    (-30, -20, "above", -15),
                    (-12, -2, "above", -15),
                ),
            ),
            Part(
                "below: a ceiling",
                _ro_cases(
                    (10, 30, "below", 35),
                    (40, 50, "below", 35),
                    (20, 36, "below", 35),
                    (30, 70, "below", 35),
                ),
            ),
            Part(
                "within: no difference that matters",
                _ro_cases(
                    (-2, 3, "within", 5),
                    (1, 4, "within", 5),
                    (-9, 14, "within", 5),
                    (6, 9, "within", 5),
                    (-20, -7, "within", 5),
                    (-9, -2, "within", 5),
                    (2, 11, "within", 5),
                ),
                2,
            ),
            Part(
                "an end right at the bound",
                _ro_cases(
                    (5, 9, "above", 5),
                    (1, 5, "above", 5),
                    (-3, 12, "above", 5),
                    (35, 50, "below", 35),
                    (-5, 2, "within", 5),
                    (5, 9, "within", 5),
                    (6, 9, "above", 5),
                    (-9, -6, "within", 5),
                ),
            ),
        ],
        mutants=RULE_MUTANTS,
    ),
]
