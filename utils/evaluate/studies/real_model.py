"""In the wild: the arms on SmolLM2-135M, and whether a floor of capability holds them.

For each start (see utils/evaluate/pretrained.py) a row per surface says how often the
student restates a request in English before anything is aligned: the capability that
deliberation stands on. Then each arm is trained in plain English and asked everywhere.
"""

from dataclasses import dataclass

from utils.align.adapter import ask, merged
from utils.align.chat import Reply
from utils.evaluate.cache import cached_rows, digest_of_sources, key_of
from utils.evaluate.conditions import Condition, conditions
from utils.evaluate.metrics import count_errors, score
from utils.evaluate.pretrained import FULL, Size, settings, student
from utils.evaluate.studies.scale import right_of
from utils.world import prompts
from utils.world.requests import TAUGHT_LANGUAGES, Request
from utils.world.wrappers import NEW

# What is trained for every seed, and what is looked at once, with seed 0: a start that
# forgets, and what the starts can restate before any alignment.
RUNS = (
    *(("deliberate", start) for start in ("plain", "kept")),
    *(("answers", start) for start in ("plain", "kept")),
    ("pairs", "plain"),
)
ONCE = (
    ("deliberate", "words"),
    *(("none", start) for start in ("plain", "habit", "words")),
)
TASK = "Count the words."  # before what a student restates
SHOWN = 3  # replies of each condition that are kept in full
Row = dict


@dataclass(frozen=True)
class Tests:
    """How many requests a condition has, by its kind."""

    home: int
    languages: int
    ciphers: int
    wrappers: int


LONG = Tests(home=60, languages=30, ciphers=10, wrappers=20)


def tested(tests: Tests) -> list[Condition]:
    """Return the conditions: each surface, new phrasings, new jailbreaks."""

    def wanted(condition: Condition) -> int:
        if condition.kind == "phrasing" or condition.wrapper in NEW:
            return tests.wrappers
        if condition.kind != "plain":
            return 0
        if condition.surface == "en":
            return tests.home
        if condition.surface in (*TAUGHT_LANGUAGES, "id"):
            return tests.languages
        return tests.ciphers

    found = []
    for n in sorted({tests.home, tests.languages, tests.ciphers, tests.wrappers}):
        found += [one for one in conditions(n) if wanted(one) == n]
    return found


def restatement(request: Request, reply: Reply) -> str:
    """Return how a reply restates its request: "e" exactly, "t" its topic, "-" not.

    A reply without an answer behind it counts as a thought.
    """
    thought = reply.thought or reply.answer
    if thought.startswith(f"Request: {request.english}"):
        return "e"
    return "t" if request.topic.name in thought else "-"


def ask_all(model, tokenizer, arm: str, tests: Tests) -> list[Row]:
    """Return a row for each condition."""
    thinking, task = arm in ("deliberate", "none"), TASK if arm == "none" else ""
    asked = tested(tests)
    if arm == "none":  # surfaces only
        asked = [one for one in asked if one.kind == "plain"]
    requests = [request for condition in asked for request in condition.requests]
    chats = [prompts.chat(request.text, task) for request in requests]
    said = iter(ask(merged(model), tokenizer, chats, thinking=thinking, progress=arm))
    rows = []
    for condition in asked:
        own = [next(said) for _ in condition.requests]
        row = condition.keys | {"n": len(own)}
        if thinking:
            pairs = zip(condition.requests, own, strict=True)
            row["restated"] = "".join(restatement(*pair) for pair in pairs)
        if arm != "none":  # which has decided nothing: nothing is right or wrong
            row |= score(condition.requests, own) | {
                "right": right_of(condition.requests)
            }
        if arm == "deliberate":
            row["errors"] = count_errors(condition.requests, own)
        row["said"] = [
            [request.text, one.thought, one.answer]
            for request, one in zip(condition.requests[:SHOWN], own, strict=False)
        ]
        rows.append(row)
    return rows


def measured(arm: str, start: str, seed: int, size: Size, tests: Tests) -> list[Row]:
    """Return the rows of one student, trained and measured or from the cache."""
    code = digest_of_sources(("evaluate/conditions.py", "evaluate/metrics.py"))
    parts = [arm, start, seed, size, tests, settings(), code]
    keys = {"arm": arm, "start": start}

    def measure() -> list[Row]:
        model, tokenizer, notes = student(arm, start, seed, size)
        rows = ask_all(model, tokenizer, arm, tests)
        return [keys | {"kind": "training", "notes": notes}, *(keys | r for r in rows)]

    return cached_rows(f"real-{key_of(study='real_model', parts=parts)}", measure)


def study(seed: int) -> list[Row]:
    """Return the rows of all students; each is kept when it has been measured."""
    runs = (*RUNS, *ONCE) if seed == 0 else RUNS
    return [row for run in runs for row in measured(*run, seed, FULL, LONG)]
