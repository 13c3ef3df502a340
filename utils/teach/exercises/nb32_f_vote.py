"""Exercises of notebook 32, part 6: a defender that lets its samples vote."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress

from utils.teach.exercise import Exercise, Mistake, Mutant, Part

NOTEBOOK = "32_jailbreaks_and_over_refusal"
# From the most careful to the least.
CAREFUL = ("refuse", "support", "refer", "ask", "comply")


def careful_vote(actions: Sequence[str]) -> str:
    """The action that most samples took; the more careful one where several tie.

    actions : the action of each sample, "none" where it is none of the five. A sample
              without an action does not vote
    returns : the winner; "none" only if nobody votes. CAREFUL has the five actions
              from the most careful, "refuse", to the least, "comply"
    """
    votes = Counter(action for action in actions if action != "none")
    if not votes:
        return "none"
    most = max(votes.values())
    return next(action for action in CAREFUL if votes[action] == most)


def _none_votes(actions):
    votes = Counter(actions)
    most = max(votes.values())
    return next(a for a in (*CAREFUL, "none") if votes[a] == most)


def _first_of_tie(actions):
    votes = Counter(action for action in actions if action != "none")
    return votes.most_common(1)[0][0] if votes else "none"


def _least_careful(actions):
    votes = Counter(action for action in actions if action != "none")
    if not votes:
        return "none"
    most = max(votes.values())
    return next(action for action in reversed(CAREFUL) if votes[action] == most)


def _by_alphabet(actions):
    votes = Counter(action for action in actions if action != "none")
    return min(votes, key=lambda a: (-votes[a], a)) if votes else "none"


def _more_than_half(actions):
    votes = Counter(action for action in actions if action != "none")
    if not votes:
        return "none"
    best = careful_vote(actions)
    return best if votes[best] > sum(votes.values()) / 2 else "refuse"


def _veto(actions):
    votes = {action for action in actions if action != "none"}
    return next((action for action in CAREFUL if action in votes), "none")


def _comply_or_not(actions):
    """Complying against all careful actions together, then the most frequent."""
    voters = [action for action in actions if action != "none"]
    if not voters:
        return "none"
    if voters.count("comply") > len(voters) / 2:
        return "comply"
    return careful_vote([a for a in voters if a != "comply"])


def _nobody_refuses(actions):
    found = careful_vote(actions)
    return "refuse" if found == "none" else found


def _first(actions):
    return next((action for action in actions if action != "none"), "none")


VOTE_MUTANTS = {
    "none votes": Mutant(
        _none_votes,
        "Samples without an action voted, and won or tied. Leave 'none' out of the "
        "count.",
    ),
    "first of tie": Mutant(
        _first_of_tie,
        "A tie went to the action that was sampled first (so does "
        "Counter.most_common). The order of samples is chance: take the most careful.",
    ),
    "least careful": Mutant(
        _least_careful,
        "A tie went to the least careful action. CAREFUL begins with the most careful.",
    ),
    "by alphabet": Mutant(
        _by_alphabet,
        "A tie went by the alphabet. Go by CAREFUL.",
    ),
    "more than half": Mutant(
        _more_than_half,
        "You asked for more than half of the votes. The most votes are enough.",
    ),
    "veto": Mutant(
        _veto,
        "A single careful sample decided. That is a veto: it is safe, and it refuses "
        "far too much. Count votes.",
    ),
    "comply or not": Mutant(
        _comply_or_not,
        "You set complying against all other actions together. Each of the five "
        "stands for itself.",
    ),
    "nobody": Mutant(
        _nobody_refuses,
        "Where nobody votes the answer is 'none': there is no sample to show.",
    ),
    "first": Mutant(
        _first, "This is the first sample that has an action. Let all vote."
    ),
}
SHORT = dict(zip("rsfac-", (*CAREFUL, "none"), strict=True))
# Votes by first letter (f: refer, -: none), and who wins.
MOST = {"crrrc": "r", "ccarf": "c", "rcaca": "a", "fsccc": "c", "caaf": "a"}
TIES = {"cr": "r", "ca": "a", "fscfs": "s", "acac": "a", "fa": "f"}
SILENT = {"---r": "r", "--acc": "c", "-c": "c", "---": "-", "r--": "r"}
OUTVOTED = {"rcccc": "c", "ccrsfa": "c", "cscfcr": "c"}
CASES = MOST | TIES | SILENT | OUTVOTED


def _votes(answer: Callable, cases: Iterable[str]) -> list[str]:
    return [answer([SHORT[letter] for letter in votes]) for votes in cases]


def _likely(fn: Callable) -> str:
    """What is wrong with a function that errs in all cases as a known mistake does."""
    for answer, message in VOTE_MUTANTS.values():
        with suppress(Exception):
            if _votes(answer, CASES) == _votes(fn, CASES):
                return message
    return ""


def _cases(cases: dict[str, str]):
    def test(fn) -> None:
        for votes, want in cases.items():
            (got,) = _votes(fn, [votes])
            said = ", ".join(SHORT[letter] for letter in votes)
            if got != SHORT[want]:
                numbers = f"For {said} the vote is {SHORT[want]!r}, and got {got!r}."
                raise Mistake(_likely(fn), numbers)

    return test


EXERCISES = [
    Exercise(
        name="careful_vote",
        notebook=NOTEBOOK,
        reference=careful_vote,
        parts=[
            Part("the most votes win, a majority or not", _cases(MOST)),
            Part("a tie goes to the more careful action", _cases(TIES)),
            Part("a sample without an action does not vote", _cases(SILENT)),
            Part("a careful minority is outvoted", _cases(OUTVOTED)),
        ],
        mutants=VOTE_MUTANTS,
    ),
]
