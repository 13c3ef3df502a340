"""Exercises of notebook 11, part 3: soft labels, and both orders."""

from math import log

import torch
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

NOTEBOOK = "11_ai_feedback"

# letter_label -----------------------------------------------------------------------


def letter_label(logprobs: Tensor) -> Tensor:
    """The probability that the judge says A, if it says A or B at all.

    logprobs : (..., 2) float: log p(A) and log p(B) of the next token; the two need
               not add up to one, because the judge could say something else
    returns  : (...) float
    """
    return logprobs.softmax(dim=-1)[..., 0]


def _a_alone(logprobs: Tensor) -> Tensor:
    return logprobs[..., 0].exp()


def _letter_b(logprobs: Tensor) -> Tensor:
    return logprobs.softmax(dim=-1)[..., 1]


def _hard(logprobs: Tensor) -> Tensor:
    return (logprobs[..., 0] > logprobs[..., 1]).float()


def _both_letters(logprobs: Tensor) -> Tensor:
    return logprobs.softmax(dim=-1)


def _log_label(logprobs: Tensor) -> Tensor:
    return logprobs.log_softmax(dim=-1)[..., 0]


def _ratio_of_logs(logprobs: Tensor) -> Tensor:
    return logprobs[..., 0] / logprobs.sum(dim=-1)


def _difference(logprobs: Tensor) -> Tensor:
    return logprobs[..., 0].exp() - logprobs[..., 1].exp()


def _sigmoid_of_a(logprobs: Tensor) -> Tensor:
    return logprobs[..., 0].sigmoid()


def _underflow(logprobs: Tensor) -> Tensor:
    both = logprobs.exp()
    return both[..., 0] / both.sum(dim=-1)


UNDERFLOW = (
    "exp(log p) is rounded to 0 when both letters are unlikely, and 0 / 0 is no "
    "number. Take a softmax, or a sigmoid of the difference of the logarithms."
)
LETTER_MUTANTS = {
    "A alone": Mutant(
        _a_alone,
        "This is p(A) among all tokens. Divide by p(A) + p(B): what the judge might "
        "say instead of a letter is no opinion.",
    ),
    "letter B": Mutant(_letter_b, "This is the probability of B. A is in column 0."),
    "hard": Mutant(
        _hard, "This is a hard label, 0 or 1: keep how sure the judge is, too."
    ),
    "both": Mutant(
        _both_letters, "Return one number for each question: the probability of A."
    ),
    "logarithm": Mutant(
        _log_label, "This is still a logarithm. A label is a probability."
    ),
    "ratio of logs": Mutant(
        _ratio_of_logs,
        "You divided logarithms. Turn them into probabilities before you divide.",
    ),
    "difference": Mutant(
        _difference, "You subtracted probabilities; that can be negative. Divide."
    ),
    "sigmoid of A": Mutant(
        _sigmoid_of_a,
        "The sigmoid belongs to the difference log p(A) - log p(B), not to log p(A).",
    ),
    "underflow": Mutant(_underflow, UNDERFLOW),
}


def _letter_by_hand(fn) -> None:
    """p(A) = 0.3, p(B) = 0.1, the rest is other tokens: 3/4."""
    pair = torch.tensor([[0.3, 0.1], [0.02, 0.08]]).log()
    expect_close(fn(pair), [0.75, 0.2], outcomes(LETTER_MUTANTS, pair))


def _letter_random(fn) -> None:
    for shape in ((6, 2), (3, 4, 2)):
        values = torch.randn(shape) - 3
        wrong = outcomes(LETTER_MUTANTS, values)
        expect_close(fn(values), letter_label(values), wrong)


def _letter_turned(fn) -> None:
    values = torch.randn(5, 2) - 3
    total = torch.as_tensor(fn(values)) + torch.as_tensor(fn(values.flip(-1)))
    wrong = [(m, a(values) + a(values.flip(-1))) for a, m in LETTER_MUTANTS.values()]
    expect_close(total, torch.ones(5), [w for w in wrong if w[1].shape == (5,)])


def _letter_unlikely(fn) -> None:
    values = torch.tensor([[-500.0, -500.0 - log(3)]])
    got = torch.as_tensor(fn(values))
    if torch.isnan(got).any():
        raise Mistake(UNDERFLOW)
    expect_close(got, [0.75], outcomes(LETTER_MUTANTS, values))


# cancel_order -----------------------------------------------------------------------


def cancel_order(forward: Tensor, backward: Tensor) -> Tensor:
    """The probability that the FIRST answer is better, from both orders.

    forward  : (...) float: P(A) when the first answer stands in place A
    backward : (...) float: P(A) when the first answer stands in place B
    returns  : (...) float, the mean of what both say about the first answer
    """
    return (forward + 1 - backward) / 2


