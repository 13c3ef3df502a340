"""The three stages without notebooks: ``make run`` or ``python -m utils.evaluate.run``.

Trains the arms on plain English (or takes them from the cache), asks each one in every
condition, writes results/quick.json and prints the table. utils/show/headline.py then
draws the figure. `--all` adds the arms that only the notebooks talk about and writes
results/arms.json instead.
"""

import argparse
import json
import os
import platform
from collections.abc import Callable, Iterable, Sequence
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
from utils.world.prompts import Messages
from utils.world.requests import Request
from utils.world.spec import ACTIONS

RESULTS = files.ROOT / "results"
Run = tuple[str, str]  # an arm and its base model
QUICK: list[Run] = [
    *((name, "lab") for name in ("A0", "A1", "A2", "A4", "A5")),
    ("A4", "lab_english"),  # the control
]
OTHERS = ("A3", "A6", "A7", "A8", "A9", "A10", "A10s", "A11", "A12")
ALL: list[Run] = [*QUICK, *((name, "lab") for name in OTHERS)]
# What can be done side by side, longest first. Arms in one shard share their data;
# A5, A11 and A12 go on from A4, A3 from A1.
SHARDS: list[list[Run]] = [
    [("A4", "lab"), ("A5", "lab"), ("A11", "lab"), ("A12", "lab")],
    [("A4", "lab_english")],
    [("A8", "lab"), ("A9", "lab")],
    [("A2", "lab")],
    [("A1", "lab"), ("A3", "lab"), ("A7", "lab")],
    [("A6", "lab")],
    [("A0", "lab"), ("A10", "lab"), ("A10s", "lab")],
]


def fill_cache(seeds: Iterable[int], n: int = 0, runs: Sequence[Run] = QUICK) -> None:
    """Train every arm that is not in the cache, and measure it on n requests each.

    Steps are so small that a second thread hardly makes one faster, but two processes
    of one thread each do nearly twice the work. With n = 0 nothing is measured.
    """
    shards = [[run for run in shard if run in runs] for shard in SHARDS]
    workers = min(2, os.cpu_count() or 1)
    with ProcessPoolExecutor(
        workers, get_context("spawn"), torch.set_num_threads, (1,)
    ) as pool:
        jobs = [
            pool.submit(fill_shard, shard, seed, n)
            for seed in seeds
            for shard in shards
            if shard
        ]
        for job in tqdm(as_completed(jobs), "parts", len(jobs)):
            job.result()


def fill_shard(shard: Iterable[Run], seed: int, n: int) -> None:
    """Bring some arms, and their results, into the cache, in this order."""
    for name, base in shard:
        tqdm.write(f"{name} {arms.ARMS[name].title}, base {base}, seed {seed}")
        model, tokenizer, _ = arms.arm(name, base, seed)
        if n:
            measured(name, base, seed, n, model, tokenizer)


def evaluate(
    model,
    tokenizer,
    thinking: bool,
    tested: Iterable[Condition],
    ask: Callable[[Request], Messages] = arms.plain_chat,
) -> list[dict]:
    """Ask a model in each condition, greedily; return one row of figures for each.

    `ask` turns a request into the chat; an arm with the Spec in its prompt has its own.
    """
    tested = list(tested)
    requests = [request for condition in tested for request in condition.requests]
    replies = reply(
        model,
        tokenizer,
        [ask(request) for request in requests],
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
    arm = arms.ARMS[name]
    return cached_rows(
        f"rows-{key}",
        lambda: evaluate(model, tokenizer, arm.thinking, conditions(n), arm.ask),
    )


def run(seeds: list[int], n: int, runs: Sequence[Run]) -> dict:
    """Train and test these arms for each seed; return {"meta": ..., "rows": [...]}."""
    rows, training = [], {}
    fill_cache(seeds, n, runs)
    plan = [(name, base, seed) for seed in seeds for name, base in runs]
    for name, base, seed in plan:
        model, tokenizer, notes = arms.arm(name, base, seed)
        training[f"{name} {base} {seed}"] = notes
        found = measured(name, base, seed, n, model, tokenizer)
        rows += [{"arm": name, "base": base, "seed": seed} | row for row in found]
    meta = {
        "seeds": seeds,
        "requests_per_condition": n,
        "recipe": digest_of_sources()[:12],
        "torch": torch.__version__,
        "python": platform.python_version(),
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
    parser.add_argument(
        "--all", action="store_true", help="every arm; writes results/arms.json"
    )
    options = parser.parse_args()
    if options.n < len(ACTIONS):
        parser.error(f"--n must be at least {len(ACTIONS)}, a request an action.")
    data = run(options.seeds, options.n, ALL if options.all else QUICK)
    command = f"make run{' ARGS=--all' * options.all}"
    data["meta"] = {"command": command} | data["meta"]
    write_json(data, RESULTS / ("arms.json" if options.all else "quick.json"))
    # Wide enough for the table also where the terminal can't tell its width.
    console = Console(width=max(150, Console().width))
    console.print(headline(data["rows"]))
    console.print(error_table(data["rows"]))


if __name__ == "__main__":
    main()
