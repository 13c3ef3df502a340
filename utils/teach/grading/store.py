"""Results that are finished, a file each, so that a run can be stopped and continued.

A result is found again by everything on which it depends: the cell, what is run before
it, the checks and all other code of the course. So a changed submission or a newer
course is graded anew, and equal cells of two students are run once.
"""

import hashlib
import json
from pathlib import Path

from utils import files

# Others depend on how busy or how small the machine was, and are tried again.
KEPT = {"full", "partial", "zero", "error", "tampered"}


def key_of(task: dict, version: str) -> str:
    """The name under which the result of a task is kept."""
    text = json.dumps([task, version], sort_keys=True)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


class Store:
    """The finished results in a folder."""

    def __init__(self, folder: Path) -> None:
        """Nothing is read or made yet."""
        self.folder = folder

    def get(self, key: str) -> dict | None:
        """A finished result, or None when there is none that can be read."""
        try:
            found = json.loads((self.folder / f"{key}.json").read_text("utf-8"))
        except (OSError, ValueError):
            return None
        return found if isinstance(found, dict) and "points" in found else None

    def put(self, key: str, result: dict) -> None:
        """Keep a result, whole or not at all, unless another run may differ."""
        if result.get("status", "full") in KEPT:
            text = json.dumps(result, indent=1)
            files.write_atomic(self.folder / f"{key}.json", text.encode())
