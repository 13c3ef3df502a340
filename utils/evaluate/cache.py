"""Trained models are kept on disk, under a key of everything that made them."""

import hashlib
import json
import time
from collections.abc import Callable
from pathlib import Path

import torch
import transformers
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from transformers import PreTrainedModel

from utils import files

# The code and tables that a trained arm depends on.
SOURCES = (
    "world/*.py",
    "world/*.csv",
    "world/*.md",
    "models/harmless.py",
    "models/load.py",
    "models/mixture.py",
    "models/tokenizer.py",
    "align/*.py",
    "evaluate/arms.py",
    "evaluate/chats.py",
    "evaluate/training_data.py",
)


def digest_of_sources(patterns: tuple[str, ...] = SOURCES) -> str:
    """Return one checksum for code and tables, by default all that training needs."""
    digest = hashlib.sha256()
    for pattern in patterns:
        for path in sorted((files.ROOT / "utils").glob(pattern)):
            digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()


def key_of(**parts) -> str:
    """Return a short key for settings, sources and the versions of the libraries."""
    parts |= {
        "sources": digest_of_sources(),
        "torch": torch.__version__,
        "transformers": transformers.__version__,
    }
    text = json.dumps(parts, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:24]


def cached_rows(key: str, measure: Callable[[], list[dict]]) -> list[dict]:
    """Return rows of results from the cache, else from `measure()`, and keep them.

    A damaged entry is measured again. Both kinds of entries are written atomically.
    """
    path = files.cached(f"{key}.json")
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(rows, list):
            return rows
        print(f"The cached results {path.name} are damaged: measuring again.")
    except FileNotFoundError:
        pass
    except (ValueError, OSError):
        print(f"The cached results {path.name} are damaged: measuring again.")
    rows = measure()
    files.write_atomic(files.cache_folder() / path.name, json.dumps(rows).encode())
    return rows


def checksum(tensors: dict[str, torch.Tensor]) -> str:
    """Return the SHA-256 of the tensors' names and values."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        digest.update(name.encode() + tensors[name].contiguous().numpy().tobytes())
    return digest.hexdigest()


def cached(
    model: PreTrainedModel, key: str, train: Callable[[PreTrainedModel], dict]
) -> dict:
    """Bring `model` into its trained state: from the cache, else by `train(model)`.

    Only parameters with `requires_grad` are kept: of a model with an adapter, that.
    `train` changes the model in place and returns notes (plain JSON values), which
    are kept and returned too, with the seconds that it took. A damaged or half-written
    entry is trained again, with a note; entries are written under another name first,
    so a crash leaves none.
    """
    path = files.cached(f"{key}.safetensors")
    if path.exists():
        try:
            return read(model, path)
        except (SafetensorError, ValueError, RuntimeError, KeyError, OSError):
            print(f"The cached model {path.name} is damaged: training it again.")
    started = time.monotonic()
    notes = train(model)
    notes |= {"seconds": round(time.monotonic() - started, 1)}
    write(model, files.cache_folder() / path.name, notes)
    return notes


def read(model: PreTrainedModel, path: Path) -> dict:
    """Load a cache entry into the model, which stays as it is if that fails.

    Raises ValueError if the checksum is wrong or the tensors are not the model's.
    """
    with safe_open(path, framework="pt") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        metadata = file.metadata() or {}
    if metadata.get("checksum") != checksum(tensors):
        raise ValueError("The checksum is wrong.")
    own = trained_parameters(model)
    if {n: t.shape for n, t in tensors.items()} != {n: p.shape for n, p in own.items()}:
        raise ValueError("The tensors are another model's.")
    model.load_state_dict(tensors, strict=False)
    return json.loads(metadata["notes"])


def write(model: PreTrainedModel, path: Path, notes: dict) -> None:
    """Write a cache entry atomically."""
    tensors = {
        n: p.detach().cpu().contiguous() for n, p in trained_parameters(model).items()
    }
    metadata = {"checksum": checksum(tensors), "notes": json.dumps(notes)}
    with files.replacing(path) as part:
        save_file(tensors, part, metadata)


def trained_parameters(model: PreTrainedModel) -> dict[str, torch.nn.Parameter]:
    """Return what training changes, by name. Tied weights are listed once."""
    return {n: p for n, p in model.named_parameters() if p.requires_grad}
