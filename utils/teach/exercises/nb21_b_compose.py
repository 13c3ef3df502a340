"""Exercise of notebook 21, part 2: six replies become one thought."""

import re
from dataclasses import replace

from utils.align.deliberate import compose
from utils.teach.exercise import Exercise, Mistake, Mutant, Part
from utils.world.replies import Thought
from utils.world.spec import Clause, load_spec

NOTEBOOK = "21_from_spec_to_data"
ENTRY = re.compile(r"\w+ (\w+) §(\d+)\.")


def _unchecked(policy, restated, topic, category, intent, entry):
    found = ENTRY.fullmatch(entry)
    if not found:
        return None
    everywhere = [*policy, *load_spec().clauses]
    quoted = [c for c in everywhere if c.number == int(found[2])]
    text = str(quoted[0]) if quoted else f"§{found[2]} {category} {intent} {found[1]}"
    return Thought(restated, topic, category, intent, text, found[1])


def _by_intent(policy, restated, topic, category, intent, entry):
    found = ENTRY.fullmatch(entry)
    own = [c for c in policy if intent in c.intents]
    if not found or not own:
        return None
    return Thought(restated, topic, category, intent, str(own[0]), found[1])


def _clause_decides(policy, restated, topic, category, intent, entry):
    thought = compose(policy, restated, topic, category, intent, entry)
    return thought and Thought(
        *list(vars(thought).values())[:5], thought.clause.split()[-1]
    )


def _loose(policy, restated, topic, category, intent, entry):
    found = ENTRY.search(entry)
    whole = found[0] if found else entry
    return compose(policy, restated, topic, category, intent, whole)


def _first_clause(policy, restated, topic, category, intent, entry):
    thought = compose(policy, restated, topic, category, intent, entry)
    return thought and Thought(
        restated, topic, category, intent, str(policy[0]), thought.action
    )


def _number_only(policy, restated, topic, category, intent, entry):
    thought = compose(policy, restated, topic, category, intent, entry)
    return thought and Thought(
        restated, topic, category, intent, thought.clause.split()[0], thought.action
    )


def _entry_quoted(policy, restated, topic, category, intent, entry):
    thought = compose(policy, restated, topic, category, intent, entry)
    return thought and Thought(
        restated, topic, category, intent, entry.rstrip("."), thought.action
    )


def _forgiving(policy, restated, topic, category, intent, entry):
    thought = compose(policy, restated, topic, category, intent, entry)
    if thought:
        return thought
    own = [c for c in policy if intent in c.intents] or list(policy)
    return Thought(restated, topic, category, intent, str(own[0]), own[0].action)


def _as_entry_says(policy, restated, topic, category, intent, entry):
    thought = compose(policy, restated, topic, category, intent, entry)
    return thought and replace(thought, intent=entry.split()[0])


def _clause_category(policy, restated, topic, category, intent, entry):
    thought = compose(policy, restated, topic, category, intent, entry)
    return thought and replace(thought, category=thought.clause.split()[1])


def _filters(policy, restated, topic, category, intent, entry):
    thought = compose(policy, restated, topic, category, intent, entry)
    fits = thought and intent in thought.clause and thought.action in thought.clause
    return thought if fits else None


def _action_before_clause(policy, restated, topic, category, intent, entry):
    thought = compose(policy, restated, topic, category, intent, entry)
    return thought and replace(thought, clause=thought.action, action=thought.clause)


def _clause_object(policy, restated, topic, category, intent, entry):
    thought = compose(policy, restated, topic, category, intent, entry)
    return thought and replace(thought, clause=_cited(policy, thought.clause + " "))


def _as_text(policy, restated, topic, category, intent, entry):
    thought = compose(policy, restated, topic, category, intent, entry)
    return thought and str(thought)


def _beginning(policy, restated, topic, category, intent, entry):
    found = ENTRY.fullmatch(entry)
    clause = found and _cited(policy, f"§{found[2]}")
    if not clause:
        return None
    return Thought(restated, topic, category, intent, str(clause), found[1])


def _cited(policy, text: str):
    """The first clause that begins with a text."""
    return next((c for c in policy if f"{c} ".startswith(text)), None)


def _crashes(policy, restated, topic, category, intent, entry):
    _, action, number = entry.rstrip(".").split()
    clause = {c.number: c for c in policy}[int(number.lstrip("§"))]
    return Thought(restated, topic, category, intent, str(clause), action)


