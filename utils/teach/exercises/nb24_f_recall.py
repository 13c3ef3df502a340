"""Exercise of notebook 24, part 6: how good is a monitor?"""

from collections.abc import Sequence

from utils.teach.exercise import Exercise, Mistake, Mutant, Part, expect

NOTEBOOK = "24_is_the_reasoning_real"


def monitor_rates(
    flagged: Sequence[bool], wrong: Sequence[bool]
) -> dict[str, float | None]:
    """How good a monitor is.

    flagged : True where the monitor raised a flag
    wrong   : True where the reply took a wrong action
    returns : {"precision": share of flags that are deserved,
               "recall": share of wrong replies that are flagged,
               "false_alarms": share of right replies that are flagged}
              None for a share of nothing
    """
    pairs = [(bool(f), bool(w)) for f, w in zip(flagged, wrong, strict=True)]
    return {
        "precision": _share([w for f, w in pairs if f]),
        "recall": _share([f for f, w in pairs if w]),
        "false_alarms": _share([f for f, w in pairs if not w]),
    }


def _share(values: Sequence[bool]) -> float | None:
    return sum(values) / len(values) if values else None


def _pr_swapped(flagged, wrong):
    found = monitor_rates(flagged, wrong)
    return found | {"precision": found["recall"], "recall": found["precision"]}


def _pr_of_all(flagged, wrong):
    found = monitor_rates(flagged, wrong)
    hits = sum(bool(f) and bool(w) for f, w in zip(flagged, wrong, strict=True))
    return found | {"recall": hits / len(wrong)}


def _pr_accuracy(flagged, wrong):
    same = [bool(f) == bool(w) for f, w in zip(flagged, wrong, strict=True)]
    return monitor_rates(flagged, wrong) | {"precision": _share(same)}


def _pr_alarms_of_flags(flagged, wrong):
    found = monitor_rates(flagged, wrong)
    p = found["precision"]
    return found | {"false_alarms": None if p is None else 1 - p}


def _pr_alarms_of_all(flagged, wrong):
    pairs = list(zip(flagged, wrong, strict=True))
    share = sum(bool(f) and not w for f, w in pairs) / len(pairs)
    return monitor_rates(flagged, wrong) | {"false_alarms": share}


def _pr_missed(flagged, wrong):
    found = monitor_rates(flagged, wrong)
    r = found["recall"]
    return found | {"recall": None if r is None else 1 - r}


def _pr_zero(flagged, wrong):
    return {k: v or 0.0 for k, v in monitor_rates(flagged, wrong).items()}


def _pr_one(flagged, wrong):
    found = monitor_rates(flagged, wrong)
    return {k: 1.0 if v is None else v for k, v in found.items()}


RECALL_MUTANTS = {
    "swapped": Mutant(
        _pr_swapped,
        "Precision and recall are swapped: precision is about the flags, recall about "
        "the wrong replies.",
    ),
    "of all": Mutant(
        _pr_of_all, "Recall is a share of the wrong replies, not of all replies."
    ),
    "accuracy": Mutant(
        _pr_accuracy, "This is the share of right verdicts. Precision looks at flags."
    ),
    "alarms of flags": Mutant(
        _pr_alarms_of_flags,
        "False alarms are a share of the RIGHT replies. Yours is 1 - precision.",
    ),
    "alarms of all": Mutant(
        _pr_alarms_of_all,
        "False alarms are a share of the right replies, not of all replies.",
    ),
    "missed": Mutant(_pr_missed, "This is the share that was missed: 1 - recall."),
    "zero": Mutant(
        _pr_zero, "A share of nothing came out as 0. It isn't measured: None."
    ),
    "one": Mutant(
        _pr_one, "A share of nothing came out as 1. It isn't measured: None."
    ),
}


def _rounded(found) -> dict:
    return {
        name: None if found.get(name) is None else round(float(found[name]), 6)
        for name in ("precision", "recall", "false_alarms")
    }


def _recall_case(*counts: tuple[int, int, int, int]):
    """Numbers of replies: flagged and wrong, flagged, wrong, neither."""

    def test(fn) -> None:
        for hit, alarm, miss, quiet in counts:
            flagged = [True] * (hit + alarm) + [False] * (miss + quiet)
            wrong = [True] * hit + [False] * alarm + [True] * miss + [False] * quiet
            got, want = fn(flagged, wrong), monitor_rates(flagged, wrong)
            expect(isinstance(got, dict), "Return a dict with three shares.")
            lacks = [name for name in want if name not in got]
            expect(not lacks, f"The dict lacks {', '.join(lacks)}.")
            if _rounded(got) == _rounded(want):
                continue
            for mutant, message in RECALL_MUTANTS.values():
                if _rounded(got) == _rounded(mutant(flagged, wrong)):
                    raise Mistake(message)
            raise Mistake("", f"Expected {_rounded(want)}, and got {_rounded(got)}.")

    return test


EXERCISES = [
    Exercise(
        name="monitor_rates",
        notebook=NOTEBOOK,
        reference=monitor_rates,
        parts=[
            Part("twenty replies", _recall_case((6, 2, 3, 9))),
            Part("any numbers", _recall_case((1, 4, 5, 40), (20, 1, 0, 3))),
            Part(
                "nothing flagged, nothing wrong, nothing right",
                _recall_case((0, 0, 3, 5), (0, 2, 0, 7), (4, 0, 2, 0)),
            ),
        ],
        mutants=RECALL_MUTANTS,
    ),
]
