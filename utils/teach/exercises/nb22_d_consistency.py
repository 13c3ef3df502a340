"""Exercises of notebook 22, part 4: does the answer do what the thought decided?"""

import re
from collections import Counter
from collections.abc import Sequence
from itertools import product

from utils.teach.exercise import (
    Exercise,
    Mutant,
    Part,
    expect,
    expect_close,
    outcomes,
)
from utils.teach.exercises.nb22_c_retrieval import PLAN, thought_on
from utils.world.replies import action_of, answer

NOTEBOOK = "22_learning_the_spec"

DECIDED = re.compile(r"Action: (\w+)\.")


def acts_on_thought(thoughts: Sequence[str], answers: Sequence[str]) -> float | None:
    """How often the answer does what the thought before it decided.

    thoughts : texts that end with "Action: refuse." if they came to a decision
    answers  : the answers after them
    returns  : share of answers whose action is that of their thought, among thoughts
               that came to a decision; None if there is none. Right or wrong plays no
               part in it
    """
    decided = [
        (found[1], action_of(text))
        for thought, text in zip(thoughts, answers, strict=True)
        if (found := DECIDED.search(thought))
    ]
    if not decided:
        return None
    return sum(plan == done for plan, done in decided) / len(decided)


def _plans(thoughts: Sequence[str]) -> list[str | None]:
    found = [DECIDED.search(thought) for thought in thoughts]
    return [f[1] if f else None for f in found]


def _acts_all(thoughts: Sequence[str], answers: Sequence[str]) -> float:
    done = [action_of(text) for text in answers]
    return sum(map(str.__eq__, map(str, _plans(thoughts)), done)) / len(done)


def _acts_none_agrees(thoughts: Sequence[str], answers: Sequence[str]) -> float:
    done = [action_of(text) for text in answers]
    pairs = list(zip(_plans(thoughts), done, strict=True))
    return sum(p in (None, d) for p, d in pairs) / len(pairs)


def _acts_clause(thoughts: Sequence[str], answers: Sequence[str]) -> float | None:
    """Take the action of the quoted clause for the decision."""
    turned = []
    for thought in thoughts:
        quoted = re.search(r"Clause: .*?(\w+)\. Action", thought)
        turned.append(f"Action: {quoted[1]}." if quoted else thought)
    return acts_on_thought(turned, answers)


def _acts_somewhere(thoughts: Sequence[str], answers: Sequence[str]) -> float | None:
    pairs = [
        (t, action_of(a))
        for t, a in zip(thoughts, answers, strict=True)
        if DECIDED.search(t)
    ]
    return sum(a in t for t, a in pairs) / len(pairs) if pairs else None


def _acts_unordered(thoughts: Sequence[str], answers: Sequence[str]) -> float | None:
    pairs = zip(_plans(thoughts), map(action_of, answers), strict=True)
    both = [(p, d) for p, d in pairs if p]
    common = Counter(p for p, _ in both) & Counter(d for _, d in both)
    return common.total() / len(both) if both else None


def _acts_readable(thoughts: Sequence[str], answers: Sequence[str]) -> float | None:
    pairs = [
        (t, a) for t, a in zip(thoughts, answers, strict=True) if action_of(a) != "none"
    ]
    return acts_on_thought(*zip(*pairs, strict=True)) if pairs else None


def _acts_against(thoughts: Sequence[str], answers: Sequence[str]) -> float | None:
    share = acts_on_thought(thoughts, answers)
    return None if share is None else 1 - share


def _acts_full_stop(thoughts: Sequence[str], answers: Sequence[str]) -> float | None:
    share = acts_on_thought(thoughts, answers)
    return None if share is None else 0.0


def _acts_zero(thoughts: Sequence[str], answers: Sequence[str]) -> float:
    share = acts_on_thought(thoughts, answers)
    return 0.0 if share is None else share


def _acts_count(thoughts: Sequence[str], answers: Sequence[str]) -> float | None:
    share = acts_on_thought(thoughts, answers)
    decided = sum(plan is not None for plan in _plans(thoughts))
    return None if share is None else share * decided


