"""Batches of token ids, and the log-probabilities a model gives to completions.

Everything below works on plain lists of token ids and on any Llama-like causal
language model of `transformers`: a decoder that turns tokens into hidden states,
and an output layer that turns a hidden state into logits.

Three choices make training fast on a CPU, where padding costs as much as text:

1. Batches are made of sequences of similar length (`batches`).
2. Padding goes to the right, and no attention mask is built. Attention is causal,
   so a real token never sees the padding behind it, and what the model computes
   *at* a padding position is thrown away. The result is exactly the unpadded one.
3. The output layer (here a quarter of all the arithmetic) runs only at positions
   that predict a completion token.

Left out on purpose: packing several sequences into one row (it needs a
block-diagonal mask), truncation (give sequences that fit), models that rescale
the output layer's logits (Gemma 2, Cohere, Granite).
"""

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

WINDOW = 16  # batches whose examples are sorted by length together


@dataclass(frozen=True)
class Example:
    """One training text: the model reads `prompt` and learns `completion`."""

    prompt: list[int]
    completion: list[int]

    def __len__(self) -> int:
        return len(self.prompt) + len(self.completion)


@dataclass(frozen=True)
class Pair:
    """Two completions of one prompt; `p` is the probability that `chosen` is better.

    A hard label has p = 1. An AI judge gives soft labels, such as 0.8
    (Constitutional AI, arXiv 2212.08073, section 4.1).
    """

    prompt: list[int]
    chosen: list[int]
    rejected: list[int]
    p: float = 1.0

    def __len__(self) -> int:
        return len(self.prompt) + max(len(self.chosen), len(self.rejected))


def right_pad(sequences: Sequence[list[int]], pad_id: int) -> Tensor:
    """Stack token lists into one int64 tensor (n, longest), padded on the right."""
    longest = max(map(len, sequences))
    rows = [list(ids) + [pad_id] * (longest - len(ids)) for ids in sequences]
    return torch.tensor(rows, dtype=torch.long)


def batches(
    items: Sequence, batch_size: int, steps: int, seed: int
) -> Iterator[list[int]]:
    """Yield `steps` lists of indices into `items`, each of items of similar length.

    The items (anything with a `len`) are shuffled anew for every epoch. `WINDOW`
    batches at a time are sorted by length and cut; then the epoch's batches are
    shuffled. An epoch leaves out the remainder that fills no batch, other items each
    time. The same seed gives the same batches. A larger WINDOW wastes less on padding
    but makes batches more alike inside. Raises ValueError when there are no items or
    `batch_size` < 1.
    """
    if len(items) == 0:
        raise ValueError("There is nothing to train on: give at least one example.")
    if batch_size < 1:
        raise ValueError(f"batch_size must be at least 1, not {batch_size}.")
    rng = random.Random(seed)
    batch_size = min(batch_size, len(items))
    ready: list[list[int]] = []
    for _ in range(steps):
        if not ready:
            epoch = rng.sample(range(len(items)), len(items) - len(items) % batch_size)
            for start in range(0, len(epoch), WINDOW * batch_size):
                window = epoch[start : start + WINDOW * batch_size]
                window.sort(key=lambda i: len(items[i]))
                ready += [
                    window[first : first + batch_size]
                    for first in range(0, len(window), batch_size)
                ]
            rng.shuffle(ready)
        yield ready.pop()


def token_logprobs(
    model: nn.Module, examples: Sequence[Example], pad_id: int
) -> tuple[Tensor, Tensor]:
    """log p(completion token | everything before it), for every completion token.

    Returns (logprobs, mask), both (n, longest completion): float, 0 where there is
    no token, and bool, True where there is one. Gradients flow. Raises ValueError
    for an empty prompt (nothing to condition the first token on) or completion.
    """
    for example in examples:
        if not example.prompt or not example.completion:
            raise ValueError("Every prompt and every completion needs a token.")
    device = next(model.parameters()).device
    ids = right_pad([e.prompt + e.completion for e in examples], pad_id).to(device)
    starts = torch.tensor([len(e.prompt) for e in examples], device=device)
    ends = torch.tensor([len(e) for e in examples], device=device)

    position = torch.arange(1, ids.shape[1], device=device)  # of the token predicted
    wanted = (position >= starts[:, None]) & (position < ends[:, None])
    hidden = model.get_decoder()(ids[:, :-1], use_cache=False).last_hidden_state
    logits = model.get_output_embeddings()(hidden[wanted])  # (tokens, vocab)
    found = -F.cross_entropy(logits, ids[:, 1:][wanted], reduction="none")

    # `wanted` and `mask` list the same tokens in the same order, row by row.
    lengths = ends - starts
    mask = torch.arange(int(lengths.max()), device=device) < lengths[:, None]
    return found.new_zeros(mask.shape).masked_scatter(mask, found), mask


def completion_logprobs(
    model: nn.Module, examples: Sequence[Example], pad_id: int
) -> Tensor:
    """log p(completion | prompt), the SUM over completion tokens: (n,), with gradient.

    The sum and not the mean, because only the sum is the log-probability of the
    text, which is what DPO's derivation needs.
    """
    return token_logprobs(model, examples, pad_id)[0].sum(dim=1)


@torch.no_grad()
def score_completions(
    model: nn.Module, examples: Sequence[Example], pad_id: int, batch_size: int = 64
) -> Tensor:
    """`completion_logprobs` of any number of examples, without gradient: (n,) float.

    The model is left as it was found. Batches are sorted by length.
    """
    scores = torch.zeros(len(examples))
    with eval_mode(model):
        for index in sorted_batches(examples, batch_size):
            batch = [examples[i] for i in index]
            scores[index] = completion_logprobs(model, batch, pad_id).float().cpu()
    return scores


def sorted_batches(items: Sequence, batch_size: int) -> Iterator[list[int]]:
    """Yield every index once, in batches of similar length, the longest first.

    Raises ValueError when `batch_size` < 1.
    """
    if batch_size < 1:
        raise ValueError(f"batch_size must be at least 1, not {batch_size}.")
    order = sorted(range(len(items)), key=lambda i: -len(items[i]))
    for start in range(0, len(order), batch_size):
        yield order[start : start + batch_size]


def bar_options(name: str) -> dict[str, str | bool]:
    """What names tqdm's bar, or hides it where there is no name.

    A named bar can still be hidden by $TQDM_DISABLE.
    """
    return {"desc": name} if name else {"disable": True}


@contextmanager
def eval_mode(model: nn.Module) -> Iterator[None]:
    """Switch to evaluation mode, and back to what the model was before."""
    was_training = model.training
    model.eval()
    try:
        yield
    finally:
        model.train(was_training)
