"""`load(name)`: a model and its tokenizer, from the repository, a folder or a hub."""

import hashlib
import json
import os
from pathlib import Path

import torch
from safetensors import SafetensorError
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    PreTrainedModel,
    PreTrainedTokenizerFast,
)
from transformers.utils import logging

WEIGHTS = Path(__file__).parent / "weights"
SHIPPED = ("lab", "lab_english")
TRUNK = "trunk"  # where pretraining branches; it is no base model of the course


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def load(name: str | Path) -> tuple[PreTrainedModel, PreTrainedTokenizerFast]:
    """Return (model, tokenizer) in float32 and evaluation mode.

    `name` is a shipped model ("lab", "lab_english"), a folder with a saved model, or
    the id of a model on a hub ("owner/name"). Raises ValueError for a name that is
    none of these or for damaged weights, and ConnectionError when a hub is out of
    reach; each says in one sentence what to do.
    """
    name = str(name)
    if name in (*SHIPPED, TRUNK):
        check_shipped(name)
        return read(WEIGHTS / name, f"the shipped model {name!r}")
    if Path(name).is_dir():
        return read(Path(name), f"the folder {name}")
    if name.count("/") == 1 and not name.startswith((".", "/", "~")):
        return from_hub(name)
    raise ValueError(
        f"No model is called {name!r}: use {' or '.join(map(repr, SHIPPED))}, "
        "a folder with a saved model, or a hub id such as 'owner/name'."
    )


def check_shipped(name: str) -> None:
    """Compare the weights of a shipped model with the checksum in its card."""
    folder = WEIGHTS / name
    repair = f"restore them with `git checkout -- utils/models/weights/{name}`."
    try:
        card = json.loads((folder / "card.json").read_text(encoding="utf-8"))
        found = sha256(folder / "model.safetensors")
    except (OSError, json.JSONDecodeError):
        raise ValueError(f"Files of the model {name!r} are missing: {repair}") from None
    if found != card["sha256"]:
        raise ValueError(f"The weights of {name!r} have been changed: {repair}")


def read(folder: Path, what: str) -> tuple[PreTrainedModel, PreTrainedTokenizerFast]:
    """Read a saved model from a folder; ValueError if something in it is broken."""
    try:
        return from_pretrained(folder, local_files_only=True)
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        reason = str(error).strip().splitlines()[0]
        raise ValueError(
            f"Can't read {what} ({reason}): save it again with `save_pretrained`."
        ) from None


def from_hub(name: str) -> tuple[PreTrainedModel, PreTrainedTokenizerFast]:
    """Fetch a model by its hub id, or take it from the local hub cache."""
    try:
        return from_pretrained(name)
    except OSError:
        raise ConnectionError(
            f"Can't get {name!r} from the hub: check the spelling and the network, or "
            "pass a folder that holds the model."
        ) from None


def from_pretrained(
    source: str | Path, **options
) -> tuple[PreTrainedModel, PreTrainedTokenizerFast]:
    """Load model and tokenizer; float32, because CPUs train best in it."""
    bars = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        tokenizer = AutoTokenizer.from_pretrained(source, **options)
        model = AutoModelForCausalLM.from_pretrained(
            source, dtype=torch.float32, **options
        )
    finally:
        if bars:
            logging.enable_progress_bar()
    return model.eval(), tokenizer


def save_shipped(model, tokenizer, name: str, card: dict) -> Path:
    """Write a model in half precision with its card, ready to be shipped."""
    folder = WEIGHTS / name
    folder.mkdir(parents=True, exist_ok=True)
    model.half().save_pretrained(folder)
    model.float()
    tokenizer.save_pretrained(folder)
    card = card | {"sha256": sha256(folder / "model.safetensors")}
    part = folder / "card.json.part"
    part.write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")
    os.replace(part, folder / "card.json")
    return folder
