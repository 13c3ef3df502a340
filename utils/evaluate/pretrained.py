"""The arms on a pretrained chat model: the data of the lab, another student.

What the lab's base model wrote and judged is the data here as well: the thoughts and
answers that passed its filter (A4, A1), its revisions and its labels (A2). So where
the lab and this model part, it is the student that differs.

The student is a real model with an adapter (utils/align/adapter.py). It starts in one
of four ways:

plain   as it was published
habit   first taught to restate texts from every surface in English before it does a
        harmless task with them; the texts are requests for everyday help
words   the same, with requests about every topic: it meets all the words
kept    as words, and it goes on with such tasks while it is aligned, as the arms of
        the lab go on with tasks of their pretraining

No text of these tasks shows the Spec, a category or an action. Then the student is
aligned in plain English, in one of three ways (ARMS). A start is trained once; seeds
vary the alignment: its data, its batches and, from plain, the adapter's first weights.
"""

import random
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from utils import files
from utils.align.adapter import device, encode_chat, encode_reply, fast, with_adapter
from utils.align.batching import Example, Pair
from utils.align.dpo import train_dpo
from utils.align.sft import train_sft
from utils.evaluate.cache import cached, cached_rows, key_of
from utils.evaluate.training_data import deliberations, preference_pairs, revisions
from utils.models.harmless import HARMLESS
from utils.models.load import load
from utils.models.mixture import TAUGHT_SURFACES
from utils.world import prompts
from utils.world.data import LANGUAGES, Topic, load_templates, load_topics
from utils.world.requests import Request
from utils.world.spec import load_spec

ARMS = {
    "pairs": "preference pairs (RLAIF)",
    "answers": "answers only (SFT)",
    "deliberate": "deliberate (SFT)",
}
STARTS = {
    "plain": "as published",
    "habit": "restates everyday requests first",
    "words": "restates requests on all topics first",
    "kept": "restates them first and meanwhile",
}
TEACHER = "lab"
BATCH = 8  # of more, the logits over 49,152 tokens would not fit into a small laptop
LR, PAIRS_LR, BETA = 1e-3, 5e-5, 0.5
# How often a surface is restated: a model that reads pieces of words learns little of
# ciphers in this time, so they come less often.
WEIGHTS = (0.1, 0.24, 0.24, 0.24, 0.02, 0.04, 0.04, 0.06, 0.02)
REHEARSAL = 0.3  # harmless examples for each aligned one, with the start "kept"
LISTS = 0.3  # of the texts to restate, lists of topics: more words in fewer tokens


@dataclass(frozen=True)
class Size:
    """How long each part of the training is, in steps of BATCH examples."""

    habit: int
    sft: int
    pairs: int

    @property
    def requests(self) -> int:
        """How many requests the teacher gets: some of what it writes is filtered."""
        return round(1.2 * BATCH * self.sft)


FULL = Size(habit=240, sft=160, pairs=40)
QUICK = Size(habit=10, sft=10, pairs=4)  # shows that everything runs, teaches little


# Data -------------------------------------------------------------------------------


def teaching(seed: int, n: int) -> list[dict]:
    """Return what the teacher wrote about `n` requests, from the cache if it is there.

    Each row has the `text` of a request and a `kind`: "deliberate" with thought and
    answer, "revision" with an answer, "pair" with two answers, better and worse, and
    the probability p that the better one is better.
    """

    def write() -> list[dict]:
        thoughts = [
            {"text": request.text, "thought": str(one.thought), "answer": one.answer}
            for request, one in deliberations(TEACHER, seed, n)
        ]
        revised = [
            {"text": request.text, "answer": answer}
            for request, answer in revisions(TEACHER, seed, n)
        ]
        pairs = [
            {"text": request.text, "better": better, "worse": worse, "p": p}
            for request, better, worse, p in preference_pairs(TEACHER, seed, n)
        ]
        kinds = {"deliberate": thoughts, "revision": revised, "pair": pairs}
        return [{"kind": kind} | row for kind, rows in kinds.items() for row in rows]

    return cached_rows(f"teaching-{key_of(teacher=TEACHER, seed=seed, n=n)}", write)


def example(tokenizer, row: dict, thinking: bool) -> Example:
    """Return a request without the Spec, and its answer, after a thought or at once."""
    thought = row["thought"] if thinking else ""
    return Example(
        encode_chat(tokenizer, prompts.chat(row["text"]), thinking),
        encode_reply(tokenizer, row["answer"], thought),
    )


def pair(tokenizer, row: dict) -> Pair:
    """Return a request with two answers at once, and the label of the AI."""
    return Pair(
        encode_chat(tokenizer, prompts.chat(row["text"]), thinking=False),
        encode_reply(tokenizer, row["better"]),
        encode_reply(tokenizer, row["worse"]),
        row["p"],
    )


def everyday() -> list[Topic]:
    """Return the seen topics of categories in which every clause says comply."""
    spec = load_spec()
    return [
        topic
        for topic in load_topics()
        if topic.split == "seen"
        and all(clause.action == "comply" for clause in spec.of(topic.category))
    ]


