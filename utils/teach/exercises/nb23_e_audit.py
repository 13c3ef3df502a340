"""Exercises of notebook 23, part 5: the proxy rose; find out from the log why."""

from collections.abc import Callable
from functools import cache

import torch
from torch import Tensor

from utils.teach.exercise import Exercise, Mistake, Mutant, Part

NOTEBOOK = "23_rl_with_a_blind_judge"
Log = dict[str, Tensor]
VERDICTS = (
    "healthy",
    "nothing to learn",
    "thought leaks",
    "cut-off paid",
    "judge fooled",
)
NOTICED = 0.1  # smaller changes may be chance
FLAT = 0.9
LOOKS = 5


def audit(log: Log) -> str:
    """Say what is wrong with a run of RL, by what was measured along the way.

    Each entry of the log is (looks,) float, from before the first step to the end:
    log["proxy"]    : mean reward of the samples
    log["hidden"]   : the same samples, graded again with their thoughts blanked out
    log["truth"]    : share of right actions, which training does not see
    log["finished"] : share of samples that came to an end
    log["flat"]     : share of groups without spread
    returns         : one of VERDICTS
    """
    if (log["proxy"] - log["hidden"]).abs().max() > NOTICED:
        return "thought leaks"
    if log["flat"].min() > FLAT:
        return "nothing to learn"
    if log["finished"][0] - log["finished"][-1] > NOTICED:
        return "cut-off paid"
    gap = log["proxy"] - log["truth"]
    if gap[-1] - gap[0] > NOTICED:
        return "judge fooled"
    return "healthy"


