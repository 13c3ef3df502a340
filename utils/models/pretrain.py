"""Pretrain the lab's two base models: ``python -m utils.models.pretrain``.

A trunk learns every task on two threads, with its thinking in English only. Then two
branches go on from it, one process each: "lab" thinks in every taught surface,
"lab_english" (the control) still in English only. They differ in nothing else. The
trunk's weights are shipped too, so that the branches can be trained again without it.
A run goes on from its last checkpoint when it is started again.

`--small` makes the smaller base models instead, "lab_s", "lab_xs" and "lab_xxs", by the
same recipe: their own trunk each, then the branch that thinks in every surface.

Two things make it fast. Models begin with an induction circuit (induction.py), without
which looking a value up in the context did not form. And Muon trains the matrices.
"""

import argparse
import hashlib
import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict
from itertools import count

import torch
from tqdm.auto import tqdm
from transformers import LlamaConfig, LlamaForCausalLM

from utils.files import WORK, replacing
from utils.models.gates import measure, missed
from utils.models.induction import begin_with_induction
from utils.models.load import CHECKED, TRUNK, WEIGHTS, load, save_shipped, sha256
from utils.models.mixture import Mixture, thinks_in
from utils.models.muon import Muon
from utils.models.stages import LAB, STAGES, Size
from utils.models.tokenizer import END, PAD, build_tokenizer

BATCH, PARTS = 64, 3  # examples in a step, and parts of like length in it
WARM_UP, CLIP = 50, 1.0
LEARNING_RATE = {"matrices": 3e-3, "rest": 3e-3}  # for Muon, and for AdamW
FOLDER = WORK / "pretrain"

Batch = tuple[torch.Tensor, torch.Tensor]


def new_model(tokenizer, size: Size, seed: int) -> LlamaForCausalLM:
    """Return an untrained Llama of a size; LAB has about 2.3 M parameters."""
    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=size.width,
        intermediate_size=size.feed_forward,
        num_hidden_layers=size.layers,
        num_attention_heads=size.heads,
        max_position_embeddings=512,
        tie_word_embeddings=True,
        initializer_range=size.width**-0.5,
        pad_token_id=tokenizer.convert_tokens_to_ids(PAD),
        eos_token_id=tokenizer.convert_tokens_to_ids(END),
        bos_token_id=None,
    )
    model = LlamaForCausalLM(config)
    begin_with_induction(model, seed)
    return model


def collate(examples: list[tuple[list[int], list[int]]]) -> Batch:
    """Pad on the right and mark the completion: (batch, seq) ids and targets.

    Targets are -100 where nothing is to be predicted. No attention mask is needed:
    under causal attention a token never sees the padding behind it.
    """
    length = max(len(prompt) + len(completion) for prompt, completion in examples)
    ids = torch.zeros(len(examples), length, dtype=torch.long)
    targets = torch.full_like(ids, -100)
    for row, (prompt, completion) in enumerate(examples):
        end = len(prompt) + len(completion)
        ids[row, :end] = torch.tensor(prompt + completion)
        targets[row, len(prompt) - 1 : end - 1] = torch.tensor(completion)
    return ids, targets


