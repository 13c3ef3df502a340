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
from collections.abc import Callable
from pathlib import Path

import torch
from accelerate import PartialState
from peft import PeftModel, get_peft_model
from transformers.trainer_utils import get_last_checkpoint

from utils import files
from utils.align.adapter import lora, split_reply
from utils.align.judge import verdicts
from utils.evaluate import pretrained
from utils.evaluate.pretrained import BATCH, FULL, LR, PAIRS_LR, teaching
from utils.evaluate.training_data import training_requests
from utils.evaluate.trl_trainers import (
    dpo_trainer,
    grpo_trainer,
    settings,
    sft_trainer,
)
from utils.models.load import load
from utils.world.spec import load_spec

SFT = {"deliberate": "deliberate", "answers": "deliberate", "revisions": "revision"}
STEPS = dict.fromkeys(SFT, FULL.sft) | {"pairs": FULL.pairs, "rl": 40}


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
            model = PeftModel.from_pretrained(model, adapter, is_trainable=True)
        else:
            torch.manual_seed(seed)
            model = get_peft_model(model, lora())
    return model, tokenizer


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

    0 steps are those of the course. Raises ValueError for an unknown arm, for less
    than 0 steps, or for an `adapter` to begin with that is none.
    """
    if arm not in STEPS:
        raise ValueError(f"There is no arm {arm!r}: the arms are {', '.join(STEPS)}.")
    if steps < 0:
        raise ValueError(f"--steps must be at least 0, not {steps}.")
    model, tokenizer = student(name, adapter, seed)
    steps = steps or STEPS[arm]
    options = settings(folder, steps, LR if arm in SFT else PAIRS_LR, seed)
    with PartialState().main_process_first():  # the others find it in the cache
        rows = [] if arm == "rl" else teaching(seed, FULL.requests)
    kind = SFT.get(arm, "pair")
    rows = [row for row in rows if row["kind"] == kind][: steps * BATCH]
    if arm in SFT:
        thinking = arm == "deliberate"
        examples = [pretrained.example(tokenizer, row, thinking) for row in rows]
        trainer = sft_trainer(model, tokenizer, examples, options)
    elif arm == "pairs":
        pairs = [pretrained.pair(tokenizer, row) for row in rows]
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
    # Another name for another training, or one would go on with the other's state.
    name = f"{asked.arm}-{Path(asked.model).name}-{asked.steps}-{asked.seed}"
    folder = asked.out or files.cache_folder() / "trl" / name
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
