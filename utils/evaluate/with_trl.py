"""The same training with the libraries one uses at work: TRL, PEFT and accelerate.

    python -m utils.evaluate.with_trl deliberate --steps 120 --seed 0
    accelerate launch -m utils.evaluate.with_trl deliberate --out my-adapter
    python -m utils.evaluate.with_trl rl --adapter my-adapter

The arms `deliberate`, `answers` and `revisions` are SFT, `pairs` is DPO (on top of
`revisions` in the course) and `rl` is GRPO with the lab model as a blind judge.
Data, chat format, adapter, losses, batch size and learning rate are those of
`utils.evaluate.pretrained`; `compare` shows that the losses agree. What TRL does in its
own way: it draws batches without regard to length, its warm-up begins at 0 and not at
1 / warm-up, and in DPO a label is certain, whatever its probability.

A training that was stopped goes on from its last checkpoint when it is called again.
"""

import argparse
import shutil
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from accelerate import PartialState
from datasets import Dataset
from peft import LoraConfig, PeftModel, get_peft_model
from transformers.trainer_utils import get_last_checkpoint
from trl import DPOConfig, DPOTrainer, GRPOConfig, GRPOTrainer, SFTConfig, SFTTrainer

from utils import files
from utils.align.adapter import ALPHA, MODES, RANK, bfloat16_pays, device, split_reply
from utils.align.batching import Example, Pair
from utils.align.judge import verdicts
from utils.evaluate.pretrained import BATCH, BETA, FULL, LR, PAIRS_LR
from utils.evaluate.pretrained import example, pair, teaching
from utils.evaluate.training_data import training_requests
from utils.models.load import load
from utils.world.requests import Request
from utils.world.spec import load_spec

SFT = {"deliberate": "deliberate", "answers": "deliberate", "revisions": "revision"}
STEPS = dict.fromkeys(SFT, FULL.sft) | {"pairs": FULL.pairs, "rl": 40}
WARMUP, KEPT_EVERY = 10, 20  # steps
KL, GROUP, LONGEST = 0.04, 8, 120  # of GRPO; the longest reply in tokens


class PairsOnIds(DPOTrainer):
    """DPO on token ids. From texts, TRL would end a turn as the chat template does.

    For SmolLM2 that is one token more, a line break after the end of the turn.
    """

    def _prepare_dataset(self, dataset, *_):
        return dataset


def student(name: str, adapter: Path | None, seed: int) -> tuple:
    """Return (PeftModel, tokenizer): with the adapter of a folder, or a fresh one.

    Raises ValueError for a folder without an adapter.
    """
    model, tokenizer = load(name)
    if adapter and not (adapter / "adapter_config.json").is_file():
        raise ValueError(
            f"There is no adapter in the folder {str(adapter)!r}: give one that this "
            "command wrote, or leave --adapter out."
        )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # between PEFT and transformers
        if adapter:
            return PeftModel.from_pretrained(
                model, adapter, is_trainable=True
            ), tokenizer
        torch.manual_seed(seed)
        return get_peft_model(model, lora()), tokenizer


def lora() -> LoraConfig:
    """Return the shape of the adapter, that of `utils.align.adapter.with_adapter`."""
    return LoraConfig(
        r=RANK, lora_alpha=ALPHA, target_modules="all-linear", task_type="CAUSAL_LM"
    )


def settings(folder: Path, steps: int, lr: float, seed: int) -> dict:
    """Return what the three trainers share. BATCH is over all processes together."""
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
        "gradient_checkpointing": False,  # it saves memory for time; this model is small
        "save_steps": KEPT_EVERY,
        "save_total_limit": 1,
        "report_to": "none",
    }


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
            "prompt": [
                {"role": "system", "content": MODES[True]},
                {"role": "user", "content": request.text},
            ],
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


def blind_judge(tokenizer) -> Callable[..., list[float]]:
    """Return the reward: how sure the lab model is that an answer fits the Spec.

    It sees the clauses, the request and the answer, and no thought. A reply that did
    not end earns nothing.
    """
    judge, own = load("lab")

    def reward(completion_ids, text, category, **_) -> list[float]:
        said = [
            split_reply(tokenizer.decode(ids, skip_special_tokens=True))[1]
            for ids in completion_ids
        ]
        policies = [load_spec().of(one) for one in category]
        scores = verdicts(judge, own, policies, text, said)[:, 0].tolist()
        ended = [ids[-1] == tokenizer.eos_token_id for ids in completion_ids]
        return [score * end for score, end in zip(scores, ended, strict=True)]

    return reward


def train(
    arm: str,
    folder: Path,
    *,
    steps: int = 0,
    seed: int = 0,
    name: str = "smollm2",
    adapter: Path | None = None,
) -> Path:
    """Train an arm, save its adapter in the folder, and return the folder.

    0 steps are those of the course. Raises ValueError for an unknown arm, or an
    `adapter` to begin with that is none.
    """
    if arm not in STEPS:
        raise ValueError(f"There is no arm {arm!r}: the arms are {', '.join(STEPS)}.")
    model, tokenizer = student(name, adapter, seed)
    options = settings(
        folder, steps or STEPS[arm], LR if arm in SFT else PAIRS_LR, seed
    )
    with PartialState().main_process_first():  # the others find it in the cache
        rows = [] if arm == "rl" else teaching(seed)
    if arm in SFT:
        mine = [row for row in rows if row["kind"] == SFT[arm]]
        examples = [example(tokenizer, row, arm == "deliberate") for row in mine]
        trainer = sft_trainer(model, tokenizer, examples, options)
    elif arm == "pairs":
        pairs = [pair(tokenizer, row) for row in rows if row["kind"] == "pair"]
        trainer = dpo_trainer(model, tokenizer, pairs, options)
    else:
        requests = training_requests(seed + 500)  # others than SFT has seen
        reward = blind_judge(tokenizer)
        trainer = grpo_trainer(model, tokenizer, requests, reward, options)
    state = folder / "state"
    last = get_last_checkpoint(str(state)) if state.is_dir() else None
    trainer.train(resume_from_checkpoint=last)
    if trainer.is_world_process_zero():
        # DPO and GRPO hold a copy for a reference, which is not to be shipped.
        trainer.model.save_pretrained(folder, selected_adapters=["default"])
        shutil.rmtree(state, ignore_errors=True)
    return folder


def main() -> None:
    """Read the command line and train."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("arm", help=", ".join(STEPS))
    parser.add_argument("--steps", type=int, default=0, help="0: as in the course")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--model", default="smollm2", help="any chat model")
    parser.add_argument("--adapter", type=Path, help="a folder to begin with")
    parser.add_argument("--out", type=Path, help="a folder for the adapter")
    asked = parser.parse_args()
    folder = asked.out or files.cache_folder() / f"trl-{asked.arm}-{asked.seed}"
    try:
        train(
            asked.arm,
            folder,
            steps=asked.steps,
            seed=asked.seed,
            name=asked.model,
            adapter=asked.adapter,
        )
    except (ValueError, ConnectionError) as error:
        parser.error(str(error))
    print(f"The adapter is in {folder}.")


if __name__ == "__main__":
    main()
