"""Edit the Spec, and train on it again: the whole pipeline from top to bottom.

    text -> Spec -> requests -> teacher -> form check -> judge -> SFT -> student

It is the first stage of Deliberative Alignment (Guan et al. 2024, arXiv 2412.16339,
sections 2.2 and 2.3) as arms A1 and A4 have it, with fewer requests and steps, for any
Spec. Notebook 25, its widget and this study call the same functions. The study asks
what follows an edit: the edited cases, the untouched ones, topics and languages that
no training showed; and how few steps bring an aligned model up to date.
"""

import copy
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from utils.align.batching import Example, batches, token_logprobs
from utils.align.chat import Reply, reply
from utils.align.deliberate import Deliberation, deliberate
from utils.align.fit import fit
from utils.align.judge import verdicts
from utils.align.sft import sft_loss
from utils.evaluate.arms import REHEARSAL, arm
from utils.evaluate.spec_edits import edited, lessons, question_sets
from utils.evaluate.training_data import (
    LEAST_SCORE,
    READINGS,
    direct_example,
    rehearsal,
    thinking_example,
)
from utils.models.load import load
from utils.world import prompts
from utils.world.replies import action_of
from utils.world.requests import Request, sample_requests
from utils.world.spec import ACTIONS, Spec, load_spec

REQUESTS, STEPS, BATCH, LR = 1000, 200, 16, 2e-3  # the arms take 2500, 400, 32, 1e-3
CHUNK = 200  # requests between two reports of progress
Report = Callable[[str, int, int], None]  # stage, done, of how many
Written = list[tuple[Request, Deliberation]]
STUDENTS = {"deliberative": True, "answers": False}  # name -> writes a thought


def silent(stage: str, done: int, of: int) -> None:
    """Report nothing."""


# The pipeline -----------------------------------------------------------------------


@dataclass(frozen=True)
class Data:
    """What teacher and judge made of a Spec: the examples kept, and how many of what.

    `seconds` are those of each stage by the clock.
    """

    spec: Spec
    kept: Written
    drawn: int
    well_formed: int
    seconds: dict[str, float] = field(default_factory=dict)


def draw(spec: Spec, n: int, seed: int) -> list[Request]:
    """Draw training requests, balanced by the actions of this Spec."""
    used = [a for a in ACTIONS if any(c.action == a for c in spec.clauses)]
    return sample_requests(n, seed=seed, pairs="seen", actions=used, spec=spec)


def write(
    model, tokenizer, spec: Spec, requests: Sequence[Request], report: Report = silent
) -> Written:
    """Let the base model deliberate with the category's clauses in its context."""
    written: Written = []
    for start in range(0, len(requests), CHUNK):
        report("teacher", start, len(requests))
        part = requests[start : start + CHUNK]
        policies = [spec.of(request.topic.category) for request in part]
        said = deliberate(model, tokenizer, policies, [r.text for r in part])
        written += zip(part, said, strict=True)
    report("teacher", len(requests), len(requests))
    return written


def well_formed(written: Written) -> Written:
    """Drop thoughts that lack a step, and those that their answer disagrees with."""
    return [
        (request, one)
        for request, one in written
        if one.thought and one.thought.action == action_of(one.answer)
    ]


def approved(
    model, tokenizer, spec: Spec, written: Written, report: Report = silent
) -> Written:
    """Keep what the judge's lowest score finds good enough; it reads this Spec."""
    kept: Written = []
    for start in range(0, len(written), CHUNK):
        report("judge", start, len(written))
        part = written[start : start + CHUNK]
        scores = verdicts(
            model,
            tokenizer,
            [spec.of(request.topic.category) for request, _ in part],
            [request.text for request, _ in part],
            [one.answer for _, one in part],
            [one.thought.clause for _, one in part],
            k=READINGS,
        ).amin(dim=1)
        kept += [p for p, s in zip(part, scores, strict=True) if s >= LEAST_SCORE]
    report("judge", len(written), len(written))
    return kept


