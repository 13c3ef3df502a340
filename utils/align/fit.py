"""The training loop that every algorithm in this folder shares.

Each algorithm supplies its batches and its loss; everything else is the same:
AdamW, a short warm-up, a linear decay to zero, gradients clipped to norm 1.

Left out on purpose: weight decay (it pulls towards zero, not towards the model we
start from), mixed precision, gradient accumulation, checkpoints, logging services.
"""

from collections.abc import Callable, Iterable
from typing import TypeVar

import torch
from torch import Tensor, nn
from tqdm.auto import tqdm

from utils.align.batching import bar_options

Batch = TypeVar("Batch")
Metrics = dict[str, float]


def learning_rate_factor(step: int, steps: int, warmup: int) -> float:
    """Rise linearly to 1 over `warmup` steps, then fall linearly towards 0."""
    warmup = max(1, min(warmup, steps))
    rise = (step + 1) / warmup
    fall = (steps - step) / max(1, steps - warmup)
    return min(rise, fall, 1.0)


def fit(
    model: nn.Module,
    batches: Iterable[Batch],
    loss_fn: Callable[[Batch], tuple[Tensor, Metrics]],
    *,
    steps: int,
    lr: float,
    warmup: int = 10,
    progress: str = "",
) -> list[Metrics]:
    """Take one optimiser step per batch and return the metrics of each step.

    `loss_fn(batch)` returns a scalar loss with gradient, and metrics to keep.
    Only parameters with `requires_grad` are trained. Raises FloatingPointError
    when the loss is no longer a number.
    """
    trained = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=lr, weight_decay=0.0, fused=True)
    history: list[Metrics] = []
    was_training = model.training
    model.train()
    try:
        bar = tqdm(batches, total=steps, **bar_options(progress))
        for step, batch in enumerate(bar):
            loss, metrics = loss_fn(batch)
            if not torch.isfinite(loss):
                raise FloatingPointError(
                    f"The loss is {loss.item()} at step {step}: lower lr ({lr})."
                )
            for group in optimizer.param_groups:
                group["lr"] = lr * learning_rate_factor(step, steps, warmup)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(trained, 1.0)
            optimizer.step()
            history.append(metrics)
            bar.set_postfix(loss=f"{loss.item():.3f}", refresh=False)
    finally:
        optimizer.zero_grad()
        model.train(was_training)
    return history
