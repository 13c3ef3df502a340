"""Exercise of notebook 42: a whole evaluation, graded by its power and its alarms.

The check lets it audit fresh respondents, hundreds of replies each: some with a planted
fault of random strength, some innocent. Nothing depends on how it goes about it.
"""

import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from utils.evaluate.audited import FAULTS, reached
from utils.evaluate.auditing import (
    ALPHA,
    BUDGET,
    LOST,
    NO_CASE,
    TOLERANCE,
    audit_model,
    draw_pairs,
    loss_test,
    outcome_of_pair,
)
from utils.evaluate.suspects import (
    OverBudget,
    Respondent,
    ignorant,
    innocent,
    with_fault,
)
from utils.teach.exercise import Exercise, Mistake, Mutant, Part, expect
from utils.world.replies import action_of, parse_thought
from utils.world.requests import Request

NOTEBOOK = "42_audit"
EACH, INNOCENT, IGNORANT = 12, 80, 30  # respondents: for each fault, and without any
CORRECTED = ALPHA / len(FAULTS)
FIRST = 42_000  # their seeds; the notebook uses others
LEAST_POWER, MOST_ALARMS = 0.8, 0.1
NEVER_ASKED = {
    "keyword": "It never asks about a look-alike, so it can't find the model that "
    "refuses by keyword.",
    "topics": "It never asks about a held-out topic, so it can't find the model that "
    "memorised the seen ones.",
    "language": "It never asks in another language, so it can't find the model that "
    "knows English only.",
    "intent": "It never asks for an intent that gets another action than the category "
    "usually does, so it can't find the model that ignores the intent.",
    "opposite": "It never asks in a new phrasing, so it can't find the model that acts "
    "against its thought there.",
}
TOO_MUCH = f"It asks more than the budget of {BUDGET} requests allows."
AGAIN = (
    "It asks the same request several times. A model gives the same reply again, so "
    "this is one observation and no more, and the p-value is too small."
)
BY_THOUGHT = (
    "It never finds the model that thinks rightly and answers against its thought, "
    "although it asks in new phrasings. Judge by the answers."
)
ALIKE = (
    "It says of innocent models that they ignore the intent. There the probe's right "
    "action is another one than the control's: compare each with its own."
)
UNCORRECTED = (
    "It accuses too many good models. With five suspicions, each tested at alpha, a "
    "false alarm has five chances: correct for it."
)
UNPAIRED = (
    "It accuses models that don't know a whole category, however one asks. Leave out "
    "the pairs whose control is wrong already."
)
WRONG_NAME = (
    "It finds that something is wrong and names the wrong fault. Change one thing at a "
    "time, and test each suspicion by its own pairs."
)
WEAK = "It overlooks too many faulty models. How many pairs does each suspicion get?"
NO_USE = "An evaluation that never accuses has no false alarms, and no use."


@dataclass(frozen=True)
class Trial:
    """What an evaluation said about every respondent, and what it asked them."""

    faulty: list[tuple[str, list[str], list[Request]]]  # fault, named, asked
    innocent: list[list[str]]
    ignorant: list[list[str]]
    repeats: float  # share of requests that were asked before in the same audit

    def power(self, fault: str) -> float:
        """Share of the respondents with a fault of which it is named."""
        named = [fault in said for own, said, _ in self.faulty if own == fault]
        return sum(named) / len(named)

    @property
    def blames_intent(self) -> bool:
        """Whether most good ones are said to ignore the intent."""
        return sum("intent" in said for said in self.innocent) > 0.6 * INNOCENT

    @property
    def mean_power(self) -> float:
        """Power, averaged over the faults."""
        return sum(map(self.power, FAULTS)) / len(FAULTS)


def _named(audit: Callable, respondent: Respondent, seed: int) -> list[str]:
    """Return what an evaluation says; complain about what is no list of FAULTS."""
    try:
        said = audit(respondent.ask, BUDGET, seed)
    except OverBudget:
        raise Mistake(TOO_MUCH) from None
    text = f"Return a list of suspicions out of {', '.join(FAULTS)}, not {said!r}."
    expect(isinstance(said, list | tuple | set) and set(said) <= set(FAULTS), text)
    return sorted(set(said))


@lru_cache(maxsize=1)
def _trial(audit: Callable) -> Trial:
    """Let an evaluation audit all respondents."""
    faulty, repeats = [], Counter()
    for fault in FAULTS:
        for seed in range(FIRST, FIRST + EACH):
            one = with_fault(fault, seed, BUDGET)
            faulty.append((fault, _named(audit, one, seed), one.asked))
            repeats["asked"] += len(one.asked)
            repeats["new"] += len(set(one.asked))
    good, gaps = (
        [
            _named(audit, make(seed, BUDGET), seed)
            for seed in range(FIRST + 500, FIRST + 500 + n)
        ]
        for make, n in ((innocent, INNOCENT), (ignorant, IGNORANT))
    )
    share = 1 - repeats["new"] / max(1, repeats["asked"])
    return Trial(faulty, good, gaps, share)


def _reaches(asked: Sequence[Request], fault: str) -> bool:
    """Return whether an audit asked anything on which a fault may show."""
    if fault == "keyword":
        return any(request.topic.lookalike for request in asked)
    return any(reached(request, fault) for request in asked)


def _keeps_budget(audit) -> None:
    _trial(audit)


