"""Direct Preference Optimization."""

import copy
import math

import pytest
import torch
from datasets import Dataset
from trl import DPOConfig, DPOTrainer

from utils.align.batching import Example, completion_logprobs
from utils.align.dpo import Pair, dpo_loss, train_dpo
from utils.align.kl import exact_kl

# TRL still passes an argument that transformers has renamed.
pytestmark = pytest.mark.filterwarnings("ignore:.*checkpointing:FutureWarning")

PAIRS = [
    Pair([5, 6], [7, 8, 9, 1], [10, 1]),
    Pair([11], [7, 1], [12, 13, 1]),
    Pair([5, 14, 15], [16, 7, 1], [16, 17, 18, 1]),
]
REWARD = torch.tensor([0.0, 1.0, -1.0, 0.5, 2.0], dtype=torch.float64)


def scores(model, pairs) -> tuple[torch.Tensor, torch.Tensor]:
    """log p(chosen) and log p(rejected)."""
    chosen = [Example(p.prompt, p.chosen) for p in pairs]
    rejected = [Example(p.prompt, p.rejected) for p in pairs]
    return completion_logprobs(model, chosen, 0), completion_logprobs(
        model, rejected, 0
    )


def test_loss_and_metrics_equal_trl(make_llama, trl_tokenizer, trl_settings):
    policy, reference = make_llama(0), make_llama(1)
    rows = [
        {"prompt_ids": p.prompt, "chosen_ids": p.chosen, "rejected_ids": p.rejected}
        for p in PAIRS
    ]
    texts = [{"prompt": "t5", "chosen": " t6", "rejected": " t7"}] * 2
    trainer = DPOTrainer(
        model=copy.deepcopy(policy),
        ref_model=copy.deepcopy(reference),
        args=DPOConfig(beta=0.3, **trl_settings),
        train_dataset=Dataset.from_list(texts),
        processing_class=trl_tokenizer,
    )
    trainer.model.eval()
    expected = trainer.compute_loss(trainer.model, trainer.data_collator(rows))

    loss, metrics = dpo_loss(
        *scores(policy, PAIRS), *scores(reference, PAIRS), beta=0.3
    )
    torch.testing.assert_close(loss, expected)
    logged = trainer._metrics["eval"]
    for ours, theirs in {
        "chosen_reward": "rewards/chosen",
        "rejected_reward": "rewards/rejected",
        "accuracy": "rewards/accuracies",
        "margin": "rewards/margins",
    }.items():
        assert metrics[ours] == pytest.approx(logged[theirs][0], abs=1e-5)


def test_loss_is_log_2_where_policy_and_reference_agree(llama):
    with torch.no_grad():
        chosen, rejected = scores(llama, PAIRS)
    for p in (1.0, 0.7, 0.0):
        loss, _ = dpo_loss(chosen, rejected, chosen, rejected, beta=0.5, p=p)
        assert loss.item() == pytest.approx(math.log(2), abs=1e-6)


def test_soft_label_mixes_the_two_hard_ones():
    tensors = torch.randn(4, 3)
    chosen, rejected, ref_chosen, ref_rejected = tensors
    forward, _ = dpo_loss(chosen, rejected, ref_chosen, ref_rejected, 0.2)
    swapped, _ = dpo_loss(rejected, chosen, ref_rejected, ref_chosen, 0.2)
    soft, _ = dpo_loss(chosen, rejected, ref_chosen, ref_rejected, 0.2, p=0.7)
    torch.testing.assert_close(soft, 0.7 * forward + 0.3 * swapped)


def test_gradient_equals_finite_differences():
    values = [
        torch.randn(3, dtype=torch.float64, requires_grad=i < 2) for i in range(4)
    ]
    p = torch.tensor([1.0, 0.6, 0.2], dtype=torch.float64)
    assert torch.autograd.gradcheck(
        lambda *args: dpo_loss(*args, beta=0.7, p=p)[0], tuple(values)
    )


def closed_form(reference_logprobs, beta):
    """pi(y) = reference(y) exp(r(y) / beta) / Z, eq. 4 of the paper."""
    return (reference_logprobs + REWARD / beta).softmax(-1)


