"""Direct Preference Optimization: learn from pairs without a reward model.

Rafailov et al. 2023, arXiv 2305.18290. The best policy for a reward r under a KL
penalty beta is pi(y|x) = reference(y|x) exp(r(x,y) / beta) / Z(x) (eq. 4). Solved
for r, the policy *is* a reward model (eq. 5):

    r(x, y) = beta * (log policy(y|x) - log reference(y|x)) + beta * log Z(x),

and Z cancels in the difference of two completions of one prompt. DPO is the
Bradley-Terry loss on that implicit reward.

Left out on purpose: other loss shapes (IPO, hinge, KTO), length normalisation
(a mean over tokens would break the derivation above), online sampling of pairs.
"""

from collections.abc import Sequence
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from utils.align.batching import (
    Example,
    Pair,
    batches,
    score_completions,
    token_logprobs,
)
from utils.align.fit import Metrics, fit


def dpo_loss(
    policy_chosen: Tensor,
    policy_rejected: Tensor,
    reference_chosen: Tensor,
    reference_rejected: Tensor,
    beta: float,
    p: Tensor | float = 1.0,
) -> tuple[Tensor, Metrics]:
    """DPO loss (eq. 7), for hard or soft labels.

        z = beta * [(log policy - log reference)(chosen)
                    - (log policy - log reference)(rejected)]
        L = -mean( p log sigmoid(z) + (1 - p) log sigmoid(-z) )

    All log-probabilities are sums over the completion, shape (n,), float. `p` is
    the probability that `chosen` is better: 1 is eq. 7, less is the soft label of
    Constitutional AI (for p = 1 - eps, "conservative DPO").

    A higher `beta` holds the policy CLOSER to the reference: the optimum
    reference * exp(r / beta) moves less for the same r. At the start, where
    policy = reference, the loss is log 2. Raises ValueError for shapes that
    differ, beta <= 0, or p outside [0, 1].
    """
    tensors = (policy_chosen, policy_rejected, reference_chosen, reference_rejected)
    if any(t.shape != policy_chosen.shape or t.dim() != 1 for t in tensors):
        shapes = ", ".join(str(tuple(t.shape)) for t in tensors)
        raise ValueError(f"All four log-probabilities must be (n,), not {shapes}.")
    if beta <= 0:
        raise ValueError(f"beta must be above 0, not {beta}.")
    p = torch.as_tensor(p, dtype=policy_chosen.dtype, device=policy_chosen.device)
    if p.dim() > 1 or ((p < 0) | (p > 1)).any():
        raise ValueError("p must be one probability in [0, 1], or one per pair.")

    chosen_reward = beta * (policy_chosen - reference_chosen)
    rejected_reward = beta * (policy_rejected - reference_rejected)
    z = chosen_reward - rejected_reward
    loss = -(p * F.logsigmoid(z) + (1 - p) * F.logsigmoid(-z)).mean()
    return loss, {
        "loss": loss.item(),
        "accuracy": (z > 0).float().mean().item(),
        "margin": z.mean().item(),
        "chosen_reward": chosen_reward.mean().item(),
        "rejected_reward": rejected_reward.mean().item(),
    }


def train_dpo(
    policy: nn.Module,
    reference: nn.Module,
    pairs: Sequence[Pair],
    *,
    beta: float,
    steps: int,
    pad_id: int,
    batch_size: int = 32,
    lr: float = 2e-4,
    warmup: int = 10,
    seed: int = 0,
    sft_weight: float = 0.0,
    progress: str = "",
    checkpoint: Path | None = None,
) -> list[Metrics]:
    """Train `policy` in place on preference pairs; return the metrics of each step.

    The reference never changes, so its log-probabilities are computed once, at the
    start; `reference` may even be `policy` itself. `sft_weight` adds the mean
    negative log-likelihood of the chosen completion (RPO, arXiv 2404.19733, eq. 1):
    more of it stops the chosen text from becoming *less* likely, which DPO alone
    allows as long as the rejected one falls faster. `checkpoint` is where the state is
    kept until the end: see `fit`.
    """
    chosen = [Example(pair.prompt, pair.chosen) for pair in pairs]
    rejected = [Example(pair.prompt, pair.rejected) for pair in pairs]
    p = torch.tensor([pair.p for pair in pairs])
    reference_chosen = score_completions(reference, chosen, pad_id)
    reference_rejected = score_completions(reference, rejected, pad_id)

    def loss_fn(index: list[int]) -> tuple[Tensor, Metrics]:
        # One forward pass for both halves: chosen first, then rejected.
        both = [chosen[i] for i in index] + [rejected[i] for i in index]
        logprobs, mask = token_logprobs(policy, both, pad_id)
        policy_chosen, policy_rejected = logprobs.sum(dim=1).chunk(2)
        loss, metrics = dpo_loss(
            policy_chosen,
            policy_rejected,
            reference_chosen[index].to(logprobs),
            reference_rejected[index].to(logprobs),
            beta,
            p[index],
        )
        chosen_tokens = mask[: len(index)].sum()
        sft = -policy_chosen.sum() / chosen_tokens
        return loss + sft_weight * sft, metrics | {"sft_loss": sft.item()}

    order = batches(pairs, batch_size, steps, seed)
    return fit(
        policy,
        order,
        loss_fn,
        steps=steps,
        lr=lr,
        warmup=warmup,
        progress=progress,
        checkpoint=checkpoint,
    )
