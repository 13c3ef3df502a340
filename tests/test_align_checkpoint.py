"""A training that is stopped and started again ends where an unbroken one does."""

import copy

import pytest
import torch

from utils.align import fit as fit_module
from utils.align.batching import Example
from utils.align.sft import train_sft

EXAMPLES = [
    Example([5, 6], [7, 8, 1]),
    Example([9], [10, 1]),
    Example([4, 5, 6], [11, 12, 13, 1]),
    Example([20, 21], [22, 1]),
]


class Stopped(Exception):
    """Somebody closed the laptop."""


def train(model, **options):
    return train_sft(
        model, EXAMPLES, steps=12, pad_id=0, batch_size=2, lr=1e-2, **options
    )


@pytest.fixture
def stop_after(monkeypatch):
    """Keep a checkpoint at each step, and raise after a number of them."""

    def prepare(steps: int) -> None:
        monkeypatch.setattr(fit_module, "KEPT_EVERY", -1)
        calls = []

        def save(*parts) -> None:
            original(*parts)
            calls.append(parts)
            if len(calls) == steps:
                raise Stopped

        original = fit_module.save
        monkeypatch.setattr(fit_module, "save", save)

    return prepare


def test_a_stopped_training_ends_as_an_unbroken_one(make_llama, tmp_path, stop_after):
    start = make_llama()
    unbroken, broken = copy.deepcopy(start), copy.deepcopy(start)
    losses = train(unbroken)
    path = tmp_path / "state.safetensors"
    stop_after(5)
    with pytest.raises(Stopped):
        train(broken, checkpoint=path)
    again = copy.deepcopy(start)  # a new process begins with the starting model
    assert train(again, checkpoint=path) == losses
    for ours, theirs in zip(again.parameters(), unbroken.parameters(), strict=True):
        assert torch.equal(ours, theirs)
    assert not path.exists(), "a finished training leaves no checkpoint"


@pytest.mark.parametrize("damage", ["cut", "other model", "no history"])
def test_a_damaged_checkpoint_is_left_aside(
    make_llama, tmp_path, stop_after, damage, capsys
):
    path = tmp_path / "state.safetensors"
    stop_after(5)
    with pytest.raises(Stopped):
        train(make_llama(), checkpoint=path)
    model = make_llama()
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:-100])
    elif damage == "other model":
        model = make_llama(vocab_size=44)
    else:
        path.write_bytes((1).to_bytes(8, "little") + b"{")
    assert len(train(model, checkpoint=path)) == 12
    assert "is damaged: starting afresh" in capsys.readouterr().out


def test_only_what_is_trained_is_kept(make_llama, tmp_path, stop_after):
    model = make_llama().requires_grad_(False)
    model.lm_head.weight.requires_grad_(True)
    path = tmp_path / "state.safetensors"
    stop_after(1)
    with pytest.raises(Stopped):
        train(model, checkpoint=path)
    assert path.stat().st_size < 4 * 4 * model.lm_head.weight.numel() + 2000
