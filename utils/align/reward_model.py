"""A reward model: a language model's body with a scalar head, trained on pairs.

Bradley and Terry (1952) model the probability that `chosen` beats `rejected` as
sigmoid(r(chosen) - r(rejected)); Christiano et al. (arXiv 1706.03741) and Ouyang et
al. (InstructGPT, arXiv 2203.02155, eq. 1) fit r as a neural network. Constitutional
AI trains it on an AI's labels (arXiv 2212.08073, section 4.1).

Left out on purpose: centring the rewards (only differences mean anything: adding a
constant to every reward changes no loss), ensembles, per-token (process) rewards.
"""

import copy
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from utils.align.batching import (
    Example,
    Pair,
    batches,
    eval_mode,
    right_pad,
    sorted_batches,
)
from utils.align.fit import Metrics, fit


class RewardModel(nn.Module):
    """r(prompt, completion): a scalar read off the last token's hidden state.

    The body is a copy, so the language model it came from is not touched. Right
    padding is harmless for the same reason as in `batching`: attention is causal,
    and the last real token sees none of it.
    """

    def __init__(self, model: nn.Module, seed: int = 0) -> None:
        super().__init__()
        self.body = copy.deepcopy(model.get_decoder())
        output = model.get_output_embeddings().weight
        width = output.shape[1]
        # Small at first, so that all rewards begin close together (loss ~ log 2).
        generator = torch.Generator().manual_seed(seed)
        head = torch.randn(width, generator=generator) / width
        self.head = nn.Parameter(head.to(output))

    def forward(self, examples: Sequence[Example], pad_id: int) -> Tensor:
        """Rewards of n examples, shape (n,), with gradient."""
        ids = right_pad([e.prompt + e.completion for e in examples], pad_id)
        ids = ids.to(self.head.device)
        last = torch.tensor([len(e) - 1 for e in examples], device=ids.device)
        hidden = self.body(ids, use_cache=False).last_hidden_state
        return hidden[torch.arange(len(ids), device=ids.device), last] @ self.head


def bradley_terry_loss(
    chosen_rewards: Tensor,
    rejected_rewards: Tensor,
    margin: Tensor | float = 0.0,
    p: Tensor | float = 1.0,
) -> tuple[Tensor, Metrics]:
    """Bradley-Terry loss (InstructGPT eq. 1), for hard or soft labels.

        z = r(chosen) - r(rejected) - margin
        L = -mean( p log sigmoid(z) + (1 - p) log sigmoid(-z) )

    Rewards are (n,) float. A larger `margin` (Llama 2, arXiv 2307.09288, eq. 2) asks
    for a wider gap; `p` is the probability that `chosen` is better, and p below 1
    keeps the gap finite: the optimum is z = log(p / (1 - p)). Raises ValueError for
    shapes that differ or p outside [0, 1].
    """
    if chosen_rewards.shape != rejected_rewards.shape or chosen_rewards.dim() != 1:
        raise ValueError(
            "Chosen and rejected rewards must both be (n,), not "
            f"{tuple(chosen_rewards.shape)} and {tuple(rejected_rewards.shape)}."
        )
    p = torch.as_tensor(p, dtype=chosen_rewards.dtype, device=chosen_rewards.device)
    if p.dim() > 1 or ((p < 0) | (p > 1)).any():
        raise ValueError("p must be one probability in [0, 1], or one per pair.")
    gap = chosen_rewards - rejected_rewards
    z = gap - margin
    loss = -(p * F.logsigmoid(z) + (1 - p) * F.logsigmoid(-z)).mean()
    return loss, {
        "loss": loss.item(),
        "accuracy": (gap > 0).float().mean().item(),
        "margin": gap.mean().item(),
    }


def train_reward_model(
    reward_model: RewardModel,
    pairs: Sequence[Pair],
    *,
    steps: int,
    pad_id: int,
    batch_size: int = 32,
    lr: float = 5e-4,
    warmup: int = 10,
    seed: int = 0,
    progress: str = "",
) -> list[Metrics]:
    """Train `reward_model` in place on pairs; return the metrics of each step."""
    p = torch.tensor([pair.p for pair in pairs])

    def loss_fn(index: list[int]) -> tuple[Tensor, Metrics]:
        chosen = [Example(pairs[i].prompt, pairs[i].chosen) for i in index]
        rejected = [Example(pairs[i].prompt, pairs[i].rejected) for i in index]
        chosen_rewards, rejected_rewards = reward_model(
            chosen + rejected, pad_id
        ).chunk(2)
        return bradley_terry_loss(chosen_rewards, rejected_rewards, p=p[index])

    return fit(
        reward_model,
        batches(pairs, batch_size, steps, seed),
        loss_fn,
        steps=steps,
        lr=lr,
        warmup=warmup,
        progress=progress,
    )


@torch.no_grad()
def score(
    reward_model: RewardModel,
    examples: Sequence[Example],
    pad_id: int,
    batch_size: int = 64,
) -> Tensor:
    """Rewards of any number of examples, without gradient: (n,) float32."""
    rewards = torch.zeros(len(examples))
    with eval_mode(reward_model):
        for index in sorted_batches(examples, batch_size):
            batch = [examples[i] for i in index]
            rewards[index] = reward_model(batch, pad_id).float().cpu()
    return rewards
