"""Conditions, metrics, intervals, the cache, and the form of the results."""

import copy
import json

import numpy as np
import pytest
import torch

from utils.align.chat import Reply
from utils.evaluate import cache
from utils.evaluate.conditions import conditions, twins
from utils.evaluate.metrics import ERRORS, bootstrap_interval, error, score
from utils.evaluate.run import write_json
from utils.evaluate.table import GROUPS, error_table, headline, interval, markdown
from utils.world.replies import Thought, answer, true_thought
from utils.world.requests import SURFACES, sample_requests
from utils.world.wrappers import WRAPPERS

REQUESTS = sample_requests(100, seed=2)


def say(text: str, thought: str = "") -> Reply:
    return Reply(thought, text, [], [], True)


def test_conditions_cover_everything_and_are_the_same_twice():
    found = list(conditions(20))
    plain = {(c.surface, c.topics) for c in found if c.kind == "plain"}
    assert plain == {(s, t) for s in SURFACES for t in ("seen", "held_out")}
    assert {c.wrapper for c in found if c.kind == "jailbreak"} == set(WRAPPERS)
    again = list(conditions(20))
    assert [c.keys for c in found] == [c.keys for c in again]
    texts = [[r.text for r in c.requests] for c in found]
    assert texts == [[r.text for r in c.requests] for c in again]
    english = next(c for c in found if c.keys["surface"] == "en" and c.kind == "plain")
    french = next(c for c in found if c.surface == "fr" and c.topics == "seen")
    assert [r.english for r in english.requests] == [r.english for r in french.requests]


def test_twins_are_harmless_and_sound_dangerous():
    for topics in ("seen", "held_out"):
        assert len(twins(topics)) >= 30
        assert all(r.topic.lookalike and r.action() == "comply" for r in twins(topics))


def test_scores_of_known_behaviour():
    right = [say(answer(r.action(), r.topic.name)) for r in REQUESTS]
    found = score(REQUESTS, right)
    assert (found["accuracy"], found["unsafe"], found["over_refusal"]) == (1, 0, 0)
    helpful = [say(answer("comply", r.topic.name)) for r in REQUESTS]
    found = score(REQUESTS, helpful)
    assert (found["accuracy"], found["unsafe"], found["over_refusal"]) == (0.2, 1, 0)
    refusing = [say(answer("refuse", r.topic.name)) for r in REQUESTS]
    found = score(REQUESTS, refusing)
    assert (found["accuracy"], found["unsafe"], found["over_refusal"]) == (0.2, 0, 1)
    assert found["given"] == "1" * 100
    babble = score(REQUESTS, [say("hm")] * 100)
    assert (babble["accuracy"], babble["unsafe"], babble["over_refusal"]) == (0, 0, 0)
    assert babble["given"] == "-" * 100


def test_each_class_of_error_is_told_apart():
    request = next(r for r in REQUESTS if r.action() == "refuse")
    topic, thought = request.topic.name, true_thought(request)
    wrong = answer("comply", topic)
    assert error(request, say(answer("refuse", topic), "anything")) == ""
    assert error(request, say(wrong, str(thought))) == "acted against its reasoning"
    fields = vars(thought)
    other = Thought(**fields | {"action": "comply"})
    assert error(request, say(wrong, str(other))) == "reasoned wrongly"
    misread = Thought(**fields | {"restatement": "Where can I get a kite?"})
    assert error(request, say(wrong, str(misread))) == "decoded wrongly"
    short = f"Request: {request.english} Plan: answer."
    assert error(request, say(wrong, short)) == "did not deliberate"
    assert error(request, say(wrong)) == "did not deliberate"


def test_the_bootstrap_covers_as_often_as_it_says():
    rng = np.random.default_rng(0)
    inside = 0
    for i in range(200):
        low, high = bootstrap_interval(rng.random(80) < 0.7, draws=400, seed=i)
        inside += low <= 0.7 <= high
    assert 0.88 <= inside / 200 <= 0.99
    assert bootstrap_interval([1, 1, 1]) == (1, 1)
    with pytest.raises(ValueError, match="nothing to resample"):
        bootstrap_interval([])


@pytest.fixture
def cache_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("DELIBERATE_CACHE", str(tmp_path))
    return tmp_path


def shift(model) -> dict:
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(1.0)
    return {"steps": 3}


def never(_model) -> dict:
    raise AssertionError("trained although it was in the cache")


def test_the_cache_returns_what_was_trained(cache_folder, llama):
    trained = copy.deepcopy(llama)
    notes = cache.cached(trained, "key", shift)
    assert notes["steps"] == 3 and 0 <= notes["seconds"] < 60
    restored = copy.deepcopy(llama)
    assert cache.cached(restored, "key", never) == notes
    pairs = zip(trained.parameters(), restored.parameters(), strict=True)
    assert all(torch.equal(one, two) for one, two in pairs)
    assert [path.suffix for path in cache_folder.iterdir()] == [".safetensors"]


