"""Exercises of notebook 13, part 5: find the fault of a run from what it logged."""

from collections.abc import Callable

import torch
from torch import Tensor

from utils.teach.exercise import Exercise, Mistake, Mutant, Part

Masks = dict[str, Tensor]
Case = tuple[Tensor, Tensor, Tensor, Tensor]  # the arguments of find_fault
NAMES = ("right", "late", "early", "padding")


def masks(start: Tensor, end: Tensor, width: int) -> Masks:
    """Which tokens each kind of run counts: (n, width) bool for each name.

    start : (n,) int, the place of the first completion token
    end   : (n,) int, the place behind the last one, which is <|end|>
    """
    place, start, end = torch.arange(width), start[:, None], end[:, None]
    return {
        "right": (place >= start) & (place < end),
        "late": (place >= start + 1) & (place < end + 1),
        "early": (place >= start - 1) & (place < end - 1),
        "padding": place >= start,
    }


def find_fault(logged: Tensor, change: Tensor, start: Tensor, end: Tensor) -> str:
    """Tell from a run's log which tokens its loss counted: the name of the mask.

    The mask whose sums of `change` come nearest to what was logged, over all texts.

    logged  : (n,) float, the change of each completion's log-probability by the log
    change  : (n, T) float, of each token's, those of prompt and padding included
    start   : (n,) int, the place of the first completion token
    end     : (n,) int, the place behind the last one, which is <|end|>
    returns : "right", "late", "early" or "padding"
    """
    return _nearest(logged, change, masks(start, end, change.shape[1]))


def _nearest(logged: Tensor, change: Tensor, candidates: Masks) -> str:
    def error(name: str) -> float:
        return ((change * candidates[name]).sum(dim=1) - logged).abs().sum().item()

    return min(candidates, key=error)


# Wrong answers ----------------------------------------------------------------------


def _believes_the_log(logged, change, start, end):
    return "right"


def _end_counted(logged, change, start, end):
    return find_fault(logged, change, start, end + 1)


def _wrong_way(logged, change, start, end):
    found = masks(start, end, change.shape[1])
    found["late"], found["early"] = found["early"], found["late"]
    return _nearest(logged, change, found)


def _padding_alone(logged, change, start, end):
    found = masks(start, end, change.shape[1])
    found["padding"] = found["padding"] & ~found["right"]
    return _nearest(logged, change, found)


def _one_text(logged, change, start, end):
    return find_fault(logged[:1], change[:1], start[:1], end[:1])


def _averages(logged, change, start, end):
    found = masks(start, end, change.shape[1])
    return _nearest(
        logged, change, {k: m / m.sum(dim=1, keepdim=True) for k, m in found.items()}
    )


def _farthest(logged, change, start, end):
    found = masks(start, end, change.shape[1])
    errors = {
        k: ((change * m).sum(dim=1) - logged).abs().sum() for k, m in found.items()
    }
    return max(errors, key=errors.get)


def _signed(logged, change, start, end):
    found = masks(start, end, change.shape[1])
    errors = {
        k: ((change * m).sum(dim=1) - logged).sum().abs() for k, m in found.items()
    }
    return min(errors, key=errors.get)


def _first_that_fits(logged, change, start, end, most=0.1):
    for name, mask in masks(start, end, change.shape[1]).items():
        if ((change * mask).sum(dim=1) - logged).abs().max() <= most:
            return name
    return None


def _exactly(logged, change, start, end):
    return _first_that_fits(logged, change, start, end, most=1e-5)


FAULT_MUTANTS = {
    "believes the log": Mutant(
        _believes_the_log,
        "Every run is called right. Compare the log with your own sums of `change`.",
    ),
    "end counted": Mutant(
        _end_counted,
        "Your masks count one token too many: `end` is the place BEHIND the last "
        "token, so it is not counted itself.",
    ),
    "wrong way": Mutant(
        _wrong_way,
        'You have "late" and "early" the wrong way round. A late mask begins one '
        "token after `start`.",
    ),
    "one text": Mutant(
        _one_text,
        "You look at one text only, and a text without padding cannot tell. Add up "
        "the errors of all texts.",
    ),
    "padding alone": Mutant(
        _padding_alone,
        "A run that counts padding counts the completion AND the padding.",
    ),
    "farthest": Mutant(
        _farthest, "You return the mask that fits worst: take the smallest error."
    ),
    "signed": Mutant(
        _signed,
        "Errors of opposite sign cancel when you add them up as they are. Take their "
        "absolute values (or squares) first.",
    ),
    "first that fits": Mutant(
        _first_that_fits,
        "Two masks come close, and you take the first one within a tolerance. Take "
        "the NEAREST of the four.",
    ),
    "exactly": Mutant(
        _exactly,
        "Logs are rounded, so no mask fits exactly. Take the nearest of the four.",
    ),
    "averages": Mutant(
        _averages,
        "You compare means over the mask with the log, and the log holds sums.",
    ),
}

