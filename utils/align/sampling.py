"""Sample completions from a causal language model, many prompts at a time.

Temperature, nucleus sampling (top-p, Holtzman et al., arXiv 1904.09751) and a list
of banned tokens; each sample comes with the log-probabilities that policy-gradient
methods need. What makes it fast:

* Prompts are sorted by length, so that a batch needs little padding.
* A prompt that occurs several times in a batch (GRPO's groups) is read once.
* Rows that have finished leave the batch and its key/value cache.
* Llama models use `llama_cache`; any other model its own forward pass.

Each (prompt, token) has its own random number, drawn before anything else. The same
generator state therefore gives the same samples whatever the batch size (but for the
rare token that rounding tips over).

Left out on purpose: beam search, top-k, repetition penalties, refilling the batch
with waiting prompts.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from tqdm.auto import tqdm

from utils.align.batching import bar_options, eval_mode, sorted_batches
from utils.align.llama_cache import FusedLlama, LlamaDecoder, supports


@dataclass
class Sample:
    """One completion.

    `tokens` includes the end token when there is one, and then `finished` is True.
    `logprobs` holds log p(token) under the model itself: temperature 1, nothing
    banned or cut off, whatever the sampling settings were.
    """

    tokens: list[int]
    logprobs: list[float]
    finished: bool


@dataclass(frozen=True)
class _Rules:
    max_new_tokens: int
    end_id: int
    temperature: float
    top_p: float
    banned: list[int]
    end_after: int | None

    def check(self, vocabulary: int) -> None:
        """Raise a ValueError that says what to change."""
        if not self.temperature >= 0:
            raise ValueError(
                f"temperature must be 0 (greedy) or more, not {self.temperature}."
            )
        if not 0 < self.top_p <= 1:
            raise ValueError(f"top_p must be above 0 and at most 1, not {self.top_p}.")
        if self.max_new_tokens < 1:
            raise ValueError(
                f"max_new_tokens must be at least 1, not {self.max_new_tokens}."
            )
        if any(not 0 <= token < vocabulary for token in self.banned):
            raise ValueError(f"Banned tokens must be ids from 0 to {vocabulary - 1}.")
        if len(set(self.banned)) == vocabulary:
            raise ValueError("Every token is banned: leave at least one.")
        if self.end_after is not None and self.end_after in [self.end_id, *self.banned]:
            raise ValueError("end_after must be neither banned nor the end token.")


def generate(
    model: nn.Module,
    prompts: Sequence[list[int]],
    *,
    max_new_tokens: int,
    end_id: int,
    pad_id: int,
    temperature: float = 1.0,
    top_p: float = 1.0,
    banned: Sequence[int] = (),
    end_after: int | None = None,
    batch_size: int = 64,
    generator: torch.Generator | None = None,
    progress: str = "",
) -> list[Sample]:
    """One sampled completion per prompt, in the order of the prompts.

        p(token) ~ model(token | text) ^ (1 / temperature)

    restricted to the smallest set of most likely tokens whose probability reaches
    `top_p`, banned tokens never. Lower `temperature` or `top_p`: safer and less
    varied; temperature 0 takes the most likely token. With `end_after=t` the end
    token is banned until token t has been emitted. A completion stops at `end_id`
    or after `max_new_tokens`. The model is left as it was found.

    Raises ValueError for an empty prompt, a prompt that leaves no room for
    `max_new_tokens` in the model's context, or settings out of range.
    """
    rules = _Rules(
        max_new_tokens, end_id, temperature, top_p, sorted(set(banned)), end_after
    )
    rules.check(model.config.vocab_size)
    _check_prompts(prompts, max_new_tokens, model.config.max_position_embeddings)
    uniforms = torch.rand(len(prompts), max_new_tokens, generator=generator)
    samples: list[Sample | None] = [None] * len(prompts)
    fused = FusedLlama(model) if prompts and supports(model) else None
    with (
        torch.no_grad(),
        eval_mode(model),
        tqdm(total=len(prompts), **bar_options(progress)) as bar,
    ):
        for index in sorted_batches(prompts, batch_size):
            decoder, logits = _read(model, fused, [prompts[i] for i in index], pad_id)
            chance = uniforms[index].to(logits.device)
            done = _decode(decoder, logits, chance, rules)
            for i, sample in zip(index, done, strict=True):
                samples[i] = sample
            bar.update(len(index))
    return samples


def left_pad(prompts: Sequence[list[int]], pad_id: int) -> tuple[Tensor, Tensor]:
    """Stack prompts so that all END in the last column, (n, longest), and the number
    of padding tokens in each row (n,), from which a decoder makes its mask."""
    longest = max(map(len, prompts))
    padding = [longest - len(ids) for ids in prompts]
    rows = [[pad_id] * n + list(ids) for n, ids in zip(padding, prompts, strict=True)]
    return torch.tensor(rows), torch.tensor(padding)


class PlainDecoder:
    """Decode with the model's own forward pass; same interface as `LlamaDecoder`."""

    def __init__(self, model: nn.Module, padding: Tensor) -> None:
        self.model, self.padding = model, padding
        self.length, self.cache = 0, None

    def keep(self, rows: Tensor) -> None:
        """Keep only these rows (an index) of the batch."""
        self.padding = self.padding[rows]
        self.cache.batch_select_indices(rows)

    def step(self, tokens: Tensor) -> Tensor:
        """Read tokens (rows, n) int64; return logits (rows, vocab) of what follows."""
        self.length += tokens.shape[1]
        extra = {}
        if self.padding.any():
            columns = torch.arange(self.length, device=tokens.device)
            position = (columns - self.padding[:, None]).clamp(min=0)
            extra = {
                "attention_mask": (columns >= self.padding[:, None]).long(),
                "position_ids": position[:, -tokens.shape[1] :],
            }
        result = self.model(
            input_ids=tokens,
            past_key_values=self.cache,
            use_cache=True,
            logits_to_keep=1,
            **extra,
        )
        self.cache = result.past_key_values
        return result.logits[:, -1].float()


