"""The Bradley-Terry reward model."""

import copy
import math

import pytest
import torch
from datasets import Dataset
from transformers import LlamaForSequenceClassification
from trl import RewardConfig, RewardTrainer

from utils.align.batching import Example, Pair
from utils.align.reward_model import (
    RewardModel,
    bradley_terry_loss,
    score,
    train_reward_model,
)

# TRL still passes an argument that transformers has renamed.
pytestmark = pytest.mark.filterwarnings("ignore:.*checkpointing:FutureWarning")

PAIRS = [
    Pair([5, 6], [7, 8, 9, 1], [10, 1]),
    Pair([11], [7, 1], [12, 13, 1]),
    Pair([5, 14, 15], [16, 7, 1], [16, 17, 18, 1]),
]


@pytest.mark.parametrize("margin", [None, [0.5, -1.0, 2.0]])
def test_loss_equals_trl(llama, trl_tokenizer, trl_settings, margin):
    ours = RewardModel(llama)
    ours.head.data *= 30  # rewards far apart, so that the loss is not just log 2
    config = copy.deepcopy(llama.config)
    config.num_labels = 1
    theirs = LlamaForSequenceClassification(config)
    theirs.model.load_state_dict(ours.body.state_dict())
    theirs.score.weight.data = ours.head.data[None].clone()
    rows = [
        {"chosen_ids": p.prompt + p.chosen, "rejected_ids": p.prompt + p.rejected}
        for p in PAIRS
    ]
    if margin:
        rows = [r | {"margin": m} for r, m in zip(rows, margin, strict=True)]
    trainer = RewardTrainer(
        model=theirs,
        args=RewardConfig(**trl_settings),
        train_dataset=Dataset.from_list(rows),
        processing_class=trl_tokenizer,
    )
    trainer.model.eval()
    expected = trainer.compute_loss(trainer.model, trainer.data_collator(rows))

    chosen = ours([Example(p.prompt, p.chosen) for p in PAIRS], pad_id=0)
    rejected = ours([Example(p.prompt, p.rejected) for p in PAIRS], pad_id=0)
    loss, metrics = bradley_terry_loss(chosen, rejected, torch.tensor(margin or 0.0))
    torch.testing.assert_close(loss, expected)
    assert abs(loss.item() - math.log(2)) > 0.05
    logged = trainer._metrics["eval"]
    assert metrics["accuracy"] == pytest.approx(logged["accuracy"][0])
    assert metrics["margin"] == pytest.approx(logged["margin"][0], abs=1e-5)


def test_equal_rewards_give_log_2():
    loss, metrics = bradley_terry_loss(torch.ones(3), torch.ones(3))
    assert loss.item() == pytest.approx(math.log(2))
    assert metrics["margin"] == 0


def test_only_differences_matter():
    chosen, rejected = torch.tensor([1.0, -2.0]), torch.tensor([0.5, 3.0])
    plain, _ = bradley_terry_loss(chosen, rejected)
    shifted, _ = bradley_terry_loss(chosen + 7, rejected + 7)
    torch.testing.assert_close(plain, shifted)


def test_gradient_equals_finite_differences():
    chosen = torch.randn(4, dtype=torch.float64, requires_grad=True)
    rejected = torch.randn(4, dtype=torch.float64, requires_grad=True)
    p = torch.tensor([1.0, 0.8, 0.5, 0.3], dtype=torch.float64)
    assert torch.autograd.gradcheck(
        lambda c, r: bradley_terry_loss(c, r, margin=0.3, p=p)[0], (chosen, rejected)
    )


def test_soft_label_has_a_finite_optimum():
    gap = torch.tensor([math.log(0.8 / 0.2)], requires_grad=True)
    bradley_terry_loss(gap, torch.zeros(1), p=0.8)[0].backward()
    assert gap.grad.item() == pytest.approx(0, abs=1e-6)


def test_reward_is_read_at_the_last_real_token(llama):
    model = RewardModel(llama)
    short, long = Example([5, 6], [7, 1]), Example([5] * 9, [7, 8, 1])
    together = model([short, long], pad_id=0)
    alone = torch.cat([model([short], pad_id=0), model([long], pad_id=0)])
    torch.testing.assert_close(together, alone)
    torch.testing.assert_close(together, model([short, long], pad_id=9))


def test_training_and_score(llama):
    """Completions with token 7 are better."""
    before = copy.deepcopy(llama.state_dict())
    model = RewardModel(llama)
    metrics = train_reward_model(
        model, PAIRS, steps=40, batch_size=3, lr=3e-3, pad_id=0
    )
    assert metrics[0]["loss"] == pytest.approx(math.log(2), abs=0.2)
    assert metrics[-1]["loss"] < 0.1
    assert metrics[-1]["accuracy"] == 1
    model.train()
    chosen = score(model, [Example(p.prompt, p.chosen) for p in PAIRS], 0, batch_size=2)
    rejected = score(model, [Example(p.prompt, p.rejected) for p in PAIRS], 0)
    assert (chosen > rejected).all() and not chosen.requires_grad
    assert model.training
    for name, value in llama.state_dict().items():
        assert torch.equal(before[name], value), "the language model must not change"


def test_same_seed_same_result(llama):
    runs = []
    for seed in (0, 0, 1):
        model = RewardModel(llama, seed=seed)
        runs.append(
            train_reward_model(model, PAIRS, steps=3, batch_size=2, seed=seed, pad_id=0)
        )
    assert runs[0] == runs[1] != runs[2]


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match=r"both be \(n,\)"):
        bradley_terry_loss(torch.zeros(2), torch.zeros(3))
    with pytest.raises(ValueError, match="probability"):
        bradley_terry_loss(torch.zeros(2), torch.zeros(2), p=1.2)
