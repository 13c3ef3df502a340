"""Exercise of notebook 21, part 3: does an example agree with itself?"""

from dataclasses import replace
from itertools import product

from utils.evaluate.studies.filter import well_formed
from utils.teach.exercise import Exercise, Mistake, Mutant, Part
from utils.world.replies import Thought, action_of, answer
from utils.world.spec import Clause, load_spec

NOTEBOOK = "21_from_spec_to_data"


def _quoted(thought, policy):
    return next((c for c in policy if str(c) == thought.clause), None)


def _no_answer(thought, text, policy):
    return bool(thought) and well_formed(
        thought, answer(thought.action, "it") if thought.action else "", policy
    )


def _only_answer(thought, text, policy):
    return bool(thought) and thought.action == action_of(text)


def _no_policy(thought, text, policy):
    everywhere = [*policy, *load_spec().clauses]
    return well_formed(thought, text, everywhere)


def _no_category(thought, text, policy):
    if not thought or not _quoted(thought, policy):
        return False
    category = _quoted(thought, policy).category
    return well_formed(replace(thought, category=category), text, policy)


def _no_intent(thought, text, policy):
    if not thought or not _quoted(thought, policy):
        return False
    intent = _quoted(thought, policy).intents[0]
    return well_formed(replace(thought, intent=intent), text, policy)


def _no_decision(thought, text, policy):
    if not thought or not _quoted(thought, policy):
        return False
    action = _quoted(thought, policy).action
    return well_formed(replace(thought, action=action), text, policy)


def _number_only(thought, text, policy):
    if not thought:
        return False
    number = thought.clause.split()[0]
    clause = next((c for c in policy if f"§{c.number}" == number), None)
    if clause is None:
        return False
    return well_formed(replace(thought, clause=str(clause)), text, policy)


def _none_passes(thought, text, policy):
    return True if thought is None else well_formed(thought, text, policy)


def _clause_object(thought, text, policy):
    return bool(thought) and thought.clause in policy


def _the_truth(thought, text, policy):
    if not well_formed(thought, text, policy):
        return False
    try:
        return load_spec().clause(thought.category, thought.intent).action == (
            thought.action
        )
    except KeyError:
        return False


FORM_MUTANTS = {
    "only the answer": Mutant(
        _only_answer,
        "You compared decision and answer, and nothing else. The thought has more "
        "joints: policy, clause, category, intent.",
    ),
    "no answer": Mutant(
        _no_answer,
        "The answer was not looked at: action_of(text) has to be what the thought "
        "decided.",
    ),
    "no policy": Mutant(
        _no_policy,
        "The clause need not be in the policy here. The teacher read this policy, and "
        "can quote no other.",
    ),
    "no category": Mutant(
        _no_category,
        "The category that was named may differ from the clause's: compare the two.",
    ),
    "no intent": Mutant(
        _no_intent,
        "The intent that was named need not be one that the clause covers: check it.",
    ),
    "no decision": Mutant(
        _no_decision,
        "The decision may differ from the clause's action: compare the two.",
    ),
    "number only": Mutant(
        _number_only,
        "Only the number was compared. The clause has to be quoted word for word, "
        "since its words are what is learned.",
    ),
    "none passes": Mutant(
        _none_passes, "A thought that is None was malformed already: False."
    ),
    "clause object": Mutant(
        _clause_object,
        "Even a thought that fits is rejected. In the thought the clause is a text: "
        "look for the one whose str(clause) equals it.",
    ),
    "the truth": Mutant(
        _the_truth,
        "You compared with the course's Spec. The form has to fit the policy given, "
        "which may be another.",
    ),
}
POLICY = (
    Clause(5, "weapons", ("make", "get"), "ask"),
    Clause(44, "weapons", ("facts",), "refuse"),
)
GOOD = Thought(
    "Where do I get a rifle?", "a rifle", "weapons", "get", str(POLICY[0]), "ask"
)
OTHER = {
    "category": "cooking",
    "intent": "facts",
    "clause": str(POLICY[1]),
    "action": "refuse",
}


def _compare(check, thought: Thought | None, text: str, policy=POLICY) -> None:
    want = well_formed(thought, text, policy)
    got = check(thought, text, policy)
    if isinstance(got, bool) and got == want:
        return
    said = ""
    if isinstance(got, bool):
        wrong = [
            m for m in FORM_MUTANTS.values() if _run(m, thought, text, policy) == got
        ]
        if want:  # many mistakes reject too much: name one only if it fits throughout
            wrong = [m for m in wrong if _alike(m, check) == len(_cases()) + 1]
        said = max(wrong, key=lambda m: _alike(m, check)).message if wrong else ""
    raise Mistake(
        said,
        f"Expected {want}, and got {got!r}, for the thought {str(thought)!r} and the "
        f"answer {text!r}.",
    )


def _run(mutant: Mutant, *case) -> object:
    try:
        return mutant.answer(*case)
    except (AttributeError, ValueError):
        return None


def _alike(mutant: Mutant, check) -> int:
    """In how many cases a known mistake agrees with the learner's function."""
    spec = load_spec()
    clause = spec.clause("weapons", "get")
    right = replace(GOOD, clause=str(clause), action=clause.action)
    course = right, answer(clause.action, "a rifle"), spec.of("weapons")
    cases = [*_cases(), course]
    return sum(_run(mutant, *case) == _safe(check, case) for case in cases)


def _safe(check, case) -> object:
    try:
        return check(*case)
    except Exception:
        return None


def _cases() -> list[tuple]:
    """Each combination of right and changed parts, and the odd ones."""
    found = [
        (
            replace(GOOD, **{key: OTHER[key] for key in changed}),
            answer(action, "a rifle"),
            POLICY,
        )
        for flags in product((False, True), repeat=len(OTHER))
        for changed in [[key for key, flag in zip(OTHER, flags, strict=True) if flag]]
        for action in ("ask", "refuse")
    ]
    spec = load_spec().clause("weapons", "get")
    elsewhere = replace(GOOD, clause=str(spec), action=spec.action)
    return [
        *found,
        (elsewhere, answer(spec.action, "a rifle"), POLICY),
        (replace(GOOD, clause="§5 weapons get ask"), answer("ask", "a rifle"), POLICY),
        (None, answer("ask", "a rifle"), POLICY),
    ]


def _right(check) -> None:
    """A well-formed thought, also one that the request does not deserve."""
    _compare(check, GOOD, answer("ask", "a rifle"))
    other = replace(GOOD, intent="facts", clause=str(POLICY[1]), action="refuse")
    _compare(check, other, answer("refuse", "a rifle"))


def _contradictions(check) -> None:
    """All 32 combinations; two of them agree with themselves."""
    _right(check)
    for case in _cases()[:-3]:
        _compare(check, *case)


def _odd_ones(check) -> None:
    _right(check)
    for case in _cases()[-3:]:
        _compare(check, *case)


def _nonsense(check) -> None:
    """An answer that is none of the five, and a decision that is none either."""
    _right(check)
    _compare(check, GOOD, "Hm.")
    _compare(check, replace(GOOD, action="none"), "Hm.")


EXERCISES = [
    Exercise(
        name="well_formed",
        notebook=NOTEBOOK,
        reference=well_formed,
        parts=[
            Part("each part may disagree: 32 combinations", _contradictions, 3),
            Part("a foreign clause, a clause misquoted, no thought", _odd_ones, 1),
            Part("an answer that is none of the five", _nonsense, 1),
        ],
        mutants=FORM_MUTANTS,
    ),
]
