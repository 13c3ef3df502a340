"""Exercises of notebook 22, part 1: the distance to the teacher, and the filter."""

from itertools import product

import torch
from torch import Tensor

from utils.teach.exercise import (
    Exercise,
    Mutant,
    Part,
    expect,
    expect_close,
    outcomes,
)

NOTEBOOK = "22_learning_the_spec"

# distillation_kl --------------------------------------------------------------------


def distillation_kl(teacher: Tensor, student: Tensor) -> Tensor:
    """How far a student without the clauses is from a teacher that reads them.

    mean over requests of KL(p || q), with p = softmax(teacher), q = softmax(student)

    teacher, student : (requests, actions) float, log-probabilities up to a constant
    returns          : scalar float, 0 where they agree; it grows most where the
                       teacher is likely to do what the student never does
    """
    log_p = teacher.log_softmax(-1)  # (requests, actions)
    log_q = student.log_softmax(-1)
    return (log_p.exp() * (log_p - log_q)).sum(-1).mean()


def _kl_backwards(teacher: Tensor, student: Tensor) -> Tensor:
    return distillation_kl(student, teacher)


def _kl_summed(teacher: Tensor, student: Tensor) -> Tensor:
    return distillation_kl(teacher, student) * len(teacher)


def _kl_cross_entropy(teacher: Tensor, student: Tensor) -> Tensor:
    return -(teacher.softmax(-1) * student.log_softmax(-1)).sum(-1).mean()


def _kl_raw(teacher: Tensor, student: Tensor) -> Tensor:
    return (teacher.exp() * (teacher - student)).sum(-1).mean()


def _kl_all_averaged(teacher: Tensor, student: Tensor) -> Tensor:
    return distillation_kl(teacher, student) / teacher.shape[-1]


def _kl_unweighted(teacher: Tensor, student: Tensor) -> Tensor:
    return (teacher.log_softmax(-1) - student.log_softmax(-1)).sum(-1).mean()


def _kl_sign(teacher: Tensor, student: Tensor) -> Tensor:
    return -distillation_kl(teacher, student)


KL_MUTANTS = {
    "backwards": Mutant(
        _kl_backwards,
        "This is KL(student || teacher). The teacher writes the data, so its "
        "probabilities are the weights.",
    ),
    "summed": Mutant(_kl_summed, "You added the requests up: take the mean over them."),
    "cross entropy": Mutant(
        _kl_cross_entropy,
        "This is the cross-entropy, which SFT measures. Take the teacher's own entropy "
        "off, so that a perfect student gets 0.",
    ),
    "raw": Mutant(
        _kl_raw,
        "The scores are log-probabilities up to a constant: normalise both over the "
        "actions first (log_softmax).",
    ),
    "all averaged": Mutant(
        _kl_all_averaged,
        "You averaged over the actions as well. A KL is a sum over them: the "
        "teacher's probabilities are its weights already.",
    ),
    "unweighted": Mutant(
        _kl_unweighted,
        "The differences have no weights: multiply each with the "
        "teacher's probability.",
    ),
    "sign": Mutant(
        _kl_sign, "The sign is turned round: a KL divergence is never below 0."
    ),
}


def _kl_random(fn) -> None:
    teacher, student = 2 * torch.randn(2, 6, 5)
    want = distillation_kl(teacher, student)
    expect_close(fn(teacher, student), want, outcomes(KL_MUTANTS, teacher, student))


def _kl_by_hand(fn) -> None:
    """Teacher 3/4 and 1/4, student half and half: 3/4 log(3/2) + 1/4 log(1/2)."""
    teacher = torch.tensor([[0.75, 0.25]]).log() + 3
    student = torch.tensor([[0.5, 0.5]]).log() - 1
    wrong = outcomes(KL_MUTANTS, teacher, student)
    expect_close(fn(teacher, student), 0.75 * 0.405465 - 0.25 * 0.693147, wrong)


def _kl_zero(fn) -> None:
    teacher = torch.randn(4, 5)
    wrong = outcomes(KL_MUTANTS, teacher, teacher + 2)
    expect_close(fn(teacher, teacher + 2), 0.0, wrong)
    other = torch.randn(4, 5)
    wrong = outcomes(KL_MUTANTS, teacher, other)
    expect_close(fn(teacher, other), distillation_kl(teacher, other), wrong)


def _kl_is_excess_loss(fn) -> None:
    """Enumerate the teacher's five answers: what the student's loss has too much."""
    teacher, student = torch.randn(5), 2 * torch.randn(5)
    p = teacher.softmax(-1).tolist()
    excess = 0.0
    for action in range(5):  # every answer the teacher may write, with its chance
        loss = -student.log_softmax(-1)[action].item()
        least = -teacher.log_softmax(-1)[action].item()
        excess += p[action] * (loss - least)
    given = teacher[None], student[None]
    expect_close(fn(*given), excess, outcomes(KL_MUTANTS, *given))


# keep_by_minimum --------------------------------------------------------------------


def keep_by_minimum(scores: Tensor, threshold: float) -> Tensor:
    """Which examples stay in the training data: those that every reading approves of.

    scores    : (examples, k) float from 0 to 1, one column for each reading
    threshold : an example stays if its lowest score reaches this; higher is stricter
    returns   : (examples,) bool
    """
    return scores.amin(dim=1) >= threshold


