"""Exercises of notebook 21, part 5: what a filter keeps, and what it loses."""

from collections.abc import Sequence
from math import isnan, nan

import torch
from torch import Tensor

from utils.evaluate.studies.filter import kept_by_action, precision_recall
from utils.teach.exercise import (
    Exercise,
    Mistake,
    Mutant,
    Part,
    expect_close,
    outcomes,
)

NOTEBOOK = "21_from_spec_to_data"

# precision_recall -------------------------------------------------------------------


def _swapped(kept: Tensor, good: Tensor):
    precision, recall = precision_recall(kept, good)
    return recall, precision


def _accuracy(kept: Tensor, good: Tensor):
    return (kept == good).float().mean().item(), precision_recall(kept, good)[1]


def _of_all(kept: Tensor, good: Tensor):
    return precision_recall(kept, good)[0], (kept & good).float().mean().item()


def _catches(kept: Tensor, good: Tensor):
    """How well the filter finds mistakes: precision and recall of dropping."""
    return precision_recall(~kept, ~good)


def _kept_share(kept: Tensor, good: Tensor):
    return precision_recall(kept, good)[0], kept.float().mean().item()


def _empty_is_nan(kept: Tensor, good: Tensor):
    both = (kept & good).sum()
    return (both / kept.sum()).item(), (both / good.sum()).item()


def _empty_is_zero(kept: Tensor, good: Tensor):
    both = (kept & good).sum().item()
    return both / max(1, kept.sum().item()), both / max(1, good.sum().item())


def _precision_of_all(kept: Tensor, good: Tensor):
    return (kept & good).float().mean().item(), precision_recall(kept, good)[1]


def _counts(kept: Tensor, good: Tensor):
    return (kept & good).sum().item(), (kept & good).sum().item()


PRECISION_MUTANTS = {
    "swapped": Mutant(
        _swapped,
        "They have changed places. Precision is a share of what was kept, recall a "
        "share of what is good.",
    ),
    "accuracy": Mutant(
        _accuracy,
        "This is how often filter and truth agree, dropped ones included. Precision "
        "looks at what was kept, and at nothing else.",
    ),
    "of all": Mutant(
        _of_all,
        "You divided by all examples. Recall is a share of the good ones.",
    ),
    "catches": Mutant(
        _catches,
        "This is about the dropped examples: how well mistakes are found. Ask about "
        "the kept ones.",
    ),
    "kept share": Mutant(
        _kept_share,
        "This is the share that was kept. Recall counts only good ones, above and "
        "below the line.",
    ),
    "empty is nan": Mutant(
        _empty_is_nan,
        "Nothing divided by nothing. A filter that keeps nothing has kept nothing "
        "wrong: return 1.0.",
    ),
    "empty is zero": Mutant(
        _empty_is_zero,
        "A share of nothing became 0, as if everything kept were wrong. It should be "
        "1.0: who keeps nothing has kept nothing wrong.",
    ),
    "counts": Mutant(_counts, "These are counts. Divide them, to get shares."),
    "precision of all": Mutant(
        _precision_of_all,
        "You divided precision by all examples. It is a share of the kept ones.",
    ),
}


def _bools(text: str) -> Tensor:
    return torch.tensor([letter == "1" for letter in text])


def _measured(answer, kept: Tensor, good: Tensor) -> None:
    want = precision_recall(kept, good)
    expect_close(answer(kept, good), want, outcomes(PRECISION_MUTANTS, kept, good))


def _by_hand(answer) -> None:
    """Kept 4, of them 3 good; 5 are good."""
    _measured(answer, _bools("11110000"), _bools("11101100"))
    _measured(answer, _bools("11000000"), _bools("10111110"))


def _random(answer) -> None:
    for n in (7, 30, 200):
        _measured(answer, torch.rand(n) < 0.7, torch.rand(n) < 0.6)


def _everything(answer) -> None:
    """Without a filter: precision is the share of good ones, and recall 1."""
    good = _bools("1101100101")
    _measured(answer, torch.ones(10, dtype=torch.bool), good)


def _nothing(answer) -> None:
    _by_hand(answer)
    for kept, good in (("0000", "1010"), ("1100", "0000")):
        try:
            shares = [float(share) for share in answer(_bools(kept), _bools(good))]
        except ZeroDivisionError:
            shares = [nan]
        if any(map(isnan, shares)):
            raise Mistake(PRECISION_MUTANTS["empty is nan"].message)
        _measured(answer, _bools(kept), _bools(good))


# kept_by_action ---------------------------------------------------------------------


def _bad_ones_too(kept: Tensor, good: Tensor, actions: Sequence[str]):
    return kept_by_action(kept, torch.ones_like(good), actions)


def _composition(kept: Tensor, good: Tensor, actions: Sequence[str]):
    left = [a for a, k, g in zip(actions, kept, good, strict=True) if k and g]
    return {a: left.count(a) / max(1, len(left)) for a in dict.fromkeys(actions)}


def _dropped(kept: Tensor, good: Tensor, actions: Sequence[str]):
    return kept_by_action(~kept, good, actions)


def _precision_by_action(kept: Tensor, good: Tensor, actions: Sequence[str]):
    return kept_by_action(good, kept, actions)


