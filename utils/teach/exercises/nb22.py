"""Exercises of notebook 22, part 1: the distance to the teacher."""

import torch
from torch import Tensor

from utils.teach.exercise import (
    Exercise,
    Mutant,
    Part,
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


def _kl_over_requests(teacher: Tensor, student: Tensor) -> Tensor:
    log_p, log_q = teacher.log_softmax(0), student.log_softmax(0)
    return (log_p.exp() * (log_p - log_q)).sum(-1).mean()


def _kl_student_raw(teacher: Tensor, student: Tensor) -> Tensor:
    log_p = teacher.log_softmax(-1)
    return (log_p.exp() * (log_p - student)).sum(-1).mean()


def _kl_each(teacher: Tensor, student: Tensor) -> Tensor:
    log_p, log_q = teacher.log_softmax(-1), student.log_softmax(-1)
    return (log_p.exp() * (log_p - log_q)).sum(-1)


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
    "over requests": Mutant(
        _kl_over_requests,
        "You normalised over the requests. Each row is a distribution over the "
        "actions: log_softmax(-1).",
    ),
    "student raw": Mutant(
        _kl_student_raw,
        "The student's scores were not normalised: they need a log_softmax(-1), too.",
    ),
    "each": Mutant(
        _kl_each, "This is a value for each request: take the mean over them."
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
]
