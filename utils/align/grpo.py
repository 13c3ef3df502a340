"""Group Relative Policy Optimization: RL without a value network.

Shao et al. 2024 (DeepSeekMath), arXiv 2402.03300, section 4.1. For every prompt the
policy writes a group of k completions; a completion's advantage is its reward
compared with its group's, and a clipped policy-gradient step makes the better ones
likelier, held near the reference by a KL penalty.

Left out on purpose: a value network, per-token (process) rewards, advantages
normalised over the whole batch, length-bias corrections (Dr. GRPO, arXiv 2503.20783;
`scale=False` is its first half), a growing reference.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from utils.align.batching import Example, batches, token_logprobs
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
    max_new_tokens: int,
    end_id: int,
    pad_id: int,
    group_size: int = 8,
    prompts_per_step: int = 8,
    updates_per_rollout: int = 1,
    beta: float = 0.04,
    clip: float = 0.2,
    scale: bool = True,
    lr: float = 1e-4,
    warmup: int = 10,
    banned: Sequence[int] = (),
    end_after: int | None = None,
    seed: int = 0,
    progress: bool = False,
) -> list[Metrics]:
    """Train `policy` in place by GRPO; return the metrics of each optimiser step.

    `reward_fn(i, samples)` returns one number for each of the `group_size` samples of
    `prompts[i]`; it sees `sample.finished` and decides what an unfinished text is
    worth. Samples have temperature 1 and top-p 1, so that they come from the policy
    whose gradient is taken (`banned` and `end_after` bend that a little). Each
    rollout serves `updates_per_rollout` optimiser steps: more reuse samples further,
    and only from the second one on can the ratio differ from 1 and clipping act.
    Raises ValueError when `reference` is `policy`, which would make the KL zero.
    """
    if reference is policy:
        raise ValueError("reference must be a copy of the policy: copy.deepcopy it.")
    generator = torch.Generator().manual_seed(seed)
    rollouts = -(-steps // updates_per_rollout)

    def roll_out(index: list[int]) -> _Rollout:
        samples = generate(
            policy,
            [prompts[i] for i in index for _ in range(group_size)],
            max_new_tokens=max_new_tokens,
            end_id=end_id,
            pad_id=pad_id,
            banned=banned,
            end_after=end_after,
            generator=generator,
        )
        groups = [
            samples[start : start + group_size]
            for start in range(0, len(samples), group_size)
        ]
        rewards = _rewards(reward_fn, index, groups)
        examples = [
            Example(prompts[i], sample.tokens)
            for i, group in zip(index, groups, strict=True)
            for sample in group
        ]
        with torch.no_grad():
            reference_logprobs, mask = token_logprobs(reference, examples, pad_id)
        old = [torch.tensor(s.logprobs) for s in samples]
        metrics = {
            "reward": rewards.mean().item(),
            "length": mask.sum().item() / len(samples),
            "finished": sum(s.finished for s in samples) / len(samples),
        }
        return _Rollout(
            examples,
            nn.utils.rnn.pad_sequence(old, batch_first=True).to(reference_logprobs),
            reference_logprobs,
            group_advantages(rewards, scale).flatten().to(reference_logprobs),
            metrics,
        )

    def rollouts_then_updates() -> Iterator[_Rollout]:
        # A generator, so that each rollout is sampled only when its turn has come
        # and thus by the policy as trained up to then.
        order = batches(prompts, prompts_per_step, rollouts, seed)
        for update in range(steps):
            if update % updates_per_rollout == 0:
                rollout = roll_out(next(order))
            yield rollout

    def loss_fn(rollout: _Rollout) -> tuple[Tensor, Metrics]:
        logprobs, mask = token_logprobs(policy, rollout.examples, pad_id)
        loss, metrics = grpo_loss(
            logprobs,
            rollout.old_logprobs,
            rollout.reference_logprobs,
            rollout.advantages,
            mask,
            clip,
            beta,
        )
        return loss, rollout.metrics | metrics

    return fit(
        policy,
        rollouts_then_updates(),
        loss_fn,
        steps=steps,
        lr=lr,
        warmup=warmup,
        progress=progress,
    )


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