def _mean_of_a(forward: Tensor, backward: Tensor) -> Tensor:
    return (forward + backward) / 2


def _forward_alone(forward: Tensor, backward: Tensor) -> Tensor:
    return forward + 0 * backward


def _for_the_second(forward: Tensor, backward: Tensor) -> Tensor:
    return (1 - forward + backward) / 2


def _not_halved(forward: Tensor, backward: Tensor) -> Tensor:
    return forward + 1 - backward


def _no_one(forward: Tensor, backward: Tensor) -> Tensor:
    return (forward - backward) / 2


def _votes(forward: Tensor, backward: Tensor) -> Tensor:
    return ((forward > 0.5).float() + (backward < 0.5).float()) / 2


def _product(forward: Tensor, backward: Tensor) -> Tensor:
    return forward * (1 - backward)


def _log_odds(forward: Tensor, backward: Tensor) -> Tensor:
    return ((forward.logit() - backward.logit()) / 2).sigmoid()


ORDER_MUTANTS = {
    "mean of A": Mutant(
        _mean_of_a,
        "You averaged P(A) over both orders. That measures the bias for place A. In "
        "the second order the first answer is B, so it gets 1 - P(A).",
    ),
    "forward alone": Mutant(
        _forward_alone, "The second order is not used, so the bias stays in."
    ),
    "second": Mutant(
        _for_the_second,
        "This is the probability that the SECOND answer is better.",
    ),
    "not halved": Mutant(
        _not_halved, "You added both orders up; take the mean, or it can exceed 1."
    ),
    "no one": Mutant(
        _no_one,
        "What the second order says about the first answer is 1 - P(A), not -P(A).",
    ),
    "votes": Mutant(
        _votes, "You rounded each order to a vote first; average the probabilities."
    ),
    "product": Mutant(
        _product, "A product of the two is no mean: two unsure orders would say 1/4."
    ),
    "log-odds": Mutant(
        _log_odds,
        "You averaged log-odds. It cancels a bias as well, but a single sure order "
        "outvotes an unsure one; here the probabilities are averaged.",
    ),
}


def _order_by_hand(fn) -> None:
    pair = torch.tensor([0.9]), torch.tensor([0.3])
    expect_close(fn(*pair), [0.8], outcomes(ORDER_MUTANTS, *pair))


def _order_random(fn) -> None:
    pair = torch.rand(2, 3, 4).unbind(0)
    expect_close(fn(*pair), cancel_order(*pair), outcomes(ORDER_MUTANTS, *pair))


def _only_sees_the_place(fn) -> None:
    """A judge that always says A, however sure, knows nothing: 1/2."""
    place = torch.tensor([0.6, 0.99, 0.1])
    wrong = outcomes(ORDER_MUTANTS, place, place)
    expect_close(fn(place, place), [0.5] * 3, wrong)


def _bias_keeps_the_winner(fn) -> None:
    """log-odds = opinion + bias: the mean of both orders keeps the opinion's sign."""
    opinion, bias = torch.randn(200).double(), 4 * torch.randn(200).double()
    pair = (opinion + bias).sigmoid(), (bias - opinion).sigmoid()
    got = torch.as_tensor(fn(*pair)).double()
    for wrong, message in ORDER_MUTANTS.values():
        other = wrong(*pair).double()
        if got.shape == other.shape and torch.allclose(got, other):
            raise Mistake(message)
    expect(
        got.shape == opinion.shape and bool(((got > 0.5) == (opinion > 0)).all()),
        "With a bias for one place, the wrong answer wins in some pairs.",
    )


EXERCISES = [
    Exercise(
        name="letter_label",
        notebook=NOTEBOOK,
        reference=letter_label,
        parts=[
            Part("two questions calculated by hand", _letter_by_hand),
            Part("any log-probabilities, in any shape", _letter_random),
            Part("exchanging the letters gives 1 minus it", _letter_turned),
            Part("two unlikely letters are no problem", _letter_unlikely),
        ],
        mutants=LETTER_MUTANTS,
    ),
    Exercise(
        name="cancel_order",
        notebook=NOTEBOOK,
        reference=cancel_order,
        parts=[
            Part("one pair calculated by hand", _order_by_hand),
            Part("any probabilities, in any shape", _order_random),
            Part(
                "a judge that only looks at the place gives 1/2",
                _only_sees_the_place,
            ),
            Part("a bias never turns the winner", _bias_keeps_the_winner),
        ],
        mutants=ORDER_MUTANTS,
    ),
]
