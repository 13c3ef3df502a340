"""Run a study over seeds and keep its results.

    python -m utils.evaluate.study dpo --seeds 0 1 2

Each module of utils/evaluate/studies has a function `study(seed)` that returns rows
of figures. The rows of all seeds go to results/<name>.json, from where the notebook
of the same subject draws its means and intervals. A seed that was measured before is
taken from the cache.
"""

import argparse
import importlib
import json
import pkgutil
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np
import torch
from scipy import stats

from utils.evaluate import studies
from utils.evaluate.cache import cached_rows, digest_of_sources, key_of
from utils.evaluate.run import RESULTS, write_json

NAMES = sorted(module.name for module in pkgutil.iter_modules(studies.__path__))
Row = dict


def rows_of(name: str, seed: int) -> list[Row]:
    """Return a study's rows for one seed, measured or from the cache."""
    study: Callable[[int], list[Row]] = importlib.import_module(
        f"{studies.__name__}.{name}"
    ).study
    code = digest_of_sources(("evaluate/studies/*.py",))  # they use each other
    key = key_of(study=name, seed=seed, code=code)
    return cached_rows(
        f"study-{key}", lambda: [{"seed": seed} | row for row in study(seed)]
    )


def run(name: str, seeds: Sequence[int]) -> dict:
    """Run a study for each seed, two at a time; return {"meta": ..., "rows": [...]}."""
    started = time.time()
    with ProcessPoolExecutor(
        2, get_context("spawn"), torch.set_num_threads, (1,)
    ) as pool:
        found = list(pool.map(rows_of, [name] * len(seeds), seeds))
    meta = {
        "command": f"python -m utils.evaluate.study {name}",
        "seeds": list(seeds),
        "recipe": digest_of_sources()[:12],
        "torch": torch.__version__,
        "minutes": round((time.time() - started) / 60, 1),
    }
    return {"meta": meta, "rows": [row for rows in found for row in rows]}


def load_rows(name: str) -> list[Row]:
    """Return the rows of results/<name>.json. Raises ValueError where it is missing."""
    path = RESULTS / f"{name}.json"
    try:
        return json.loads(path.read_text(encoding="utf-8"))["rows"]
    except (OSError, ValueError, KeyError):
        raise ValueError(
            f"{path} is missing or damaged: run `python -m utils.evaluate.study {name}`"
            " or get it from the repository again."
        ) from None


def over_seeds(rows: list[Row], figure: str, **wanted) -> tuple[float, float, float]:
    """Return mean, lower and upper end of a figure, over training seeds.

        mean +- t(0.975, n - 1) s / sqrt(n),   s with n - 1

    `wanted` chooses the rows; several rows of a seed are averaged first, so n counts
    seeds. The interval is about other seeds, not about other test requests. Raises
    ValueError where fewer than two seeds fit.
    """
    by_seed: dict[int, list[float]] = {}
    for row in rows:
        if all(row.get(key) == value for key, value in wanted.items()):
            by_seed.setdefault(row["seed"], []).append(row[figure])
    if len(by_seed) < 2:
        raise ValueError(f"Fewer than two seeds have {figure!r} with {wanted}.")
    values = np.array([np.mean(own) for own in by_seed.values()])
    mean, n = float(values.mean()), len(values)
    half = float(stats.t.ppf(0.975, n - 1) * values.std(ddof=1) / n**0.5)
    return mean, mean - half, mean + half


def main() -> None:
    """Run, and write results/<name>.json."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("name", choices=NAMES)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    options = parser.parse_args()
    path = RESULTS / f"{options.name}.json"
    write_json(run(options.name, options.seeds), path)
    print(f"Wrote {path.name}.")


if __name__ == "__main__":
    main()
