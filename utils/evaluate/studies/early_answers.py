"""How much of its thought does a model need? Cut short, left out, filled with dots.

The thought is cut behind each step, and the answer forced: early answering, as
Lanham et al. 2023 (arXiv 2307.13702) call it. Dots of the same length give the model
as many tokens to compute in, and nothing to read. Arm A9 was trained with dots.
"""

from collections.abc import Sequence

from utils.align.chat import Reply, reply
from utils.evaluate.arms import arm
from utils.evaluate.conditions import plain
from utils.evaluate.studies.interventions import (
    STEPS,
    Edit,
    edited_rows,
    go_on,
    row_of,
    tokens_of,
    unedited_row,
    usable,
)
from utils.models.tokenizer import build_tokenizer
from utils.world import prompts
from utils.world.data import SPLITS
from utils.world.replies import Thought, action_of

ARMS = ("A4", "A9")
SURFACES = ("en", "es")
REQUESTS = 50  # for each surface and split
NOTHING = "Empty"
Row = dict


def cuts(thought: Thought) -> list[Edit]:
    """Return the thought cut behind each step, left out, and filled with dots."""
    own = str(thought)
    ends = [own.index(f"{step}: ") for step in STEPS[1:]]
    texts = ["", *(own[:end].strip() for end in ends), own]
    found = [
        Edit(name, "cut", "", text, True)
        for name, text in zip((NOTHING, *STEPS), texts, strict=True)
    ]
    dots = "." * len(tokens_of(build_tokenizer(), own))
    return [*found, Edit("Dots", "cut", "", dots, True)]


def without_rows(
    asked: Sequence, replies: Sequence[Reply], keys: Row, model, tokenizer
) -> list[Row]:
    """Return rows of answers without a thought, to all requests.

    "Direct mode" is the mode of the answer arms. A model that writes dots by itself
    (A9) is also given half of them, and none.
    """
    before = [action_of(said.answer) for said in replies]
    chats = [prompts.chat(request.text) for request in asked]
    tried = {"Direct mode": reply(model, tokenizer, chats)}
    if all(set(said.thought) <= {"."} for said in replies):
        half = [said.thought[: len(said.thought) // 2] for said in replies]
        tried["Half of the dots"] = go_on(model, tokenizer, asked, half, True)
        tried[NOTHING] = go_on(model, tokenizer, asked, [""] * len(asked), True)
    rows = []
    for place, said in tried.items():
        after = [action_of(one.answer) for one in said]
        group = list(zip(asked, before, after, [""] * len(asked), strict=True))
        rows.append(keys | row_of((place, "cut", ""), group))
    return rows


def study(seed: int, base: str = "lab") -> list[Row]:
    """Return the rows of every arm, surface and split."""
    rows = []
    for name in ARMS:
        model, tokenizer, _ = arm(name, base, seed)
        for surface in SURFACES:
            for topics in SPLITS:
                asked = [request.on(surface) for request in plain(topics, REQUESTS)]
                chats = [prompts.chat(request.text) for request in asked]
                replies = reply(model, tokenizer, chats, thinking=True)
                keys = {"arm": name, "surface": surface, "topics": topics}
                rows.append(keys | unedited_row(asked, replies))
                rows += without_rows(asked, replies, keys, model, tokenizer)
                cases = usable(asked, replies)
                rows += edited_rows(cases, keys, model, tokenizer, cuts)
    return rows