# The check --------------------------------------------------------------------------


def _texts(n: int) -> tuple[Tensor, Tensor, Tensor]:
    """Changes, starts and ends of new texts, as a batch: only the longest is full."""
    start = torch.randint(3, 9, (n,))
    end = start + torch.randint(4, 12, (n,))
    return torch.randn(n, int(end.max())), start, end


def _run(name: str, change: Tensor, start: Tensor, end: Tensor) -> Case:
    counted = masks(start, end, change.shape[1])[name]
    return (change * counted).sum(dim=1), change, start, end


def _expect_names(answer: Callable, cases: list[tuple[str, Case]]) -> None:
    """Every case has the name of its mask; a known mistake is named if all agree."""
    want = [name for name, _ in cases]
    got = [answer(*(part.clone() for part in case)) for _, case in cases]
    if got == want:
        return
    numbers = f"Expected {', '.join(want)}, and got {', '.join(map(str, got))}."
    for mutant in FAULT_MUTANTS.values():
        if [mutant.answer(*case) for _, case in cases] == got:
            raise Mistake(mutant.message, numbers)
    if any(name not in NAMES for name in got):
        raise Mistake(f"Return one of the names {', '.join(NAMES)}.", numbers)
    raise Mistake("", numbers)


def _by_hand(answer) -> None:
    """One text: two tokens of prompt, three of completion, two of padding."""
    change = torch.tensor([[1.0, 2.0, -4.0, 8.0, 16.0, -1.0, 2.0]])
    place = torch.tensor([2]), torch.tensor([5])
    sums = {"right": 20.0, "late": 23.0, "early": 6.0, "padding": 21.0}
    cases = [(k, (torch.tensor([v]), change, *place)) for k, v in sums.items()]
    _expect_names(answer, cases)


def _healthy(answer) -> None:
    _expect_names(answer, [("right", _run("right", *_texts(n))) for n in (8, 20, 40)])


def _off_by_one(answer) -> None:
    """New texts; and two texts on which the errors of a wrong mask cancel."""
    cases = [(name, _run(name, *_texts(20))) for name in ("late", "early")]
    change = torch.tensor([[5.0, 3.0, 1.0, 1.0, 2.0], [5.0, 2.0, 1.0, 1.0, 3.0]])
    place = torch.tensor([1, 1]), torch.tensor([4, 4])
    cases.append(("late", _run("late", change, *place)))
    _expect_names(answer, cases)


def _padding(answer) -> None:
    """One of four texts is shorter than the others, so only it has padding."""
    cases = []
    for name in ("padding", "early", "padding"):
        end = torch.tensor([12, 12, 9, 12])
        batch = torch.randn(4, 12), torch.tensor([5, 4, 5, 3]), end
        cases.append((name, _run(name, *batch)))
    _expect_names(answer, cases)


def _rounded(answer) -> None:
    """The prompt's last token does not move, and <|end|> moves by 0.03 only."""
    cases = []
    for name in ("early", "right", "late"):
        change, start, end = _texts(30)
        rows = torch.arange(30)
        change[rows, start - 1], change[rows, end - 1] = 0.0, 0.03
        logged, *rest = _run(name, change, start, end)
        cases.append((name, (logged.round(decimals=2), *rest)))
    _expect_names(answer, cases)


EXERCISES = [
    Exercise(
        name="find_fault",
        notebook="13_dpo",
        reference=find_fault,
        parts=[
            Part("one text, and the four masks by hand", _by_hand),
            Part("no false alarm on healthy runs", _healthy),
            Part("masks off by one, on new texts", _off_by_one),
            Part("padding counted, where one text of four has any", _padding),
            Part("rounded logs, and a token that hardly moves", _rounded),
        ],
        mutants=FAULT_MUTANTS,
    ),
]
