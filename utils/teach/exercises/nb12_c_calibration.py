"""Exercises of notebook 12, part 3: calibration, and labels that are wrong."""

from math import log

import torch
import torch.nn.functional as F
from torch import Tensor

from utils.teach.exercise import (
    Exercise,
    Mistake,
    Mutant,
    Part,
    expect,
    expect_close,
    outcomes,
)
from utils.teach.exercises.nb12 import preference_loss

# calibration_error ------------------------------------------------------------------


def calibration_error(probs: Tensor, won: Tensor, bins: int = 10) -> float:
    """The expected calibration error, over bins of equal width from 0 to 1.

    sum over bins of  (share of all pairs) * | share won - mean probability |

    probs   : (n,) float: predicted probability that the first answer wins
    won     : (n,) float, 1 where it won, else 0
    returns : a number from 0 to 1
    """
    place = (probs * bins).long().clamp(max=bins - 1)
    error = 0.0
    for b in range(bins):
        inside = place == b
        if inside.any():
            miss = won[inside].mean() - probs[inside].mean()
            error += inside.float().mean().item() * abs(miss.item())
    return error


def _binned(probs: Tensor, won: Tensor, bins: int):
    """(share of pairs, share won, mean probability, middle) of the bins in use."""
    place = (probs * bins).long().clamp(max=bins - 1)
    for b in range(bins):
        inside = place == b
        if inside.any():
            yield (
                inside.float().mean().item(),
                won[inside].mean().item(),
                probs[inside].mean().item(),
                (b + 0.5) / bins,
            )


def _bins_equal(probs: Tensor, won: Tensor, bins: int = 10) -> float:
    misses = [abs(w - p) for _, w, p, _ in _binned(probs, won, bins)]
    return sum(misses) / len(misses)


def _signed(probs: Tensor, won: Tensor, bins: int = 10) -> float:
    return sum(share * (w - p) for share, w, p, _ in _binned(probs, won, bins))


def _middles(probs: Tensor, won: Tensor, bins: int = 10) -> float:
    return sum(share * abs(w - m) for share, w, _, m in _binned(probs, won, bins))


def _squared(probs: Tensor, won: Tensor, bins: int = 10) -> float:
    return sum(share * (w - p) ** 2 for share, w, p, _ in _binned(probs, won, bins))


def _largest(probs: Tensor, won: Tensor, bins: int = 10) -> float:
    return max(abs(w - p) for _, w, p, _ in _binned(probs, won, bins))


def _brier(probs: Tensor, won: Tensor, bins: int = 10) -> float:
    return ((won - probs) ** 2).mean().item()


def _one_by_one(probs: Tensor, won: Tensor, bins: int = 10) -> float:
    return (won - probs).abs().mean().item()


def _hits(probs: Tensor, won: Tensor, bins: int = 10) -> float:
    hit = ((probs > 0.5) == (won > 0.5)).float()
    return calibration_error(probs, hit, bins)


def _certain_lost(probs: Tensor, won: Tensor, bins: int = 10) -> float:
    inside = probs < 1
    error = calibration_error(probs[inside], won[inside], bins)
    return error * inside.float().mean().item()


def _ten_bins(probs: Tensor, won: Tensor, bins: int = 10) -> float:
    return calibration_error(probs, won, 10)


def _empty_bins(probs: Tensor, won: Tensor, bins: int = 10) -> float:
    place = (probs * bins).long().clamp(max=bins - 1)
    error = 0.0
    for b in range(bins):
        inside = place == b
        miss = won[inside].mean() - probs[inside].mean()
        error += inside.float().mean().item() * abs(miss.item())
    return error


NOT_A_NUMBER = "The mean of an empty bin is not a number: leave empty bins out."
CALIBRATION_MUTANTS = {
    "bins equal": Mutant(
        _bins_equal,
        "Every bin counts the same here. Weigh a bin by its share of the pairs.",
    ),
    "signed": Mutant(
        _signed,
        "Without the absolute value, bins that are too sure and bins that are too "
        "modest cancel.",
    ),
    "middles": Mutant(
        _middles,
        "You compared with the middle of the bin. Take the mean of the probabilities "
        "that lie in it.",
    ),
    "squared": Mutant(_squared, "The misses are squared; take absolute values."),
    "largest": Mutant(
        _largest, "This is the worst bin alone, the maximum calibration error."
    ),
    "Brier score": Mutant(
        _brier,
        "This is the Brier score: it compares pair by pair, and is not 0 for a "
        "perfect forecaster. Average inside of the bins first.",
    ),
    "one by one": Mutant(
        _one_by_one,
        "You compared pair by pair. A probability of 0.7 can't be right about one "
        "pair: average inside of the bins first.",
    ),
    "hits": Mutant(
        _hits,
        "You counted where the prediction was right. `probs` is about the FIRST "
        "answer, so compare it with how often the first one won.",
    ),
    "certain lost": Mutant(
        _certain_lost, "A probability of exactly 1 fell out: it is in the last bin."
    ),
    "always ten": Mutant(_ten_bins, "`bins` is not used: there are not always ten."),
    "empty bins": Mutant(_empty_bins, NOT_A_NUMBER),
}


