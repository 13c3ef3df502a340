"""Talk to a model in texts instead of token ids."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from utils.align.sampling import generate
from utils.models.tokenizer import (
    ANSWER,
    ASSISTANT,
    DIRECT,
    END,
    PAD,
    SYSTEM,
    THINK,
    USER,
    encode_prompt,
    split_completion,
)
from utils.world.prompts import Messages

# Long enough for the longest flawless thought (about 80 tokens) and half as much again.
MAX_NEW_TOKENS = 120


@dataclass(frozen=True)
class Reply:
    """One reply: its thought ("" in direct mode), its answer, and how it was sampled.

    `logprobs` holds the log-probability of each of the `tokens`.
    """

    thought: str
    answer: str
    tokens: list[int]
    logprobs: list[float]
    finished: bool


def ids(tokenizer, *tokens: str) -> list[int]:
    """Return the ids of special tokens."""
    return [tokenizer.convert_tokens_to_ids(token) for token in tokens]


def limits(tokenizer, thinking: bool) -> dict:
    """Return what keeps a completion in its mode, as arguments of `generate`.

    A direct reply can't begin to think. A thinking reply can't end before its answer.
    """
    banned = ids(tokenizer, PAD, SYSTEM, USER, ASSISTANT, THINK, DIRECT)
    (end, answer, pad) = ids(tokenizer, END, ANSWER, PAD)
    if thinking:
        return {"banned": banned, "end_after": answer, "end_id": end, "pad_id": pad}
    return {"banned": [*banned, answer], "end_id": end, "pad_id": pad}


def reply(
    model,
    tokenizer,
    chats: Sequence[Messages],
    *,
    thinking: bool = False,
    temperature: float = 0.0,
    max_new_tokens: int = MAX_NEW_TOKENS,
    batch_size: int = 128,
    seed: int = 0,
    progress: str = "",
) -> list[Reply]:
    """Return one reply a chat; temperature 0 is greedy, higher is more varied."""
    samples = generate(
        model,
        [encode_prompt(tokenizer, chat, thinking) for chat in chats],
        max_new_tokens=max_new_tokens,
        temperature=temperature,
        batch_size=batch_size,
        generator=torch.Generator().manual_seed(seed),
        progress=progress,
        **limits(tokenizer, thinking),
    )
    return [
        Reply(
            *split_completion(tokenizer, sample.tokens),
            sample.tokens,
            sample.logprobs,
            sample.finished,
        )
        for sample in samples
    ]