def make_data(
    spec: Spec, requests: Sequence[Request], base: str = "lab", report: Report = silent
) -> Data:
    """Write, check the form, and judge: training data that follow a Spec."""
    model, tokenizer = load(base)
    begun = time.perf_counter()
    written = write(model, tokenizer, spec, requests, report)
    complete = well_formed(written)
    middle = time.perf_counter()
    kept = approved(model, tokenizer, spec, complete, report)
    seconds = {"teacher": middle - begun, "judge": time.perf_counter() - middle}
    return Data(spec, kept, len(written), len(complete), seconds)


def examples_of(tokenizer, kept: Written, thinking: bool) -> list[Example]:
    """Return training texts without the Spec: thought and answer, or answers alone."""
    if thinking:
        return [thinking_example(tokenizer, *pair) for pair in kept]
    return [direct_example(tokenizer, r, one.answer) for r, one in kept]


def train(
    model,
    tokenizer,
    examples: Sequence[Example],
    *,
    steps: int = STEPS,
    lr: float = LR,
    seed: int = 0,
    base: str = "lab",
    report: Report = silent,
) -> list[float]:
    """SFT in place on examples and the rehearsal; return the loss at each step."""
    more = round(REHEARSAL * len(examples))
    mixed = [*examples, *rehearsal(tokenizer, base, more, seed)]

    def reported() -> Iterator[list[int]]:
        for step, index in enumerate(batches(mixed, BATCH, steps, seed)):
            report("SFT", step, steps)
            yield index
        report("SFT", steps, steps)

    def loss_fn(index: list[int]):
        batch = [mixed[i] for i in index]
        loss = sft_loss(*token_logprobs(model, batch, tokenizer.pad_token_id))
        return loss, {"loss": loss.item()}

    history = fit(model, reported(), loss_fn, steps=steps, lr=lr)
    model.eval()
    return [metrics["loss"] for metrics in history]


@dataclass(frozen=True)
class Run:
    """A student of a Spec, the data it learned from, and the seconds of each stage."""

    model: object
    tokenizer: object
    data: Data
    losses: list[float]
    seconds: dict[str, float]


def run_pipeline(
    spec: Spec,
    *,
    thinking: bool = True,
    n: int = REQUESTS,
    steps: int = STEPS,
    seed: int = 0,
    base: str = "lab",
    data: Data | None = None,
    report: Report = silent,
) -> Run:
    """Take a Spec to a student that was trained on it from the base model.

    More requests `n` and `steps` take longer and fit the Spec more closely. `data` of
    an earlier run can be used again, for another kind of student.
    """
    data = data or make_data(spec, draw(spec, n, seed), base, report)
    model, tokenizer = load(base)
    begun = time.perf_counter()
    examples = examples_of(tokenizer, data.kept, thinking)
    losses = train(
        model, tokenizer, examples, steps=steps, seed=seed, base=base, report=report
    )
    seconds = data.seconds | {"SFT": time.perf_counter() - begun}
    return Run(model, tokenizer, data, losses, seconds)


# Measuring --------------------------------------------------------------------------


def replies_to(model, tokenizer, requests: Sequence[Request], thinking: bool):
    """Return the greedy replies to requests, with no Spec in the prompt."""
    chats = [prompts.chat(request.text) for request in requests]
    return reply(model, tokenizer, chats, thinking=thinking)


def figures(
    requests: Sequence[Request], replies: Sequence[Reply], old: Spec, new: Spec
) -> dict:
    """Return the share that acts by the new Spec, by the old one, and cites the new.

    cites is the share of thoughts that quote the new Spec's clause word for word.
    """
    pairs = list(zip(requests, replies, strict=True))
    n = len(pairs)
    acts = [(request, action_of(r.answer)) for request, r in pairs]
    cited = [f"Clause: {r.clause(new)}. " in said.thought for r, said in pairs]
    return {
        "n": n,
        "new": round(sum(r.action(new) == done for r, done in acts) / n, 4),
        "old": round(sum(r.action(old) == done for r, done in acts) / n, 4),
        "cites": round(sum(cited) / n, 4),
    }


def measure(
    model, tokenizer, old: Spec, new: Spec, thinking: bool, n: int
) -> list[dict]:
    """Return a row of figures for each place, topic split and language."""
    sets = question_sets(old, new, n)
    everything = [request for asked in sets.values() for request in asked]
    said = iter(replies_to(model, tokenizer, everything, thinking))
    names = "place", "topics", "shown"
    return [
        dict(zip(names, where, strict=True))
        | figures(asked, [next(said) for _ in asked], old, new)
        for where, asked in sets.items()
    ]


