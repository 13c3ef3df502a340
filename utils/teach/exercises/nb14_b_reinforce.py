"""Exercises of notebook 14, part 2: REINFORCE with a baseline, on five words."""

import torch
import torch.nn.functional as F
from torch import Tensor

from utils.teach.exercise import Exercise, Mutant, Part, expect, expect_close, outcomes

LOGITS = torch.tensor([0.5, -0.3, 0.1, 0.9, -1.0])
REWARDS = torch.tensor([4.0, 6.0, 4.5, 5.0, 7.0])


def reinforce_gradient(
    logits: Tensor, actions: Tensor, rewards: Tensor, baseline: Tensor | float
) -> Tensor:
    """Estimate of the gradient of E[reward] by the logits (Williams 1992).

        mean over samples of  (r - b) d log p(a) / d logits,
        where  d log p(a) / d logits = one_hot(a) - p

    logits   : (n,) float, the policy over n words
    actions  : (m,) int, the words that were sampled from it
    rewards  : (m,) float
    baseline : number, or (m,) float that does not depend on the actions
    returns  : (n,) float, the direction in which the reward rises
    """
    p = logits.softmax(dim=-1)
    score = F.one_hot(actions, len(logits)) - p  # (m, n)
    return ((rewards - baseline)[:, None] * score).mean(dim=0)


def _downhill(logits, actions, rewards, baseline):
    return -reinforce_gradient(logits, actions, rewards, baseline)


def _baseline_added(logits, actions, rewards, baseline):
    return reinforce_gradient(logits, actions, rewards, -1 * baseline)


def _no_baseline(logits, actions, rewards, baseline):
    return reinforce_gradient(logits, actions, rewards, 0.0)


def _own_baseline(logits, actions, rewards, baseline):
    return reinforce_gradient(logits, actions, rewards, rewards.mean())


def _summed(logits, actions, rewards, baseline):
    return len(actions) * reinforce_gradient(logits, actions, rewards, baseline)


def _not_averaged(logits, actions, rewards, baseline):
    score = F.one_hot(actions, len(logits)) - logits.softmax(dim=-1)
    return (rewards - baseline)[:, None] * score


def _one_hot_only(logits, actions, rewards, baseline):
    return ((rewards - baseline)[:, None] * F.one_hot(actions, len(logits))).mean(dim=0)


def _logits_for_p(logits, actions, rewards, baseline):
    score = F.one_hot(actions, len(logits)) - logits
    return ((rewards - baseline)[:, None] * score).mean(dim=0)


def _by_probability(logits, actions, rewards, baseline):
    p = logits.softmax(dim=-1)
    return reinforce_gradient(logits, actions, (rewards - baseline) * p[actions], 0.0)


def _baseline_outside(logits, actions, rewards, baseline):
    one = reinforce_gradient(logits, actions, rewards, 0.0)
    return one - torch.as_tensor(baseline).mean()


MUTANTS = {
    "downhill": Mutant(
        _downhill,
        "The sign is turned round: a step in this direction makes the reward FALL. "
        "One hot minus p, times reward minus baseline.",
    ),
    "baseline added": Mutant(
        _baseline_added, "The baseline is added; it has to be subtracted."
    ),
    "no baseline": Mutant(_no_baseline, "The baseline is not used."),
    "own baseline": Mutant(
        _own_baseline,
        "You took the mean of these rewards for a baseline. Subtract the one you got: "
        "a mean that includes a sample's own reward depends on that sample.",
    ),
    "summed": Mutant(_summed, "You summed over the samples: take their mean."),
    "not averaged": Mutant(
        _not_averaged, "This is one row for each sample: take the mean over samples."
    ),
    "one hot only": Mutant(
        _one_hot_only,
        "The minus p is missing. What one word gains the others lose, so the gradient "
        "adds up to 0.",
    ),
    "logits for p": Mutant(
        _logits_for_p, "You subtracted the logits; subtract their softmax."
    ),
    "by probability": Mutant(
        _by_probability,
        "You weighed each sample by its probability. It was drawn with that "
        "probability, so it would count twice.",
    ),
    "baseline outside": Mutant(
        _baseline_outside,
        "The baseline is subtracted from the gradient. It belongs to the reward, "
        "before the multiplication.",
    ),
}


def _by_hand(answer) -> None:
    """Words of probability 3/4 and 1/4, drawn once and twice, with baseline 2."""
    logits, drawn = torch.tensor([3.0, 1.0]).log(), torch.tensor([0, 1, 1])
    case = (logits, drawn, torch.tensor([3.0, 1.0, 2.5]), 2.0)
    expect_close(answer(*case), [5 / 24, -5 / 24], outcomes(MUTANTS, *case))


def _as_autograd(answer) -> None:
    """The derivative of mean((r - b) log p(a)), which autograd knows."""
    logits, drawn = torch.randn(6), torch.randint(6, (20,))
    rewards, baseline = torch.randn(20), torch.randn(20)
    leaf = logits.clone().requires_grad_()
    picked = leaf.log_softmax(dim=-1)[drawn]
    (want,) = torch.autograd.grad(((rewards - baseline) * picked).mean(), leaf)
    case = (logits, drawn, rewards, baseline)
    expect_close(answer(*case), want, outcomes(MUTANTS, *case))


def _each_word(answer, baseline: float) -> tuple[Tensor, Tensor]:
    """Return the estimates from each word alone, (5, 5), and their probabilities."""
    rows = [
        torch.as_tensor(answer(LOGITS, torch.tensor([a]), REWARDS[a : a + 1], baseline))
        for a in range(5)
    ]
    return torch.stack(rows), LOGITS.softmax(dim=-1)


def _unbiased(answer) -> None:
    p = LOGITS.softmax(dim=-1)
    want = p * (REWARDS - p @ REWARDS)
    for baseline in (0.0, 5.0, -3.0):
        found, p = _each_word(answer, baseline)
        expect_close(p @ found, want)


def _less_noise(answer) -> None:
    noise = []
    for baseline in (0.0, 5.0):
        found, p = _each_word(answer, baseline)
        noise.append((p @ (found - p @ found).square()).sum().item())
    expect(
        0 < noise[1] < noise[0] / 5,
        "A baseline near the mean reward does not make the estimate steadier.",
    )


EXERCISES = [
    Exercise(
        name="reinforce_gradient",
        notebook="14_rl_from_ai_feedback",
        reference=reinforce_gradient,
        parts=[
            Part("three samples calculated by hand", _by_hand),
            Part("the gradient of (r - b) log p(a), by autograd", _as_autograd, 2),
            Part("exact in the mean over all words, with any baseline", _unbiased),
            Part("a good baseline takes most of the noise away", _less_noise),
        ],
        mutants=MUTANTS,
    ),
]
