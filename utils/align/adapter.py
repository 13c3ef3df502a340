"""A pretrained chat model as a student: its chat format, an adapter, its precision.

LoRA (Hu et al. 2021, arXiv 2106.09685) leaves every matrix W of the model as it is and
learns a product of two thin ones beside it, W + (alpha / r) B A: a hundredth of the
parameters to train, to keep and to ship. PEFT does that here. The losses are the
course's own, in this folder, and see no difference.
"""

import copy
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from jinja2 import TemplateError
from peft import LoraConfig, get_peft_model
from torch import nn

from utils.align.chat import Reply
from utils.align.sampling import generate
from utils.world.prompts import Messages

RANK, ALPHA = 16, 32
# A real chat model has no mode tokens. Its system message says which one is meant.
MODES = {True: "Think first.", False: "Answer at once."}
ANSWER = "\nAnswer: "  # between a thought and its answer


def lora() -> LoraConfig:
    """Return the shape of an adapter: A (r, in) and B (out, r) at every linear layer.

    h = W x + (alpha / r) B A x                          (section 4.1 of the paper)
    """
    return LoraConfig(
        r=RANK, lora_alpha=ALPHA, target_modules="all-linear", task_type="CAUSAL_LM"
    )


def with_adapter(model: nn.Module, seed: int) -> nn.Module:
    """Return the model with a fresh LoRA adapter, the only part that is then trained.

    B begins as zero, so the model first says what it said before; `seed` draws A. A
    higher RANK can change the model more and costs more, a higher ALPHA makes each
    step of training count more.
    """
    torch.manual_seed(seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # between PEFT and transformers
        return get_peft_model(model, lora()).base_model.model


def merged(model: nn.Module) -> nn.Module:
    """Return a copy with the adapter added into its matrices, to sample from faster."""
    whole = copy.deepcopy(model)
    for name, part in list(whole.named_modules()):
        if hasattr(part, "base_layer"):
            part.merge()
            owner, _, leaf = name.rpartition(".")
            setattr(whole.get_submodule(owner), leaf, part.base_layer)
    return whole.requires_grad_(True)


def device() -> torch.device:
    """Return the accelerator of this machine, or its CPU."""
    found = torch.accelerator.current_accelerator(check_available=True)
    return found or torch.device("cpu")


@contextmanager
def fast(model: nn.Module) -> Iterator[None]:
    """Compute in bfloat16 in the block, where the hardware has units for it.

    That is on most GPUs and on CPUs with AMX; elsewhere nothing changes. The weights
    stay in float32, and the loss is computed in it.
    """
    kind = next(model.parameters()).device.type
    # Autocast would keep its copies of what is trained until the block ends: the model
    # would go on computing with the weights of the first step.
    options = {"enabled": bfloat16_pays(kind), "cache_enabled": False}
    with torch.autocast(kind, torch.bfloat16, **options):
        yield


@contextmanager
def coarse_products() -> Iterator[None]:
    """Let matrices of float32 be multiplied in bfloat16 in the block, where that pays.

    Sampling reads single-precision numbers from every layer, so `fast` is not for it.
    """
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("medium")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)


def bfloat16_pays(kind: str) -> bool:
    """Return whether a kind of device has units that multiply matrices in bfloat16."""
    if kind == "cuda":
        return torch.cuda.is_bf16_supported()
    abilities = getattr(torch.cpu, "get_capabilities", dict)()
    return kind == "cpu" and bool(abilities.get("amx_bf16"))


def in_mode(messages: Messages, thinking: bool) -> Messages:
    """Return system and user message, the first with the mode before what it had."""
    texts = {message["role"]: message["content"] for message in messages}
    system = f"{MODES[thinking]} {texts.get('system', '')}".strip()
    return [
        {"role": "system", "content": system},
        {"role": "user", "content": texts["user"]},
    ]


def encode_chat(tokenizer, messages: Messages, thinking: bool) -> list[int]:
    """Return the ids of a chat in the model's own format, up to the assistant's text.

    A model whose format knows no system message gets it at the top of the user's.
    """
    system, user = in_mode(messages, thinking)
    options = {"add_generation_prompt": True, "return_dict": False}
    try:
        return tokenizer.apply_chat_template([system, user], **options)
    except TemplateError:
        both = f"{system['content']}\n\n{user['content']}"
        return tokenizer.apply_chat_template([user | {"content": both}], **options)


def encode_reply(tokenizer, answer: str, thought: str = "") -> list[int]:
    """Return the ids of `thought`, "Answer:", `answer` and the end of the turn."""
    text = f"{thought}{ANSWER}{answer}" if thought else answer
    ids = tokenizer.encode(text, add_special_tokens=False)
    return [*ids, tokenizer.eos_token_id]


def split_reply(text: str) -> tuple[str, str]:
    """Return (thought, answer); all is the answer where there is no mark between."""
    thought, mark, answer = text.partition(ANSWER)
    return (thought.strip(), answer.strip()) if mark else ("", text.strip())


def ask(
    model,
    tokenizer,
    chats: Sequence[Messages],
    *,
    thinking: bool,
    max_new_tokens: int = 120,
    progress: str = "",
) -> list[Reply]:
    """Return the likeliest reply to each chat; `utils.align.chat.reply` in the lab.

    `thinking` chooses the mode. A reply is cut after `max_new_tokens`.
    """
    with coarse_products():
        samples = generate(
            model,
            [encode_chat(tokenizer, chat, thinking) for chat in chats],
            max_new_tokens=max_new_tokens,
            end_id=tokenizer.eos_token_id,
            pad_id=tokenizer.pad_token_id,
            temperature=0.0,
            progress=progress,
        )
    return [
        Reply(
            *split_reply(tokenizer.decode(one.tokens, skip_special_tokens=True)),
            one.tokens,
            one.logprobs,
            one.finished,
        )
        for one in samples
    ]
