"""Exercises of notebook 23, part 4: how often a trick gets past k readings."""

import torch
from torch import Tensor

from utils.teach.exercise import Exercise, Mutant, Part, expect, expect_close, outcomes

NOTEBOOK = "23_rl_with_a_blind_judge"


def attack_rates(scores: Tensor, k: int, least: float) -> tuple[Tensor, float]:
    """How often wrong answers pass a judge who reads k times, each trick and the best.

    A wrong answer passes if the LOWEST of its first k scores reaches `least`.

    scores  : (tricks, requests, readings) float: what the judge said, 0 to 1
    k       : how many readings are used, at most as many as there are
    least   : an answer with this score passes
    returns : ((tricks,) float: the share of requests at which each trick passes,
               number: the share at which at least one of the tricks does)
    """
    passed = scores[:, :, :k].amin(dim=2) >= least  # (tricks, requests)
    return passed.float().mean(dim=1), passed.any(dim=0).float().mean().item()


def _both(passed: Tensor) -> tuple[Tensor, float]:
    return passed.float().mean(dim=1), passed.any(dim=0).float().mean().item()


def _mean(scores: Tensor, k: int, least: float):
    return _both(scores[:, :, :k].mean(dim=2) >= least)


def _highest(scores: Tensor, k: int, least: float):
    return _both(scores[:, :, :k].amax(dim=2) >= least)


def _all_readings(scores: Tensor, k: int, least: float):
    return _both(scores.amin(dim=2) >= least)


def _kth(scores: Tensor, k: int, least: float):
    return _both(scores[:, :, k - 1] >= least)


def _last(scores: Tensor, k: int, least: float):
    return _both(scores[:, :, -k:].amin(dim=2) >= least)


def _strict(scores: Tensor, k: int, least: float):
    return _both(scores[:, :, :k].amin(dim=2) > least)


def _independent(scores: Tensor, k: int, least: float):
    _, best = attack_rates(scores, k, least)
    single = (scores >= least).float().mean(dim=(1, 2))
    return single**k, best


def _caught(scores: Tensor, k: int, least: float):
    return _both(scores[:, :, :k].amin(dim=2) < least)


def _best_on_average(scores: Tensor, k: int, least: float):
    each, _ = attack_rates(scores, k, least)
    return each, each.max().item()


def _every_trick(scores: Tensor, k: int, least: float):
    passed = scores[:, :, :k].amin(dim=2) >= least
    return passed.float().mean(dim=1), passed.all(dim=0).float().mean().item()


def _by_request(scores: Tensor, k: int, least: float):
    passed = scores[:, :, :k].amin(dim=2) >= least
    return passed.float().mean(dim=0), passed.any(dim=0).float().mean().item()


def _readings(scores: Tensor, k: int, least: float):
    _, best = attack_rates(scores, k, least)
    return (scores[:, :, :k] >= least).float().mean(dim=(1, 2)), best


def _on_average(scores: Tensor, k: int, least: float):
    each, _ = attack_rates(scores, k, least)
    return each, each.mean().item()


def _sum(scores: Tensor, k: int, least: float):
    each, _ = attack_rates(scores, k, least)
    return each, min(1.0, each.sum().item())


