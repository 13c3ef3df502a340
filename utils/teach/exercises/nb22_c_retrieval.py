"""Exercises of notebook 22, part 3: does the thought cite the right clause?"""

import re
from collections.abc import Sequence

from utils.teach.exercise import (
    Exercise,
    Mutant,
    Part,
    expect,
    expect_close,
)
from utils.world.spec import Clause, load_spec

NOTEBOOK = "22_learning_the_spec"

CITED = re.compile(r"Clause: §(\d+)")


def policy_retrieval(thoughts: Sequence[str], right: Sequence[Clause]) -> dict:
    """How often a thought cites the clause that decides its request, per action.

    thoughts : what the model wrote before its answers; perhaps without any clause
    right    : for each, the clause that decides it, with .number and .action
    returns  : {action: share of its requests whose thought cites the right clause},
               for every action in `right`
    """
    hits: dict[str, list[bool]] = {}
    for thought, clause in zip(thoughts, right, strict=True):
        found = CITED.search(thought)
        hit = found is not None and int(found[1]) == clause.number
        hits.setdefault(clause.action, []).append(hit)
    return {action: sum(each) / len(each) for action, each in hits.items()}


def _grouped(keys: Sequence[str], values: Sequence[bool | None]) -> dict[str, float]:
    """Mean value by key; None is left out."""
    groups: dict[str, list[bool]] = {}
    for key, value in zip(keys, values, strict=True):
        groups.setdefault(key, [])
        if value is not None:
            groups[key].append(value)
    return {key: sum(v) / len(v) if v else 0.0 for key, v in groups.items()}


def _number(thought: str) -> int | None:
    found = CITED.search(thought)
    return int(found[1]) if found else None


def _retrieval_substring(thoughts: Sequence[str], right: Sequence[Clause]) -> dict:
    pairs = zip(thoughts, right, strict=True)
    values = [f"§{clause.number}" in thought for thought, clause in pairs]
    return _grouped([c.action for c in right], values)


def _retrieval_action(thoughts: Sequence[str], right: Sequence[Clause]) -> dict:
    pairs = zip(thoughts, right, strict=True)
    values = [f"Action: {clause.action}." in thought for thought, clause in pairs]
    return _grouped([c.action for c in right], values)


def _retrieval_cited_only(thoughts: Sequence[str], right: Sequence[Clause]) -> dict:
    values = [
        None if _number(thought) is None else _number(thought) == clause.number
        for thought, clause in zip(thoughts, right, strict=True)
    ]
    return _grouped([c.action for c in right], values)


def _retrieval_overall(thoughts: Sequence[str], right: Sequence[Clause]) -> dict:
    pairs = zip(thoughts, right, strict=True)
    hits = [_number(thought) == clause.number for thought, clause in pairs]
    return {clause.action: sum(hits) / len(hits) for clause in right}


def _retrieval_any(thoughts: Sequence[str], right: Sequence[Clause]) -> dict:
    values = [_number(thought) is not None for thought in thoughts]
    return _grouped([c.action for c in right], values)


def _retrieval_category(thoughts: Sequence[str], right: Sequence[Clause]) -> dict:
    category = {c.number: c.category for c in load_spec().clauses}
    pairs = zip(thoughts, right, strict=True)
    values = [category.get(_number(t)) == clause.category for t, clause in pairs]
    return _grouped([c.action for c in right], values)


def _retrieval_own_action(thoughts: Sequence[str], right: Sequence[Clause]) -> dict:
    found = [re.search(r"Action: (\w+)\.", thought) for thought in thoughts]
    keys = [f[1] if f else c.action for f, c in zip(found, right, strict=True)]
    pairs = zip(thoughts, right, strict=True)
    return _grouped(keys, [_number(t) == clause.number for t, clause in pairs])


def _retrieval_category_and_action(
    thoughts: Sequence[str], right: Sequence[Clause]
) -> dict:
    pairs = zip(thoughts, right, strict=True)
    values = [c.category in thought and c.action in thought for thought, c in pairs]
    return _grouped([c.action for c in right], values)


def _retrieval_text_number(thoughts: Sequence[str], right: Sequence[Clause]) -> dict:
    return dict.fromkeys((c.action for c in right), 0.0)


def _retrieval_counts(thoughts: Sequence[str], right: Sequence[Clause]) -> dict:
    shares = policy_retrieval(thoughts, right)
    actions = [c.action for c in right]
    return {action: share * actions.count(action) for action, share in shares.items()}