@pytest.mark.parametrize("damage", ["cut", "changed", "empty"])
def test_a_damaged_entry_is_trained_again_with_a_note(
    cache_folder, llama, damage, capsys
):
    cache.cached(copy.deepcopy(llama), "key", shift)
    path = cache_folder / "key.safetensors"
    data = bytearray(path.read_bytes())
    if damage == "changed":
        data[-5] ^= 255
    path.write_bytes({"cut": data[:100], "changed": data, "empty": b""}[damage])
    assert cache.cached(copy.deepcopy(llama), "key", shift)["steps"] == 3
    assert "training it again" in capsys.readouterr().out
    cache.cached(copy.deepcopy(llama), "key", never)


def test_rows_are_kept_and_damaged_rows_measured_again(cache_folder, capsys):
    rows = [{"accuracy": 0.5}]
    assert cache.cached_rows("rows", lambda: rows) == rows
    assert cache.cached_rows("rows", lambda: never(None)) == rows
    (cache_folder / "rows.json").write_text('[{"accur', encoding="utf-8")
    assert cache.cached_rows("rows", lambda: rows) == rows
    assert "measuring again" in capsys.readouterr().out


def test_a_shared_cache_is_read_and_never_written(cache_folder, llama, monkeypatch):
    shared, own = cache_folder / "shared", cache_folder / "own"
    monkeypatch.setenv("DELIBERATE_CACHE", str(shared))
    trained = copy.deepcopy(llama)
    notes = cache.cached(trained, "key", shift)
    rows = cache.cached_rows("rows", lambda: [{"accuracy": 0.5}])
    before = {path: path.read_bytes() for path in shared.iterdir()}
    monkeypatch.setenv("DELIBERATE_SHARED_CACHE", str(shared))
    monkeypatch.setenv("DELIBERATE_CACHE", str(own))
    assert cache.cached(copy.deepcopy(llama), "key", never) == notes
    assert cache.cached_rows("rows", lambda: never(None)) == rows
    assert not own.exists()
    cache.cached(copy.deepcopy(llama), "another", shift)
    assert [path.name for path in own.iterdir()] == ["another.safetensors"]
    damaged = {path: b"" for path in before}
    for path in damaged:
        path.write_bytes(b"")
    cache.cached(copy.deepcopy(llama), "key", shift)
    cache.cached_rows("rows", lambda: rows)
    assert {path: path.read_bytes() for path in shared.iterdir()} == damaged
    cache.cached(copy.deepcopy(llama), "key", never)  # its own one comes first


def test_a_crash_in_training_leaves_no_entry(cache_folder, llama):
    def crash(_model) -> dict:
        raise RuntimeError("power cut")

    with pytest.raises(RuntimeError):
        cache.cached(copy.deepcopy(llama), "key", crash)
    assert list(cache_folder.iterdir()) == []


def test_the_key_changes_with_everything_that_matters(monkeypatch):
    one = cache.key_of(arm="A1", seed=0)
    assert one == cache.key_of(seed=0, arm="A1")
    assert one != cache.key_of(arm="A1", seed=1) != cache.key_of(arm="A2", seed=1)
    monkeypatch.setattr(cache, "digest_of_sources", lambda *_: "other code")
    assert one != cache.key_of(arm="A1", seed=0)


def test_an_entry_of_another_model_is_trained_again(cache_folder, make_llama, capsys):
    cache.cached(make_llama(), "key", lambda _model: {})
    other = make_llama(num_hidden_layers=1)
    before = copy.deepcopy(other.state_dict())

    def check_untouched(model) -> dict:
        for name, tensor in model.state_dict().items():
            assert torch.equal(tensor, before[name])
        return {"again": True}

    assert cache.cached(other, "key", check_untouched)["again"]
    assert "training it again" in capsys.readouterr().out


def test_intervals_of_a_group_are_over_seeds_and_requests():
    def rows(*accuracies: float) -> list[dict]:
        return [
            {"seed": seed, "accuracy": a, "n": 100, "surface": surface}
            for seed, a in enumerate(accuracies)
            for surface in ("es", "fr")
        ]

    assert interval(rows(1.0, 1.0)) == (1.0, 1.0)
    one, (low, high) = interval(rows(0.5)), interval(rows(0.5, 0.5, 0.5, 0.5))
    assert one[0] < low < 0.5 < high < one[1]
    # Two surfaces of the same requests are worth no more than one.
    assert 0.18 < one[1] - one[0] < 0.22  # 2 * 1.96 * sqrt(0.25 / 100)
    apart = interval(rows(0.2, 0.8))
    assert apart[0] < 0.25 and apart[1] > 0.75


def test_results_are_written_whole_and_make_a_table(tmp_path):
    rows = [
        {"arm": arm, "base": "lab", "seed": 0}
        | c.keys
        | {"n": 10, "accuracy": 0.5, "unsafe": 0.1, "over_refusal": None}
        | ({"errors": dict.fromkeys(ERRORS, 1)} if arm == "A4" else {})
        for arm in ("A1", "A4")
        for c in conditions(10)
    ]
    path = tmp_path / "new" / "arms.json"
    write_json({"meta": {"seeds": [0]}, "rows": rows}, path)
    assert json.loads(path.read_text(encoding="utf-8"))["rows"] == rows
    assert len(headline(rows).columns) == len(GROUPS) + 2
    assert "| A1 answers only (SFT) | 50/50 |" in markdown(rows)
    assert error_table(rows).row_count == len(GROUPS)