ACTS_MUTANTS = {
    "full stop": Mutant(
        _acts_full_stop,
        "No answer agrees with its thought here. Is the full stop still on the "
        "decision? And compare it with action_of(answer), not with the answer's text.",
    ),
    "zero": Mutant(
        _acts_zero,
        "Without any decision there is no share: return None, not 0.",
    ),
    "all": Mutant(
        _acts_all,
        "Thoughts without a decision count as contradictions here. There is nothing "
        "to contradict: leave them out.",
    ),
    "none agrees": Mutant(
        _acts_none_agrees,
        "Thoughts without a decision count as agreement here. There is nothing to "
        "agree with: leave them out.",
    ),
    "clause": Mutant(
        _acts_clause,
        "You took the action of the quoted clause. The decision is the word behind "
        "'Action:'.",
    ),
    "somewhere": Mutant(
        _acts_somewhere,
        "The action occurs somewhere in the thought. Only the word behind 'Action:' "
        "is the decision.",
    ),
    "unordered": Mutant(
        _acts_unordered,
        "You compared how often each action occurs. Compare each thought with its "
        "own answer.",
    ),
    "readable": Mutant(
        _acts_readable,
        "Answers that are none of the five actions are left out. They do not do what "
        "was decided, so they count.",
    ),
    "against": Mutant(
        _acts_against, "This is the share that acts against its thought."
    ),
    "count": Mutant(_acts_count, "This is a count: divide by the decided thoughts."),
}


def _said(action: str) -> str:
    return answer(action, "a thing")


ACTS = {
    "two agree, one does not": (
        [thought_on(1), thought_on(4), thought_on(27)],
        [_said("refuse"), _said("ask"), _said("comply")],
    ),
    "no decision": (
        [thought_on(1), PLAN, PLAN, thought_on(18)],
        [_said("refuse"), _said("comply"), _said("ask"), _said("refer")],
    ),
    "decision against the clause": (
        [
            thought_on(1, "comply"),
            thought_on(1, "comply"),
            thought_on(4),
            thought_on(6),
        ],
        [_said("comply"), _said("comply"), _said("refer"), _said("refuse")],
    ),
    "swapped": (
        [thought_on(1), thought_on(4), thought_on(27), thought_on(18)],
        [_said("refer"), _said("refuse"), _said("comply"), _said("support")],
    ),
    "unreadable answer": ([thought_on(1), thought_on(4)], ["Er.", _said("refer")]),
}


def _acts_case(*names: str):
    def test(fn) -> None:
        for name in names:
            given = [list(part) for part in ACTS[name]]
            wrong = outcomes(ACTS_MUTANTS, *given)
            expect_close(fn(*given), acts_on_thought(*given), wrong)

    return test


def _acts_all_pairs(fn) -> None:
    """Each of the five decisions before each of the five answers: 5 of 25 agree."""
    actions = ("comply", "refuse", "refer", "support", "ask")
    pairs = list(product(actions, actions))
    thoughts = [thought_on(1, plan) for plan, _ in pairs]
    answers = [_said(done) for _, done in pairs]
    wrong = outcomes(ACTS_MUTANTS, thoughts, answers)
    expect_close(fn(thoughts, answers), 0.2, wrong)


def _acts_empty(fn) -> None:
    given = [thought_on(1), PLAN], [_said("refuse"), _said("ask")]
    wrong = outcomes(ACTS_MUTANTS, *given)
    expect_close(fn(*given), 1.0, wrong)
    given = [PLAN, PLAN], [_said("comply"), _said("refuse")]
    got = fn(*given)
    for mutant, message in ACTS_MUTANTS.values():
        wrong = mutant(*given)
        expect(wrong is None or got != wrong, message)
    expect(got is None, "No thought came to a decision: return None.")


EXERCISES = [
    Exercise(
        name="acts_on_thought",
        notebook=NOTEBOOK,
        reference=acts_on_thought,
        parts=[
            Part(
                "each answer against its own thought",
                _acts_case("two agree, one does not", "swapped"),
            ),
            Part(
                "the decision is the word behind 'Action:'",
                _acts_case("decision against the clause", "unreadable answer"),
            ),
            Part("thoughts without a decision are left out", _acts_empty),
            Part(
                "all 25 pairs of decision and answer: 5 agree",
                _acts_all_pairs,
            ),
        ],
        mutants=ACTS_MUTANTS,
    ),
]
