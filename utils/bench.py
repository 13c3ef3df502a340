"""How fast are training and sampling, compared with TRL and `model.generate`?

    python -m utils.bench

One run measures both sides in alternating rounds and prints medians of each round's
ratio, because on a shared machine only a ratio taken at the same time means much.
Tokens are real ones: padding never counts. TRL and `datasets` must be installed.
"""

import copy
import logging
import resource
import statistics
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Sequence

import torch
from torch import nn
from transformers import PreTrainedTokenizerFast

from utils.align.batching import WINDOW, Example
from utils.align.sampling import generate
from utils.align.sft import train_sft
from utils.models.load import load
from utils.models.tokenizer import encode_completion, encode_prompt
from utils.world import prompts
from utils.world.replies import answer, true_thought
from utils.world.requests import SURFACES, sample_requests

BATCH, SAMPLING_BATCH, NEW_TOKENS = 32, 64, 80
LR = 1e-3


def texts_of_the_world(tokenizer, n: int) -> list[Example]:
    """Requests in every surface with their thought and answer: the lengths that the
    course trains on and samples."""
    examples = []
    for i, request in enumerate(sample_requests(n, seed=0, topics="all")):
        surfaced = request.on(SURFACES[i % len(SURFACES)])
        said = answer(request.action(), request.topic.name)
        prompt = encode_prompt(tokenizer, prompts.chat(surfaced.text), thinking=True)
        thought = str(true_thought(request))
        completion = encode_completion(tokenizer, said, thought)
        examples.append(Example(prompt, completion))
    return examples


def peak_memory() -> float:
    """The most memory this process has held so far, in MB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)


def seconds(work: Callable[[], object]) -> float:
    """Wall-clock seconds that `work` takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def matmul_rate(model: nn.Module, tokens: int, repeats: int = 5) -> float:
    """FLOP/s of this machine on the model's own matrix products with `tokens` rows."""
    shapes = [m.weight.shape for m in model.modules() if isinstance(m, nn.Linear)]
    work = [(torch.randn(tokens, k), torch.randn(n, k)) for n, k in shapes]
    flops = sum(2 * tokens * n * k for n, k in shapes)

    def multiply() -> None:
        for x, weight in work:
            x @ weight.T

    multiply()
    return flops / min(seconds(multiply) for _ in range(repeats))


def training_flops(model: nn.Module, examples: Sequence[Example]) -> int:
    """6 FLOPs per parameter and token (2 forward, 4 backward); the output layer is
    counted at completion tokens only. Attention scores and embeddings are not."""
    head = model.get_output_embeddings().weight.numel()
    linear = [m for m in model.get_decoder().modules() if isinstance(m, nn.Linear)]
    body = sum(m.weight.numel() for m in linear)
    texts = sum(len(e) for e in examples)
    completions = sum(len(e.completion) for e in examples)
    return 6 * (body * texts + head * completions)


def trl_trainer(model: nn.Module, examples: Sequence[Example], folder: str, **settings):
    """TRL's SFTTrainer for one epoch: same batch size, loss on completions only,
    fp32 and no gradient checkpointing (both would only slow it down here)."""
    from datasets import Dataset, disable_progress_bars
    from transformers import PrinterCallback
    from trl import SFTConfig, SFTTrainer

    disable_progress_bars()
    rows = {
        "input_ids": [e.prompt + e.completion for e in examples],
        "labels": [[-100] * len(e.prompt) + e.completion for e in examples],
    }
    config = SFTConfig(
        output_dir=folder,
        per_device_train_batch_size=BATCH,
        num_train_epochs=1,
        learning_rate=LR,
        use_cpu=True,
        bf16=False,
        gradient_checkpointing=False,
        dataloader_pin_memory=False,
        logging_strategy="no",
        save_strategy="no",
        report_to="none",
        disable_tqdm=True,
        **settings,
    )
    trainer = SFTTrainer(
        model=copy.deepcopy(model),
        args=config,
        train_dataset=Dataset.from_dict(rows),
        processing_class=_placeholder_tokenizer(model.config.vocab_size),
    )
    trainer.remove_callback(PrinterCallback)
    return trainer


