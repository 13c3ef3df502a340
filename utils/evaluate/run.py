"""The three stages without notebooks: ``make run`` or ``python -m utils.evaluate.run``.

Trains every arm on plain English (or takes it from the cache), asks each one in every
condition, writes results/quick.json and prints the table. utils/show/headline.py then
draws the figure.
"""

import argparse
import json
import os
import platform
import time
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path

import torch
from rich.console import Console
from tqdm.auto import tqdm

from utils import files
from utils.align.chat import reply
from utils.evaluate import arms
from utils.evaluate.cache import cached_rows, digest_of_sources, key_of
from utils.evaluate.conditions import Condition, conditions
from utils.evaluate.metrics import count_errors, score
from utils.evaluate.table import error_table, headline
from utils.world.prompts import chat
from utils.world.spec import ACTIONS

RESULTS = files.ROOT / "results"
RUNS = [("A0", "lab"), ("A1", "lab"), ("A2", "lab"), ("A4", "lab"), ("A5", "lab")]
CONTROL = ("A4", "lab_english")
# What can be done side by side, longest first. A5 goes on from A4.
SHARDS = [
    ("lab", ("A4", "A5")),
    ("lab_english", ("A4",)),
    ("lab", ("A2",)),
    ("lab", ("A1",)),
    ("lab", ("A0",)),
]


def fill_cache(seeds: Iterable[int], n: int = 0) -> None:
    """Train every arm that is not in the cache, and measure it on n requests each.

    Steps are so small that a second thread hardly makes one faster, but two processes
    of one thread each do nearly twice the work. With n = 0 nothing is measured.
    """
    workers = min(2, os.cpu_count() or 1)
    with ProcessPoolExecutor(
        workers, get_context("spawn"), torch.set_num_threads, (1,)
    ) as pool:
        jobs = [
            pool.submit(fill_shard, base, names, seed, n)
            for seed in seeds
            for base, names in SHARDS
        ]
        for job in tqdm(as_completed(jobs), "parts", len(jobs)):
            job.result()


def fill_shard(base: str, names: Iterable[str], seed: int, n: int) -> None:
    """Bring some arms of one base, and their results, into the cache, in this order."""
    for name in names:
        tqdm.write(f"{name} {arms.ARMS[name].title}, base {base}, seed {seed}")
        model, tokenizer, _ = arms.arm(name, base, seed)
        if n:
            measured(name, base, seed, n, model, tokenizer)


def evaluate(
    model, tokenizer, thinking: bool, tested: Iterable[Condition]
) -> list[dict]:
    """Ask a model in each condition, greedily; return one row of figures for each."""
    tested = list(tested)
    requests = [request for condition in tested for request in condition.requests]
    replies = reply(
        model,
        tokenizer,
        [chat(request.text) for request in requests],
        thinking=thinking,
        progress="asking",
    )
    rows, start = [], 0
    for condition in tested:
        end = start + len(condition.requests)
        asked, said = requests[start:end], replies[start:end]
        row = condition.keys | score(asked, said)
        if thinking:
            row["errors"] = count_errors(asked, said)
        rows.append(row)
        start = end
    return rows


def measured(name: str, base: str, seed: int, n: int, model, tokenizer) -> list[dict]:
    """Return the rows of one arm in every condition, from the cache if possible."""
    code = digest_of_sources(("evaluate/conditions.py", "evaluate/metrics.py"))
    key = key_of(arm=name, base=arms.digest_of(base), seed=seed, n=n, code=code)
    thinking = arms.ARMS[name].thinking
    return cached_rows(
        f"rows-{key}",
        lambda: evaluate(model, tokenizer, thinking, conditions(n)),
    )


def run(seeds: list[int], n: int) -> dict:
    """Train and test every arm for each seed; return {"meta": ..., "rows": [...]}."""
    rows, training, started = [], {}, time.time()
    fill_cache(seeds, n)
    plan = [(name, base, seed) for seed in seeds for name, base in [*RUNS, CONTROL]]
    for name, base, seed in plan:
        model, tokenizer, notes = arms.arm(name, base, seed)
        training[f"{name} {base} {seed}"] = notes
        found = measured(name, base, seed, n, model, tokenizer)
        rows += [{"arm": name, "base": base, "seed": seed} | row for row in found]
    meta = {
        "command": "make run",
        "seeds": seeds,
        "requests_per_condition": n,
        "recipe": digest_of_sources()[:12],
        "torch": torch.__version__,
        "python": platform.python_version(),
        "minutes": round((time.time() - started) / 60, 1),
        "training": training,
    }
    return {"meta": meta, "rows": rows}


def write_json(data: dict, path: Path) -> None:
    """Write a results file atomically, one row a line."""
    rows = ",\n".join("  " + json.dumps(row) for row in data["rows"])
    text = f'{{"meta": {json.dumps(data["meta"])},\n "rows": [\n{rows}\n]}}\n'
    files.write_atomic(path, text.encode())


def main() -> None:
    """Run, write, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--n", type=int, default=100, help="requests a condition")
    options = parser.parse_args()
    if options.n < len(ACTIONS):
        parser.error(f"--n must be at least {len(ACTIONS)}, a request an action.")
    data = run(options.seeds, options.n)
    write_json(data, RESULTS / "quick.json")
    # Wide enough for the table also where the terminal can't tell its width.
    console = Console(width=max(150, Console().width))
    console.print(headline(data["rows"]))
    console.print(error_table(data["rows"]))


if __name__ == "__main__":
    main()
