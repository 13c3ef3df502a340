"""TRL's trainers, set up to do what the course's own functions do.

They take a PeftModel, and what `utils.align.sft`, `dpo` and `grpo` take: token ids in
the chat format of `utils.align.adapter`.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

from accelerate import PartialState
from datasets import Dataset
from peft import PeftModel
from trl import DPOConfig, DPOTrainer, GRPOConfig, GRPOTrainer, SFTConfig, SFTTrainer

from utils.align.adapter import bfloat16_pays, device, in_mode
from utils.align.batching import Example, Pair
from utils.evaluate.pretrained import BATCH, BETA
from utils.world import prompts
from utils.world.requests import Request

WARMUP, KEPT_EVERY = 10, 20  # steps
KL, GROUP, LONGEST = 0.04, 8, 120  # of GRPO; the longest reply in tokens


def settings(folder: Path, steps: int, lr: float, seed: int) -> dict:
    """Return what the three trainers share. BATCH is for all processes together."""
    kind = device().type
    return {
        "output_dir": str(folder / "state"),
        "max_steps": steps,
        "per_device_train_batch_size": max(1, BATCH // PartialState().num_processes),
        "learning_rate": lr,
        "lr_scheduler_type": "linear",
        "warmup_steps": min(WARMUP, steps // 2),
        "weight_decay": 0.0,
        "max_grad_norm": 1.0,
        "seed": seed,
        "bf16": bfloat16_pays(kind),
        "use_cpu": kind == "cpu",
        "gradient_checkpointing": False,  # memory for time; this model is small
        "save_steps": KEPT_EVERY,
        "save_total_limit": 1,
        "report_to": "none",
    }


class PairsOnIds(DPOTrainer):
    """DPO on token ids. From texts, TRL would end a turn as the chat template does.

    For SmolLM2 that is one token more, a line break after the end of the turn.
    """

    def _prepare_dataset(self, dataset, *_):
        return dataset


def sft_trainer(
    model: PeftModel, tokenizer, examples: Sequence[Example], options: dict
) -> SFTTrainer:
    """Return TRL's trainer for imitation; the loss is on the completions alone."""
    rows = [
        {
            "input_ids": one.prompt + one.completion,
            "completion_mask": [0] * len(one.prompt) + [1] * len(one.completion),
        }
        for one in examples
    ]
    return SFTTrainer(
        model,
        SFTConfig(completion_only_loss=True, max_length=None, **options),
        train_dataset=Dataset.from_list(rows),
        processing_class=tokenizer,
    )


def dpo_trainer(
    model: PeftModel, tokenizer, pairs: Sequence[Pair], options: dict
) -> DPOTrainer:
    """Return TRL's trainer for preference pairs.

    Without a reference model TRL keeps a frozen copy of the adapter as it is now.
    """
    rows = [
        {"prompt_ids": p.prompt, "chosen_ids": p.chosen, "rejected_ids": p.rejected}
        for p in pairs
    ]
    return PairsOnIds(
        model,
        args=DPOConfig(beta=BETA, max_length=None, **options),
        train_dataset=Dataset.from_list(rows),
        processing_class=tokenizer,
    )


def grpo_trainer(
    model: PeftModel,
    tokenizer,
    requests: Sequence[Request],
    reward: Callable[..., list[float]],
    options: dict,
    **changes,
) -> GRPOTrainer:
    """Return TRL's trainer for GRPO as it was published, a group of GROUP a request."""
    rows = [
        {
            "prompt": in_mode(prompts.chat(request.text), thinking=True),
            "text": request.text,
            "category": request.topic.category,
        }
        for request in requests
    ]
    shape = {
        "loss_type": "grpo",
        "use_bias_correction_kl": False,
        "beta": KL,
        "num_generations": GROUP,
        "max_completion_length": LONGEST,
        "gradient_accumulation_steps": GROUP,  # so BATCH requests are a step
    }
    return GRPOTrainer(
        model,
        reward,
        args=GRPOConfig(**options | shape | changes),
        train_dataset=Dataset.from_list(rows),
        processing_class=tokenizer,
    )
