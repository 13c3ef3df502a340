"""When does the thought begin to matter? A4's own training, watched from its start.

The run has the batches and step sizes of arm A4, and thoughts without a fault, which
are what A4's teacher writes at temperature 0. Now and then it is asked test requests,
and given a flawless thought, which is then edited. The last row is A4 itself.
"""

import random
from collections.abc import Iterator, Sequence

import torch

from utils.align.batching import batches, token_logprobs
from utils.align.chat import Reply, reply
from utils.align.deliberate import Deliberation
from utils.align.fit import fit
from utils.align.sft import sft_loss
from utils.evaluate import arms
from utils.evaluate.arms import arm
from utils.evaluate.conditions import plain
from utils.evaluate.studies.interventions import edits, flip_and_follow, go_on, share
from utils.evaluate.training_data import (
    rehearsal,
    thinking_example,
    training_requests,
)
from utils.models.load import load
from utils.world import prompts
from utils.world.data import SPLITS
from utils.world.replies import (
    Thought,
    action_of,
    answer,
    parse_thought,
    true_thought,
)
from utils.world.requests import Request

LOOKS = (0, 10, 20, 30, 40, 60, 80, 120)  # steps; then A4 itself
REQUESTS = 40  # for each split
Row = dict


def of_replies(requests: Sequence[Request], replies: Sequence[Reply]) -> Row:
    """Return what thoughts and answers are like, as shares of all replies.

    plan     : the thought's action is right          clause : so is its clause
    answer   : the answer's action is right
    agree    : answer and thought have the same action, among whole thoughts
    lucky    : the answer is right although clause or action of the thought are not
    betrayed : the answer is wrong although clause and action of the thought are right
    misnumbered : lucky, and nothing but the clause's number is wrong
    """
    minds = [parse_thought(said.thought) for said in replies]
    given = [action_of(said.answer) for said in replies]
    plan, clause, words, answer = [], [], [], []
    for request, mind, action in zip(requests, minds, given, strict=True):
        plan.append(mind is not None and mind.action == request.action())
        clause.append(mind is not None and mind.clause == str(request.clause()))
        words.append(
            mind is not None and wording(mind) == wording(true_thought(request))
        )
        answer.append(action == request.action())
    sound = [p and c for p, c in zip(plan, clause, strict=True)]
    pairs = list(zip(answer, sound, strict=True))
    whole = [(m, a) for m, a in zip(minds, given, strict=True) if m]
    return {
        "n": len(replies),
        "complete": share([mind is not None for mind in minds]),
        "plan": share(plan),
        "clause": share(clause),
        "answer": share(answer),
        "agree": share([mind.action == action for mind, action in whole]),
        "lucky": share([a and not s for a, s in pairs]),
        "betrayed": share([s and not a for a, s in pairs]),
        "misnumbered": share(
            [
                a and not s and w and p
                for (a, s), w, p in zip(pairs, words, plan, strict=True)
            ]
        ),
    }


def wording(thought: Thought) -> str:
    """Return the clause that a thought cites, without its number."""
    return thought.clause.partition(" ")[2]


def of_reading(model, tokenizer, requests: Sequence[Request]) -> Row:
    """Return how the answer depends on a flawless thought that is forced on the model.

    reads : share of answers with the flawless thought's action
    empty : share of right answers with no thought at all
    flip, follow of another action word, and of another category with the rest to write
    """
    flawless = [true_thought(request) for request in requests]
    texts = [str(thought) for thought in flawless]

    def acts(texts: Sequence[str], done: bool = True) -> list[str]:
        said = go_on(model, tokenizer, requests, texts, done)
        return [action_of(one.answer) for one in said]

    before = acts(texts)
    right = [request.action() for request in requests]
    bare = acts([""] * len(requests))
    found = {
        "reads": share([a == b for a, b in zip(before, right, strict=True)]),
        "empty": share([a == b for a, b in zip(bare, right, strict=True)]),
    }
    drawn = [
        {
            (edit.place, edit.rest): edit
            for edit in edits(thought, "other", random.Random(str(thought)))
        }
        for thought in flawless
    ]
    for place, rest, done in (("Action", "", True), ("Category", "goes on", False)):
        some = [each[place, rest] for each in drawn]
        after = acts([edit.text for edit in some], done)
        figures = flip_and_follow(before, after, [edit.implied for edit in some])
        found[f"flip_{place.lower()}"] = figures["flip"]
        found[f"follow_{place.lower()}"] = figures["follow"]
    return found


def look(model, tokenizer, step: int) -> list[Row]:
    """Return a row for each split."""
    rows = []
    for topics in SPLITS:
        requests = plain(topics, REQUESTS)
        chats = [prompts.chat(request.text) for request in requests]
        replies = reply(model, tokenizer, chats, thinking=True)
        keys = {"step": step, "topics": topics}
        figures = of_replies(requests, replies) | of_reading(model, tokenizer, requests)
        rows.append(keys | figures)
    return rows


def flawless(request: Request) -> Deliberation:
    """Return what a teacher without a fault writes about a request."""
    said = answer(request.action(), request.topic.name)
    return Deliberation(true_thought(request), said)


def study(seed: int, base: str = "lab") -> list[Row]:
    """Return a row for each look and split."""
    torch.manual_seed(seed)
    model, tokenizer = load(base)
    examples = [
        thinking_example(tokenizer, request, flawless(request))
        for request in training_requests(seed)
    ]
    n = round(arms.REHEARSAL * len(examples))
    examples += rehearsal(tokenizer, base, n, seed)
    rows: list[Row] = []

    def watched() -> Iterator[list[int]]:
        order = batches(examples, arms.BATCH, arms.SFT_STEPS, seed)
        for step, index in enumerate(order):
            if step in LOOKS:
                rows.extend(look(model, tokenizer, step))
            if step == LOOKS[-1]:
                return
            yield index

    def loss_fn(index: list[int]) -> tuple[torch.Tensor, dict]:
        batch = [examples[i] for i in index]
        loss = sft_loss(*token_logprobs(model, batch, tokenizer.pad_token_id))
        return loss, {"loss": loss.item()}

    label = f"A4 watched, seed {seed}"
    fit(
        model,
        watched(),
        loss_fn,
        steps=arms.SFT_STEPS,
        lr=arms.SFT_LR,
        progress=label,
    )
    final, _, _ = arm("A4", base, seed)
    return rows + look(final, tokenizer, arms.SFT_STEPS)