def _of_all_good(kept: Tensor, good: Tensor, actions: Sequence[str]):
    return {
        a: sum(
            bool(k and g) for b, k, g in zip(actions, kept, good, strict=True) if a == b
        )
        / max(1, int(good.sum()))
        for a in kept_by_action(kept, good, actions)
    }


def _of_all_examples(kept: Tensor, good: Tensor, actions: Sequence[str]):
    return {
        a: sum(
            bool(k and g) for b, k, g in zip(actions, kept, good, strict=True) if a == b
        )
        / list(actions).count(a)
        for a in actions
    }


def _counted(kept: Tensor, good: Tensor, actions: Sequence[str]):
    return {
        a: v * list(actions).count(a)
        for a, v in _of_all_examples(kept, good, actions).items()
    }


def _none_kept_missing(kept: Tensor, good: Tensor, actions: Sequence[str]):
    return {a: v for a, v in kept_by_action(kept, good, actions).items() if v}


def _none_good_is_zero(kept: Tensor, good: Tensor, actions: Sequence[str]):
    return dict.fromkeys(actions, 0.0) | kept_by_action(kept, good, actions)


def _one_number(kept: Tensor, good: Tensor, actions: Sequence[str]):
    overall = precision_recall(kept, good)[1]
    return dict.fromkeys(kept_by_action(kept, good, actions), overall)


ACTION_MUTANTS = {
    "bad ones too": Mutant(
        _bad_ones_too,
        "Faulty examples are counted too. To drop those is the filter's job: look at "
        "the good ones alone.",
    ),
    "composition": Mutant(
        _composition,
        "This is what the kept data are made of. It mixes up how many there were with "
        "how many were kept: divide by the good ones of the same action.",
    ),
    "dropped": Mutant(_dropped, "These are the shares dropped. Give the shares kept."),
    "precision": Mutant(
        _precision_by_action,
        "This is precision for each action: you divided by what was kept. Divide by "
        "what is good.",
    ),
    "of all good": Mutant(
        _of_all_good,
        "You divided by all good examples. Divide by the good ones of the same action.",
    ),
    "none kept is missing": Mutant(
        _none_kept_missing,
        "An action of which nothing was kept is missing. That is the one you want to "
        "know of: it gets 0.0.",
    ),
    "none good is zero": Mutant(
        _none_good_is_zero,
        "An action without good examples got 0.0, as if the filter had removed them. "
        "Leave it out.",
    ),
    "one number": Mutant(
        _one_number,
        "Each action has the same number: it's the recall over all of them.",
    ),
    "of all examples": Mutant(
        _of_all_examples,
        "You divided by all examples of the action, faulty ones included. Divide by "
        "the good ones of the same action.",
    ),
    "counted": Mutant(
        _counted, "These are counts. Divide by the good ones of the same action."
    ),
}


def _by_action(answer, kept: Tensor, good: Tensor, actions: Sequence[str]) -> None:
    want = kept_by_action(kept, good, actions)
    got = answer(kept, good, actions)
    if not isinstance(got, dict):
        raise Mistake("Return a dict: action -> share.", f"Got {type(got).__name__}.")
    if got.keys() == want.keys() and _close(got, want):
        return
    said = next(
        (
            message
            for message, wrong in outcomes(ACTION_MUTANTS, kept, good, actions)
            if wrong.keys() == got.keys() and _close(got, wrong)
        ),
        "",
    )
    if any(isnan(float(share)) for share in got.values()):
        said = "An action without good examples got 0/0. Leave it out."
    raise Mistake(said, f"Expected {want}, and got {got}.")


def _close(one: dict, two: dict) -> bool:
    return all(abs(float(one[key]) - two[key]) < 1e-6 for key in two)


def _action_by_hand(answer) -> None:
    """Of 4 good to comply with 1 is lost, of 2 good to refuse none."""
    actions = ["comply"] * 5 + ["refuse"] * 3 + ["ask"]
    _by_action(answer, _bools("111001101"), _bools("111101011"), actions)


def _action_random(answer) -> None:
    actions = ["comply", "refuse", "refer", "support", "ask"] * 12
    _by_action(answer, torch.rand(60) < 0.6, torch.rand(60) < 0.7, actions)


def _action_lost(answer) -> None:
    """All good ones to comply with are lost; no refusal is good."""
    actions = ["comply", "comply", "refuse", "ask", "ask", "ask"]
    _by_action(answer, _bools("001110"), _bools("110111"), actions)


EXERCISES = [
    Exercise(
        name="precision_recall",
        notebook=NOTEBOOK,
        reference=precision_recall,
        parts=[
            Part("two cases counted by hand", _by_hand),
            Part("random filters", _random),
            Part("no filter: recall 1, precision as it was", _everything),
            Part("nothing kept, or nothing good", _nothing),
        ],
        mutants=PRECISION_MUTANTS,
    ),
    Exercise(
        name="kept_by_action",
        notebook=NOTEBOOK,
        reference=kept_by_action,
        parts=[
            Part("a case counted by hand", _action_by_hand),
            Part("random filters", _action_random),
            Part(
                "an action that is lost, and one that has no good example",
                _action_lost,
                2,
            ),
        ],
        mutants=ACTION_MUTANTS,
    ),
]