def _calibration(answer, probs: Tensor, won: Tensor, bins: int = 10) -> float:
    """Call the answer, and explain a result that is not a number."""
    got = torch.as_tensor(answer(probs, won, bins))
    if torch.isnan(got).any():
        raise Mistake(NOT_A_NUMBER)
    return got


def _calibration_by_hand(answer) -> None:
    """Three pairs at 0.2 (one won) and one at 0.9 (won): 3/4 * 2/15 + 1/4 * 1/10."""
    probs, won = torch.tensor([[0.2, 0.2, 0.2, 0.9], [1.0, 0.0, 0.0, 1.0]])
    wrong = list(outcomes(CALIBRATION_MUTANTS, probs, won, 2))
    expect_close(_calibration(answer, probs, won, 2), 0.125, wrong)


def _calibration_random(answer) -> None:
    for bins in (4, 10):
        probs = torch.rand(300)
        won = (torch.rand(300) < probs**2).float()
        want = calibration_error(probs, won, bins)
        wrong = list(outcomes(CALIBRATION_MUTANTS, probs, won, bins))
        expect_close(_calibration(answer, probs, won, bins), want, wrong)


def _calibration_edges(answer) -> None:
    """Certain and wrong: the first answer was sure to win, and lost."""
    probs, won = torch.tensor([[1.0, 1.0, 0.0], [0.0, 1.0, 0.0]])
    wrong = list(outcomes(CALIBRATION_MUTANTS, probs, won, 5))
    expect_close(_calibration(answer, probs, won, 5), 1 / 3, wrong)


def _calibration_means(answer) -> None:
    """Draws that come true as often as announced, and the same made too sure."""
    probs = torch.rand(20_000)
    won = (torch.rand(20_000) < probs).float()
    wrong = list(outcomes(CALIBRATION_MUTANTS, probs, won, 10))
    want = calibration_error(probs, won)
    expect_close(_calibration(answer, probs, won), want, wrong, atol=2e-3)
    too_sure = torch.sigmoid(3 * torch.logit(probs))
    grown = _calibration(answer, too_sure, won)
    expect(grown > 5 * want, "Rewards three times too large should show clearly.")


# noise_aware_loss -------------------------------------------------------------------


def noise_aware_loss(chosen: Tensor, rejected: Tensor, noise: float) -> Tensor:
    """The loss of labels of which a known share was turned round.

    P(label) = (1 - noise) sigmoid(z) + noise sigmoid(-z),  z = r(chosen) - r(rejected)
    L        = -mean log P(label)

    chosen, rejected : (n,) float, rewards; the label calls `chosen` better
    noise            : probability from 0 to 0.5 that a label was turned round
    returns          : () float
    """
    z = chosen - rejected
    seen = (1 - noise) * torch.sigmoid(z) + noise * torch.sigmoid(-z)
    return -seen.log().mean()


def _smoothed(chosen: Tensor, rejected: Tensor, noise: float) -> Tensor:
    return preference_loss(chosen, rejected, 1 - noise)


def _not_noisy(chosen: Tensor, rejected: Tensor, noise: float) -> Tensor:
    return preference_loss(chosen, rejected)


def _weights_swapped(chosen: Tensor, rejected: Tensor, noise: float) -> Tensor:
    return noise_aware_loss(rejected, chosen, noise)


def _weights_only(chosen: Tensor, rejected: Tensor, noise: float) -> Tensor:
    return -((1 - noise) * torch.sigmoid(chosen - rejected)).log().mean()


def _subtracted(chosen: Tensor, rejected: Tensor, noise: float) -> Tensor:
    z = chosen - rejected
    return -((1 - noise) * F.logsigmoid(z) - noise * F.logsigmoid(-z)).mean()


