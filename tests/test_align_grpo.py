"""Group Relative Policy Optimization."""

import copy

import pytest
import torch
from datasets import Dataset
from trl import GRPOConfig, GRPOTrainer

from utils.align.batching import Example, token_logprobs
from utils.align.grpo import group_advantages, grpo_loss, train_grpo
from utils.align.sampling import left_pad

# TRL still passes an argument that transformers has renamed.
pytestmark = pytest.mark.filterwarnings("ignore:.*checkpointing:FutureWarning")

EXAMPLES = [
    Example([5, 6, 7], [8, 9, 1]),
    Example([5], [8, 1]),
    Example([9, 9, 9, 4], [3, 3, 3, 3, 1]),
    Example([30, 31], [32, 33, 34]),
]
ADVANTAGES = torch.tensor([1.2, -0.7, 0.4, -1.5])
SAMPLING = {"max_new_tokens": 6, "end_id": 1, "pad_id": 0}


def trl_trainer(model, reward, tokenizer, settings, **changes) -> GRPOTrainer:
    config = GRPOConfig(
        loss_type="grpo", num_generations=4, per_device_train_batch_size=8,
        max_completion_length=4, **settings | changes,
    )  # fmt: skip
    return GRPOTrainer(
        model=copy.deepcopy(model),
        reward_funcs=reward,
        args=config,
        train_dataset=Dataset.from_list([{"prompt": "t5 t6"}, {"prompt": "t7"}]),
        processing_class=tokenizer,
    )


@pytest.mark.parametrize(("clip", "beta"), [(0.2, 0.3), (0.05, 0.0)])
def test_loss_equals_trl(make_llama, trl_tokenizer, trl_settings, clip, beta):
    policy, old, reference = make_llama(0), make_llama(0), make_llama(1)
    with torch.no_grad():  # a policy a little away from the one that sampled
        for parameter in policy.parameters():
            parameter += 0.02 * torch.randn_like(parameter)
        old_logprobs, mask = token_logprobs(old, EXAMPLES, 0)
        reference_logprobs, _ = token_logprobs(reference, EXAMPLES, 0)
        logprobs, _ = token_logprobs(policy, EXAMPLES, 0)

    prompt_ids, padding = left_pad([e.prompt for e in EXAMPLES], 0)
    completions = torch.zeros(mask.shape, dtype=torch.long)
    completions[mask] = torch.tensor([t for e in EXAMPLES for t in e.completion])
    columns = torch.arange(prompt_ids.shape[1])
    trainer = trl_trainer(
        policy,
        lambda **_: None,
        trl_tokenizer,
        trl_settings,
        epsilon=clip,
        use_bias_correction_kl=False,  # GRPO as published
    )
    trainer.beta = beta  # given at the start, it would look for a reference on the hub
    trainer.model.eval()
    expected = trainer._compute_loss(
        trainer.model,
        {
            "prompt_ids": prompt_ids,
            "prompt_mask": (columns >= padding[:, None]).long(),
            "completion_ids": completions,
            "completion_mask": mask.long(),
            "advantages": ADVANTAGES,
            "old_per_token_logps": old_logprobs,
            "ref_per_token_logps": reference_logprobs,
        },
    )
    loss, metrics = grpo_loss(
        logprobs, old_logprobs, reference_logprobs, ADVANTAGES, mask, clip, beta
    )
    torch.testing.assert_close(loss, expected, atol=1e-5, rtol=1e-5)
    assert metrics["clipped"] > 0.1, "clipping must act for this to test much"


@pytest.mark.parametrize("scale", [True, False])
def test_advantages_equal_trl(llama, trl_tokenizer, trl_settings, scale):
    rewards = [0.0, 1.0, 1.0, 5.0, 2.0, 2.0, 2.0, 2.0]  # the second group is equal
    trainer = trl_trainer(
        llama,
        lambda completions, **_: rewards,
        trl_tokenizer,
        trl_settings,
        scale_rewards="group" if scale else "none",
    )
    trainer.model.train()
    prompts = [{"prompt": "t5 t6"}] * 4 + [{"prompt": "t7"}] * 4
    expected = trainer._generate_and_score_completions(prompts)["advantages"]
    ours = group_advantages(torch.tensor(rewards).view(2, 4), scale=scale)
    torch.testing.assert_close(ours.flatten(), expected)


def test_equal_rewards_give_exactly_0():
    """The mean of eight 0.3 is not 0.3; divided by 1e-4 the rest would be felt."""
    assert (group_advantages(torch.full((1, 8), 0.3)) == 0).all()
    assert (group_advantages(torch.full((1, 8), 0.3), scale=False) == 0).all()


def test_advantages_by_hand_and_their_invariances():
    rewards = torch.tensor([[1.0, 2.0, 3.0], [4.0, 4.0, 4.0]])
    advantages = group_advantages(rewards)
    torch.testing.assert_close(
        advantages, torch.tensor([[-1.0, 0, 1], [0, 0, 0]]), atol=1e-3, rtol=0
    )
    shifted = group_advantages(rewards + torch.tensor([[10.0], [-3.0]]))
    torch.testing.assert_close(advantages, shifted)
    stretched = group_advantages(rewards * 50)
    torch.testing.assert_close(advantages, stretched, atol=1e-3, rtol=0)
    plain = group_advantages(rewards, scale=False)
    torch.testing.assert_close(plain, torch.tensor([[-1.0, 0, 1], [0, 0, 0]]))


