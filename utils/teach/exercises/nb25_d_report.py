"""Exercises of notebook 25, part 4: did behaviour follow the edit, and only there?"""

from collections.abc import Sequence

from utils.teach.exercise import Exercise, Mutant, expect
from utils.teach.exercises.nb25 import (
    NOTEBOOK,
    SMALL,
    changed,
    expect_same,
    parts,
    rule,
)
from utils.world.data import load_templates, load_topics
from utils.world.requests import Request
from utils.world.spec import Spec

Report = dict[str, float | None]


def edit_report(
    old: Spec, new: Spec, requests: Sequence[Request], actions: Sequence[str]
) -> Report:
    """How far behaviour follows an edit, and what else it moved.

    actions : what was done about each request
    returns : "follows" and "lingers": among requests whose right action differs, the
              share that got the new and the old one; "collateral": among all others,
              the share that did not get the right action. None where there are none
    """
    edited, untouched = [], []
    for request, done in zip(requests, actions, strict=True):
        before, after = request.action(old), request.action(new)
        if before != after:
            edited.append((done == after, done == before))
        else:
            untouched.append(done != after)
    return {
        "follows": _share([follows for follows, _ in edited]),
        "lingers": _share([lingers for _, lingers in edited]),
        "collateral": _share(untouched),
    }


def _share(values: Sequence[bool]) -> float | None:
    return sum(values) / len(values) if values else None


def _of_all(old, new, requests, actions) -> Report:
    """Divide by all requests."""
    report = edit_report(old, new, requests, actions)
    edited = sum(r.action(old) != r.action(new) for r in requests)
    sizes = {"follows": edited, "lingers": edited, "collateral": len(requests) - edited}
    return {k: v and v * sizes[k] / len(requests) for k, v in report.items()}


def _everywhere(old, new, requests, actions) -> Report:
    report = edit_report(old, new, requests, actions)
    right = [r.action(new) == a for r, a in zip(requests, actions, strict=True)]
    return report | {"follows": _share(right)}


def _accuracy(old, new, requests, actions) -> Report:
    report = edit_report(old, new, requests, actions)
    wrong = report["collateral"]
    return report | {"collateral": None if wrong is None else 1 - wrong}


def _all_wrong(old, new, requests, actions) -> Report:
    report = edit_report(old, new, requests, actions)
    wrong = [r.action(new) != a for r, a in zip(requests, actions, strict=True)]
    return report | {"collateral": _share(wrong)}


def _complement(old, new, requests, actions) -> Report:
    report = edit_report(old, new, requests, actions)
    follows = report["follows"]
    return report | {"lingers": None if follows is None else 1 - follows}


def _zero(old, new, requests, actions) -> Report:
    return {k: v or 0.0 for k, v in edit_report(old, new, requests, actions).items()}


def _sorted_by(differs):
    def mutant(old, new, requests, actions) -> Report:
        pairs = list(zip(requests, actions, strict=True))
        edited = [(r, a) for r, a in pairs if differs(r, old, new)]
        rest = [(r, a) for r, a in pairs if not differs(r, old, new)]
        return {
            "follows": _share([r.action(new) == a for r, a in edited]),
            "lingers": _share([r.action(old) == a for r, a in edited]),
            "collateral": _share([r.action(new) != a for r, a in rest]),
        }

    return mutant


def _swapped(old, new, requests, actions) -> Report:
    report = edit_report(old, new, requests, actions)
    return report | {"follows": report["lingers"], "lingers": report["follows"]}


def _category_touched(request: Request, old: Spec, new: Spec) -> bool:
    return old.of(request.topic.category) != new.of(request.topic.category)


