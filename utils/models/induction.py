"""Start a model with an induction circuit, so that it can look things up at once.

An induction circuit (Olsson et al. 2022, arXiv 2209.11895) is two heads in a row. The
first attends to the previous token and writes down what it was. The second searches
for the place whose previous token is the present one, and copies what stands there:
after "make refuse, get ask ... make" it says "refuse". Small models take very long
to find the two heads by gradient descent, since neither is of use without the other.
So they are written into the first weights (compare the mimetic initialization of
Trockman & Kolter 2023, arXiv 2305.09828). Training is free to change them.
"""

import torch
from transformers import LlamaForCausalLM

BRANCH_SCALE = 0.03  # first size of what a block adds to the residual stream
MARK = 0.3  # a value that all embeddings share, in dimension 0
PAIRS = 6  # fastest rotary pairs: they see a distance of one token
SHARPNESS = 6.0  # score a pair gives to the previous token: higher attends harder
MATCHING = 1.6  # gain of keys and queries that compare tokens
SLOW = 0.02  # radians a token: rotary pairs below hardly see the distance
HEADS = 2  # heads that search and copy


@torch.no_grad()
def begin_with_induction(model: LlamaForCausalLM, seed: int = 0) -> None:
    """Write a previous-token head into layer 0 and matching heads into layer 1.

    Changes the model in place; needs 2 layers and HEADS heads or more. Every block is
    scaled down first, or its noise would drown the embeddings that are to be matched.
    """
    for layer in model.model.layers:
        layer.self_attn.o_proj.weight.mul_(BRANCH_SCALE)
        layer.mlp.down_proj.weight.mul_(BRANCH_SCALE)
    model.model.embed_tokens.weight[:, 0] = MARK
    width, heads = model.config.hidden_size, model.config.num_attention_heads
    size = width // heads
    random = torch.Generator().manual_seed(seed)
    # Two orthogonal bases of size dimensions, none of which is the mark's.
    bases = torch.zeros(2 * size, width)
    bases[:, 1:] = orthogonal(width - 1, 2 * size, random).T
    now, before = bases.split(size)  # each (size, width)
    theta = model.config.rope_parameters["rope_theta"]
    frequencies = theta ** (-torch.arange(size // 2) / (size // 2))
    write_previous_token_head(model.model.layers[0].self_attn, now, before, frequencies)
    for head in range(HEADS):
        rows = slice(head * size, (head + 1) * size)
        attention = model.model.layers[1].self_attn
        write_matching_head(attention, rows, now, before, frequencies, random)


def orthogonal(rows: int, columns: int, random: torch.Generator) -> torch.Tensor:
    """Return a random (rows, columns) matrix with orthonormal columns."""
    return torch.linalg.qr(torch.randn(rows, columns, generator=random))[0]


def write_previous_token_head(
    attention, now: torch.Tensor, before: torch.Tensor, frequencies: torch.Tensor
) -> None:
    """Let head 0 attend one token back and move `now` of it to `before`.

    Rotary position turns pair j of a query at m and a key at n by frequencies[j] times
    m and n. A key ahead by one step's angle fits the query best where m - n = 1. Both
    read only the mark, which after the norm is MARK * sqrt(width / (1 + MARK^2)).
    """
    size, width = now.shape
    mark = MARK * (width / (1 + MARK**2)) ** 0.5
    gain = (SHARPNESS * size**0.5) ** 0.5 / mark
    attention.q_proj.weight[:size] = 0
    attention.k_proj.weight[:size] = 0
    angles = frequencies[:PAIRS]
    attention.q_proj.weight[:PAIRS, 0] = gain
    attention.k_proj.weight[:PAIRS, 0] = gain * angles.cos()
    attention.k_proj.weight[size // 2 : size // 2 + PAIRS, 0] = gain * angles.sin()
    attention.v_proj.weight[:size] = 0.5 * now
    attention.o_proj.weight[:, :size] = 0.25 * before.T


def write_matching_head(
    attention,
    rows: slice,
    now: torch.Tensor,
    before: torch.Tensor,
    frequencies: torch.Tensor,
    random: torch.Generator,
) -> None:
    """Let a head attend to where `before` is what is `now` here, and copy from there.

    It compares in slow rotary pairs alone, which work at any distance.
    """
    size, width = now.shape
    slow = (frequencies < SLOW).repeat(2).nonzero()[:, 0]
    mixing = orthogonal(size, len(slow), random).T  # (slow pairs, size)
    attention.q_proj.weight[rows] = 0
    attention.k_proj.weight[rows] = 0
    attention.q_proj.weight[slow + rows.start] = MATCHING * mixing @ now
    attention.k_proj.weight[slow + rows.start] = MATCHING * mixing @ before
    copied = orthogonal(width, size, random)
    attention.v_proj.weight[rows] = 0.5 * copied.T
    attention.o_proj.weight[:, rows] = 0.5 * copied