COMPOSE_MUTANTS = {
    "unchecked": Mutant(
        _unchecked,
        "The number was not looked for in the policy: a clause that the teacher made "
        "up, or took from elsewhere, is quoted as if it stood there. Return None.",
    ),
    "by intent": Mutant(
        _by_intent,
        "You chose the clause by the intent. Quote the one whose number the model "
        "found: if it's the wrong one, the filter has to see it.",
    ),
    "clause decides": Mutant(
        _clause_decides,
        "You took the action from the clause. Take the one that the model wrote: else "
        "a decision against the clause is covered up.",
    ),
    "loose": Mutant(
        _loose,
        "An entry with more around it was accepted. Match the whole reply (fullmatch), "
        "or the form is broken.",
    ),
    "first clause": Mutant(
        _first_clause,
        "This is the policy's first clause. Quote the one that the entry names.",
    ),
    "number only": Mutant(
        _number_only,
        "Only the number is quoted. Quote the whole clause, str(clause): its words are "
        "what the student shall learn.",
    ),
    "entry quoted": Mutant(
        _entry_quoted,
        "The entry of the card is quoted. Quote the clause that it points to.",
    ),
    "forgiving": Mutant(
        _forgiving,
        "A malformed entry was mended. Return None: better no example than one that "
        "the model did not write.",
    ),
    "as entry says": Mutant(
        _as_entry_says,
        "You took the intent from the entry. Take the one that was named: if the two "
        "differ, the filter has to see it.",
    ),
    "clause category": Mutant(
        _clause_category,
        "You took the category from the clause. Take the one that was named: if the "
        "two differ, the filter has to see it.",
    ),
    "filters": Mutant(
        _filters,
        "You dropped an entry that contradicts the clause or the intent. To find that "
        "is the filter's work, in section 5: here only the form of the entry and its "
        "number count.",
    ),
    "action before clause": Mutant(
        _action_before_clause,
        "Clause and action have changed places: Thought(restated, topic, category, "
        "intent, clause, action).",
    ),
    "clause object": Mutant(
        _clause_object,
        "The clause in your thought is a Clause. Quote it as a text: str(clause).",
    ),
    "as text": Mutant(
        _as_text, "This is the thought as a text. Return the Thought itself."
    ),
    "beginning": Mutant(
        _beginning,
        "A number was found at the beginning of a longer one: §3 is a part of §31. "
        "Compare whole numbers.",
    ),
    "crashes": Mutant(
        _crashes, "A malformed entry stops your code. Return None for it."
    ),
}
POLICY = (
    Clause(7, "drugs", ("make", "get"), "refuse"),
    Clause(52, "drugs", ("advice",), "refer"),
    Clause(31, "drugs", ("facts", "rework"), "comply"),
)
REST = "Where do I get heroin?", "heroin"


def _compare(answer, intent: str, entry: str, category: str = "drugs") -> None:
    given = (POLICY, *REST, category, intent, entry)
    want = compose(*given)
    try:
        got = answer(*given)
    except (ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
        if want is None:
            said = COMPOSE_MUTANTS["crashes"].message
            raise Mistake(said, f"{entry!r} gave {type(error).__name__}.") from None
        raise
    if got != want:
        said = _likely(given, got)
        raise Mistake(said, f"For the entry {entry!r}: expected {want}, got {got}.")


def _likely(given, got) -> str:
    for mutant in COMPOSE_MUTANTS.values():
        try:
            if mutant.answer(*given) == got:
                return mutant.message
        except (ValueError, KeyError):
            continue
    return ""


def _found(answer) -> None:
    for intent, entry in (
        ("advice", "advice refer §52."),
        ("get", "get refuse §7."),
        ("facts", "facts comply §31."),
    ):
        _compare(answer, intent, entry)


def _mistakes_stay(answer) -> None:
    _compare(answer, "get", "get comply §31.")  # the wrong clause
    _compare(answer, "get", "get comply §7.")  # decides against the clause
    _compare(answer, "get", "advice refer §52.")  # the entry of another intent
    _compare(answer, "get", "get refuse §7.", "medicine")  # another category named


def _not_there(answer) -> None:
    _compare(answer, "get", "get refuse §3.")  # a number of the course's Spec
    _compare(answer, "get", "get refuse §60.")  # a number of no Spec
    _compare(answer, "get", "get refuse §5.")  # the beginning of another number


def _malformed(answer) -> None:
    for entry in ("get refuse §7, advice refer §52.", "refuse.", "", "Sorry §7"):
        _compare(answer, "get", entry)


EXERCISES = [
    Exercise(
        name="compose_thought",
        notebook=NOTEBOOK,
        reference=compose,
        parts=[
            Part("the clause with the number found, in full", _found),
            Part("the model's mistakes stay as they are", _mistakes_stay, 2),
            Part("an entry that is no entry: None", _malformed),
            Part("a number that is not in the policy: None", _not_there),
        ],
        mutants=COMPOSE_MUTANTS,
    ),
]
