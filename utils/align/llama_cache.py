"""A lean Llama forward pass for sampling: same numbers, a fraction of the time.

One decoding step of a small model costs little arithmetic. What `transformers`
spends on a CPU goes into growing the key/value cache by concatenation and into many
small operations. Here, once per call of `generate`:

* the q, k, v and the gate, up matrices are joined, so that one product does all,
* the weights of RMSNorm and the attention scale are multiplied into them,
* q and k are re-ordered so that rotating a pair of numbers (rotary embedding,
  arXiv 2104.09864, eq. 34) is one complex product; attention scores do not notice,
  because q and k are re-ordered alike.

The cache is allocated `BLOCK` columns at a time, and attention runs over the WHOLE
allocation with unused columns masked: reading a contiguous cache is over twice as
fast as reading part of each row. Plain matrix products take half the time of torch's
fused attention kernels when there is a single query.

Left out on purpose: everything that needs gradients, other architectures, half
precision. `supports` says when this file may be used; the plain path does the rest.
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import LlamaForCausalLM

BLOCK = 32
KNOWN_MODULES = (
    "torch.nn.modules.",
    "transformers.activations",
    "transformers.models.llama.",
)


class _Layer(NamedTuple):
    qkv: tuple[Tensor, Tensor | None]  # weight, bias
    out: tuple[Tensor, Tensor | None]
    gate_up: tuple[Tensor, Tensor | None]
    down: tuple[Tensor, Tensor | None]


def supports(model: nn.Module) -> bool:
    """Whether `FusedLlama` computes exactly what this model's own forward does.

    Not with foreign modules inside (PEFT adapters, quantised layers), hooks, half
    precision, or a rotary embedding that changes with the length of the text.
    """
    return (
        type(model) is LlamaForCausalLM
        and model.dtype == torch.float32
        and model.config.hidden_act == "silu"
        and model.model.rotary_emb.rope_type in ("default", "linear", "llama3")
        and all(
            type(m).__module__.startswith(KNOWN_MODULES)
            and not (m._forward_hooks or m._forward_pre_hooks)
            for m in model.modules()
        )
    )


class FusedLlama:
    """The weights of a `LlamaForCausalLM`, joined for inference."""

    def __init__(self, model: LlamaForCausalLM) -> None:
        config, body = model.config, model.model
        self.heads = config.num_attention_heads
        self.kv_heads = config.num_key_value_heads
        self.head_dim = body.layers[0].self_attn.head_dim
        self.eps = config.rms_norm_eps
        self.embedding = body.embed_tokens.weight.detach()
        self.layers = [self._join(layer) for layer in body.layers]
        self.output = _scale_inputs(model.lm_head, body.norm.weight)
        positions = torch.arange(config.max_position_embeddings)[None]
        cos, sin = body.rotary_emb(self.embedding, positions.to(model.device))
        half = self.head_dim // 2
        self.rotation = torch.complex(cos[0, :, :half], sin[0, :, :half])

    def _join(self, layer: nn.Module) -> _Layer:
        attention, mlp = layer.self_attn, layer.mlp
        q, k, v = (
            _scale_inputs(linear, layer.input_layernorm.weight)
            for linear in (attention.q_proj, attention.k_proj, attention.v_proj)
        )
        gate, up = (
            _scale_inputs(linear, layer.post_attention_layernorm.weight)
            for linear in (mlp.gate_proj, mlp.up_proj)
        )
        q = [None if t is None else t * attention.scaling for t in q]
        q, k = self._pair_up(*q), self._pair_up(*k)
        return _Layer(
            qkv=_stack(q, k, v),
            out=(attention.o_proj.weight.detach(), attention.o_proj.bias),
            gate_up=_stack(gate, up),
            down=(mlp.down_proj.weight.detach(), mlp.down_proj.bias),
        )

    def _pair_up(self, weight: Tensor, bias: Tensor | None) -> tuple:
        """Rows (a1 a2 .. b1 b2 ..) of every head become (a1 b1 a2 b2 ..)."""

        def interleave(t: Tensor) -> Tensor:
            halves = t.view(-1, 2, self.head_dim // 2, *t.shape[1:])
            return halves.transpose(1, 2).reshape(t.shape)

        return interleave(weight), None if bias is None else interleave(bias)


class LlamaDecoder:
    """Decode a batch of left-padded rows with a static key/value cache.

    `padding` (rows,) is the number of padding tokens at the left of each row.
    """

    def __init__(self, model: FusedLlama, padding: Tensor) -> None:
        self.model, self.padding = model, padding
        self.length = 0  # columns of the cache in use
        empty = model.embedding.new_zeros(
            len(padding), model.kv_heads, 0, model.head_dim
        )
        self.cache = [(empty, empty) for _ in model.layers]

    def keep(self, rows: Tensor) -> None:
        """Keep only these rows (an index) of the batch."""
        self.padding = self.padding[rows]
        self.cache = [(keys[rows], values[rows]) for keys, values in self.cache]

    def step(self, tokens: Tensor) -> Tensor:
        """Read tokens (rows, n) int64; return logits (rows, vocab) of what follows."""
        model = self.model
        columns = torch.arange(
            self.length, self.length + tokens.shape[1], device=tokens.device
        )
        self.length += tokens.shape[1]
        self._reserve()
        # Columns serve as positions, although padding shifts a row's text: rotary
        # attention depends on the distance of two tokens only.
        rotation = model.rotation[columns][:, None]  # (n, 1, head_dim / 2)
        mask = self._mask(columns)
        hidden = model.embedding[tokens]  # (rows, n, width)
        for layer, cache in zip(model.layers, self.cache, strict=True):
            if layer is model.layers[-1]:  # only the last token's logits are wanted
                mask = mask[:, :, -1:]
            mixed = self._attend(layer, self._norm(hidden), cache, rotation, mask)
            hidden = hidden[:, -mask.shape[2] :] + F.linear(mixed, *layer.out)
            gate, up = F.linear(self._norm(hidden), *layer.gate_up).chunk(2, dim=-1)
            hidden = hidden + F.linear(F.silu(gate) * up, *layer.down)
        return F.linear(self._norm(hidden[:, -1]), *model.output)

    def _norm(self, hidden: Tensor) -> Tensor:
        return F.rms_norm(hidden, hidden.shape[-1:], None, self.model.eps)

    def _attend(
        self,
        layer: _Layer,
        hidden: Tensor,
        cache: tuple[Tensor, Tensor],
        rotation: Tensor,
        mask: Tensor,
    ) -> Tensor:
        rows, n, _ = hidden.shape
        heads, kv_heads = self.model.heads, self.model.kv_heads
        qkv = F.linear(hidden, *layer.qkv).view(rows, n, heads + 2 * kv_heads, -1)
        qk, v = qkv.split([heads + kv_heads, kv_heads], dim=2)
        pairs = torch.view_as_complex(qk.unflatten(-1, (-1, 2)))
        qk = torch.view_as_real(pairs * rotation).flatten(-2)
        q, k = qk.transpose(1, 2).split([heads, kv_heads], dim=1)

        keys, values = cache  # (rows, kv_heads, allocated, head_dim)
        keys[:, :, self.length - n : self.length] = k
        values[:, :, self.length - n : self.length] = v.transpose(1, 2)
        queries = mask.shape[2]  # the last so many tokens ask; all are read
        # Query heads that share a key head become further rows of its product.
        q = q[:, :, -queries:].reshape(rows, kv_heads, -1, self.model.head_dim)
        scores = (q @ keys.transpose(2, 3)).view(rows, heads, queries, -1) + mask
        weights = scores.softmax(-1).view(rows, kv_heads, q.shape[2], -1)
        mixed = (weights @ values).view(rows, heads, queries, -1)
        return mixed.transpose(1, 2).reshape(rows, queries, -1)

    def _mask(self, columns: Tensor) -> Tensor:
        """0 where a token may look, else the lowest number: (rows, 1, n, allocated).

        Not minus infinity: a padding position may look nowhere at all, and softmax
        would make it NaN, which then spreads.
        """
        allocated = torch.arange(self.cache[0][0].shape[2], device=columns.device)
        hidden = allocated > columns[:, None]  # (n, allocated): the future
        hidden = hidden | (allocated < self.padding[:, None, None])
        lowest = torch.finfo(torch.float32).min
        return torch.zeros_like(hidden, dtype=torch.float32).masked_fill_(
            hidden, lowest
        )[:, None]

    def _reserve(self) -> None:
        """Allocate whole blocks until `length` columns fit."""
        missing = self.length - self.cache[0][0].shape[2]
        if missing > 0:
            extra = (0, 0, 0, -(-missing // BLOCK) * BLOCK)
            self.cache = [(F.pad(k, extra), F.pad(v, extra)) for k, v in self.cache]


def _scale_inputs(linear: nn.Linear, scale: Tensor) -> tuple[Tensor, Tensor | None]:
    """W (scale * x) = (W scale) x: move a norm's weight into the next product."""
    bias = None if linear.bias is None else linear.bias.detach()
    return linear.weight.detach() * scale.detach(), bias


def _stack(*parts: tuple[Tensor, Tensor | None]) -> tuple[Tensor, Tensor | None]:
    weights, biases = zip(*parts, strict=True)
    return torch.cat(weights), None if biases[0] is None else torch.cat(biases)
