"""Our losses and TRL's, side by side on one batch of a model with an adapter."""

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import datasets
import torch
from peft import PeftModel, get_peft_model
from torch import nn

from utils.align.batching import Example, Pair, completion_logprobs, token_logprobs
from utils.align.dpo import dpo_loss
from utils.align.grpo import grpo_loss
from utils.align.sampling import left_pad
from utils.align.sft import sft_loss
from utils.evaluate.cache import trained_parameters
from utils.evaluate.pretrained import BETA, LR
from utils.evaluate.trl_trainers import (
    KL,
    dpo_trainer,
    grpo_trainer,
    settings,
    sft_trainer,
)
from utils.world.requests import sample_requests

CLIP = 0.2  # how far from 1 the ratio of GRPO counts


def wrapped(model: nn.Module) -> PeftModel:
    """Return PEFT's wrapper around a model of `with_adapter`; both share the weights.

    TRL asks the wrapper for what the model says with its adapter switched off.
    """
    kept = {n: p.detach().clone() for n, p in trained_parameters(model).items()}
    for name, part in list(model.named_modules()):
        if hasattr(part, "base_layer"):
            owner, _, leaf = name.rpartition(".")
            setattr(model.get_submodule(owner), leaf, part.base_layer)
    shape = model.peft_config["default"]
    del model.peft_config
    whole = get_peft_model(model, shape)
    model.load_state_dict(kept, strict=False)
    return whole


def compare(
    model: nn.Module, tokenizer, examples: Sequence[Example], pairs: Sequence[Pair]
) -> list[dict]:
    """Return rows with `name`, `ours` and `trl`: losses of SFT, DPO and GRPO.

    `model` has an adapter of `with_adapter`, which should be trained a little: at its
    start it equals the reference, and DPO's loss is log 2 whatever one does. The
    reference is the model without the adapter, a label counts as certain, and GRPO
    takes the `examples` for samples of the reference, every second one good and the
    others bad. The model is the same afterwards.
    """
    was_training = model.training
    model.eval()
    with silence(), torch.no_grad(), TemporaryDirectory() as folder:
        whole = wrapped(model)
        found = ours(whole, tokenizer.pad_token_id, examples, pairs)
        theirs = by_trl(whole, tokenizer, examples, pairs, Path(folder))
    # TRL put a `forward` of its own there, which a copy of the model would share.
    vars(model).pop("forward", None)
    model.train(was_training)
    return [{"name": name, "ours": found[name], "trl": theirs[name]} for name in found]


@contextmanager
def silence() -> Iterator[None]:
    """Hide the bars of `datasets`, and what the libraries tell each other, in a block.

    TRL and PEFT use some arguments that transformers has renamed.
    """
    shown = not datasets.are_progress_bars_disabled()
    datasets.disable_progress_bars()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            yield
    finally:
        if shown:
            datasets.enable_progress_bars()


def advantages(n: int) -> torch.Tensor:
    """Return (n,) float: 1, -1, 1, ..."""
    return 1 - 2 * (torch.arange(n) % 2).float()


def ours(
    whole: PeftModel, pad: int, examples: Sequence[Example], pairs: Sequence[Pair]
) -> dict[str, float]:
    """Return the numbers by the course's functions."""
    model = whole.get_base_model()
    halves = [
        [Example(pair.prompt, pair.chosen) for pair in pairs],
        [Example(pair.prompt, pair.rejected) for pair in pairs],
    ]
    now, mask = token_logprobs(model, examples, pad)
    policy = [completion_logprobs(model, half, pad) for half in halves]
    with whole.disable_adapter():
        before, _ = token_logprobs(model, examples, pad)
        reference = [completion_logprobs(model, half, pad) for half in halves]
    dpo, metrics = dpo_loss(*policy, *reference, BETA)
    better = advantages(len(examples)).to(now)
    grpo, _ = grpo_loss(now, before, before, better, mask, CLIP, KL)
    return {
        "SFT loss": sft_loss(now, mask).item(),
        "DPO loss": dpo.item(),
        "DPO reward of the chosen": metrics["chosen_reward"],
        "DPO reward of the rejected": metrics["rejected_reward"],
        "DPO margin": metrics["margin"],
        "GRPO loss": grpo.item(),
    }


def by_trl(
    whole: PeftModel,
    tokenizer,
    examples: Sequence[Example],
    pairs: Sequence[Pair],
    folder: Path,
) -> dict[str, float]:
    """Return the same numbers by TRL's trainers."""
    options = settings(folder, 1, LR, 0) | {"bf16": False, "disable_tqdm": True}
    sft = sft_trainer(whole, tokenizer, examples, options)
    found = {"SFT loss": loss_of(sft, sft.data_collator([*sft.train_dataset]))}

    dpo = dpo_trainer(whole, tokenizer, pairs, options)
    # Without its copy of the adapter TRL switches the adapter off for the reference.
    whole.delete_adapter("ref")
    found["DPO loss"] = loss_of(dpo, dpo.data_collator([*dpo.train_dataset]))
    logged = {name: values[-1] for name, values in dpo._metrics["eval"].items()}
    found["DPO reward of the chosen"] = logged["rewards/chosen"]
    found["DPO reward of the rejected"] = logged["rewards/rejected"]
    found["DPO margin"] = logged["rewards/margins"]

    requests = sample_requests(8, seed=0)
    changes = {"beta": 0.0, "epsilon": CLIP}  # above 0 it would make a copy again
    grpo = grpo_trainer(whole, tokenizer, requests, no_reward, options, **changes)
    grpo.beta = KL
    found["GRPO loss"] = loss_of(grpo, rollout(whole, grpo, examples))
    return found


def no_reward(completions, **_) -> list[float]:
    """Return zeros: a trainer can't be made without a reward."""
    return [0.0] * len(completions)


def loss_of(trainer, batch: dict) -> float:
    """Return the trainer's loss of a batch, without training."""
    trainer.model.eval()
    batch = {k: v.to(trainer.args.device) for k, v in batch.items()}
    return trainer.compute_loss(trainer.model, batch).item()


def rollout(whole: PeftModel, trainer, examples: Sequence[Example]) -> dict:
    """Return the examples as TRL holds the samples of a model without the adapter."""
    pad = trainer.processing_class.pad_token_id
    prompts, padding = left_pad([one.prompt for one in examples], pad)
    with whole.disable_adapter():
        before, mask = token_logprobs(whole.get_base_model(), examples, pad)
    completions = torch.full(mask.shape, pad)
    said = [token for one in examples for token in one.completion]
    completions[mask.cpu()] = torch.tensor(said)
    return {
        "prompt_ids": prompts,
        "prompt_mask": (torch.arange(prompts.shape[1]) >= padding[:, None]).long(),
        "completion_ids": completions,
        "completion_mask": mask.long(),
        "advantages": advantages(len(examples)),
        "old_per_token_logps": before,
        "ref_per_token_logps": before,
    }
