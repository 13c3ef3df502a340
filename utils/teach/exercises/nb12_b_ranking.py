"""Exercises of notebook 12, part 2: reading off the reward, and ranking by it."""

import torch
from torch import Tensor

from utils.teach.exercise import Exercise, Mutant, Part, expect_close, outcomes

# end_rewards ------------------------------------------------------------------------


def end_rewards(hidden: Tensor, mask: Tensor, head: Tensor) -> Tensor:
    """The reward of each text, read at its last real token.

    hidden  : (n, T, width) float: what the model knows at each position
    mask    : (n, T) bool: True at real tokens, which stand on the left
    head    : (width,) float
    returns : (n,) float
    """
    last = mask.sum(dim=1) - 1  # (n,)
    return hidden[torch.arange(len(hidden)), last] @ head


def _last_column(hidden: Tensor, mask: Tensor, head: Tensor) -> Tensor:
    return hidden[:, -1] @ head


def _first_column(hidden: Tensor, mask: Tensor, head: Tensor) -> Tensor:
    return hidden[:, 0] @ head


def _one_too_far(hidden: Tensor, mask: Tensor, head: Tensor) -> Tensor:
    return hidden[torch.arange(len(hidden)), mask.sum(dim=1)] @ head


def _one_too_early(hidden: Tensor, mask: Tensor, head: Tensor) -> Tensor:
    return hidden[torch.arange(len(hidden)), mask.sum(dim=1) - 2] @ head


def _same_for_all(hidden: Tensor, mask: Tensor, head: Tensor) -> Tensor:
    return hidden[:, mask.sum(dim=1).max() - 1] @ head


def _averaged(hidden: Tensor, mask: Tensor, head: Tensor) -> Tensor:
    return ((hidden @ head) * mask).sum(dim=1) / mask.sum(dim=1)


def _added_up(hidden: Tensor, mask: Tensor, head: Tensor) -> Tensor:
    return ((hidden @ head) * mask).sum(dim=1)


def _all_averaged(hidden: Tensor, mask: Tensor, head: Tensor) -> Tensor:
    return (hidden @ head).mean(dim=1)


def _without_head(hidden: Tensor, mask: Tensor, head: Tensor) -> Tensor:
    return hidden[torch.arange(len(hidden)), mask.sum(dim=1) - 1]


END_MUTANTS = {
    "last column": Mutant(
        _last_column,
        "You read the last column. For a shorter text that is padding, whose hidden "
        "state means nothing.",
    ),
    "longest text's end": Mutant(
        _same_for_all,
        "You read every row where the LONGEST text ends. Each text has its own end.",
    ),
    "one too far": Mutant(
        _one_too_far,
        "One too far: positions count from 0, so a text of 3 tokens ends at 2.",
    ),
    "one too early": Mutant(
        _one_too_early,
        "One too early: this is the token before the last, which has not seen the end.",
    ),
    "first column": Mutant(
        _first_column,
        "You read the first token. Attention looks back only: it has seen no answer.",
    ),
    "averaged": Mutant(
        _averaged, "This is the mean over the real tokens. Read one place: the last."
    ),
    "added up": Mutant(
        _added_up,
        "This is the sum over the real tokens, so that a longer text gets more.",
    ),
    "padding averaged": Mutant(
        _all_averaged,
        "This is the mean over all columns, padding included: it changes with the "
        "other texts of the batch.",
    ),
    "no head": Mutant(
        _without_head, "These are hidden states: `@ head` makes one number of each."
    ),
}


def _end_by_hand(answer) -> None:
    """Texts of 2 and 3 tokens, padded to 4; the first coordinate is the reward."""
    hidden = torch.tensor(
        [
            [[1.0, 9.0], [2.0, 9.0], [-7.0, 9.0], [-8.0, 9.0]],
            [[3.0, 9.0], [4.0, 9.0], [5.0, 9.0], [-9.0, 9.0]],
        ]
    )
    mask = torch.tensor([[1, 1, 0, 0], [1, 1, 1, 0]], dtype=torch.bool)
    head = torch.tensor([1.0, 0.0])
    wrong = outcomes(END_MUTANTS, hidden, mask, head)
    expect_close(answer(hidden, mask, head), [2.0, 5.0], wrong)


def _end_random(answer) -> None:
    lengths = torch.tensor([3, 7, 5, 2])
    mask = torch.arange(8) < lengths[:, None]
    hidden, head = torch.randn(4, 8, 6), torch.randn(6)
    want = end_rewards(hidden, mask, head)
    wrong = outcomes(END_MUTANTS, hidden, mask, head)
    expect_close(answer(hidden, mask, head), want, wrong)