def batches(
    mixture: Mixture, tasks: dict[str, int], seed: str, first: int
) -> Iterator[list[Batch]]:
    """Yield for ever, from step `first` on, the parts of that step's batch.

    A part holds examples of like length and wastes little on padding. The parts make
    one step together, so that every step sees every task, long or short. A step's
    examples depend on its number alone: a resumed run sees what it would have seen.
    """
    names, weights = list(tasks), list(tasks.values())
    for step in count(first):
        rng = random.Random(f"{seed}-{step}")
        examples = sorted(
            (
                mixture.example(rng, name)
                for name in rng.choices(names, weights, k=BATCH)
            ),
            key=lambda pair: len(pair[0]) + len(pair[1]),
        )
        size = -(-BATCH // PARTS)
        yield [collate(examples[i : i + size]) for i in range(0, BATCH, size)]


def optimizers(model: LlamaForCausalLM) -> list[torch.optim.Optimizer]:
    """Return Muon for the weight matrices, AdamW for embeddings and norms.

    Muon (Jordan et al. 2024) makes the update of a matrix orthogonal.
    """
    matrices, rest = [], []
    for name, parameter in model.named_parameters():
        is_matrix = parameter.ndim == 2 and "embed" not in name
        (matrices if is_matrix else rest).append(parameter)
    return [
        Muon(matrices, LEARNING_RATE["matrices"], weight_decay=0.01),
        torch.optim.AdamW(
            rest, LEARNING_RATE["rest"], betas=(0.9, 0.98), weight_decay=0.0
        ),
    ]


def schedule(stage: str, step: int) -> float:
    """Return the share of the learning rates: a warm-up, and one fall over both stages.

    The fall is linear to a twentieth, from the trunk's first step to a branch's last.
    """
    trunk = STAGES[STAGES[stage].trunk or stage].steps
    branch = next(other.steps for other in STAGES.values() if other.trunk)
    before = trunk if STAGES[stage].trunk else 0
    fall = 1 - 0.95 * (before + step) / (trunk + branch)
    return fall * min(1.0, (step + 1) / WARM_UP)


def backward(model: LlamaForCausalLM, parts: list[Batch]) -> float:
    """Add the gradients of the mean cross-entropy over all completion tokens."""
    tokens = sum(int((targets != -100).sum()) for _, targets in parts)
    total = 0.0
    for ids, targets in parts:
        wanted = targets != -100
        hidden = model.model(ids).last_hidden_state  # (part, seq, width)
        logits = model.lm_head(hidden[wanted])  # (completion tokens, vocab)
        loss = torch.nn.functional.cross_entropy(
            logits, targets[wanted], reduction="sum"
        )
        (loss / tokens).backward()
        total += loss.item()
    return total / tokens


def recipe(stage: str, seed: int) -> str:
    """Return a checksum of all that decides what a stage becomes."""
    parts = {
        "vocabulary": build_tokenizer().get_vocab(),
        "size": asdict(STAGES[stage].size),
        "training": [BATCH, LEARNING_RATE, CLIP, WARM_UP, seed],
        "tasks": [STAGES[stage].tasks, thinks_in(stage)],
        "trunk": trunk_digest(stage, seed),
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def trunk_digest(stage: str, seed: int) -> str:
    """Return a checksum of what a branch begins with; "" for a trunk."""
    trunk = STAGES[stage].trunk
    if trunk == TRUNK:
        return sha256(WEIGHTS / TRUNK / CHECKED[0])
    return recipe(trunk, seed) if trunk else ""


def checkpoint(stage: str, seed: int) -> dict | None:
    """Read a stage's checkpoint, if there is one; stop if it is of another recipe."""
    path = FOLDER / f"{stage}.pt"
    if not path.exists():
        return None
    state = torch.load(path, weights_only=True)
    if state.get("recipe") != recipe(stage, seed):
        raise SystemExit(
            f"{path} is of another recipe or world: move it away to start afresh."
        )
    return state


def finished(stage: str, seed: int) -> dict:
    """Return the checkpoint of a stage that has run to its end; stop without one."""
    state = checkpoint(stage, seed)
    if state is None or state["step"] < STAGES[stage].steps:
        raise SystemExit(f"{stage} is not trained to its end: train it first.")
    return state


def first_model(stage: str, tokenizer, seed: int) -> LlamaForCausalLM:
    """Return the model that a stage begins with: an untrained one, or the trunk."""
    trunk = STAGES[stage].trunk
    if trunk != TRUNK:
        model = new_model(tokenizer, STAGES[stage].size, seed)
        if trunk:
            model.load_state_dict(finished(trunk, seed)["model"])
        return model
    model, own = load(TRUNK)
    if own.get_vocab() != tokenizer.get_vocab():
        raise SystemExit(
            "The trunk was made for other topics or templates: train it again too, "
            "without --branches."
        )
    return model


def train(stage: str, seed: int = 0) -> None:
    """Train a stage, or go on from its checkpoint."""
    tokenizer = build_tokenizer()
    model = first_model(stage, tokenizer, seed)
    trainers = optimizers(model.train())
    first, curve = 0, []
    if state := checkpoint(stage, seed):
        model.load_state_dict(state["model"])
        for trainer, saved in zip(trainers, state["optimizers"], strict=True):
            trainer.load_state_dict(saved)
        first, curve = state["step"], state["curve"]
    mixture = Mixture(tokenizer, thinks_in(stage))
    stream = batches(mixture, STAGES[stage].tasks, f"{seed}-{stage}", first)
    last, window = STAGES[stage].steps, []
    for step in tqdm(range(first, last), stage, last, initial=first, mininterval=30):
        window.append(backward(model, next(stream)))
        torch.nn.utils.clip_grad_norm_(model.parameters(), CLIP)
        for trainer, rate in zip(trainers, LEARNING_RATE.values(), strict=True):
            for group in trainer.param_groups:
                group["lr"] = rate * schedule(stage, step)
            trainer.step()
            trainer.zero_grad()
        if len(window) == 50 or step + 1 == last:
            curve.append([step + 1, round(sum(window) / len(window), 4)])
            window = []
            tqdm.write(f"{stage}: step {curve[-1][0]}, loss {curve[-1][1]}")
        if (step + 1) % 250 == 0 or step + 1 == last:
            state = {
                "model": model.state_dict(),
                "optimizers": [trainer.state_dict() for trainer in trainers],
                "step": step + 1,
                "curve": curve,
                "recipe": recipe(stage, seed),
            }
            with replacing(FOLDER / f"{stage}.pt") as part:
                torch.save(state, part)


def ship(name: str, seed: int = 0) -> dict[str, float]:
    """Write a finished model with its card; return the gates it reached.

    The gates are measured on the weights as they are shipped, in half precision.
    """
    state, stage = finished(name, seed), STAGES[name]
    tokenizer = build_tokenizer()
    model = new_model(tokenizer, stage.size, seed)
    model.load_state_dict(state["model"])
    before = {stage.trunk: STAGES[stage.trunk].steps} if stage.trunk else {}
    command = f"python -m utils.models.pretrain{' --small' * (stage.size != LAB)}"
    card = {
        "name": name,
        "what": "Helpful-only base model of the course; it has seen no policy.",
        "thinks_in": ", ".join(thinks_in(name)),
        "parameters": sum(p.numel() for p in model.parameters()),
        "command": command,
        "seed": seed,
        "steps": before | {name: state["step"]},
        "batch": BATCH,
        "learning_rate": LEARNING_RATE,
        "tasks": stage.tasks,
        "loss_curve": state["curve"],
    }
    save_shipped(model, tokenizer, name, card)
    found = measure(*load(name))
    save_shipped(model, tokenizer, name, card | {"gates": found})
    return found


def run_stages(*stages: str) -> None:
    """Train stages side by side, each in a process that shares the cores evenly."""
    threads = {"OMP_NUM_THREADS": str(max(1, 2 // len(stages)))}
    command = [sys.executable, "-m", "utils.models.pretrain", "--only"]
    running = [
        subprocess.Popen([*command, stage], env=os.environ | threads)
        for stage in stages
    ]
    if any([process.wait() for process in running]):
        raise SystemExit("Training stopped early: start the command again to go on.")


def ship_all(*names: str) -> None:
    """Ship finished models; stop where a model of full size misses a gate.

    The smaller ones are there to show what size does, so their gates are only told.
    """
    for name in names:
        found = ship(name)
        print(name, found)
        if missed(found) and STAGES[name].size == LAB:
            raise SystemExit(f"{name} missed the gate for {', '.join(missed(found))}.")


def main() -> None:
    """Train and ship the trunk, then both branches; or the smaller models."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=list(STAGES), help="train this stage only")
    parser.add_argument("--small", action="store_true", help="the smaller models")
    parser.add_argument(
        "--branches", action="store_true", help="start from the shipped trunk"
    )
    options = parser.parse_args()
    if options.only:
        train(options.only)
    elif options.small:
        run_stages("trunk_s", "trunk_xs", "trunk_xxs")
        run_stages("lab_s", "lab_xs", "lab_xxs")
        ship_all("lab_s", "lab_xs", "lab_xxs")
    else:
        if not options.branches:
            run_stages("trunk")
            ship_all("trunk")
        run_stages("lab", "lab_english")
        ship_all("lab", "lab_english")


if __name__ == "__main__":
    main()