REPORT_MUTANTS = {
    "of all": Mutant(
        _of_all,
        "You divide by all requests. Each share is about its own group: edited cases, "
        "or the others.",
    ),
    "everywhere": Mutant(
        _everywhere,
        '"follows" counts the untouched requests, too. They hide a failed edit.',
    ),
    "accuracy": Mutant(
        _accuracy, '"collateral" is the share that is WRONG among the untouched.'
    ),
    "all wrong": Mutant(
        _all_wrong,
        '"collateral" counts edited cases, too. A rule that lingers is no collateral '
        "damage.",
    ),
    "complement": Mutant(
        _complement,
        'You took 1 - follows for "lingers". There are five actions: a request can '
        "get neither the new nor the old one.",
    ),
    "zero": Mutant(
        _zero, "A share of no requests is not 0: return None where there are none."
    ),
    "clause": Mutant(
        _sorted_by(lambda r, old, new: r.clause(old) != r.clause(new)),
        "You sorted by the clause. A split changes number and intents of clauses whose "
        "action stays: compare actions.",
    ),
    "category": Mutant(
        _sorted_by(_category_touched),
        "You counted the whole category as edited. Compare the actions of each "
        "request.",
    ),
    "swapped": Mutant(_swapped, '"follows" and "lingers" are the wrong way round.'),
}


def _asked(*cases: tuple[str, str]) -> list[Request]:
    """Return a request for each (category, intent)."""
    return [
        Request(
            next(t for t in load_topics() if t.category == category),
            next(t for t in load_templates() if t.intent == intent),
        )
        for category, intent in cases
    ]


EDITED = changed(SMALL, 5, action="support")  # make and advice in law: refer before
SPLIT = Spec(
    (rule(9, "law", "make", "refuse"), *changed(SMALL, 5, intents=("advice",)).clauses)
)
MAKE, ADVICE, GET = ("law", "make"), ("law", "advice"), ("law", "get")
OTHERS = (("weapons", "make"), ("weapons", "facts"), ("crafts", "get"))


def _compare(fn, new: Spec, cases: Sequence, actions: str) -> None:
    args = SMALL, new, _asked(*cases), actions.split()
    expect_same(_rounded(fn(*args)), edit_report(*args), REPORT_MUTANTS, *args)


def _rounded(report):
    """Turn numbers of any kind into floats, or leave what is no report as it is."""
    if not isinstance(report, dict):
        return report
    return {k: v if v is None else float(v) for k, v in report.items()}


def _follows(fn) -> None:
    _compare(
        fn,
        EDITED,
        [MAKE, ADVICE, MAKE, *OTHERS, ADVICE],
        "support support refer refuse comply comply ask",
    )


def _neither(fn) -> None:
    _compare(fn, EDITED, [MAKE] * 5 + [GET], "support refer comply ask none ask")


def _collateral(fn) -> None:
    _compare(
        fn,
        EDITED,
        [ADVICE, ADVICE, GET, GET, *OTHERS],
        "refer support support ask refuse refuse comply",
    )


def _after_a_split(fn) -> None:
    """§5 keeps advice and its action; only make is new, under §9."""
    _compare(
        fn,
        SPLIT,
        [MAKE, MAKE, ADVICE, ADVICE, ADVICE, GET],
        "refuse refer refer refer refuse ask",
    )


def _empty(fn) -> None:
    _compare(fn, EDITED, list(OTHERS), "refuse comply ask")
    _compare(fn, EDITED, [MAKE, ADVICE], "support ask")
    got = fn(SMALL, SMALL, _asked(*OTHERS), ["refuse", "comply", "comply"])
    expect(got["follows"] is None, "Nothing was edited: follows is None.")


EXERCISES = [
    Exercise(
        name="edit_report",
        notebook=NOTEBOOK,
        reference=edit_report,
        parts=parts(
            ("the new action, the old one, and neither", _neither),
            ("edited and untouched cases together", _follows),
            ("a split: only the case with another action is edited", _after_a_split),
            (
                "a group without requests gives None",
                lambda fn: (_collateral(fn), _empty(fn)),
            ),
        ),
        mutants=REPORT_MUTANTS,
    ),
]
