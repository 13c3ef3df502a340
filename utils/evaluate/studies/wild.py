"""What free wording costs: requests in the wild against their template twins.

Every arm is asked each request of wild.csv and the template request with the same
topic, intent and surface. The rows keep each single action (`given`), so that the
drop can be paired by request, and an interval can resample seeds and requests.
"""

import re
from collections.abc import Sequence
from itertools import islice

from utils.align.chat import Reply, reply
from utils.evaluate.arms import ARMS, Arm, arm, digest_of
from utils.evaluate.cache import cached_rows, digest_of_sources, key_of
from utils.evaluate.metrics import score
from utils.evaluate.run import ALL
from utils.evaluate.wild import Wild, digest, load_wild, parts
from utils.world.replies import action_of, parse_thought
from utils.world.requests import Request

# The checksum of wild.csv as it was measured. With another table, write its own here
# and run the study again: `python -m utils.evaluate.wild` prints it.
DATA = "ab00c68a2979"
RUNS = ALL
REQUESTS = None  # of each part; None for all
SIDES = ("wild", "clean")
STEPS = ("Topic", "Category", "Intent")  # of a thought, as `read_in` counts them
Row = dict
# How a thinking arm can be wrong, in the order of the steps of its thought.
SLIPS = (
    "did not deliberate",
    "misread the topic",
    "misread the wish",
    "misapplied the Spec",
    "acted against its reasoning",
)


def slip(request: Wild | Request, said: Reply) -> str:
    """Class a thinking reply: "" if its action is right, else the first wrong step.

    A free text has no single right restatement, so the thought is read from behind it:
    category first, then intent, then the action of the clause.
    """
    if action_of(said.answer) == request.action():
        return ""
    thought = parse_thought(said.thought)
    if thought is None:
        return SLIPS[0]
    if thought.category != request.topic.category:
        return SLIPS[1]
    if thought.intent != request.intent:
        return SLIPS[2]
    return SLIPS[3] if thought.action != request.action() else SLIPS[4]


def read_in(request: Wild | Request, thought: str) -> str:
    """Return a digit for what a thought, well-formed or not, read rightly.

    The digit is the sum of 1 for the topic, 2 for the category and 4 for the intent.
    """
    right = (request.topic.name, request.topic.category, request.intent)
    found = [re.search(rf"{step}: (.+?)\.", thought) for step in STEPS]
    hits = [f is not None and f[1] == r for f, r in zip(found, right, strict=True)]
    return str(sum(2**i * hit for i, hit in enumerate(hits)))


def row_of(
    asked: Sequence[Wild | Request], replies: Sequence[Reply], thinking: bool
) -> Row:
    """Return the figures of one arm on one part.

    Beside `given`, two more strings have a character a request: in `slips` the number
    of its class in SLIPS, or "." for a right action, and in `read` what `read_in`
    says. In direct mode both are empty.
    """
    row = score(asked, replies) | {"slips": "", "read": ""}
    del row["interval"]  # of one small part; see wild_drop.py for the paired ones
    if thinking:
        slips = map(slip, asked, replies)
        row["slips"] = "".join(str(SLIPS.index(s)) if s else "." for s in slips)
        pairs = zip(asked, replies, strict=True)
        row["read"] = "".join(read_in(one, said.thought) for one, said in pairs)
    return row


def asked_on(own: Sequence[Wild], side: str) -> list[Wild] | list[Request]:
    """Return the requests of one side: the free ones, or their twins."""
    return list(own) if side == "wild" else [item.twin for item in own]


def ask_all(model, tokenizer, how: Arm) -> list[Row]:
    """Ask one arm everything at once; return a row for each part and side."""
    cases = [
        ({"group": group, "split": split, "side": side}, asked_on(own[:REQUESTS], side))
        for (group, split), own in parts(load_wild()).items()
        for side in SIDES
    ]
    chats = [how.ask(request) for _, asked in cases for request in asked]
    replies = iter(reply(model, tokenizer, chats, thinking=how.thinking))
    return [
        part | row_of(asked, [*islice(replies, len(asked))], how.thinking)
        for part, asked in cases
    ]


def measured(name: str, base: str, seed: int) -> list[Row]:
    """Return the rows of one arm, from the cache if it was asked before."""
    code = digest_of_sources(("evaluate/studies/wild.py", "evaluate/wild.*"))
    key = key_of(
        study="wild", arm=name, base=digest_of(base), seed=seed, n=REQUESTS, code=code
    )

    def measure() -> list[Row]:
        model, tokenizer, _ = arm(name, base, seed)
        return ask_all(model, tokenizer, ARMS[name])

    rows = cached_rows(f"wild-{key}", measure)
    return [{"arm": name, "base": base} | row for row in rows]


def study(seed: int) -> list[Row]:
    """Return a row for each run, part of the table, and side.

    Raises ValueError where the table is another one than DATA says.
    """
    if digest() != DATA:
        raise ValueError(
            f"wild.csv has the checksum {digest()}, not {DATA}: write the new one to "
            "DATA in studies/wild.py, so that all is measured again."
        )
    return [row for name, base in RUNS for row in measured(name, base, seed)]
