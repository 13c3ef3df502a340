"""Where the course keeps its files, and writing them so that a crash loses nothing."""

import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# The learner's notebooks, the cache; git ignores it. A hub whose course is read-only
# names a folder of the learner's own in DELIBERATE_WORK. It may begin with ~: a hub
# gives everybody the same text, and no shell has read it.
WORK = Path(os.environ.get("DELIBERATE_WORK", ROOT / "work")).expanduser()


def cache_folder() -> Path:
    """Return where models are kept: $DELIBERATE_CACHE, or work/cache in the course."""
    return Path(os.environ.get("DELIBERATE_CACHE", WORK / "cache")).expanduser()


def cached(name: str) -> Path:
    """Return where the cache entry `name` is, or is to be written.

    $DELIBERATE_SHARED_CACHE names a second cache, which is only read: a lecturer fills
    it once for a class. An entry in the learner's own cache comes before it.
    """
    own, shared = cache_folder() / name, os.environ.get("DELIBERATE_SHARED_CACHE")
    if shared and not own.exists() and (Path(shared) / name).exists():
        return Path(shared) / name
    return own


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a new file beside `path`, which replaces it when the block ends well.

    The folder is made when missing. If the block raises, `path` is as it was.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(
        dir=path.parent, prefix=f"{path.stem}.", suffix=f".tmp{path.suffix}"
    )
    os.close(handle)
    try:
        yield Path(name)
        # mkstemp allows the owner only; a course file should be readable as usual.
        os.chmod(name, 0o644)
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def write_atomic(path: Path, content: bytes) -> None:
    """Replace `path` by `content` in one step, making its folder when missing."""
    with replacing(path) as part:
        part.write_bytes(content)