def _end_alone(answer) -> None:
    """A causal toy model: a hidden state is the sum of all tokens up to its own."""
    table, head = torch.randn(10, 5), torch.randn(5)
    texts = [[3, 1, 4], [1, 5, 9, 2, 6], [5, 3]]
    alone = [
        float(answer(table[t].cumsum(0)[None], torch.ones(1, len(t)).bool(), head))
        for t in map(torch.tensor, texts)
    ]
    want = [float(table[torch.tensor(t)].sum(0) @ head) for t in texts]
    ids = torch.tensor([t + [0] * (5 - len(t)) for t in texts])
    mask = torch.arange(5) < torch.tensor([[len(t)] for t in texts])
    hidden = table[ids].cumsum(1)
    wrong = list(outcomes(END_MUTANTS, hidden, mask, head))
    expect_close(answer(hidden, mask, head), want, wrong)
    expect_close(alone, want, wrong)


# pair_accuracy ----------------------------------------------------------------------


def pair_accuracy(chosen: Tensor, rejected: Tensor) -> float:
    """The share of pairs whose chosen answer has the higher reward; a tie is half.

    chosen, rejected : (n,) float
    returns          : a number from 0 to 1
    """
    higher, equal = (chosen > rejected).float(), (chosen == rejected).float()
    return (higher + 0.5 * equal).mean().item()


def _ties_right(chosen: Tensor, rejected: Tensor) -> float:
    return (chosen >= rejected).float().mean().item()


def _ties_wrong(chosen: Tensor, rejected: Tensor) -> float:
    return (chosen > rejected).float().mean().item()


def _ties_left_out(chosen: Tensor, rejected: Tensor) -> float:
    differ = chosen != rejected
    return (chosen > rejected)[differ].float().mean().item()


def _other_way(chosen: Tensor, rejected: Tensor) -> float:
    return pair_accuracy(rejected, chosen)


def _mean_probability(chosen: Tensor, rejected: Tensor) -> float:
    return torch.sigmoid(chosen - rejected).mean().item()


def _counted(chosen: Tensor, rejected: Tensor) -> float:
    return pair_accuracy(chosen, rejected) * len(chosen)


def _in_percent(chosen: Tensor, rejected: Tensor) -> float:
    return 100 * pair_accuracy(chosen, rejected)


def _above_zero(chosen: Tensor, rejected: Tensor) -> float:
    return ((chosen > 0) & (rejected < 0)).float().mean().item()


ACCURACY_MUTANTS = {
    "ties are right": Mutant(
        _ties_right,
        "Ties count as right here. Then a model that gives every answer the same "
        "reward would be perfect.",
    ),
    "ties are wrong": Mutant(
        _ties_wrong,
        "Ties count as wrong here. A model that can't tell two answers apart guesses, "
        "and is right half of the time.",
    ),
    "ties left out": Mutant(
        _ties_left_out,
        "Ties are left out here: then a model that ties wherever it is unsure looks "
        "better than it is.",
    ),
    "other way round": Mutant(
        _other_way, "This is the share in which the REJECTED answer is higher."
    ),
    "mean probability": Mutant(
        _mean_probability,
        "This is the mean win probability. Accuracy asks only which reward is higher.",
    ),
    "counted": Mutant(_counted, "This is a number of pairs: divide by all pairs."),
    "percent": Mutant(_in_percent, "Return a share from 0 to 1, not percent."),
    "above zero": Mutant(
        _above_zero,
        "A reward above 0 means nothing by itself: compare the two rewards.",
    ),
}


def _without_ties(answer) -> None:
    chosen = torch.tensor([2.0, 0.5, -1.0, 4.0, -3.0])
    rejected = torch.tensor([1.0, 0.7, -2.0, 3.0, -4.0])
    wrong = outcomes(ACCURACY_MUTANTS, chosen, rejected)
    expect_close(answer(chosen, rejected), 0.8, wrong)


def _with_ties(answer) -> None:
    """Two higher, one lower, one tie."""
    chosen, rejected = torch.tensor([[3.0, 2.0, 1.0, 1.0], [0.0, 0.0, 2.0, 1.0]])
    wrong = outcomes(ACCURACY_MUTANTS, chosen, rejected)
    expect_close(answer(chosen, rejected), 0.625, wrong)


def _both_ways(answer) -> None:
    chosen, rejected = torch.randint(0, 4, (2, 30)).float()
    total = torch.as_tensor(answer(chosen, rejected) + answer(rejected, chosen))
    expect_close(total, 1.0)
    want = pair_accuracy(chosen, rejected)
    wrong = outcomes(ACCURACY_MUTANTS, chosen, rejected)
    expect_close(answer(chosen, rejected), want, wrong)


EXERCISES = [
    Exercise(
        name="end_rewards",
        notebook="12_reward_model",
        reference=end_rewards,
        parts=[
            Part("two texts padded to a fixed length", _end_by_hand),
            Part("four texts of different lengths", _end_random, 2),
            Part("a batch says what each text alone says", _end_alone),
        ],
        mutants=END_MUTANTS,
    ),
    Exercise(
        name="pair_accuracy",
        notebook="12_reward_model",
        reference=pair_accuracy,
        parts=[
            Part("five pairs without a tie", _without_ties),
            Part("ties count half", _with_ties),
            Part("asked the other way round, the two add up to 1", _both_ways),
        ],
        mutants=ACCURACY_MUTANTS,
    ),
]
