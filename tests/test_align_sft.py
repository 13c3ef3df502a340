"""Supervised fine-tuning and the training loop that all algorithms share."""

import copy

import pytest
import torch

from utils.align.batching import Example, right_pad, token_logprobs
from utils.align.fit import fit, learning_rate_factor
from utils.align.sft import sft_loss, train_sft

EXAMPLES = [
    Example([5, 6, 7 + i % 3], [10 + i % 3, 20 + i % 5, 1][: 2 + i % 2])
    for i in range(30)
]


def weights(model) -> torch.Tensor:
    return torch.cat([p.detach().flatten() for p in model.parameters()])


def test_loss_equals_transformers_with_the_prompt_masked(llama):
    loss = sft_loss(*token_logprobs(llama, EXAMPLES, pad_id=0))
    ids = right_pad([e.prompt + e.completion for e in EXAMPLES], 0)
    labels = right_pad([[-100] * len(e.prompt) + e.completion for e in EXAMPLES], -100)
    expected = llama(ids, attention_mask=(labels != -100) | (ids > 0), labels=labels)
    torch.testing.assert_close(loss, expected.loss)


def test_only_completion_tokens_count(llama):
    logprobs = torch.tensor([[-1.0, -2.0, -99.0], [-3.0, -99.0, -99.0]])
    mask = torch.tensor([[True, True, False], [True, False, False]])
    assert sft_loss(logprobs, mask).item() == 2.0


def test_training_reduces_the_loss(llama):
    losses = train_sft(llama, EXAMPLES, steps=60, batch_size=10, lr=1e-2, pad_id=0)
    assert len(losses) == 60
    assert losses[-1] < 0.3 * losses[0]


def test_same_seed_same_result(llama):
    runs = []
    for seed in (0, 0, 1):
        model = copy.deepcopy(llama)
        losses = train_sft(model, EXAMPLES, steps=4, batch_size=8, seed=seed, pad_id=0)
        runs.append((losses, weights(model)))
    assert runs[0][0] == runs[1][0] and torch.equal(runs[0][1], runs[1][1])
    assert runs[0][0] != runs[2][0]


def test_frozen_parameters_stay_and_the_mode_comes_back(llama):
    llama.model.embed_tokens.weight.requires_grad_(False)
    before = llama.model.embed_tokens.weight.clone()
    body = weights(llama.model.layers)
    train_sft(llama, EXAMPLES, steps=2, batch_size=8, pad_id=0)
    assert torch.equal(before, llama.model.embed_tokens.weight)
    assert not torch.equal(body, weights(llama.model.layers))
    assert not llama.training
    assert all(p.grad is None for p in llama.parameters())


def test_fit_equals_a_loop_written_out(llama):
    batches = [EXAMPLES[:8], EXAMPLES[8:16], EXAMPLES[16:24]]
    theirs = copy.deepcopy(llama)

    def loss_fn(batch):
        return sft_loss(*token_logprobs(llama, batch, 0)), {}

    fit(llama, batches, loss_fn, steps=3, lr=1e-2, warmup=2)
    optimizer = torch.optim.AdamW(theirs.parameters(), weight_decay=0.0)
    for batch, factor in zip(batches, (0.5, 1.0, 1.0), strict=True):
        optimizer.param_groups[0]["lr"] = 1e-2 * factor
        theirs.zero_grad()
        sft_loss(*token_logprobs(theirs, batch, 0)).backward()
        torch.nn.utils.clip_grad_norm_(theirs.parameters(), 1.0)
        optimizer.step()
    torch.testing.assert_close(weights(llama), weights(theirs), atol=1e-4, rtol=0)


def test_learning_rate_rises_and_falls():
    factors = [learning_rate_factor(step, 20, 4) for step in range(20)]
    assert factors[:4] == [0.25, 0.5, 0.75, 1.0]
    assert factors[4:] == sorted(factors[4:], reverse=True)
    assert factors[-1] == pytest.approx(1 / 16)
    assert learning_rate_factor(0, 1, 10) == 1.0


def test_a_loss_that_is_not_a_number_stops_training(llama):
    def broken(batch):
        return llama.lm_head.weight.sum() * float("nan"), {}

    before = weights(llama)
    with pytest.raises(FloatingPointError, match="lower lr"):
        fit(llama, [0], broken, steps=1, lr=1.0)
    assert torch.equal(before, weights(llama))
    assert not llama.training


def test_different_shapes_are_refused():
    with pytest.raises(ValueError, match="same shape"):
        sft_loss(torch.zeros(2, 3), torch.ones(2, 1, dtype=torch.bool))
