"""The experiment: ``make run`` for one seed, ``make results`` for all of it.

Trains the arms on plain English (or takes them from the cache), asks each one in every
condition, and prints the table. `make run` shows the arms of the headline and keeps
nothing but the cache; `make results` runs every arm for five seeds and writes
results/arms.json, from which utils/show/headline.py draws what the README shows.

Both go on where they were stopped. The work comes in parts, one for each seed and
group of arms (SHARDS), which `--workers` processes do side by side. `--scheduler`
gives the same parts to the workers of a dask cluster:

    dask scheduler                        # prints its address, tcp://...:8786
    dask worker tcp://...:8786 --nthreads 1 --nworkers 8     # on each machine
    make results ARGS="--scheduler tcp://...:8786"
"""

import argparse
import json
import os
import platform
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import torch
from joblib import Parallel, delayed, parallel_config
from rich.console import Console
from tqdm.auto import tqdm

from utils import files
from utils.align.chat import reply
from utils.evaluate import arms
from utils.evaluate.cache import SOURCES, cached_rows, digest_of_sources, key_of
from utils.evaluate.conditions import Condition, conditions
from utils.evaluate.metrics import count_errors, score
from utils.evaluate.table import error_table, headline
from utils.world.prompts import Messages
from utils.world.requests import Request
from utils.world.spec import ACTIONS

RESULTS = files.ROOT / "results"
SEEDS = [0, 1, 2, 3, 4]
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


def fill_cache(seeds: Iterable[int], runs: Sequence[Run] = QUICK) -> None:
    """Train every arm that is not in the cache, and measure none."""
    run_parts(seeds, 0, runs)


def run_parts(
    seeds: Iterable[int],
    n: int,
    runs: Sequence[Run],
    workers: int = 2,
    scheduler: str = "",
) -> list[dict]:
    """Train and measure arms side by side; return what `run_shard` does, in order.

    Steps are so small that a second thread hardly makes one faster, but two processes
    of one thread each do nearly twice the work. With the address of a dask scheduler
    its workers do the parts; they need the course installed, and no common disk.
    """
    shards = [[run for run in shard if run in runs] for shard in SHARDS]
    parts = [(shard, seed, n) for seed in seeds for shard in shards if shard]
    with engine(workers, scheduler):
        done = Parallel(return_as="generator_unordered")(
            delayed(run_shard)(*part) for part in parts
        )
        found = [one for part in tqdm(done, "parts", len(parts)) for one in part]
    order = [(name, base, seed) for seed in seeds for name, base in runs]
    return sorted(
        found, key=lambda one: order.index((one["arm"], one["base"], one["seed"]))
    )


@contextmanager
def engine(workers: int, scheduler: str) -> Iterator[None]:
    """Let joblib use local processes in the block, or the workers of a cluster."""
    if not scheduler:
        with parallel_config("loky", n_jobs=min(workers, os.cpu_count() or 1)):
            yield
        return
    try:
        from dask.distributed import Client
    except ImportError:
        raise SystemExit(
            "--scheduler needs dask: pip install 'dask[distributed]', here and on "
            "the workers."
        ) from None
    try:
        client = Client(scheduler, timeout=20)
    except OSError:
        raise SystemExit(
            f"No dask scheduler answers at {scheduler}: start `dask scheduler` and "
            "give the address that it prints."
        ) from None
    with client, parallel_config("dask", client=client):
        yield


def run_shard(shard: Iterable[Run], seed: int, n: int) -> list[dict]:
    """Train some arms in this order and measure them, or take both from the cache.

    Returns for each arm its keys, the notes of its training, and its rows (none when
    n is 0).
    """
    torch.set_num_threads(1)
    found = []
    for name, base in shard:
        model, tokenizer, notes = arms.arm(name, base, seed)
        rows = measured(name, base, seed, n, model, tokenizer) if n else []
        found.append(
            {"arm": name, "base": base, "seed": seed, "notes": notes, "rows": rows}
        )
    return found


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


def run(
    seeds: list[int], n: int, runs: Sequence[Run], workers: int = 2, scheduler: str = ""
) -> dict:
    """Train and test these arms for each seed; return {"meta": ..., "rows": [...]}."""
    started = time.monotonic()
    found = run_parts(seeds, n, runs, workers, scheduler)
    keys = ("arm", "base", "seed")
    meta = {
        "seeds": seeds,
        "requests_per_condition": n,
        "recipe": digest_of_sources()[:12],
        "commit": commit_of_recipe(),
        "torch": torch.__version__,
        "python": platform.python_version(),
        "workers": workers,
        "minutes_of_this_run": round((time.monotonic() - started) / 60, 1),
        "training": {
            " ".join(str(one[key]) for key in keys): one["notes"] for one in found
        },
    }
    rows = [
        {key: one[key] for key in keys} | row for one in found for row in one["rows"]
    ]
    for row in rows:
        del row["interval"]  # of one seed; see outcomes.py for those over seeds
        if "errors" in row:
            row["errors"] = {name: n for name, n in row["errors"].items() if n}
    return {"meta": meta, "rows": rows}


def commit_of_recipe() -> str:
    """Return the last commit that touched what the arms depend on; "" without git."""
    paths = [f":(glob)utils/{pattern}" for pattern in SOURCES]
    try:
        return subprocess.run(
            ["git", "log", "-1", "--format=%h", "--", *paths],
            cwd=files.ROOT,
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


def write_json(data: dict, path: Path) -> None:
    """Write a results file atomically, one row a line."""
    rows = ",\n".join(json.dumps(row, separators=(",", ":")) for row in data["rows"])
    text = f'{{"meta": {json.dumps(data["meta"])},\n "rows": [\n{rows}\n]}}\n'
    files.write_atomic(path, text.encode())


def main() -> None:
    """Run, print, and with --all write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, nargs="+", help="0; with --all 0 to 4")
    parser.add_argument("--n", type=int, default=100, help="requests a condition")
    parser.add_argument("--workers", type=int, default=2, help="processes side by side")
    parser.add_argument("--scheduler", default="", help="address of a dask scheduler")
    parser.add_argument(
        "--all", action="store_true", help="every arm; writes results/arms.json"
    )
    options = parser.parse_args()
    if options.n < len(ACTIONS):
        parser.error(f"--n must be at least {len(ACTIONS)}, a request an action.")
    if options.workers < 1:
        parser.error("--workers must be at least 1.")
    seeds = options.seeds or (SEEDS if options.all else [0])
    runs = ALL if options.all else QUICK
    data = run(seeds, options.n, runs, options.workers, options.scheduler)
    if options.all:
        data["meta"] = {"command": "make results"} | data["meta"]
        write_json(data, RESULTS / "arms.json")
    # Wide enough for the table also where the terminal can't tell its width.
    console = Console(width=max(150, Console().width))
    console.print(headline(data["rows"]))
    console.print(error_table(data["rows"]))


if __name__ == "__main__":
    main()