def _keep_mean(scores: Tensor, threshold: float) -> Tensor:
    return scores.mean(1) >= threshold


def _keep_max(scores: Tensor, threshold: float) -> Tensor:
    return scores.amax(1) >= threshold


def _keep_first(scores: Tensor, threshold: float) -> Tensor:
    return scores[:, 0] >= threshold


def _keep_majority(scores: Tensor, threshold: float) -> Tensor:
    return (scores >= threshold).float().mean(1) > 0.5


def _keep_strict(scores: Tensor, threshold: float) -> Tensor:
    return scores.amin(1) > threshold


def _keep_dropped(scores: Tensor, threshold: float) -> Tensor:
    return scores.amin(1) < threshold


def _keep_columns(scores: Tensor, threshold: float) -> Tensor:
    return scores.amin(0) >= threshold


def _keep_scores(scores: Tensor, threshold: float) -> Tensor:
    return scores.amin(1)


def _keep_product(scores: Tensor, threshold: float) -> Tensor:
    return scores.prod(1) >= threshold


KEEP_MUTANTS = {
    "mean": Mutant(
        _keep_mean,
        "You averaged the readings: three that overlook a mistake outvote the one "
        "that sees it. Take the lowest.",
    ),
    "max": Mutant(
        _keep_max,
        "You took the highest score: one reading that overlooks a mistake is enough "
        "to keep it. Take the lowest.",
    ),
    "first": Mutant(
        _keep_first, "Only the first reading counts here. Look at all k of them."
    ),
    "majority": Mutant(
        _keep_majority,
        "This is a vote of the majority. Here a single doubt is enough to drop an "
        "example.",
    ),
    "strict": Mutant(
        _keep_strict,
        "A lowest score that equals the threshold reaches it: keep that one (>=).",
    ),
    "dropped": Mutant(
        _keep_dropped, "You marked the examples to drop. Mark those to keep."
    ),
    "columns": Mutant(
        _keep_columns,
        "The minimum runs over the examples. It belongs on the readings, dimension 1.",
    ),
    "scores": Mutant(
        _keep_scores,
        "These are the lowest scores themselves. Compare them with the threshold.",
    ),
    "product": Mutant(
        _keep_product,
        "You multiplied the scores: many good readings in a row would drop an example. "
        "Take the lowest.",
    ),
}


def _kept(fn, scores: Tensor, threshold: float) -> Tensor:
    got = fn(scores, threshold)
    want = keep_by_minimum(scores, threshold)
    expect_close(got, want, outcomes(KEEP_MUTANTS, scores, threshold))
    return torch.as_tensor(got)


def _keep_by_hand(fn) -> None:
    rows = [
        [0.9, 0.9, 0.9, 0.9],  # every reading approves
        [0.9, 0.9, 0.9, 0.1],  # one reading sees a mistake
        [0.6, 0.1, 0.1, 0.1],
        [0.8, 0.8, 0.8, 0.8],
        [0.2, 0.9, 0.9, 0.9],
        [1.0, 1.0, 0.3, 0.3],  # approved of on average, but not by a majority
    ]
    _kept(fn, torch.tensor(rows), 0.5)


def _keep_patterns(fn) -> None:
    """A reading overlooks a mistake with chance q. All four do with chance q^4."""
    patterns = torch.tensor(list(product([0.0, 1.0], repeat=4)))  # (16, 4)
    kept = _kept(fn, patterns, 0.5)
    q = 0.3
    chance = torch.where(patterns > 0, q, 1 - q).prod(1)  # of each pattern
    total = chance[kept.bool()].sum().item()
    expect(
        abs(total - q**4) < 1e-6,
        f"A mistake slips through with chance {total:.3g}; it should be {q**4:.3g}.",
    )


def _keep_edge(fn) -> None:
    scores = torch.tensor([[0.5, 0.75], [0.75, 0.5], [0.25, 1.0], [1.0, 0.25]])
    _kept(fn, scores, 0.5)
    _kept(fn, scores, 0.25)


def _keep_more_readings(fn) -> None:
    scores = torch.rand(40, 6)
    kept = [_kept(fn, scores[:, :k], 0.3).sum().item() for k in (1, 2, 4, 6)]
    expect(
        kept == sorted(kept, reverse=True),
        "A further reading made you keep more. The minimum can only fall.",
    )


EXERCISES = [
    Exercise(
        name="distillation_kl",
        notebook=NOTEBOOK,
        reference=distillation_kl,
        parts=[
            Part("the mean KL of normalised distributions", _kl_random),
            Part("a case calculated by hand", _kl_by_hand),
            Part("0 for a perfect student, and only then", _kl_zero),
            Part(
                "it is the student's loss beyond the least, over all answers",
                _kl_is_excess_loss,
            ),
        ],
        mutants=KL_MUTANTS,
    ),
    Exercise(
        name="keep_by_minimum",
        notebook=NOTEBOOK,
        reference=keep_by_minimum,
        parts=[
            Part("one doubt is enough to drop an example", _keep_by_hand),
            Part("all 16 patterns: a mistake slips through with q^4", _keep_patterns),
            Part("a score at the threshold stays", _keep_edge),
            Part("further readings never keep more", _keep_more_readings),
        ],
        mutants=KEEP_MUTANTS,
    ),
]
