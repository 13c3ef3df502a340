"""The engine of the experiment: parts, workers, a cluster, going on."""

import json
import subprocess
import sys

import pytest

from utils.evaluate import run as experiment
from utils.evaluate.run import commit_of_recipe, engine, run, run_shard
from utils.files import ROOT

BASE = [("A0", "lab")]  # the one arm that needs no training
FEW = 5  # requests a condition


@pytest.fixture
def cache_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("DELIBERATE_CACHE", str(tmp_path))
    return tmp_path


def without_time(data: dict) -> str:
    meta = {k: v for k, v in data["meta"].items() if k != "minutes_of_this_run"}
    return json.dumps([meta, data["rows"]])


def test_a_part_is_measured_once(cache_folder, monkeypatch):
    (first,) = run_shard(BASE, 0, FEW)
    assert [path.name[:5] for path in cache_folder.iterdir()] == ["rows-"]
    monkeypatch.setattr(experiment, "evaluate", None)  # would fail if it were called
    assert run_shard(BASE, 0, FEW) == [first]
    assert run_shard(BASE, 0, 0)[0]["rows"] == []
    assert all(len(row["given"]) == row["n"] for row in first["rows"])


def test_a_run_is_in_order_and_says_what_made_it(cache_folder):
    data = run([1, 0], FEW, BASE, workers=1)
    meta, rows = data["meta"], data["rows"]
    assert list(dict.fromkeys(row["seed"] for row in rows)) == [1, 0]
    assert meta["seeds"] == [1, 0] and meta["requests_per_condition"] == FEW
    assert meta["training"] == {"A0 lab 1": {}, "A0 lab 0": {}}
    assert meta["commit"] == commit_of_recipe()
    assert {"recipe", "torch", "python", "minutes_of_this_run"} <= set(meta)


def test_a_cluster_of_two_local_workers_gives_the_same(cache_folder):
    distributed = pytest.importorskip("dask.distributed")
    here = run([0, 1], FEW, BASE, workers=1)
    for path in cache_folder.iterdir():
        path.unlink()  # the workers have this folder too: nothing may come from it
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=None
    ) as cluster:
        there = run([0, 1], FEW, BASE, 1, scheduler=cluster.scheduler_address)
    assert without_time(there) == without_time(here)
    assert len(list(cache_folder.iterdir())) == 2


def test_a_missing_scheduler_gets_one_sentence(monkeypatch):
    distributed = pytest.importorskip("dask.distributed")

    def unreachable(*_args, **_options):
        raise OSError("timed out")

    monkeypatch.setattr(distributed, "Client", unreachable)
    said = "No dask scheduler answers at tcp://x"
    with pytest.raises(SystemExit, match=said), engine(2, "tcp://x:1"):
        pass
    monkeypatch.setitem(sys.modules, "dask.distributed", None)
    said = "needs dask: pip install"
    with pytest.raises(SystemExit, match=said), engine(2, "tcp://x:1"):
        pass


def test_bad_options_get_one_sentence():
    for options, said in (
        (["--n", "3"], "--n must be at least 5"),
        (["--workers", "0"], "--workers must be at least 1"),
    ):
        done = subprocess.run(
            [sys.executable, "-m", "utils.evaluate.run", *options],
            cwd=ROOT,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 2 and said in done.stderr