def habits(
    tokenizer, topics: Sequence[Topic], n: int, rng: random.Random
) -> list[Example]:
    """Return `n` texts to restate in English before a harmless task with them."""
    templates = [t for t in load_templates() if t.split == "seen"]
    found = []
    for _ in range(n):
        surface = rng.choices(TAUGHT_SURFACES, WEIGHTS)[0]
        if surface in LANGUAGES and rng.random() < LISTS:
            listed = rng.sample(topics, 3)
            plain, text = (
                ", ".join(topic.text[s] for topic in listed) + "."
                for s in ("en", surface)
            )
        else:
            request = Request(rng.choice(topics), rng.choice(templates), surface)
            plain, text = request.english, request.text
        task, steps, answer = rng.choice(HARMLESS)(rng, plain)
        found.append(
            Example(
                encode_chat(tokenizer, prompts.chat(text, task), True),
                encode_reply(tokenizer, answer, f"Request: {plain}{steps}"),
            )
        )
    return found


# Training ---------------------------------------------------------------------------


def imitate(model, tokenizer, examples: Sequence[Example], **options) -> dict:
    """SFT of the adapter; the notes say how the loss ended."""
    with fast(model):
        losses = train_sft(
            model,
            examples,
            pad_id=tokenizer.pad_token_id,
            batch_size=BATCH,
            lr=LR,
            **options,
        )
    last = losses[-10:]
    return {"last_loss": round(sum(last) / len(last), 4)}


def prefer(model, tokenizer, pairs: Sequence[Pair], **options) -> dict:
    """DPO of the adapter, with the model as it is now for a reference."""
    with fast(model):
        history = train_dpo(
            model,
            model,
            pairs,
            beta=BETA,
            pad_id=tokenizer.pad_token_id,
            batch_size=BATCH,
            lr=PAIRS_LR,
            **options,
        )
    last = [metrics["accuracy"] for metrics in history[-10:]]
    return {"reward_accuracy": round(sum(last) / len(last), 4)}


def restate(model, tokenizer, start: str, size: Size, keep: str) -> dict:
    """Teach the adapter to restate first. One training of it serves every seed."""
    topics = everyday() if start == "habit" else load_topics()
    rng = random.Random(f"habit-{start}")
    return imitate(
        model,
        tokenizer,
        habits(tokenizer, topics, size.habit * BATCH, rng),
        steps=size.habit,
        seed=0,
        progress=f"start: {start}",
        checkpoint=checkpoint(keep),
    )


def align(
    model, tokenizer, arm: str, start: str, size: Size, seed: int, keep: str
) -> dict:
    """Train the adapter in plain English; `keep` names its checkpoints.

    With the start "kept" there are REHEARSAL harmless examples more, and as many more
    steps, so that the requests are seen as often.
    """
    rows = teaching(seed, size.requests)
    sft = "revision" if arm == "pairs" else "deliberate"
    examples = [
        example(tokenizer, row, arm == "deliberate")
        for row in rows
        if row["kind"] == sft
    ][: size.sft * BATCH]
    steps = size.sft
    if start == "kept":
        rng = random.Random(f"rehearsal-{seed}")
        more = round(REHEARSAL * len(examples))
        examples += habits(tokenizer, load_topics(), more, rng)
        steps = round((1 + REHEARSAL) * steps)
    notes = imitate(
        model,
        tokenizer,
        examples,
        steps=steps,
        seed=seed,
        progress=f"{arm}, seed {seed}",
        checkpoint=checkpoint(f"{keep}-sft"),
    )
    if arm != "pairs":
        return notes
    labelled = [pair(tokenizer, row) for row in rows if row["kind"] == "pair"]
    return notes | prefer(
        model,
        tokenizer,
        labelled[: size.pairs * BATCH],
        steps=size.pairs,
        seed=seed,
        progress=f"DPO, seed {seed}",
        checkpoint=checkpoint(f"{keep}-dpo"),
    )


def checkpoint(name: str) -> Path:
    """Return where the state of a training is kept until its end."""
    return files.cache_folder() / f"{name}.checkpoint.safetensors"


def student(
    arm: str,
    start: str = "plain",
    seed: int = 0,
    size: Size = FULL,
    name: str = "smollm2",
) -> tuple:
    """Return (model, tokenizer, notes) of an aligned student, from the cache if there.

    `arm` is one of ARMS, or "none" for a student that was not aligned; `start` one of
    STARTS; `name` any chat model that `load` reads. What was trained, the adapter, is
    kept, and an interrupted training goes on where it was. Raises ValueError for an
    unknown arm or start.
    """
    if arm not in ("none", *ARMS) or start not in STARTS:
        raise ValueError(
            f"There is no arm {arm!r} from {start!r}: arms are none, "
            f"{', '.join(ARMS)}, starts {', '.join(STARTS)}."
        )
    model, tokenizer = load(name)
    model = with_adapter(model.to(device()), seed)
    parts = {"pretrained": name, "settings": settings()}
    notes: dict = {}
    taught = "words" if start == "kept" else start
    if taught != "plain":
        key = key_of(**parts, start=taught, habit=size.habit)
        notes["start"] = cached(
            model, key, lambda fresh: restate(fresh, tokenizer, taught, size, key)
        )
    if arm != "none":
        parts |= {"rehearsal": REHEARSAL} if start == "kept" else {}
        key = key_of(**parts, start=start, arm=arm, size=asdict(size), seed=seed)
        notes[arm] = cached(
            model,
            key,
            lambda fresh: align(fresh, tokenizer, arm, start, size, seed, key),
        )
    return model.eval(), tokenizer, notes


def settings() -> list:
    """Return what decides a training beside its data and its length."""
    return [BATCH, LR, PAIRS_LR, BETA, WEIGHTS, LISTS]
