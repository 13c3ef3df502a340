"""Training with TRL and PEFT, beside the course's own."""

import copy
import json
import subprocess
import sys

import pytest
import torch
from peft import PeftModel, get_peft_model
from transformers import TrainerCallback

from utils import files
from utils.align.adapter import ALPHA, encode_chat, merged, with_adapter
from utils.align.batching import Example, Pair
from utils.align.sft import train_sft
from utils.evaluate import pretrained, trl_trainers, with_trl
from utils.evaluate.cache import trained_parameters
from utils.evaluate.trl_losses import compare, wrapped
from utils.models.load import load
from utils.teach.exercises.nb41 import merge_adapter
from utils.world import prompts
from utils.world.requests import sample_requests

# TRL still passes an argument that transformers has renamed.
pytestmark = pytest.mark.filterwarnings(
    "ignore:.*checkpointing:FutureWarning", "ignore::FutureWarning:peft"
)

EXAMPLES = [
    Example([5, 6, 7], [8, 9, 1]),
    Example([5], [8, 1]),
    Example([9, 9, 9, 4], [3, 3, 3, 3, 1]),
    Example([30, 31], [32, 33, 34]),
]
PAIRS = [
    Pair([5, 6], [7, 8, 9, 1], [10, 1], 0.9),
    Pair([11], [7, 1], [12, 13, 1]),
    Pair([5, 14, 15], [16, 7, 1], [16, 17, 18, 1]),
]
ROWS = [
    {"kind": "deliberate", "text": f"Ask {i}.", "thought": "Mind it.", "answer": "No."}
    for i in range(12)
]
ROWS += [{"kind": "revision", "text": f"Ask {i}.", "answer": "Yes."} for i in range(12)]
ROWS += [
    {"kind": "pair", "text": f"Ask {i}.", "better": "Yes.", "worse": "No.", "p": 0.8}
    for i in range(12)
]


def moved(model, seed: int = 1):
    """The model with its adapter away from zero."""
    torch.manual_seed(seed)
    with torch.no_grad():
        for parameter in trained_parameters(model).values():
            parameter += 0.05 * torch.randn_like(parameter)
    return model


@pytest.fixture
def chat_llama(make_llama, tmp_path):
    """A folder with a tiny random model that has the lab's tokenizer."""
    _, tokenizer = load("lab")
    ids = {"eos_token_id": tokenizer.eos_token_id, "pad_token_id": 0}
    model = make_llama(vocab_size=len(tokenizer), max_position_embeddings=256, **ids)
    model.save_pretrained(tmp_path / "tiny")
    tokenizer.save_pretrained(tmp_path / "tiny")
    return tmp_path / "tiny"


@pytest.fixture
def taught(monkeypatch, tmp_path):
    """The teacher's rows as if they were in the cache."""
    monkeypatch.setenv("DELIBERATE_CACHE", str(tmp_path / "cache"))
    parts = {"teacher": pretrained.TEACHER, "seed": 0}
    key = pretrained.key_of(**parts, n=pretrained.FULL.requests)
    path = files.cache_folder() / f"teaching-{key}.json"
    files.write_atomic(path, json.dumps(ROWS).encode())


def test_losses_and_rewards_equal_trl(llama, trl_tokenizer, monkeypatch, capfd):
    monkeypatch.setattr(trl_tokenizer, "chat_template", "t5")
    model = moved(with_adapter(llama, seed=0))
    before = copy.deepcopy(model.state_dict())
    rows = {row["name"]: row for row in compare(model, trl_tokenizer, EXAMPLES, PAIRS)}
    assert len(rows) == 6 and capfd.readouterr() == ("", "")
    for row in rows.values():
        assert row["ours"] == pytest.approx(row["trl"], abs=1e-5), row
    assert abs(rows["DPO margin"]["ours"]) > 0.05, "the adapter must say something"
    assert abs(rows["GRPO loss"]["ours"]) > 0.01
    after = model.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert model.forward.__func__ is type(llama).forward


def test_wrapping_changes_no_logits_and_can_switch_off(llama):
    ids = torch.tensor([[5, 6, 7]])
    plain = llama(ids).logits
    model = moved(with_adapter(llama, seed=0))
    said = model(ids).logits
    whole = wrapped(model)
    torch.testing.assert_close(whole(ids).logits, said)
    assert not torch.allclose(said, plain, atol=1e-2)
    with whole.disable_adapter():
        torch.testing.assert_close(whole(ids).logits, plain)


def test_merging_by_the_exercise_equals_peft(llama):
    model = moved(with_adapter(llama, seed=0))
    layer = model.model.layers[1].mlp.down_proj
    merged_by_us = merge_adapter(
        layer.base_layer.weight,
        layer.lora_A["default"].weight,
        layer.lora_B["default"].weight,
        ALPHA,
    )
    twin = merged(model).model.layers[1].mlp.down_proj
    torch.testing.assert_close(merged_by_us, twin.weight)
    assert not torch.allclose(merged_by_us, layer.base_layer.weight, atol=1e-2)