@pytest.mark.parametrize("beta", [0.5, 2.0])
def test_optimum_is_the_closed_form(beta):
    """A free distribution over five texts, and every pair labelled by the reward."""
    reference = torch.tensor([0.1, 0.3, 0.25, 0.15, 0.2]).double().log()
    first, second = torch.combinations(torch.arange(5)).unbind(dim=1)
    p = torch.sigmoid(REWARD[first] - REWARD[second])
    logits = reference.clone().requires_grad_()
    optimizer = torch.optim.LBFGS([logits], max_iter=200, tolerance_grad=1e-10)

    def closure():
        optimizer.zero_grad()
        policy = logits.log_softmax(-1)
        loss, _ = dpo_loss(
            policy[first], policy[second], reference[first], reference[second], beta, p
        )
        loss.backward()
        return loss

    optimizer.step(closure)
    torch.testing.assert_close(
        logits.softmax(-1).detach(), closed_form(reference, beta), atol=1e-4, rtol=1e-3
    )


def test_training_a_model_reaches_the_closed_form(make_llama):
    """The same with `train_dpo`: one prompt, five tokens, all pairs in every batch."""
    policy = make_llama(0, vocab_size=5)
    prompt, ids = [2, 3], torch.tensor([[2, 3]])
    pairs = [
        Pair(prompt, [a], [b], p=torch.sigmoid(REWARD[a] - REWARD[b]).item())
        for a in range(5)
        for b in range(a)
    ]
    with torch.no_grad():
        reference = policy(ids).logits[0, -1].log_softmax(-1).double()
    # Half a reward unit of beta; `policy` may serve as its own reference.
    train_dpo(policy, policy, pairs, beta=1.0, steps=150, lr=1e-2, pad_id=0)
    with torch.no_grad():
        found = policy(ids).logits[0, -1].softmax(-1).double()
    expected = closed_form(reference, 1.0)
    assert (expected - reference.exp()).abs().max() > 0.2, "the target is far away"
    torch.testing.assert_close(found, expected, atol=0.01, rtol=0)


def test_higher_beta_stays_closer(llama):
    ids, moved = torch.tensor([[5, 14, 15, 16]]), []
    for beta in (0.1, 5.0):
        policy = copy.deepcopy(llama)
        history = train_dpo(
            policy, llama, PAIRS, beta=beta, steps=60, lr=2e-3, pad_id=0
        )
        assert history[0]["loss"] == pytest.approx(math.log(2), abs=1e-5)
        assert history[-1]["loss"] < 0.2
        assert history[-1]["accuracy"] == 1
        with torch.no_grad():
            kl = exact_kl(policy(ids).logits, llama(ids).logits).mean()
        moved.append(kl.item())
    assert moved[1] < 0.5 * moved[0]


def test_sft_term_holds_up_the_chosen_text(llama):
    gains = []
    before = scores(llama, PAIRS)[0].sum().item()
    for weight in (0.0, 1.0):
        policy = copy.deepcopy(llama)
        train_dpo(
            policy, llama, PAIRS, beta=0.1, steps=30, lr=2e-3, pad_id=0,
            sft_weight=weight,
        )  # fmt: skip
        gains.append(scores(policy, PAIRS)[0].sum().item() - before)
    assert gains[1] > gains[0] + 1


def test_same_seed_same_result_and_reference_untouched(llama):
    before = copy.deepcopy(llama.state_dict())
    runs = [
        train_dpo(
            copy.deepcopy(llama), llama, PAIRS, beta=0.1, steps=4, batch_size=2,
            lr=1e-3, seed=seed, pad_id=0,
        )
        for seed in (0, 0, 1)
    ]  # fmt: skip
    assert runs[0] == runs[1] != runs[2]
    assert all(torch.equal(before[n], v) for n, v in llama.state_dict().items())


def test_bad_input_is_refused():
    z = torch.zeros(2)
    with pytest.raises(ValueError, match=r"must be \(n,\)"):
        dpo_loss(z, z, z, torch.zeros(3), beta=0.1)
    with pytest.raises(ValueError, match="beta must be above 0"):
        dpo_loss(z, z, z, z, beta=0.0)
    with pytest.raises(ValueError, match="probability"):
        dpo_loss(z, z, z, z, beta=0.1, p=torch.tensor([0.5, 1.5]))