def compare_training(
    model: nn.Module, examples: Sequence[Example], pad_id: int, rounds: int = 3
) -> dict[str, float]:
    """Tokens/s of `train_sft` and of TRL over one epoch of the same examples.

    `model` is trained in place by our rounds. Uses the first 16 * 32 examples, which
    is one whole window, so that both sides see every example exactly once.
    """
    examples = examples[: WINDOW * BATCH]
    tokens = sum(len(e) for e in examples)
    steps = len(examples) // BATCH
    memory, ours, trl, grouped, share = [], [], [], [], []
    for seed in range(rounds):
        rate = matmul_rate(model, tokens // steps)
        ours.append(
            seconds(
                lambda seed=seed: train_sft(
                    model,
                    examples,
                    steps=steps,
                    batch_size=BATCH,
                    lr=LR,
                    seed=seed,
                    pad_id=pad_id,
                )
            )
        )
        share.append(training_flops(model, examples) / ours[-1] / rate)
        memory.append(peak_memory())
        with tempfile.TemporaryDirectory() as folder:
            trl.append(seconds(trl_trainer(model, examples, folder).train))
            sort = {"train_sampling_strategy": "group_by_length"}
            trainer = trl_trainer(model, examples, folder, **sort)
            grouped.append(seconds(trainer.train))
    return {
        "training, tokens/s": tokens / statistics.median(ours),
        "TRL SFTTrainer, tokens/s": tokens / statistics.median(trl),
        "TRL grouped by length, tokens/s": tokens / statistics.median(grouped),
        "training / TRL": _median_ratio(trl, ours),
        "training / TRL grouped by length": _median_ratio(grouped, ours),
        "share of the matrix-product rate": statistics.median(share),
        "peak memory before TRL, MB": memory[0],
    }


def compare_sampling(
    model: nn.Module,
    questions: Sequence[list[int]],
    end_id: int,
    pad_id: int,
    rounds: int = 5,
) -> dict[str, float]:
    """Tokens/s of `generate` and of `model.generate` with batches of 64."""
    settings = {"max_new_tokens": NEW_TOKENS, "end_id": end_id, "pad_id": pad_id}
    ours, theirs = [], []
    for seed in range(rounds):
        torch.manual_seed(seed)
        start = time.perf_counter()
        samples = generate(model, questions, batch_size=SAMPLING_BATCH, **settings)
        elapsed = time.perf_counter() - start
        ours.append(sum(len(s.tokens) for s in samples) / elapsed)
        start = time.perf_counter()
        tokens = _transformers_generate(model, questions, end_id, pad_id)
        theirs.append(tokens / (time.perf_counter() - start))
    return {
        "sampling, tokens/s": statistics.median(ours),
        "model.generate, tokens/s": statistics.median(theirs),
        "sampling / model.generate": _median_ratio(ours, theirs),
        "tokens per completion": sum(len(s.tokens) for s in samples) / len(samples),
    }


@torch.no_grad()
def _transformers_generate(
    model: nn.Module, questions: Sequence[list[int]], end_id: int, pad_id: int
) -> int:
    total = 0
    for start in range(0, len(questions), SAMPLING_BATCH):
        batch = questions[start : start + SAMPLING_BATCH]
        longest = max(map(len, batch))
        ids = torch.tensor([[pad_id] * (longest - len(p)) + p for p in batch])
        mask = torch.tensor([[0] * (longest - len(p)) + [1] * len(p) for p in batch])
        result = model.eval().generate(
            input_ids=ids,
            attention_mask=mask,
            do_sample=True,
            top_k=0,
            max_new_tokens=NEW_TOKENS,
            eos_token_id=end_id,
            pad_token_id=pad_id,
        )
        ended = (result[:, longest:] == end_id).cumsum(dim=1)
        # Tokens before the end token, and the end token itself.
        total += int((ended == 0).sum() + (ended[:, -1] > 0).sum())
    return total


def _median_ratio(above: list[float], below: list[float]) -> float:
    return statistics.median(a / b for a, b in zip(above, below, strict=True))


def _placeholder_tokenizer(vocabulary: int) -> PreTrainedTokenizerFast:
    """TRL insists on a tokenizer, though the data is tokens already."""
    from tokenizers import Tokenizer, models

    words = {f"t{i}": i for i in range(vocabulary)}
    return PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer(models.WordLevel(words, unk_token="t0")),
        pad_token="t0",
        eos_token="t1",
    )


def main() -> None:
    """Benchmark the shipped model on texts of the world and print a table."""
    logging.disable(logging.WARNING)
    warnings.simplefilter("ignore")
    model, tokenizer = load("lab")
    end, pad = tokenizer.eos_token_id, tokenizer.pad_token_id
    examples = texts_of_the_world(tokenizer, WINDOW * BATCH)
    print(f"{torch.get_num_threads()} threads")
    asked = [e.prompt for e in examples[: 4 * SAMPLING_BATCH]]
    results = compare_sampling(model, asked, end, pad)
    groups = [prompt for prompt in asked[:32] for _ in range(8)]
    grouped = compare_sampling(model, groups, end, pad)
    results |= {f"{name} (groups of 8)": value for name, value in grouped.items()}
    results |= compare_training(model, examples, pad)
    results["peak memory of all, MB"] = peak_memory()
    for name, value in results.items():
        digits = 0 if value >= 100 else 2
        print(f"{name:45s} {value:10,.{digits}f}")


if __name__ == "__main__":
    main()