def test_one_step_of_sft_equals_ours(make_llama, trl_tokenizer, tmp_path, monkeypatch):
    monkeypatch.setattr(trl_trainers, "bfloat16_pays", lambda kind: False)
    mine = moved(with_adapter(make_llama(), seed=0))
    theirs = get_peft_model(make_llama(), with_trl.lora())
    theirs.get_base_model().load_state_dict(mine.state_dict())
    start = {n: p.detach().clone() for n, p in trained_parameters(mine).items()}

    options = with_trl.settings(tmp_path, 1, 1e-3, 0)
    options |= {"per_device_train_batch_size": 4, "disable_tqdm": True}
    with_trl.sft_trainer(theirs, trl_tokenizer, EXAMPLES, options).train()
    train_sft(mine, EXAMPLES, steps=1, pad_id=0, batch_size=4, lr=1e-3, warmup=1)

    own, other = trained_parameters(mine), trained_parameters(theirs.get_base_model())
    assert own.keys() == other.keys()
    # The first step of AdamW is about as long as the learning rate in every direction.
    for name in own:
        torch.testing.assert_close(own[name], other[name], atol=2e-5, rtol=0)
        assert (own[name] - start[name]).abs().max() > 5e-4


def test_a_stopped_training_goes_on(chat_llama, taught, tmp_path, monkeypatch):
    monkeypatch.setattr(trl_trainers, "KEPT_EVERY", 2)
    steps = []

    class Watch(TrainerCallback):
        stop_at = 3

        def on_step_end(self, args, state, control, **_):
            steps.append(state.global_step)
            if state.global_step == self.stop_at:
                raise KeyboardInterrupt

    def watched(*args):
        trainer = build(*args)
        trainer.add_callback(Watch)
        return trainer

    build = with_trl.sft_trainer
    monkeypatch.setattr(with_trl, "sft_trainer", watched)
    options = {"steps": 4, "name": str(chat_llama)}
    with pytest.raises(KeyboardInterrupt):
        with_trl.train("deliberate", tmp_path / "stopped", **options)
    Watch.stop_at = None
    one = with_trl.train("deliberate", tmp_path / "stopped", **options)
    assert steps == [1, 2, 3, 3, 4]
    two = with_trl.train("deliberate", tmp_path / "whole", **options)
    assert not (one / "state").exists()
    assert adapter_of(one, chat_llama).equal(adapter_of(two, chat_llama))


def adapter_of(folder, base) -> torch.Tensor:
    """All numbers of a saved adapter, read as one would at work."""
    whole = PeftModel.from_pretrained(load(base)[0], folder)
    return torch.cat([p.flatten() for n, p in whole.named_parameters() if "lora_" in n])


@pytest.mark.parametrize("arm", ["pairs", "rl"])
def test_an_arm_goes_on_from_an_adapter(chat_llama, taught, tmp_path, arm, monkeypatch):
    monkeypatch.setattr(trl_trainers, "LONGEST", 6)
    monkeypatch.setattr(trl_trainers, "GROUP", 2)
    monkeypatch.setattr(with_trl, "blind_judge", lambda _: by_length)
    options = {"steps": 1, "name": str(chat_llama)}
    first = with_trl.train("revisions", tmp_path / "first", **options)
    then = with_trl.train(arm, tmp_path / "then", adapter=first, **options)
    assert not (then / "ref").exists()
    change = adapter_of(then, chat_llama) - adapter_of(first, chat_llama)
    assert 0 < change.abs().max() < 0.01


def by_length(completion_ids, **_) -> list[float]:
    return [float(sum(ids)) for ids in completion_ids]


def test_grpo_asks_in_the_chat_format_of_the_course(chat_llama, tmp_path):
    model, tokenizer = with_trl.student(str(chat_llama), None, 0)
    requests = sample_requests(5, seed=0)
    options = with_trl.settings(tmp_path, 1, 1e-3, 0)
    trainer = with_trl.grpo_trainer(model, tokenizer, requests, by_length, options)
    ids, *_ = trainer._tokenize_prompts(
        [row["prompt"] for row in trainer.train_dataset]
    )
    chats = [prompts.chat(request.text) for request in requests]
    assert ids == [encode_chat(tokenizer, chat, thinking=True) for chat in chats]


def test_the_judge_pays_for_the_right_action_alone():
    _, tokenizer = load("lab")
    [request] = sample_requests(1, seed=0, actions=["refuse"])
    said = [*map(tokenizer.encode, ("I won't help with that.", "Here is how."))]
    ended = [[*ids, tokenizer.eos_token_id] for ids in said]
    columns = {"text": [request.text] * 3, "category": [request.topic.category] * 3}
    reward = with_trl.blind_judge(tokenizer)
    good, bad, cut = reward([*ended, said[0]], **columns)
    assert good > bad and cut == 0


def test_command_line(chat_llama, taught, tmp_path):
    def call(*words):
        command = [sys.executable, "-m", "utils.evaluate.with_trl", *words]
        return subprocess.run(command, capture_output=True, text=True, cwd=files.ROOT)

    out = tmp_path / "out"
    done = call("answers", "--steps", "1", "--model", chat_llama, "--out", out)
    assert done.returncode == 0, done.stderr
    assert f"The adapter is in {out}." in done.stdout
    assert adapter_of(out, chat_llama).numel() > 0


def test_bad_input_is_refused(chat_llama, tmp_path):
    with pytest.raises(ValueError, match="no arm 'deliberation': the arms are"):
        with_trl.train("deliberation", tmp_path)
    with pytest.raises(ValueError, match="at least 0, not -1"):
        with_trl.train("rl", tmp_path, steps=-1)
    with pytest.raises(ValueError, match="no adapter in the folder"):
        with_trl.train("rl", tmp_path, name=str(chat_llama), adapter=tmp_path)
