"""The training loop that every algorithm in this folder shares.

Each algorithm supplies its batches and its loss; everything else is the same:
AdamW, a short warm-up, a linear decay to zero, gradients clipped to norm 1.

Left out on purpose: weight decay (it pulls towards zero, not towards the model we
start from), mixed precision, gradient accumulation, logging services.
"""

import time
from collections.abc import Callable, Iterable
from itertools import islice
from pathlib import Path
from typing import TypeVar

import torch
from torch import Tensor, nn
from tqdm.auto import tqdm

from utils.align.batching import bar_options
from utils.align.checkpoint import restore, save

KEPT_EVERY = 60  # seconds between two checkpoints
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
    checkpoint: Path | None = None,
) -> list[Metrics]:
    """Take one optimiser step per batch and return the metrics of each step.

    `loss_fn(batch)` returns a scalar loss with gradient, and metrics to keep.
    Only parameters with `requires_grad` are trained. With a `checkpoint` the state is
    kept there every minute until the end, and a training that was stopped goes on from
    it, as long as `batches` are the same again. Raises FloatingPointError when the
    loss is no longer a number.
    """
    trained = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=lr, weight_decay=0.0, fused=True)
    history: list[Metrics] = (
        restore(checkpoint, trained, optimizer) if checkpoint else []
    )
    done, kept = len(history), time.monotonic()
    was_training = model.training
    model.train()
    try:
        rest = islice(batches, done, None)
        bar = tqdm(rest, total=steps, initial=done, **bar_options(progress))
        for step, batch in enumerate(bar, start=done):
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
            if checkpoint and time.monotonic() - kept > KEPT_EVERY:
                save(checkpoint, trained, optimizer, history)
                kept = time.monotonic()
    finally:
        optimizer.zero_grad()
        model.train(was_training)
    if checkpoint:
        checkpoint.unlink(missing_ok=True)
    return history
