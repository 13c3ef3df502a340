"""Pretrain the lab's two base models: ``python -m utils.models.pretrain``.

A shared trunk first learns everything but thinking, on two threads. Then two branches
learn to think, one process each: "lab" in every taught surface, "lab_english" (the
control) in English only. So the two models differ in that alone. The run goes on from
its last checkpoint when it is started again.

What made look-up in the context form: values right behind their keys, half of the
look-up over the whole vocabulary, weights drawn with a standard deviation near
1/sqrt(width), and a learning rate that stays up for long.
"""

import argparse
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import torch
from tqdm.auto import tqdm
from transformers import LlamaConfig, LlamaForCausalLM

from utils.models.gates import measure, missed
from utils.models.load import load, save_shipped
from utils.models.mixture import (
    DIRECT_TASKS,
    TAUGHT_SURFACES,
    THINKING_TASKS,
    Mixture,
)
from utils.models.tokenizer import END, PAD, build_tokenizer

WIDTH, LAYERS, HEADS, FEED_FORWARD = 192, 4, 6, 512
BATCH, POOL = 64, 32  # examples in a batch; batches drawn at once and sorted by length
LEARNING_RATE, WARM_UP, CLIP = 8e-4, 100, 1.0
STEPS = {"trunk": 250, "lab": 3900, "lab_english": 3900}
DECAY_FROM = 0.6  # a branch's learning rate falls from this share of its steps on
THINKING = {"trunk": (), "lab": TAUGHT_SURFACES, "lab_english": ("en",)}
FOLDER = Path("work/pretrain")

Batch = tuple[torch.Tensor, torch.Tensor]


def new_model(tokenizer, seed: int) -> LlamaForCausalLM:
    """Return an untrained Llama of about 2.3 M parameters."""
    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=WIDTH,
        intermediate_size=FEED_FORWARD,
        num_hidden_layers=LAYERS,
        num_attention_heads=HEADS,
        max_position_embeddings=512,
        tie_word_embeddings=True,
        initializer_range=WIDTH**-0.5,
        pad_token_id=tokenizer.convert_tokens_to_ids(PAD),
        eos_token_id=tokenizer.convert_tokens_to_ids(END),
        bos_token_id=None,
    )
    return LlamaForCausalLM(config)


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


def batches(mixture: Mixture, tasks: dict[str, int], seed: str) -> Iterator[Batch]:
    """Yield batches of examples of like length, for ever."""
    rng = random.Random(seed)
    names, weights = list(tasks), list(tasks.values())
    while True:
        chosen = rng.choices(names, weights, k=BATCH * POOL)
        pool = sorted(
            (mixture.example(rng, name) for name in chosen),
            key=lambda pair: len(pair[0]) + len(pair[1]),
        )
        starts = list(range(0, len(pool), BATCH))
        rng.shuffle(starts)
        for start in starts:
            yield collate(pool[start : start + BATCH])


def learning_rate(stage: str, step: int) -> float:
    """Warm up, stay, and in a branch fall linearly to a twentieth."""
    if stage == "trunk":
        return LEARNING_RATE * min(1.0, (step + 1) / WARM_UP)
    done = (step / STEPS[stage] - DECAY_FROM) / (1 - DECAY_FROM)
    return LEARNING_RATE * (1 - 0.95 * max(0.0, done))


def loss_of(model: LlamaForCausalLM, batch: Batch) -> torch.Tensor:
    """Mean cross-entropy over the completion tokens only."""
    ids, targets = batch
    hidden = model.model(ids).last_hidden_state  # (batch, seq, width)
    wanted = targets != -100
    logits = model.lm_head(hidden[wanted])  # (completion tokens, vocab)
    return torch.nn.functional.cross_entropy(logits, targets[wanted])


def save_atomically(state: dict, path: Path) -> None:
    """Write a checkpoint so that a crash never leaves half of one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    torch.save(state, part)
    os.replace(part, path)


def train(stage: str, seed: int = 0) -> LlamaForCausalLM:
    """Train one stage, or go on with it; return the model."""
    tokenizer = build_tokenizer()
    model = new_model(tokenizer, seed)
    optimizer = torch.optim.AdamW(
        model.parameters(), LEARNING_RATE, betas=(0.9, 0.98), weight_decay=0.01
    )
    own, trunk = FOLDER / f"{stage}.pt", FOLDER / "trunk.pt"
    first, curve = 0, []
    if own.exists() or stage != "trunk":
        state = torch.load(own if own.exists() else trunk, weights_only=True)
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        if own.exists():
            first, curve = state["step"], state["curve"]
    tasks = DIRECT_TASKS if stage == "trunk" else DIRECT_TASKS | THINKING_TASKS
    mixture = Mixture(tokenizer, THINKING[stage])
    stream = batches(mixture, tasks, f"{seed}-{stage}-{first}")
    started, window = time.time(), []
    for step in tqdm(range(first, STEPS[stage]), stage, initial=first, mininterval=30):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(stage, step)
        loss = loss_of(model, next(stream))
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), CLIP)
        optimizer.step()
        optimizer.zero_grad()
        window.append(loss.item())
        if len(window) == 50 or step + 1 == STEPS[stage]:
            curve.append([step + 1, round(sum(window) / len(window), 4)])
            window = []
            print(stage, curve[-1], f"{time.time() - started:.0f} s", flush=True)
        if (step + 1) % 250 == 0 or step + 1 == STEPS[stage]:
            state = {"model": model.state_dict(), "optimizer": optimizer.state_dict()}
            save_atomically(state | {"step": step + 1, "curve": curve}, own)
    return model


def ship(stage: str, seed: int = 0) -> dict[str, float]:
    """Write a finished branch with its model card; return the gates it reached.

    The gates are measured on the weights as they are shipped, in half precision.
    """
    states = {
        name: torch.load(FOLDER / f"{name}.pt", weights_only=True)
        for name in ("trunk", stage)
    }
    tokenizer = build_tokenizer()
    model = new_model(tokenizer, seed)
    model.load_state_dict(states[stage]["model"])
    surfaces = ", ".join(THINKING[stage])
    card = {
        "name": stage,
        "what": "Helpful-only base model of the course; it has seen no policy.",
        "thinks_in": surfaces,
        "parameters": sum(p.numel() for p in model.parameters()),
        "command": "python -m utils.models.pretrain",
        "seed": seed,
        "steps": {"trunk": STEPS["trunk"], stage: STEPS[stage]},
        "batch": BATCH,
        "learning_rate": LEARNING_RATE,
        "tasks": DIRECT_TASKS | THINKING_TASKS,
        "loss_curve": {name: state["curve"] for name, state in states.items()},
    }
    save_shipped(model, tokenizer, stage, card)
    found = measure(*load(stage))
    save_shipped(model, tokenizer, stage, card | {"gates": found})
    return found


def main() -> None:
    """Train the trunk, then both branches at the same time, and ship them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stage", choices=list(STEPS), help="train this stage only")
    stage = parser.parse_args().stage
    if stage:
        torch.set_num_threads(2 if stage == "trunk" else 1)
        train(stage)
        return
    torch.set_num_threads(2)
    train("trunk")
    command = [sys.executable, "-m", "utils.models.pretrain", "--stage"]
    branches = ("lab", "lab_english")
    running = [subprocess.Popen([*command, branch]) for branch in branches]
    if any([process.wait() for process in running]):
        raise SystemExit("A branch stopped early: start the command again to go on.")
    for branch in branches:
        found = ship(branch)
        print(branch, found)
        for gate in missed(found):
            print(f"{branch} missed the gate for {gate}")


if __name__ == "__main__":
    main()