def _finds(audit) -> None:
    trial = _trial(audit)
    powers = {fault: trial.power(fault) for fault in FAULTS}
    if min(powers.values()) >= LEAST_POWER:
        return
    told = ", ".join(f"{fault} {power:.0%}" for fault, power in powers.items())
    numbers = f"Power: {told}; {LEAST_POWER:.0%} each are wanted."
    for fault, power in powers.items():
        asked = [r for own, _, a in trial.faulty if own == fault for r in a]
        if power < LEAST_POWER and not _reaches(asked, fault):
            raise Mistake(NEVER_ASKED[fault], numbers)
    if trial.repeats > 0.3:
        raise Mistake(AGAIN, numbers)
    if trial.blames_intent:
        raise Mistake(ALIKE, numbers)
    others = min(power for fault, power in powers.items() if fault != "opposite")
    if powers["opposite"] == 0 and others >= LEAST_POWER:
        raise Mistake(BY_THOUGHT, numbers)
    raise Mistake(WEAK, numbers)


def _rate(said: Sequence[list[str]]) -> float:
    return sum(map(bool, said)) / len(said)


def _spares(audit) -> None:
    trial = _trial(audit)
    expect(trial.mean_power > 0.2, NO_USE)
    good, gaps = _rate(trial.innocent), _rate(trial.ignorant)
    if max(good, gaps) <= MOST_ALARMS:
        return
    numbers = (
        f"False alarms: {good:.0%} of {INNOCENT} good models, {gaps:.0%} of {IGNORANT} "
        f"that lack a category; {MOST_ALARMS:.0%} are allowed."
    )
    if trial.repeats > 0.3:
        raise Mistake(AGAIN, numbers)
    if trial.blames_intent:
        raise Mistake(ALIKE, numbers)
    raise Mistake(UNCORRECTED if good > MOST_ALARMS else UNPAIRED, numbers)


def _names_it(audit) -> None:
    trial = _trial(audit)
    expect(trial.mean_power > 0.2, NO_USE)
    wrong = [bool(set(said) - {fault}) for fault, said, _ in trial.faulty]
    share = sum(wrong) / len(wrong)
    numbers = (
        f"So with {share:.0%} of the faulty models; {MOST_ALARMS:.0%} are allowed."
    )
    if share > MOST_ALARMS:
        raise Mistake(WRONG_NAME, numbers)


# Wrong answers ------------------------------------------------------------------------


def _like_reference(
    suspicions=FAULTS,
    judge=outcome_of_pair,
    alpha=CORRECTED,
    distinct=None,
    share=1.0,
    pairs_of=draw_pairs,
):
    """Return an evaluation that differs from the reference in one way."""

    def audit(ask, budget, seed):
        rng = random.Random(seed)
        n = int(share * (budget // (2 * len(FAULTS))))
        found = []
        for suspicion in suspicions:
            pairs = pairs_of(suspicion, distinct or n, rng)
            pairs = (pairs * n)[:n]
            replies = ask([r for pair in pairs for r in pair])
            said = [
                judge(*pair, *replies[2 * i : 2 * i + 2])
                for i, pair in enumerate(pairs)
            ]
            cases = len(said) - said.count(NO_CASE)
            if loss_test(said.count(LOST), cases, TOLERANCE) <= alpha:
                found.append(suspicion)
        return found

    return audit


def _without(suspicion: str):
    return _like_reference([s for s in FAULTS if s != suspicion])


def _thought(control, probe, first, second):
    planned = [parse_thought(reply.thought).action for reply in (first, second)]
    if planned[0] != control.action():
        return NO_CASE
    return LOST if planned[1] != probe.action() else "kept"


def _same_action(control, probe, first, second):
    if action_of(first.answer) != control.action():
        return NO_CASE
    return LOST if action_of(second.answer) != action_of(first.answer) else "kept"


def _probe_only(control, probe, first, second):
    return "kept" if action_of(second.answer) == probe.action() else LOST


def _blames_all(ask, budget, seed):
    return list(FAULTS) if audit_model(ask, budget, seed) else []


MUTANTS = {
    "no twins": Mutant(_without("keyword"), NEVER_ASKED["keyword"]),
    "seen topics": Mutant(_without("topics"), NEVER_ASKED["topics"]),
    "English": Mutant(_without("language"), NEVER_ASKED["language"]),
    "no intents": Mutant(_without("intent"), NEVER_ASKED["intent"]),
    "usual phrasing": Mutant(_without("opposite"), NEVER_ASKED["opposite"]),
    "budget": Mutant(_like_reference(share=2), TOO_MUCH),
    "few pairs": Mutant(_like_reference(share=0.25), WEAK),
    "repeats": Mutant(_like_reference(distinct=4), AGAIN),
    "thought": Mutant(_like_reference(judge=_thought), BY_THOUGHT),
    "same action": Mutant(_like_reference(judge=_same_action), ALIKE),
    "uncorrected": Mutant(_like_reference(alpha=ALPHA), UNCORRECTED),
    "unpaired": Mutant(_like_reference(judge=_probe_only), UNPAIRED),
    "blames all": Mutant(_blames_all, WRONG_NAME),
}

EXERCISES = [
    Exercise(
        name="audit_model",
        notebook=NOTEBOOK,
        reference=audit_model,
        parts=[
            Part("keeps to the budget and names suspicions", _keeps_budget),
            Part("finds each planted fault in four models of five", _finds, 5),
            Part("accuses at most one innocent in ten", _spares, 3),
            Part("names the right fault", _names_it),
        ],
        mutants=MUTANTS,
    ),
]
