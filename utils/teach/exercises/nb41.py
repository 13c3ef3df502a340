"""Exercise of notebook 41, part 1: what a LoRA adapter does to a matrix."""

import torch
from torch import Tensor

from utils.teach.exercise import Exercise, Mutant, Part, expect, expect_close, outcomes

NOTEBOOK = "41_in_the_wild"


def merge_adapter(weight: Tensor, a: Tensor, b: Tensor, alpha: float) -> Tensor:
    """Add an adapter into the matrix it stands beside.

        W + (alpha / r) B A

    (Hu et al. 2021, arXiv 2106.09685, section 4.1)

    weight  : (out, in) float, stays as it is
    a, b    : (r, in) and (out, r) float, the two thin matrices
    alpha   : how strongly the adapter counts; a higher alpha moves W further
    returns : (out, in) float, a new tensor
    """
    return weight + alpha / len(a) * b @ a


def _no_scale(weight, a, b, alpha):
    return weight + b @ a


def _alpha_only(weight, a, b, alpha):
    return weight + alpha * b @ a


def _turned_over(weight, a, b, alpha):
    return weight + len(a) / alpha * b @ a


def _rank_of_in(weight, a, b, alpha):
    return weight + alpha / a.shape[1] * b @ a


def _order(weight, a, b, alpha):
    return weight + alpha / len(a) * a @ b


def _transposed(weight, a, b, alpha):
    return weight + alpha / len(a) * (b @ a).T


def _subtracted(weight, a, b, alpha):
    return weight - alpha / len(a) * b @ a


def _replaced(weight, a, b, alpha):
    return alpha / len(a) * b @ a


def _both_scaled(weight, a, b, alpha):
    return alpha / len(a) * (weight + b @ a)


def _in_place(weight, a, b, alpha):
    return weight.add_(alpha / len(a) * b @ a)


MERGE_MUTANTS = {
    "no scale": Mutant(
        _no_scale,
        "The factor alpha / r is missing. It keeps the size of the change alike when "
        "one tries another rank.",
    ),
    "alpha only": Mutant(
        _alpha_only,
        "B A is multiplied by alpha alone: divide by the rank r, the number of rows "
        "of A.",
    ),
    "turned over": Mutant(
        _turned_over, "The factor is r / alpha. A higher alpha has to change MORE."
    ),
    "another length": Mutant(
        _rank_of_in,
        "You divided by the number of inputs, A's columns. The rank is the thin side: "
        "A's rows.",
    ),
    "order": Mutant(
        _order,
        "This is A B. An input meets A first, so A stands on the right: B (A x).",
    ),
    "transposed": Mutant(
        _transposed,
        "B A is transposed. W, and so B A, has a row for each output and a column for "
        "each input.",
    ),
    "subtracted": Mutant(
        _subtracted, "The adapter is subtracted, as if it were taken out of W again."
    ),
    "replaced": Mutant(
        _replaced,
        "This is the adapter without W. A fresh adapter is zero, so the model would "
        "say nothing at all.",
    ),
    "both scaled": Mutant(
        _both_scaled, "W is scaled as well. Only the change, B A, has the factor."
    ),
    "in place": Mutant(
        _in_place,
        "W itself was changed. Then the model without its adapter is lost, and merging "
        "twice adds the adapter twice.",
    ),
}


def _case(out: int, inside: int, rank: int) -> tuple[Tensor, Tensor, Tensor]:
    return torch.randn(out, inside), torch.randn(rank, inside), torch.randn(out, rank)


def _by_hand(answer) -> None:
    """All sides are 2, so that no mistake fails for its shape."""
    weight = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    a, b = (
        torch.tensor([[1.0, 2.0], [0.0, 1.0]]),
        torch.tensor([[1.0, 0.0], [3.0, 1.0]]),
    )
    wrong = list(outcomes(MERGE_MUTANTS, weight.clone(), a, b, 6.0))
    got = answer(weight.clone(), a, b, 6.0)
    expect_close(got, [[4.0, 6.0], [9.0, 22.0]], wrong)


def _two_paths(answer) -> None:
    """One matrix has to say what W and the adapter beside it say together."""
    for alpha, (weight, a, b) in ((16.0, _case(5, 7, 2)), (1.0, _case(6, 4, 3))):
        x = torch.randn(9, a.shape[1])
        want = x @ weight.T + alpha / len(a) * ((x @ a.T) @ b.T)
        wrong = [
            (message, x @ merged.T)
            for message, merged in outcomes(MERGE_MUTANTS, weight.clone(), a, b, alpha)
        ]
        got = answer(weight.clone(), a, b, alpha)
        expect(
            isinstance(got, Tensor) and got.shape == weight.shape,
            f"Return a tensor of W's shape, {tuple(weight.shape)}.",
        )
        expect_close(x @ got.T, want, wrong, atol=1e-3)


def _left_alone(answer) -> None:
    weight, a, b = _case(4, 3, 2)
    before = weight.clone()
    once = answer(weight, a, b, 8.0)
    expect(torch.equal(weight, before), MERGE_MUTANTS["in place"].message)
    expect_close(once, before + 4 * b @ a, outcomes(MERGE_MUTANTS, before, a, b, 8.0))


def _out_again(answer) -> None:
    """The same adapter with -alpha takes back what it added."""
    weight, a, b = _case(5, 6, 3)
    merged = answer(weight.clone(), a, b, 12.0)
    wrong = list(outcomes(MERGE_MUTANTS, weight.clone(), a, b, 12.0))
    expect_close(merged, weight + 4 * b @ a, wrong)
    expect_close(answer(merged.clone(), a, b, -12.0), weight, atol=1e-3)


EXERCISES = [
    Exercise(
        name="merge_adapter",
        notebook=NOTEBOOK,
        reference=merge_adapter,
        parts=[
            Part("two by two, by hand", _by_hand),
            Part("one matrix says what W and adapter said together", _two_paths, 3),
            Part("W itself is left alone", _left_alone),
            Part("taken out again with -alpha", _out_again),
        ],
        mutants=MERGE_MUTANTS,
    ),
]
