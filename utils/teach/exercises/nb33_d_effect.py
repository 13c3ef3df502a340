"""Exercise of notebook 33, part 4: the effect of one ingredient."""

from collections.abc import Callable, Mapping, Set
from itertools import permutations

from utils.teach.exercise import Exercise, Mistake, Mutant, Part, expect

NOTEBOOK = "33_what_made_the_difference"
Design = Mapping[str, Set[str]]
Effects = dict[tuple[str, str], float]


def matched_effects(
    design: Design, values: Mapping[str, float], ingredient: str
) -> Effects:
    """What one ingredient adds, from all pairs of arms that differ in nothing else.

    design     : arm -> the set of its ingredients
    values     : arm -> what was measured; arms that were not measured are left out
    ingredient : a name, such as "RL"
    returns    : (arm with it, arm without it) -> value with - value without
    """
    return _pairs(
        design, values, lambda one, two: set(one) == set(two) | {ingredient} != set(two)
    )


def _pairs(
    design: Design, values: Mapping[str, float], fits: Callable[[Set, Set], bool]
) -> Effects:
    measured = [arm for arm in design if arm in values]
    return {
        (one, two): values[one] - values[two]
        for one, two in permutations(measured, 2)
        if fits(design[one], design[two])
    }


def _me_unmatched(design, values, ingredient):
    return _pairs(
        design, values, lambda one, two: ingredient in one and ingredient not in two
    )


def _me_superset(design, values, ingredient):
    return _pairs(
        design,
        values,
        lambda one, two: ingredient in one - two and set(two) < set(one),
    )


def _me_size(design, values, ingredient):
    return _pairs(
        design,
        values,
        lambda one, two: ingredient in one - two and len(one) == len(two) + 1,
    )


def _me_anything(design, values, ingredient):
    return _pairs(
        design, values, lambda one, two: set(two) < set(one) and len(one - two) == 1
    )


def _me_turned(design, values, ingredient):
    found = matched_effects(design, values, ingredient)
    return {pair: -gap for pair, gap in found.items()}


def _me_swapped(design, values, ingredient):
    found = matched_effects(design, values, ingredient)
    return {(two, one): gap for (one, two), gap in found.items()}


def _me_both(design, values, ingredient):
    found = matched_effects(design, values, ingredient)
    return found | {(two, one): -gap for (one, two), gap in found.items()}


def _me_first(design, values, ingredient):
    found = matched_effects(design, values, ingredient)
    return dict(list(found.items())[:1])


def _me_zero(design, values, ingredient):
    return matched_effects(design, dict.fromkeys(design, 0.0) | values, ingredient)


EFFECT_MUTANTS = {
    "unmatched": Mutant(
        _me_unmatched,
        "Every arm with the ingredient was compared with every arm without it. Such "
        "pairs differ in other things as well, and you can't tell which one did it.",
    ),
    "superset": Mutant(
        _me_superset,
        "A pair was taken although the first arm has a second extra ingredient. All "
        "but the one in question must be equal.",
    ),
    "size": Mutant(
        _me_size,
        "You counted the ingredients. Two arms may have other ones: compare the sets.",
    ),
    "anything": Mutant(
        _me_anything,
        "Pairs that differ in ANOTHER single ingredient were taken as well.",
    ),
    "turned": Mutant(
        _me_turned, "The sign is turned round: the value WITH it minus without it."
    ),
    "swapped": Mutant(
        _me_swapped, "The keys are turned round: (arm with it, arm without it)."
    ),
    "both": Mutant(_me_both, "Every pair is there twice, once in each order."),
    "first": Mutant(
        _me_first,
        "One pair is there, and others are missing. Several pairs show whether the "
        "effect depends on the rest.",
    ),
    "zero": Mutant(
        _me_zero,
        "An arm that was not measured was taken as 0. Leave it out.",
    ),
}
KITCHEN = {
    "plain": frozenset(),
    "salt": frozenset({"salt"}),
    "oil": frozenset({"oil"}),
    "salt and oil": frozenset({"salt", "oil"}),
    "salt and rice": frozenset({"salt", "rice"}),
    "all": frozenset({"salt", "oil", "rice"}),
    "lemon": frozenset({"lemon"}),
}
TASTE = {
    "plain": 1.0,
    "salt": 3.0,
    "oil": 2.5,
    "salt and oil": 7.0,
    "salt and rice": 4.0,
    "all": 9.5,
}


def _me_case(design: Design, values: Mapping[str, float], *ingredients: str):
    def test(answer) -> None:
        for ingredient in ingredients:
            want = matched_effects(design, values, ingredient)
            got = answer(design, dict(values), ingredient)
            expect(
                isinstance(got, dict),
                "Return a dict: (arm with it, arm without it) -> difference.",
            )
            if _me_rounded(got) == _me_rounded(want):
                continue
            for mutant, message in EFFECT_MUTANTS.values():
                wrong = mutant(design, values, ingredient)
                if _me_rounded(wrong) == _me_rounded(got):
                    raise Mistake(message)
            raise Mistake("", f"For {ingredient!r} expected {want}, and got {got}.")

    return test


def _me_rounded(found: Effects) -> dict:
    try:
        return {tuple(pair): round(float(gap), 6) for pair, gap in found.items()}
    except (TypeError, ValueError):
        return {}


SQUARE = {
    "A1": frozenset({"answers"}),
    "A3": frozenset({"answers", "RL"}),
    "A4": frozenset({"answers", "thought"}),
    "A5": frozenset({"answers", "thought", "RL"}),
    "A6": frozenset({"thought", "RL"}),
}
MADE = {"A1": 37.0, "A3": 38.5, "A4": 95.0, "A5": 94.0, "A6": 20.0}

EXERCISES = [
    Exercise(
        name="matched_effects",
        notebook=NOTEBOOK,
        reference=matched_effects,
        parts=[
            Part(
                "six dishes: what does salt add?", _me_case(KITCHEN, TASTE, "salt"), 2
            ),
            Part("oil, and rice", _me_case(KITCHEN, TASTE, "oil", "rice")),
            Part("five arms", _me_case(SQUARE, MADE, "RL", "thought", "answers")),
            Part(
                "an arm that was not measured",
                _me_case(
                    KITCHEN | {"rice": frozenset({"rice"})},
                    TASTE,
                    "salt",
                    "rice",
                    "oil",
                ),
            ),
        ],
        mutants=EFFECT_MUTANTS,
    ),
]
