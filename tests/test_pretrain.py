"""The pretraining recipe: its schedule, its resuming, and what it ships."""

import json
from dataclasses import replace
from itertools import pairwise

import pytest
import torch

from utils.models import load as loading
from utils.models import pretrain
from utils.models.load import load
from utils.models.stages import SMALL, STAGES
from utils.models.tokenizer import build_tokenizer


@pytest.fixture
def small(tmp_path, monkeypatch):
    """Three steps of four examples, in a folder of its own."""
    short = {name: replace(stage, steps=3) for name, stage in STAGES.items()}
    monkeypatch.setattr(pretrain, "STAGES", short)
    monkeypatch.setattr(pretrain, "BATCH", 4)
    monkeypatch.setattr(pretrain, "FOLDER", tmp_path / "checkpoints")
    monkeypatch.setattr(pretrain, "measure", lambda *_: {"facts": 0.5})
    monkeypatch.setattr(loading, "WEIGHTS", tmp_path / "weights")
    monkeypatch.setattr(pretrain, "WEIGHTS", tmp_path / "weights")
    return tmp_path


def test_learning_rates_warm_up_and_fall_over_both_stages():
    trunk, branch = STAGES["trunk"].steps, STAGES["lab"].steps
    rates = [pretrain.schedule("trunk", step) for step in range(trunk)]
    rates += [pretrain.schedule("lab", step) for step in range(50, branch)]
    assert rates[0] < rates[49] <= 1
    assert all(one > two for one, two in pairwise(rates[50:]))
    assert 0.05 <= rates[-1] < 0.06


def test_every_matrix_is_trained_by_muon_and_the_rest_by_adamw():
    model = pretrain.new_model(build_tokenizer(), SMALL, seed=0)
    muon, adamw = pretrain.optimizers(model)
    trained = [p for o in (muon, adamw) for g in o.param_groups for p in g["params"]]
    assert {id(p) for p in trained} == {id(p) for p in model.parameters()}
    assert len(trained) == len({id(p) for p in trained})
    assert all(p.ndim == 2 for g in muon.param_groups for p in g["params"])
    embedding = model.get_input_embeddings().weight
    assert any(p is embedding for g in adamw.param_groups for p in g["params"])


def test_the_loss_is_the_mean_over_completion_tokens_of_all_parts():
    tokenizer = build_tokenizer()
    model = pretrain.new_model(tokenizer, SMALL, seed=0)
    examples = [([8, 9, 10], [11, 12]), ([9], [10, 11, 12])]
    whole = pretrain.backward(model, [pretrain.collate(examples)])
    one = model.lm_head.weight.grad.clone()
    model.zero_grad()
    parts = pretrain.backward(model, [pretrain.collate([e]) for e in examples])
    assert whole == pytest.approx(parts, rel=1e-5)
    assert torch.allclose(one, model.lm_head.weight.grad, atol=1e-5)


def test_a_resumed_run_is_the_uninterrupted_one(small, monkeypatch):
    monkeypatch.setattr(pretrain, "schedule", lambda *_: 1.0)
    path = small / "checkpoints" / "trunk.pt"
    pretrain.train("trunk")
    whole = torch.load(path, weights_only=True)
    path.unlink()
    whole_stage = pretrain.STAGES["trunk"]
    monkeypatch.setitem(pretrain.STAGES, "trunk", replace(whole_stage, steps=1))
    pretrain.train("trunk")
    assert torch.load(path, weights_only=True)["step"] == 1
    with pytest.raises(SystemExit, match="not trained to its end"):
        monkeypatch.setitem(pretrain.STAGES, "trunk", whole_stage)
        pretrain.ship("trunk")
    pretrain.train("trunk")
    resumed = torch.load(path, weights_only=True)
    assert resumed["step"] == whole["step"] == 3
    for name, tensor in whole["model"].items():
        assert torch.equal(tensor, resumed["model"][name]), name


def test_a_checkpoint_of_another_recipe_is_not_gone_on_with(small, monkeypatch):
    pretrain.train("trunk")
    smaller = replace(pretrain.STAGES["trunk"], size=SMALL)
    monkeypatch.setitem(pretrain.STAGES, "trunk", smaller)
    for go_on in (pretrain.train, pretrain.ship):
        with pytest.raises(SystemExit, match="another recipe or world"):
            go_on("trunk")


def test_a_trunk_of_another_world_is_not_branched_from(small, monkeypatch):
    pretrain.train("trunk")
    pretrain.ship("trunk")
    other = build_tokenizer.__wrapped__()
    other.add_tokens(["brandnew"])
    monkeypatch.setattr(pretrain, "build_tokenizer", lambda: other)
    with pytest.raises(SystemExit, match="train it again too"):
        pretrain.train("lab")


def test_stages_branch_and_are_shipped_with_a_card(small):
    pretrain.train("trunk")
    pretrain.ship("trunk")
    pretrain.train("lab")
    assert pretrain.ship("lab") == {"facts": 0.5}
    card = json.loads(
        (small / "weights" / "lab" / "card.json").read_text(encoding="utf-8")
    )
    assert card["steps"] == {"trunk": 3, "lab": 3} and card["gates"] == {"facts": 0.5}
    model, tokenizer = load("lab")
    assert model.dtype == torch.float32 and len(tokenizer) == len(build_tokenizer())
    changed = torch.load(small / "checkpoints" / "lab.pt", weights_only=True)["model"]
    for name, tensor in model.state_dict().items():
        assert torch.allclose(tensor, changed[name], atol=1e-3, rtol=1e-2)


def test_a_smaller_model_branches_from_its_own_trunk(small):
    with pytest.raises(SystemExit, match="trunk_s is not trained to its end"):
        pretrain.train("lab_s")
    pretrain.train("trunk_s")
    pretrain.train("lab_s")
    pretrain.ship("lab_s")
    model, _ = load("lab_s")
    assert model.config.hidden_size == SMALL.width
