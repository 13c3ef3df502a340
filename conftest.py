"""Set-up for every test: the environment in which the notebooks were built."""

import os
from functools import cache
from pathlib import Path

import matplotlib
import pytest
from filelock import FileLock

from utils import files
from utils.evaluate.run import fill_cache
from utils.teach.builder import ENVIRONMENT

ROOT = Path(__file__).parent

# nbval's kernels inherit these. Set before any test module is imported.
os.environ.update(ENVIRONMENT)
os.environ.pop("COURSE_GRADE_FILE", None)
os.environ.pop("MPLBACKEND", None)  # a kernel draws inline unless told otherwise
matplotlib.use("agg")


@cache
def train_arms() -> None:
    """Train every arm of seed 0 that is not in the cache, once in a session.

    Of processes that test side by side the first one trains, and the others wait.
    """
    folder = files.cache_folder()
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / "training.lock"):
        fill_cache([0])


@pytest.fixture(scope="session")
def trained() -> None:
    """For tests that use trained arms."""
    train_arms()


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Train before the first notebook, whose cells have a time limit."""
    if item.path.suffix == ".ipynb":
        train_arms()


def pytest_configure(config: pytest.Config) -> None:
    """Name nbval's sanitizing rules by full path, so that pytest runs anywhere."""
    rules = str(ROOT / "tests" / "nbval_sanitize.cfg")
    if not config.getoption("nbval_sanitize_with", None):
        config.option.nbval_sanitize_with = rules