# The study --------------------------------------------------------------------------

STUDIED = ("drugs", "crafts", "split")
TESTED = 30  # requests, at most, for each place, topic split and language
UPDATED = "drugs"
UPDATE_STEPS = (0, 10, 20, 40)
SMALL_STEP = 3e-4
UPDATES = {  # name -> mixture, learning rate
    "edited": ("edited", SMALL_STEP),
    "half": ("half", SMALL_STEP),
    "fresh": ("fresh", SMALL_STEP),
    "half, large steps": ("half", LR),
}


def study(seed: int) -> list[dict]:
    """Return the figures of students of the old Spec, of edits, and of updates."""
    rows, old, fresh = [], load_spec(), None
    for name in ("none", *STUDIED):
        spec = edited(name)
        begun = time.process_time()
        data = make_data(spec, draw(spec, REQUESTS, seed))
        cpu = time.process_time() - begun
        rows.append({"edit": name} | data_row(data, old))
        fresh = data if name == UPDATED else fresh
        for student, thinking in STUDENTS.items():
            begun = time.process_time()
            run = run_pipeline(spec, thinking=thinking, seed=seed, data=data)
            clock = {"cpu": round(cpu + time.process_time() - begun, 1)}
            clock |= {f"{k} seconds": round(v, 1) for k, v in run.seconds.items()}
            about = {"edit": name, "student": student}
            rows.append({"kind": "run"} | about | clock)
            for asked in STUDIED if name == "none" else (name,):
                about |= {"edit": asked, "trained": "old" if name == "none" else "new"}
                found = measure(
                    run.model, run.tokenizer, old, edited(asked), thinking, TESTED
                )
                rows += [{"kind": "after"} | about | row for row in found]
    for student, thinking in STUDENTS.items():
        rows += updates(*aligned(thinking, seed), fresh, student, seed)
    return rows


def data_row(data: Data, old: Spec) -> dict:
    """Return how much was kept, and how much of it follows and cites its Spec."""
    new, kept = data.spec, data.kept
    follows = [one.thought.action == r.action(new) for r, one in kept]
    cites = [one.thought.clause == str(r.clause(new)) for r, one in kept]
    return {
        "kind": "data",
        "drawn": data.drawn,
        "well_formed": data.well_formed,
        "kept": len(kept),
        "about_the_edit": sum(r.action(new) != r.action(old) for r, _ in kept),
        "follows": round(sum(follows) / len(kept), 4),
        "cites": round(sum(cites) / len(kept), 4),
    }


def update_mix(kind: str, own: Written, fresh: Written, spec: Spec) -> Written:
    """Return what an aligned model is updated with.

    edited: nothing but its own lessons, which are about the edited cases; half: all
    else of the fresh data, and the lessons repeated until they are half; fresh: the
    new Spec's data as they are, in which the edited cases are few.
    """
    others = [p for p in fresh if p[0].action(spec) == p[0].action()]
    repeated = list(own) * max(1, round(len(others) / len(own)))
    return {
        "edited": list(own),
        "half": others + repeated,
        "fresh": list(fresh),
    }[kind]


def aligned(thinking: bool, seed: int) -> tuple:
    """Return a model that was aligned in full on the old Spec, and the tokenizer."""
    return arm("A4" if thinking else "A1", seed=seed)[:2]


def updates(model, tokenizer, fresh: Data, student: str, seed: int) -> list[dict]:
    """Go on from an aligned model for a few steps; return what it does then."""
    old, new, thinking = load_spec(), fresh.spec, STUDENTS[student]
    own = make_data(new, lessons(old, new)).kept
    rows = []
    for name, (kind, lr) in UPDATES.items():
        texts = update_mix(kind, own, fresh.kept, new)
        examples = examples_of(tokenizer, texts, thinking)
        for steps in UPDATE_STEPS:
            trained = copy.deepcopy(model)
            train(trained, tokenizer, examples, steps=steps, lr=lr, seed=seed)
            about = {"kind": "update", "edit": UPDATED, "student": student}
            about |= {"data": name, "steps": steps}
            found = measure(trained, tokenizer, old, new, thinking, TESTED)
            rows += [about | row for row in found]
    return rows