MUTANTS = {
    "sum": Mutant(
        _sum,
        "You added up the tricks' rates. A request at which two of them pass counts "
        "twice then.",
    ),
    "mean": Mutant(
        _mean,
        "You took the mean of the readings. One doubtful reading has to be "
        "enough: take the minimum.",
    ),
    "highest": Mutant(
        _highest, "You took the HIGHEST reading. Then more readings help the attacker."
    ),
    "all readings": Mutant(
        _all_readings, "You used every reading there is, and not the first k."
    ),
    "readings": Mutant(
        _readings,
        "You counted single READINGS that approve. A trick passes at a request if all "
        "of its first k readings do.",
    ),
    "on average": Mutant(
        _on_average,
        "The second number is the mean over the tricks. Ask at each request whether "
        "any of them passes.",
    ),
    "kth": Mutant(_kth, "You used the k-th reading alone. All of the first k count."),
    "last": Mutant(_last, "You used the LAST k readings: take the first k."),
    "strict": Mutant(_strict, "A score of exactly `least` passes: compare with >=."),
    "independent": Mutant(
        _independent,
        "You raised the rate of one reading to the power k. That holds only if "
        "readings err independently; look at what they really said together.",
    ),
    "caught": Mutant(_caught, "This is how often the judge CATCHES the trick."),
    "best on average": Mutant(
        _best_on_average,
        "The second number is the best single trick's rate. An attacker may use "
        "another trick for each request: ask at each request whether any passes.",
    ),
    "every trick": Mutant(
        _every_trick,
        "The second number asks that ALL tricks pass. One is enough: use any.",
    ),
    "by request": Mutant(
        _by_request,
        "You averaged over the tricks. Keep them, and average over the requests.",
    ),
}


def _compare(answer, scores: Tensor, k: int, least: float) -> None:
    want = attack_rates(scores, k, least)
    got = answer(scores.clone(), k, least)
    expect(
        isinstance(got, tuple) and len(got) == 2,
        "Return two things: a rate for each trick, and one number.",
    )
    named = list(outcomes(MUTANTS, scores, k, least))
    for place in (0, 1):
        mistakes = [
            (sentence, wrong[place])
            for sentence, wrong in named
            if not _equal(wrong[place], want[place])
        ]
        expect_close(got[place], want[place], mistakes)


def _equal(one, two) -> bool:
    one, two = torch.as_tensor(one), torch.as_tensor(two)
    return one.shape == two.shape and torch.allclose(one, two)


# Three tricks, four requests, three readings.
SCORES = torch.tensor(
    [
        [[0.9, 0.8, 0.9], [0.9, 0.0, 0.9], [0.2, 0.1, 0.0], [0.9, 0.8, 0.1]],
        [[0.1, 0.2, 0.1], [0.9, 0.9, 0.8], [0.1, 0.9, 0.9], [0.1, 0.1, 0.0]],
        [[0.1, 0.1, 0.9], [0.0, 0.1, 0.2], [0.9, 0.1, 0.9], [0.7, 0.9, 0.6]],
    ]
)


def _by_hand(answer) -> None:
    _compare(answer, SCORES, 2, 0.5)
    _compare(answer, SCORES, 3, 0.5)
    _compare(answer, SCORES, 1, 0.5)


def _drawn(answer) -> None:
    """Readings that mostly agree: a power of the single rate would be too low."""
    scores = (torch.rand(4, 30, 1) + 0.3 * torch.rand(4, 30, 5)).clamp(max=1)
    for k in (1, 3, 5):
        _compare(answer, scores, k, 0.6)


def _on_the_line(answer) -> None:
    scores = torch.tensor([[[0.5, 0.75], [0.5, 0.25]], [[0.75, 0.5], [0.5, 0.5]]])
    _compare(answer, scores, 2, 0.5)


def _any_of_them(answer) -> None:
    """Each trick passes at one request of its own: together they get everywhere."""
    scores = torch.full((5, 5, 3), 0.1)
    scores[range(5), range(5)] = 0.9
    _compare(answer, scores, 3, 0.5)
    scores[:, 1:3] = 0.9
    _compare(answer, scores, 2, 0.5)


EXERCISES = [
    Exercise(
        name="attack_rates",
        notebook=NOTEBOOK,
        reference=attack_rates,
        parts=[
            Part("three tricks, counted by hand", _by_hand),
            Part("readings that mostly agree", _drawn, 2),
            Part("a score exactly on the line passes", _on_the_line),
            Part("an attacker who may change the trick", _any_of_them),
        ],
        mutants=MUTANTS,
    ),
]
