"""Supervised fine-tuning: imitate given completions.

The plain maximum-likelihood step that both methods of the course begin with:
SL-CAI on revised answers (Constitutional AI, arXiv 2212.08073, section 3.1) and
SFT on (prompt, chain of thought, answer) without the spec in the prompt
(Deliberative Alignment, arXiv 2412.16339, section 2.2).

Left out on purpose: a loss on prompt tokens, packing, evaluation during training.
"""

from collections.abc import Sequence
from pathlib import Path

from torch import Tensor, nn

from utils.align.batching import Example, batches, token_logprobs
from utils.align.fit import fit


def sft_loss(logprobs: Tensor, mask: Tensor) -> Tensor:
    """Mean negative log-likelihood over completion tokens.

        L = - sum_t m_t log p(y_t | x, y_<t) / sum_t m_t

    logprobs (n, T) float and mask (n, T) bool, as `token_logprobs` returns them.
    The mean is over the batch's tokens, so a long completion weighs more than a
    short one. Raises ValueError when the shapes differ.
    """
    if logprobs.shape != mask.shape:
        raise ValueError(
            "logprobs and mask must have the same shape (n, T), not "
            f"{tuple(logprobs.shape)} and {tuple(mask.shape)}."
        )
    return -(logprobs * mask).sum() / mask.sum()


def train_sft(
    model: nn.Module,
    examples: Sequence[Example],
    *,
    steps: int,
    pad_id: int,
    batch_size: int = 32,
    lr: float = 1e-3,
    warmup: int = 10,
    seed: int = 0,
    progress: str = "",
    checkpoint: Path | None = None,
) -> list[float]:
    """Train `model` in place on the completions; return the loss at each step.

    More `steps` or a higher `lr` fit the data more closely and move further from
    the starting model. The same seed gives the same batches and the same result.
    `checkpoint` is where the state is kept until the end: see `fit`.
    """

    def loss_fn(index: list[int]) -> tuple[Tensor, dict[str, float]]:
        batch = [examples[i] for i in index]
        loss = sft_loss(*token_logprobs(model, batch, pad_id))
        return loss, {"loss": loss.item()}

    order = batches(examples, batch_size, steps, seed)
    history = fit(
        model,
        order,
        loss_fn,
        steps=steps,
        lr=lr,
        warmup=warmup,
        progress=progress,
        checkpoint=checkpoint,
    )
    return [metrics["loss"] for metrics in history]