def _unlogged(chosen: Tensor, rejected: Tensor, noise: float) -> Tensor:
    z = chosen - rejected
    return -((1 - noise) * z.sigmoid() + noise * (-z).sigmoid()).mean()


def _noise_summed(chosen: Tensor, rejected: Tensor, noise: float) -> Tensor:
    return noise_aware_loss(chosen, rejected, noise) * len(chosen)


def _log_of_mean(chosen: Tensor, rejected: Tensor, noise: float) -> Tensor:
    z = chosen - rejected
    return -((1 - noise) * z.sigmoid() + noise * (-z).sigmoid()).mean().log()


def _no_minus_noise(chosen: Tensor, rejected: Tensor, noise: float) -> Tensor:
    return -noise_aware_loss(chosen, rejected, noise)


NOISE_MUTANTS = {
    "soft label": Mutant(
        _smoothed,
        "This is the soft label 1 - noise: the mixture is outside of the logarithm. "
        "Its minimum is not the true gap. Mix the probabilities, then take the log.",
    ),
    "noise not used": Mutant(
        _not_noisy, "`noise` is not used: this believes every label."
    ),
    "weights swapped": Mutant(
        _weights_swapped, "The weights are swapped: most labels are right."
    ),
    "second half missing": Mutant(
        _weights_only,
        "A label can be seen in two ways: it is right, or it was turned round. The "
        "second is missing.",
    ),
    "subtracted": Mutant(
        _subtracted,
        "You subtracted the loss of the turned label. With that, nothing keeps a gap "
        "from growing; mix the probabilities inside of the logarithm.",
    ),
    "no log": Mutant(_unlogged, "The logarithm is missing."),
    "summed": Mutant(_noise_summed, "You summed over the pairs; take the mean."),
    "log of mean": Mutant(
        _log_of_mean, "Take the logarithm for each pair, then the mean."
    ),
    "no minus": Mutant(_no_minus_noise, "The minus sign is missing."),
}


def _noise_by_hand(answer) -> None:
    """A gap of log 3 and a fifth turned round: 0.8 * 0.75 + 0.2 * 0.25 = 0.65."""
    pair = torch.tensor([log(3)]), torch.zeros(1)
    wrong = outcomes(NOISE_MUTANTS, *pair, 0.2)
    expect_close(answer(*pair, 0.2), -log(0.65), wrong)


def _noise_random(answer) -> None:
    pair = 2 * torch.randn(2, 6)
    for noise in (0.3, 0.0):
        want = noise_aware_loss(*pair, noise)
        wrong = outcomes(NOISE_MUTANTS, *pair, noise)
        expect_close(answer(*pair, noise), want, wrong)


def _noise_minimum(answer) -> None:
    """Endless noisy votes about three pairs: the minimum is the true gap."""
    noise, true = 0.2, torch.tensor([0.6, 0.8, 0.95])
    voted = (1 - noise) * true + noise * (1 - true)
    gap, zero = torch.zeros(3, requires_grad=True), torch.zeros(1)
    optimizer = torch.optim.LBFGS([gap], max_iter=100, tolerance_grad=1e-8)

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = sum(
            share * answer(gap[i : i + 1], zero, noise)
            + (1 - share) * answer(zero, gap[i : i + 1], noise)
            for i, share in enumerate(voted.tolist())
        )
        if not isinstance(loss, Tensor) or not loss.requires_grad:
            raise Mistake("No gradient flows from the loss back to the rewards.")
        loss.backward()
        return loss

    optimizer.step(closure)
    expect_close(gap, torch.logit(true), atol=3e-2)


EXERCISES = [
    Exercise(
        name="calibration_error",
        notebook="12_reward_model",
        reference=calibration_error,
        parts=[
            Part("four pairs in two bins, calculated by hand", _calibration_by_hand),
            Part("random pairs, 4 bins and 10", _calibration_random),
            Part("probabilities of 0 and 1, and empty bins", _calibration_edges),
            Part(
                "nearly 0 for announced chances, large when overdone",
                _calibration_means,
            ),
        ],
        mutants=CALIBRATION_MUTANTS,
    ),
    Exercise(
        name="noise_aware_loss",
        notebook="12_reward_model",
        reference=noise_aware_loss,
        parts=[
            Part("one pair calculated by hand", _noise_by_hand),
            Part("any pairs; without noise it is the plain loss", _noise_random),
            Part("its minimum is the gap before the noise", _noise_minimum, 2),
        ],
        mutants=NOISE_MUTANTS,
    ),
]
