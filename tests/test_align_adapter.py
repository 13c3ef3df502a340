"""The student with an adapter: its format, its adapter, what is kept of it."""

import copy

import pytest
import torch
from jinja2 import TemplateError

from utils.align import adapter
from utils.align.batching import Example, completion_logprobs
from utils.align.sft import train_sft
from utils.evaluate.cache import cached
from utils.models.load import load
from utils.world.prompts import chat

EXAMPLES = [Example([5, 6], [7, 8, 1]), Example([9], [10, 11, 1])]


def trained(model, seed: int = 0):
    student = adapter.with_adapter(copy.deepcopy(model), seed)
    train_sft(student, EXAMPLES, steps=5, pad_id=0, batch_size=2, lr=1e-2)
    return student.eval()


def test_a_fresh_adapter_changes_nothing_and_training_only_it(llama):
    before = completion_logprobs(llama, EXAMPLES, 0)
    fresh = adapter.with_adapter(copy.deepcopy(llama), 0).eval()
    torch.testing.assert_close(completion_logprobs(fresh, EXAMPLES, 0), before)
    student = trained(llama)
    assert (completion_logprobs(student, EXAMPLES, 0) > before + 0.5).all()
    base = dict(llama.named_parameters())
    for name, parameter in student.named_parameters():
        assert parameter.requires_grad == ("lora_" in name)
        if "lora_" not in name:
            assert torch.equal(parameter, base[name.replace(".base_layer", "")])


def test_a_merged_model_says_the_same_and_leaves_the_student(llama):
    student = trained(llama)
    before = completion_logprobs(student, EXAMPLES, 0)
    whole = adapter.merged(student)
    torch.testing.assert_close(completion_logprobs(whole, EXAMPLES, 0), before)
    assert type(whole) is type(llama)
    assert {n for n, _ in whole.named_parameters()} == {
        n for n, _ in llama.named_parameters()
    }
    torch.testing.assert_close(completion_logprobs(student, EXAMPLES, 0), before)


def test_the_cache_keeps_the_adapter_alone(llama, tmp_path, monkeypatch):
    monkeypatch.setenv("DELIBERATE_CACHE", str(tmp_path))

    def train(model) -> dict:
        train_sft(model, EXAMPLES, steps=5, pad_id=0, batch_size=2, lr=1e-2)
        return {}

    first = adapter.with_adapter(copy.deepcopy(llama), 0)
    cached(first, "key", train)
    again = adapter.with_adapter(copy.deepcopy(llama), 1)
    cached(again, "key", lambda model: pytest.fail("it was not in the cache"))
    torch.testing.assert_close(
        completion_logprobs(again, EXAMPLES, 0),
        completion_logprobs(first, EXAMPLES, 0),
    )
    whole = sum(p.numel() for p in llama.parameters())
    assert (tmp_path / "key.safetensors").stat().st_size < 4 * whole


def test_training_in_the_block_of_bfloat16_learns(llama, monkeypatch):
    """Autocast's own copies of the weights would make every step start at the first."""
    monkeypatch.setattr(adapter, "bfloat16_pays", lambda kind: True)
    student = adapter.with_adapter(copy.deepcopy(llama), 0)
    with adapter.fast(student):
        losses = train_sft(student, EXAMPLES, steps=40, pad_id=0, batch_size=2, lr=1e-2)
    assert losses[-1] < 0.7 * losses[0]
    first = completion_logprobs(student, EXAMPLES, 0).sum()
    count = sum(len(example.completion) for example in EXAMPLES)
    assert -first.item() / count == pytest.approx(losses[-1], abs=0.1)


def test_precision_of_products_is_put_back():
    torch.set_float32_matmul_precision("high")
    with adapter.coarse_products():
        assert torch.get_float32_matmul_precision() == "medium"
    assert torch.get_float32_matmul_precision() == "high"
    torch.set_float32_matmul_precision("highest")


class Chat:
    """A stand-in for a tokenizer: it shows the messages that it was given."""

    eos_token_id = 1

    def __init__(self, knows_system: bool) -> None:
        self.knows_system = knows_system

    def apply_chat_template(self, messages, **options):
        assert options["add_generation_prompt"]
        if not self.knows_system and messages[0]["role"] == "system":
            raise TemplateError("System role not supported")
        return messages


def test_the_mode_is_in_the_system_message_or_else_above_the_request():
    messages = chat("Where is it?", "Count the words.")
    assert adapter.encode_chat(Chat(True), messages, True) == [
        {"role": "system", "content": "Think first. Count the words."},
        {"role": "user", "content": "Where is it?"},
    ]
    assert adapter.encode_chat(Chat(False), chat("Where is it?"), False) == [
        {"role": "user", "content": "Answer at once.\n\nWhere is it?"},
    ]


def test_a_reply_is_read_back():
    _, tokenizer = load("lab")
    ids = adapter.encode_reply(tokenizer, "Sure.", "Request: What? Action: comply.")
    assert ids[-1] == tokenizer.eos_token_id
    text = "Request: What? Action: comply.\nAnswer: Sure."
    assert adapter.split_reply(text) == ("Request: What? Action: comply.", "Sure.")
    assert adapter.split_reply(" Sure. ") == ("", "Sure.")
