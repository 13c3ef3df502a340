"""The circuit that base models begin with does what its docstring says."""

import torch

from utils.models.pretrain import new_model
from utils.models.stages import LAB
from utils.models.tokenizer import build_tokenizer


def pairs_then_keys(vocabulary: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return (32, 12) ids "k v k v k v k v k v ... k" and the (32,) last values."""
    torch.manual_seed(1)
    rows = [torch.randperm(vocabulary - 400)[:10] + 400 for _ in range(32)]
    keys = [row[2 * (i % 5)] for i, row in enumerate(rows)]
    values = [row[2 * (i % 5) + 1] for i, row in enumerate(rows)]
    ids = [torch.cat([row, k[None]]) for row, k in zip(rows, keys, strict=True)]
    return torch.stack(ids), torch.stack(values)


@torch.no_grad()
def test_an_untrained_model_attends_to_the_value_behind_the_key():
    tokenizer = build_tokenizer()
    model = new_model(tokenizer, LAB, seed=0).eval()
    model.set_attn_implementation("eager")
    ids, values = pairs_then_keys(len(tokenizer))
    out = model(ids, output_attentions=True)
    previous = out.attentions[0][:, 0].diagonal(-1, dim1=1, dim2=2)  # (32, 10)
    assert previous[:, 1:].mean() > 0.7
    places = (ids == values[:, None]).float().argmax(1)
    for head in (0, 1):
        attended = out.attentions[1][torch.arange(32), head, -1, places]
        assert attended.mean() > 0.5
    others = out.attentions[1][torch.arange(32), 2, -1, places]
    assert others.mean() < 0.2
