"""Where the notebooks of this course are."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
WORK = ROOT / "work"