def test_gradient_is_that_of_reinforce_on_policy():
    """At ratio 1 the gradient is -advantage / tokens, averaged over completions."""
    logprobs = torch.randn(4, 5, requires_grad=True)
    mask = torch.arange(5) < torch.tensor([[3], [2], [5], [3]])
    loss, metrics = grpo_loss(
        logprobs, logprobs.detach(), logprobs.detach(), ADVANTAGES, mask, 0.2, 0.5
    )
    loss.backward()
    expected = -ADVANTAGES[:, None] * mask / mask.sum(dim=1, keepdim=True) / 4
    torch.testing.assert_close(logprobs.grad, expected)
    assert metrics["kl"] == 0 and metrics["clipped"] == 0


def test_gradient_equals_finite_differences():
    torch.manual_seed(0)
    logprobs, old, reference = torch.randn(3, 4, 5, dtype=torch.float64) * 0.3
    mask = torch.arange(5) < torch.tensor([[3], [2], [5], [1]])
    assert torch.autograd.gradcheck(
        lambda x: grpo_loss(x, old, reference, ADVANTAGES.double(), mask, 0.2, 0.5)[0],
        (logprobs.requires_grad_(),),
    )


def test_clipping_stops_the_gradient_only_in_the_direction_of_the_advantage():
    old = torch.zeros(4, 1)
    ratios = torch.tensor([1.5, 0.5, 1.5, 0.5])
    logprobs = ratios.log()[:, None].requires_grad_()
    advantages = torch.tensor([1.0, 1.0, -1.0, -1.0])
    mask = torch.ones(4, 1, dtype=torch.bool)
    grpo_loss(logprobs, old, old, advantages, mask, clip=0.2, beta=0.0)[0].backward()
    moving = (logprobs.grad.squeeze() != 0).tolist()
    assert moving == [False, True, True, False]


def count_sevens(index, samples) -> list[float]:
    return [float(s.tokens.count(7)) for s in samples]


def test_training_raises_the_reward_and_beta_holds_it_back(llama):
    gains = {}
    for beta in (0.0, 2.0):
        history = train_grpo(
            copy.deepcopy(llama), llama, [[5, 6], [8], [9, 10, 11]], count_sevens,
            steps=25, prompts_per_step=3, beta=beta, lr=5e-3, warmup=3, **SAMPLING,
        )  # fmt: skip
        last = sum(m["reward"] for m in history[-5:]) / 5
        gains[beta] = last - history[0]["reward"]
    assert gains[0.0] > 1.5
    assert gains[2.0] < 0.7 * gains[0.0]


def test_first_update_starts_at_ratio_1_and_kl_0(llama):
    [first] = train_grpo(
        copy.deepcopy(llama), llama, [[5, 6], [8]], count_sevens, steps=1, **SAMPLING
    )
    assert first["kl"] == pytest.approx(0, abs=1e-6)
    # The advantages of a group add up to 0, and so does the loss while all ratios
    # are 1: sampling and training agree on every token's log-probability.
    assert first["loss"] == pytest.approx(0, abs=1e-5)
    assert first["clipped"] == 0
    assert 0 <= first["finished"] <= 1 and 1 <= first["length"] <= 6


def test_reusing_a_rollout_moves_the_ratio(llama):
    history = train_grpo(
        copy.deepcopy(llama), llama, [[5, 6], [8]], count_sevens,
        steps=4, updates_per_rollout=2, lr=1e-2, warmup=1, **SAMPLING,
    )  # fmt: skip
    rewards = [m["reward"] for m in history]
    assert rewards[0] == rewards[1] and rewards[2] == rewards[3]
    assert rewards[0] != rewards[2]
    assert history[1]["kl"] > 0 and history[1]["clipped"] > 0


def test_equal_rewards_teach_nothing(llama):
    policy = copy.deepcopy(llama)
    history = train_grpo(
        policy, llama, [[5, 6]], lambda i, samples: [0.3] * len(samples),
        steps=2, beta=0.0, **SAMPLING,
    )  # fmt: skip
    assert [m["loss"] for m in history] == [0, 0]
    for before, after in zip(llama.parameters(), policy.parameters(), strict=True):
        assert torch.equal(before, after)


def test_same_seed_same_result(llama):
    runs = [
        train_grpo(
            copy.deepcopy(llama), llama, [[5, 6], [8]], count_sevens,
            steps=3, prompts_per_step=2, group_size=4, seed=seed, **SAMPLING,
        )
        for seed in (0, 0, 1)
    ]  # fmt: skip
    assert runs[0] == runs[1] != runs[2]


def test_the_reward_function_sees_its_own_prompt(llama):
    seen = {}

    def reward(index, samples):
        seen[index] = len(samples)
        return [0.0] * len(samples)

    train_grpo(
        copy.deepcopy(llama), llama, [[5, 6], [8], [9]], reward,
        steps=1, prompts_per_step=3, group_size=5, **SAMPLING,
    )  # fmt: skip
    assert seen == {0: 5, 1: 5, 2: 5}


def test_bad_input_is_refused(llama):
    with pytest.raises(ValueError, match="k of at least 2"):
        group_advantages(torch.zeros(4))
    with pytest.raises(ValueError, match="k of at least 2"):
        group_advantages(torch.zeros(4, 1))
    x, mask = torch.zeros(4, 5), torch.ones(4, 5, dtype=torch.bool)
    with pytest.raises(ValueError, match=r"advantages \(n,\)"):
        grpo_loss(x, x, x, torch.zeros(4, 1), mask, 0.2, 0.1)
    with pytest.raises(ValueError, match=r"must all be \(n, T\)"):
        grpo_loss(x, x[:, :1], x, torch.zeros(4), mask, 0.2, 0.1)
    with pytest.raises(ValueError, match="copy of the policy"):
        train_grpo(llama, llama, [[5]], count_sevens, steps=1, **SAMPLING)
    with pytest.raises(ValueError, match="returned 1 rewards for 8 samples"):
        train_grpo(
            llama, copy.deepcopy(llama), [[5]], lambda i, s: [1], steps=1, **SAMPLING
        )