RETRIEVAL_MUTANTS = {
    "text number": Mutant(
        _retrieval_text_number,
        "No thought is a hit here. Did you compare a text with a number? A regular "
        "expression finds texts: int(found[1]) == clause.number.",
    ),
    "substring": Mutant(
        _retrieval_substring,
        "A clause is found inside a longer number: §1 is a part of §12. Compare whole "
        "numbers, behind the word Clause.",
    ),
    "category and action": Mutant(
        _retrieval_category_and_action,
        "You looked for category and action. They stand in thoughts that cite another "
        "clause, too: compare the number.",
    ),
    "action": Mutant(
        _retrieval_action,
        "You compared the actions. Several clauses share an action; ask for the "
        "clause's number.",
    ),
    "cited only": Mutant(
        _retrieval_cited_only,
        "Thoughts without a clause are left out. They retrieved nothing, so they count "
        "as misses.",
    ),
    "overall": Mutant(
        _retrieval_overall,
        "Every action has the same share here, that of all requests. Count each action "
        "by itself.",
    ),
    "any": Mutant(
        _retrieval_any, "Any clause counts here. It has to be the right one."
    ),
    "category": Mutant(
        _retrieval_category,
        "A clause of the right category is not enough: its number has to fit the "
        "intent as well.",
    ),
    "own action": Mutant(
        _retrieval_own_action,
        "You sorted by the action that the thought names, which may be wrong. Sort by "
        "the right clause's action.",
    ),
    "counts": Mutant(_retrieval_counts, "These are counts: divide by the requests."),
}


def thought_on(number: int, action: str = "") -> str:
    """A thought that cites a clause of the Spec, with an action of its own perhaps."""
    clause = _clause(number)
    return (
        f"Request: How? Topic: a thing. Category: {clause.category}. Intent: make. "
        f"Clause: {clause}. Action: {action or clause.action}."
    )


def _clause(number: int) -> Clause:
    return next(c for c in load_spec().clauses if c.number == number)


PLAN = "Request: How? Plan: answer."
RETRIEVALS = {
    "right, wrong and none": (
        [
            *map(thought_on, (1, 4, 8, 2, 2, 12)),
            PLAN,
            thought_on(27),
            thought_on(28),
            PLAN,
        ],
        [1, 6, 6, 1, 1, 1, 6, 27, 27, 28],
    ),
    "long numbers": ([thought_on(12), thought_on(10), thought_on(2)], [1, 10, 2]),
    "same action": ([thought_on(8), thought_on(6), thought_on(4)], [6, 6, 10]),
    "same category": (
        [thought_on(2), thought_on(2), thought_on(16), thought_on(2, "refuse")],
        [1, 2, 15, 1],
    ),
    "another action": (
        [thought_on(1, "comply"), thought_on(2), thought_on(25, "refuse"), PLAN],
        [1, 1, 25, 2],
    ),
}


def _retrieval_case(name: str):
    def test(fn) -> None:
        thoughts, numbers = RETRIEVALS[name]
        right = [_clause(number) for number in numbers]
        got = fn(list(thoughts), list(right))
        expect(isinstance(got, dict), "Return a dictionary from action to share.")
        want = policy_retrieval(thoughts, right)
        if got.keys() == want.keys() and all(
            isinstance(got[a], int | float) and abs(got[a] - want[a]) < 1e-6
            for a in want
        ):
            return
        for mutant, message in RETRIEVAL_MUTANTS.values():
            wrong = mutant(thoughts, right)
            if got == wrong != want:
                expect(False, message)
        expect(
            got.keys() == want.keys(),
            f"The actions should be {', '.join(want)}; "
            f"yours: {', '.join(map(str, got))}.",
        )
        expect_close([got[a] for a in want], [want[a] for a in want])

    return test


EXERCISES = [
    Exercise(
        name="policy_retrieval",
        notebook=NOTEBOOK,
        reference=policy_retrieval,
        parts=[
            Part(
                "shares by action; no clause is a miss",
                _retrieval_case("right, wrong and none"),
            ),
            Part("§1 is not §12", _retrieval_case("long numbers")),
            Part(
                "the right action from a wrong clause is a miss",
                _retrieval_case("same action"),
            ),
            Part(
                "so is another clause of the category", _retrieval_case("same category")
            ),
            Part("sorted by the right action", _retrieval_case("another action")),
        ],
        mutants=RETRIEVAL_MUTANTS,
    ),
]
