"""Group Relative Policy Optimization: RL without a value network.

Shao et al. 2024 (DeepSeekMath), arXiv 2402.03300, section 4.1. For every prompt the
policy writes a group of k completions; a completion's advantage is its reward
compared with its group's, and a clipped policy-gradient step makes the better ones
likelier, held near the reference by a KL penalty.

Left out on purpose: per-token (process) rewards, advantages normalised over the whole
batch, a reference that is renewed, and two later corrections. Dr. GRPO (arXiv
2503.20783) drops the division by length, and by the standard deviation, which is
`scale=False` here. DeepSeek-V3.2 (arXiv 2512.02556) multiplies the KL term by the
ratio: k3 estimates the KL without bias, yet its gradient is not that of the KL.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import NamedTuple

import torch
from torch import Tensor, nn

from utils.align.batching import Example, batches, eval_mode, token_logprobs
from utils.align.fit import Metrics, fit
from utils.align.kl import k3
from utils.align.sampling import Sample, generate

RewardFunction = Callable[[int, list[Sample]], Sequence[float]]


class _Rollout(NamedTuple):
    examples: list[Example]
    old_logprobs: Tensor  # (n, T), 0 where there is no token
    reference_logprobs: Tensor  # (n, T)
    advantages: Tensor  # (n,)
    metrics: Metrics


def group_advantages(rewards: Tensor, scale: bool = True) -> Tensor:
    """A_i = (r_i - mean(r)) / std(r) within each group (section 4.1.2).

    rewards (groups, k) float, k >= 2; returns the same shape. `scale=False` leaves
    out the division, which otherwise gives a group that differs by a hair the same
    weight as one that differs widely. A group of equal rewards gets advantage 0:
    it has nothing to teach. Raises ValueError for another shape.
    """
    if rewards.dim() != 2 or rewards.shape[1] < 2:
        raise ValueError(
            "rewards must be (groups, k) with k of at least 2, not "
            f"{tuple(rewards.shape)}."
        )
    advantages = rewards - rewards.mean(dim=1, keepdim=True)
    # Rounding leaves a little something of equal rewards, which Adam would enlarge.
    equal = rewards.amax(dim=1, keepdim=True) == rewards.amin(dim=1, keepdim=True)
    advantages = advantages.masked_fill(equal, 0)
    if not scale:
        return advantages
    return advantages / (rewards.std(dim=1, keepdim=True) + 1e-4)


def grpo_loss(
    logprobs: Tensor,
    old_logprobs: Tensor,
    reference_logprobs: Tensor,
    advantages: Tensor,
    mask: Tensor,
    clip: float,
    beta: float,
) -> tuple[Tensor, Metrics]:
    """GRPO loss (eq. 3 with minus sign), KL by the k3 estimator (eq. 4).

        ratio_t = exp(logprobs_t - old_logprobs_t)
        L_t = -min(ratio_t A, clamp(ratio_t, 1 - clip, 1 + clip) A) + beta k3_t
        L = mean over completions of the mean over tokens of L_t

    logprobs, old_logprobs, reference_logprobs (n, T) float and mask (n, T) bool for
    the tokens of n completions; advantages (n,). `old_logprobs` belong to the policy
    that wrote the completions. A larger `clip` lets one rollout move the policy
    further; a higher `beta` holds it closer to the reference. Raises ValueError for
    shapes that differ.
    """
    shapes = {t.shape for t in (logprobs, old_logprobs, reference_logprobs, mask)}
    if len(shapes) > 1 or advantages.shape != logprobs.shape[:1]:
        raise ValueError(
            "Log-probabilities and mask must all be (n, T), and advantages (n,)."
        )
    ratio = (logprobs - old_logprobs).exp()
    clipped = ratio.clamp(1 - clip, 1 + clip)
    advantage = advantages[:, None]  # the same for every token of a completion
    gain = torch.minimum(ratio * advantage, clipped * advantage)
    kl = k3(logprobs, reference_logprobs)

    def mean(values: Tensor) -> Tensor:
        tokens = mask.sum(dim=1).clamp(min=1)
        return ((values * mask).sum(dim=1) / tokens).mean()

    loss = mean(beta * kl - gain)
    limited = gain < ratio * advantage  # where clipping took the gradient away
    return loss, {
        "loss": loss.item(),
        "kl": mean(kl).item(),
        "clipped": mean(limited.float()).item(),
    }


def train_grpo(
    policy: nn.Module,
    reference: nn.Module,
    prompts: Sequence[list[int]],
    reward_fn: RewardFunction,
    *,
    steps: int,
    pad_id: int,
    group_size: int = 8,
    prompts_per_step: int = 8,
    updates_per_rollout: int = 1,
    beta: float = 0.04,
    clip: float = 0.2,
    scale: bool = True,
    lr: float = 1e-4,
    warmup: int = 10,
    seed: int = 0,
    progress: str = "",
    **sampling,
) -> list[Metrics]:
    """Train `policy` in place by GRPO; return the metrics of each optimiser step.

    `reward_fn(i, samples)` returns a number for each of the `group_size` samples of
    `prompts[i]`; it decides what an unfinished one is worth. `sampling` goes to
    `generate`: max_new_tokens and end_id, perhaps banned and end_after. A rollout
    serves `updates_per_rollout` optimiser steps: more of them use samples better, and
    only from the second on can the ratio leave 1 and clipping act. Raises ValueError
    when `reference` is `policy` itself, which would make the KL zero for ever.
    """
    if reference is policy:
        raise ValueError("reference must be a copy of the policy: copy.deepcopy it.")
    sampling |= {"pad_id": pad_id, "generator": torch.Generator().manual_seed(seed)}
    order = batches(prompts, prompts_per_step, -(-steps // updates_per_rollout), seed)

    def rollouts() -> Iterator[_Rollout]:
        # Lazy: each rollout is sampled in its turn, by the policy as it is by then.
        for index in order:
            groups = _sample_groups(policy, prompts, index, group_size, sampling)
            rewards = _rewards(reward_fn, index, groups)
            rollout = _roll_out(
                reference, prompts, index, groups, rewards, scale, pad_id
            )
            yield from [rollout] * updates_per_rollout

    def loss_fn(rollout: _Rollout) -> tuple[Tensor, Metrics]:
        logprobs, mask = token_logprobs(policy, rollout.examples, pad_id)
        others = (rollout.old_logprobs, rollout.reference_logprobs, rollout.advantages)
        loss, metrics = grpo_loss(logprobs, *others, mask, clip, beta)
        return loss, rollout.metrics | metrics

    updates = islice(rollouts(), steps)
    return fit(
        policy, updates, loss_fn, steps=steps, lr=lr, warmup=warmup, progress=progress
    )


def _sample_groups(
    policy: nn.Module,
    prompts: Sequence[list[int]],
    index: list[int],
    k: int,
    sampling: dict,
) -> list[list[Sample]]:
    samples = generate(
        policy, [prompts[i] for i in index for _ in range(k)], **sampling
    )
    return [samples[start : start + k] for start in range(0, len(samples), k)]


def _rewards(
    reward_fn: RewardFunction, index: list[int], groups: list[list[Sample]]
) -> Tensor:
    rows = []
    for i, group in zip(index, groups, strict=True):
        rewards = [float(reward) for reward in reward_fn(i, group)]
        if len(rewards) != len(group):
            raise ValueError(
                f"reward_fn returned {len(rewards)} rewards for {len(group)} samples."
            )
        rows.append(rewards)
    return torch.tensor(rows)


def _roll_out(
    reference: nn.Module,
    prompts: Sequence[list[int]],
    index: list[int],
    groups: list[list[Sample]],
    rewards: Tensor,
    scale: bool,
    pad_id: int,
) -> _Rollout:
    samples = [sample for group in groups for sample in group]
    owners = [i for i, group in zip(index, groups, strict=True) for _ in group]
    examples = [
        Example(prompts[i], sample.tokens)
        for i, sample in zip(owners, samples, strict=True)
    ]
    with torch.no_grad(), eval_mode(reference):
        reference_logprobs, mask = token_logprobs(reference, examples, pad_id)
    old = [torch.tensor(sample.logprobs) for sample in samples]
    return _Rollout(
        examples,
        nn.utils.rnn.pad_sequence(old, batch_first=True).to(reference_logprobs),
        reference_logprobs,
        group_advantages(rewards, scale).flatten().to(reference_logprobs),
        metrics={
            "reward": rewards.mean().item(),
            "length": mask.sum().item() / len(samples),
            "finished": sum(sample.finished for sample in samples) / len(samples),
        },
    )