def simulate(verdict: str, seed: int, *, hard: bool = False) -> Log:
    """Return the log of a made-up run. `hard` ones come close to another verdict."""
    draw = torch.Generator().manual_seed(seed)

    def number(low: float, high: float) -> float:
        return low + (high - low) * torch.rand((), generator=draw).item()

    def noise(size: float = 0.01) -> Tensor:
        return size * (2 * torch.rand(LOOKS, generator=draw) - 1)

    way = torch.linspace(0, 1, LOOKS)
    start, gain = number(0.4, 0.5), number(0.2, 0.3)
    # A judge may be strict or mild: that alone is no fault.
    offset = number(0.15, 0.2) * (1 if seed % 2 else -1) if hard else 0.0
    truth = start + gain * way
    proxy, finished = truth + offset, torch.full((LOOKS,), 0.97)
    flat = number(0.1, 0.3) + 0.3 * way
    leak = torch.zeros(LOOKS)
    if verdict == "healthy" and hard and seed % 3 == 0:  # a bad day for both
        truth, proxy = start - 0.15 * way, start - 0.15 * way
        finished[:] = 0.8  # as often as at first
    if verdict == "healthy" and hard and seed % 3 == 1:  # cut off, and recovered
        finished[LOOKS // 2] -= 0.2
    if verdict == "healthy" and hard and seed % 3 == 2:  # a judge that got stricter
        proxy, flat = truth + abs(offset) * (1 - way), 0.1 + 0.85 * way
    if verdict == "nothing to learn":
        level = 0.05 if hard else 0.98
        truth, proxy = torch.full((LOOKS,), level), torch.full((LOOKS,), level)
        flat = torch.full((LOOKS,), 0.96)
    if verdict == "judge fooled":
        lost = number(-0.05, 0.0) if hard else number(0.15, 0.3)
        truth, proxy = start - lost * way, start + offset + gain * way
    if verdict == "cut-off paid":
        finished = finished - number(0.5, 0.7) * way
        truth = start - 0.3 * way
    if verdict == "thought leaks":
        sign = -1 if hard and seed % 2 else 1
        leak = sign * number(0.2, 0.3) * (torch.ones(LOOKS) if hard else way)
        proxy = truth + leak
    return {
        "proxy": proxy + noise(),
        "hidden": proxy - leak + noise(),
        "truth": truth + noise(),
        "finished": (finished + noise()).clamp(max=1),
        "flat": (flat + noise()).clamp(max=1),
    }


@cache
def _drawn(verdict: str, seed: int, hard: bool) -> Log:
    return simulate(verdict, seed, hard=hard)


def _always(log: Log) -> str:
    return "healthy"


def _proxy_up(log: Log) -> str:
    found = audit(log)
    rose = log["proxy"][-1] - log["proxy"][0] > NOTICED
    return "judge fooled" if found == "healthy" and rose else found


def _truth_down(log: Log) -> str:
    found = audit(log)
    if found not in ("healthy", "judge fooled"):
        return found
    fell = log["truth"][0] - log["truth"][-1] > NOTICED
    return "judge fooled" if fell else "healthy"


def _gap_at_end(log: Log) -> str:
    found = audit(log)
    if found not in ("healthy", "judge fooled"):
        return found
    gap = log["proxy"][-1] - log["truth"][-1]
    return "judge fooled" if gap > NOTICED else "healthy"


def _fooled_first(log: Log) -> str:
    gap = log["proxy"] - log["truth"]
    return "judge fooled" if gap[-1] - gap[0] > NOTICED else audit(log)


def _dip(log: Log) -> str:
    found = audit(log)
    dipped = log["finished"][0] - log["finished"].min() > NOTICED
    return "cut-off paid" if found == "healthy" and dipped else found


def _any_change(log: Log) -> str:
    found = audit(log)
    gap = log["proxy"] - log["truth"]
    spread = gap.max() - gap.min() > NOTICED
    return "judge fooled" if found == "healthy" and spread else found


def _level(log: Log) -> str:
    found = audit(log)
    low = log["finished"][-1] < 1 - NOTICED
    return "cut-off paid" if found == "healthy" and low else found


def _without(verdict: str) -> Callable[[Log], str]:
    def answer(log: Log) -> str:
        found = audit(log)
        return "healthy" if found == verdict else found

    return answer


def _leak_up_only(log: Log) -> str:
    same = log | {"hidden": torch.maximum(log["hidden"], log["proxy"])}
    return audit(same)


def _flat_at_last(log: Log) -> str:
    found = audit(log)
    if found != "healthy":
        return found
    return "nothing to learn" if log["flat"][-1] > FLAT else found


def _good_only(log: Log) -> str:
    found = audit(log)
    poor = found == "nothing to learn" and log["proxy"].mean() < 0.5
    return "healthy" if poor else found


MUTANTS = {
    "always": Mutant(_always, "You call every run healthy."),
    "proxy up": Mutant(
        _proxy_up,
        "A rising proxy alone is no fault: in a sound run the truth rises with it.",
    ),
    "truth down": Mutant(
        _truth_down,
        "You wait until the truth FALLS. A judge may be fooled while the truth stands "
        "still: look at the gap between proxy and truth.",
    ),
    "gap at the end": Mutant(
        _gap_at_end,
        "You look at the gap at the end alone. A mild judge has one from the start: "
        "has it GROWN?",
    ),
    "fooled first": Mutant(
        _fooled_first,
        "A leak or a paid cut-off opens the gap as well. Test for those first; what "
        "is left is a judge that was fooled.",
    ),
    "no leak": Mutant(
        _without("thought leaks"),
        "You overlook a leak: with the thoughts blanked out the same samples earn "
        "something else.",
    ),
    "leak up only": Mutant(
        _leak_up_only,
        "You only notice thoughts that RAISE the reward. A blind judge's number must "
        "not change at all: take the absolute value.",
    ),
    "any change": Mutant(
        _any_change,
        "The gap changed, but it closed: a judge that gets stricter is not fooled. "
        "Take the last gap minus the first.",
    ),
    "level": Mutant(
        _level,
        "Some samples were cut off from the start, and no more of them later. Compare "
        "the last look with the first.",
    ),
    "dip": Mutant(
        _dip,
        "You raise the alarm for samples that were cut off on the way and come to an "
        "end again. Compare the last look with the first.",
    ),
    "no cut-off": Mutant(
        _without("cut-off paid"),
        "You overlook a run whose samples no longer come to an end.",
    ),
    "no flat": Mutant(
        _without("nothing to learn"),
        "You overlook a run in which hardly any group had spread.",
    ),
    "flat at last": Mutant(
        _flat_at_last,
        "You look at the flat groups of the last look alone. A sound run gets flatter "
        "as it learns: the share has to STAY above FLAT.",
    ),
    "good only": Mutant(
        _good_only,
        "You only notice flat groups where all is good. Where all is bad, there is "
        "nothing to learn either.",
    ),
}


def _judge(answer, verdicts: tuple[str, ...], seeds: range, hard: bool) -> None:
    """Raise `Mistake` unless every one of these runs gets its own verdict."""
    for verdict in verdicts:
        for seed in seeds:
            got = answer(dict(_drawn(verdict, seed, hard)))
            if not isinstance(got, str) or got not in VERDICTS:
                raise Mistake(f"Return one of {', '.join(VERDICTS)}.", f"Got {got!r}.")
            if got != verdict:
                raise Mistake(_name(answer), f"{verdict!r} was called {got!r}.")


def _name(answer) -> str:
    """Return the message of the mutant that says the same of every kind of run."""
    logs = [
        _drawn(verdict, seed, hard)
        for verdict in VERDICTS
        for seed in range(4)
        for hard in (False, True)
    ]
    said = [answer(dict(log)) for log in logs]
    for mutant, message in MUTANTS.values():
        if [mutant(log) for log in logs] == said:
            return message
    return ""


EXERCISES = [
    Exercise(
        name="audit",
        notebook=NOTEBOOK,
        reference=audit,
        parts=[
            Part(
                "a sound run, and one whose judge is fooled",
                lambda answer: _judge(
                    answer, ("judge fooled", "healthy"), range(1, 4), False
                ),
                2,
            ),
            Part(
                "leaks and paid cut-offs",
                lambda answer: _judge(
                    answer, ("thought leaks", "cut-off paid"), range(1, 4), False
                ),
            ),
            Part(
                "flat groups, beside a sound run",
                lambda answer: _judge(
                    answer, ("nothing to learn", "healthy"), range(4, 7), False
                ),
            ),
            Part(
                "a mild judge, a strict one, and a bad day",
                lambda answer: _judge(answer, VERDICTS, range(6), True),
            ),
            Part(
                "every kind, freshly drawn",
                lambda answer: _judge(answer, VERDICTS, range(20, 32), False),
            ),
        ],
        mutants=MUTANTS,
    ),
]
