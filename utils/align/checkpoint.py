"""A training that is stopped goes on where it was: its state, in one file.

The file holds the trained parameters, what AdamW remembers of each (its moments and
its step) and the metrics so far. It is written whole or not at all.
"""

import json
from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from utils.files import replacing

MOMENTS = ("exp_avg", "exp_avg_sq", "step")


def save(
    path: Path,
    trained: Sequence[nn.Parameter],
    optimizer: torch.optim.AdamW,
    history: list[dict],
) -> None:
    """Write the state of a training, in place of an earlier one."""
    tensors: dict[str, Tensor] = {}
    for i, parameter in enumerate(trained):
        tensors[f"{i}.value"] = parameter.detach().contiguous()
        for name in MOMENTS:
            tensors[f"{i}.{name}"] = optimizer.state[parameter][name].contiguous()
    with replacing(path) as part:
        save_file(tensors, part, {"history": json.dumps(history)})


def restore(
    path: Path, trained: Sequence[nn.Parameter], optimizer: torch.optim.AdamW
) -> list[dict]:
    """Put a kept state back and return its history; [] where there is none.

    A damaged file, or one of another model, is left aside with a note.
    """
    if not path.exists():
        return []
    try:
        with safe_open(path, framework="pt") as file:
            tensors = {k: file.get_tensor(k) for k in file.keys()}  # noqa: SIM118
            history = json.loads((file.metadata() or {})["history"])
        shapes = [tensors[f"{i}.value"].shape for i in range(len(trained))]
        if shapes != [parameter.shape for parameter in trained]:
            raise ValueError("The tensors are another model's.")
        kept = [
            {name: tensors[f"{i}.{name}"] for name in MOMENTS}
            for i in range(len(trained))
        ]
    except (SafetensorError, ValueError, KeyError, OSError):
        print(f"The checkpoint {path.name} is damaged: starting afresh.")
        return []
    for i, parameter in enumerate(trained):
        parameter.data.copy_(tensors[f"{i}.value"])
    state = optimizer.state_dict()
    optimizer.load_state_dict(state | {"state": dict(enumerate(kept))})
    return history
