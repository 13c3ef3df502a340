"""Batches, padding and completion log-probabilities."""

from collections import Counter

import pytest
import torch

from utils.align.batching import (
    Example,
    Pair,
    batches,
    completion_logprobs,
    eval_mode,
    right_pad,
    score_completions,
    sorted_batches,
    token_logprobs,
)

EXAMPLES = [
    Example([5, 6, 7], [8, 9, 1]),
    Example([5], [8]),
    Example([9, 9, 9, 9, 9, 9, 4], [3, 3, 3, 3, 1]),
    Example([30, 31], [32, 33, 34, 35, 36, 37, 38, 1]),
]


def plain_logprobs(model, example: Example) -> torch.Tensor:
    """The same by one unpadded forward pass through the whole model."""
    ids = torch.tensor([example.prompt + example.completion])
    logprobs = model(ids).logits[0].log_softmax(-1)
    start = len(example.prompt)
    return torch.stack(
        [logprobs[start - 1 + i, t] for i, t in enumerate(example.completion)]
    )


def test_right_pad():
    padded = right_pad([[3, 4], [5]], pad_id=0)
    assert padded.dtype == torch.int64
    assert padded.tolist() == [[3, 4], [5, 0]]


def test_token_logprobs_equal_the_plain_forward_pass(llama):
    logprobs, mask = token_logprobs(llama, EXAMPLES, pad_id=0)
    assert mask.sum(dim=1).tolist() == [3, 1, 5, 8]
    for row, row_mask, example in zip(logprobs, mask, EXAMPLES, strict=True):
        torch.testing.assert_close(row[row_mask], plain_logprobs(llama, example))
        assert (row[~row_mask] == 0).all()


def test_the_pad_token_makes_no_difference(llama):
    zeros = completion_logprobs(llama, EXAMPLES, pad_id=0)
    nines = completion_logprobs(llama, EXAMPLES, pad_id=9)
    torch.testing.assert_close(zeros, nines, rtol=0, atol=0)


def test_gradients_flow_and_equal_the_plain_ones(llama):
    completion_logprobs(llama, EXAMPLES, pad_id=0).sum().backward()
    ours = {n: p.grad.clone() for n, p in llama.named_parameters()}
    llama.zero_grad()
    sum(plain_logprobs(llama, e).sum() for e in EXAMPLES).backward()
    for name, parameter in llama.named_parameters():
        torch.testing.assert_close(ours[name], parameter.grad, rtol=1e-4, atol=1e-4)


def test_score_completions_keeps_the_order_and_the_mode(llama):
    llama.train()
    scores = score_completions(llama, EXAMPLES, pad_id=0, batch_size=3)
    assert llama.training
    assert not scores.requires_grad
    expected = torch.stack([plain_logprobs(llama, e).sum() for e in EXAMPLES])
    torch.testing.assert_close(scores, expected.detach())


@pytest.mark.parametrize("example", [Example([], [3]), Example([3], [])])
def test_empty_parts_are_refused(llama, example):
    with pytest.raises(ValueError, match="needs a token"):
        token_logprobs(llama, [example], pad_id=0)


def test_batches_are_deterministic_and_fair():
    items = [Example([3] * n, [4]) for n in range(1, 101)]
    first = list(batches(items, 8, 50, seed=3))
    assert first == list(batches(items, 8, 50, seed=3))
    assert first != list(batches(items, 8, 50, seed=4))
    assert all(len(set(batch)) == 8 for batch in first), "no item twice in a batch"
    # 100 items make 12 batches an epoch, with 4 items left out: 50 steps are 4 epochs
    # and 2 batches.
    epochs = [first[start : start + 12] for start in range(0, 48, 12)]
    for epoch in epochs:
        assert len({i for batch in epoch for i in batch}) == 96
    counts = Counter(i for batch in first for i in batch)
    assert set(counts) == set(range(100))


def test_one_window_uses_every_item_once():
    items = [Example([3] * n, [4]) for n in range(1, 129)]
    seen = [i for batch in batches(items, 8, 16, seed=0) for i in batch]
    assert sorted(seen) == list(range(128))


def test_batches_hold_similar_lengths():
    items = [Example([3] * n, [4]) for n in range(1, 129)]
    spread = [max(batch) - min(batch) for batch in batches(items, 8, 16, seed=0)]
    assert max(spread) < 8
    starts = [min(batch) for batch in batches(items, 8, 16, seed=0)]
    assert starts != sorted(starts) and starts != sorted(starts, reverse=True)


def test_few_items_make_smaller_batches():
    assert [sorted(b) for b in batches([[1], [2]], 32, 3, seed=0)] == [[0, 1]] * 3


def test_bad_batches_are_refused():
    with pytest.raises(ValueError, match="at least one example"):
        list(batches([], 8, 1, seed=0))
    with pytest.raises(ValueError, match="batch_size"):
        list(batches(EXAMPLES, 0, 1, seed=0))
    with pytest.raises(ValueError, match="batch_size"):
        list(sorted_batches(EXAMPLES, 0))


def test_length_of_a_pair_is_that_of_its_longer_text():
    assert len(Pair([1, 2], [3], [4, 5, 6])) == 5


def test_eval_mode_restores_after_an_error(llama):
    llama.train()
    with pytest.raises(RuntimeError), eval_mode(llama):
        assert not llama.training
        raise RuntimeError
    assert llama.training