def choose(logprobs: Tensor, uniforms: Tensor, locked: Tensor, rules: _Rules) -> Tensor:
    """Pick one token per row by inverting the cumulative distribution.

    logprobs (rows, vocab) float, uniforms (rows,) in [0, 1), locked (rows,) bool:
    rows that may not end yet. Returns (rows,) int64.
    """
    scores = logprobs.clone()
    scores[:, rules.banned] = -torch.inf
    scores[locked, rules.end_id] = -torch.inf
    if rules.temperature == 0:
        return scores.argmax(-1)
    weights = (scores / rules.temperature).softmax(-1)
    if rules.top_p < 1:
        weights = keep_nucleus(weights, rules.top_p)
    edges = weights.cumsum(-1)
    total = edges[:, -1:]
    # Strictly below the total, and "the first edge above": a token without weight
    # has no room between its edges and can never be the one.
    point = torch.minimum(uniforms[:, None] * total, total.nextafter(0 * total))
    return torch.searchsorted(edges, point, right=True).squeeze(1)


def keep_nucleus(probabilities: Tensor, top_p: float) -> Tensor:
    """Zero all but the smallest set of likeliest tokens that reaches `top_p`.

    (rows, vocab) in and out; the result is not normalised again.
    """
    ordered, index = probabilities.sort(-1, descending=True)
    before = ordered.cumsum(-1).roll(1, -1)  # the mass of all likelier tokens
    before[:, 0] = 0
    kept = ordered.masked_fill(before >= top_p, 0)
    return torch.zeros_like(probabilities).scatter(-1, index, kept)


def _read(
    model: nn.Module, fused: FusedLlama | None, prompts: list[list[int]], pad_id: int
) -> tuple[LlamaDecoder | PlainDecoder, Tensor]:
    """A decoder that has read the prompts, and logits (rows, vocab) of what follows."""
    place: dict[tuple, int] = {}  # equal prompts are read once, then copied
    copies = [place.setdefault(tuple(prompt), len(place)) for prompt in prompts]
    tokens, padding = left_pad(list(place), pad_id)
    tokens, padding = tokens.to(model.device), padding.to(model.device)
    if fused is None:
        decoder = PlainDecoder(model, padding)
    else:
        decoder = LlamaDecoder(fused, padding)
    logits = decoder.step(tokens)
    if len(place) == len(prompts):
        return decoder, logits
    rows = torch.tensor(copies, device=logits.device)
    decoder.keep(rows)
    return decoder, logits[rows]


def _decode(
    decoder: LlamaDecoder | PlainDecoder,
    logits: Tensor,
    uniforms: Tensor,
    rules: _Rules,
) -> list[Sample]:
    """Continue every row from `logits` (rows, vocab), those of its first token."""
    n, device = len(logits), logits.device
    tokens = torch.zeros(n, rules.max_new_tokens, dtype=torch.long, device=device)
    logprobs = torch.zeros(n, rules.max_new_tokens, device=device)
    lengths = torch.full((n,), rules.max_new_tokens, device=device)
    finished = torch.zeros(n, dtype=torch.bool, device=device)
    locked = torch.full((n,), rules.end_after is not None, device=device)
    rows = torch.arange(n, device=device)  # the prompt that each batch row belongs to
    for t in range(rules.max_new_tokens):
        all_logprobs = logits.log_softmax(-1)
        token = choose(all_logprobs, uniforms[rows, t], locked[rows], rules)
        tokens[rows, t] = token
        logprobs[rows, t] = all_logprobs.gather(1, token[:, None]).squeeze(1)
        if rules.end_after is not None:
            locked[rows] &= token != rules.end_after
        ended = rows[(token == rules.end_id) & ~finished[rows]]
        finished[ended], lengths[ended] = True, t + 1
        alive = (~finished[rows]).nonzero().squeeze(1)
        if len(alive) == 0 or t + 1 == rules.max_new_tokens:
            break
        # Copying the cache costs about as much as one step: wait for a few rows.
        if len(alive) <= 7 * len(rows) // 8:
            decoder.keep(alive)
            rows, token = rows[alive], token[alive]
        logits = decoder.step(token[:, None])
    return [
        Sample(ids[:length], values[:length], done)
        for ids, values, length, done in zip(
            tokens.tolist(),
            logprobs.tolist(),
            lengths.tolist(),
            finished.tolist(),
            strict=True,
        )
    ]


def _check_prompts(prompts: Sequence[list[int]], new: int, context: int) -> None:
    if any(len(prompt) == 0 for prompt in prompts):
        raise ValueError("A prompt is empty: give at least one token.")
    longest = max(map(len, prompts), default=0)
    if longest + new > context:
        raise ValueError(
            f"A prompt of {longest} tokens and {new} new ones exceed the model's "
            f"context of {context}: shorten the prompt or lower max_new_tokens."
        )
