"""Exercises of notebook 22, part 2: a training text and its loss mask."""

from itertools import pairwise

import torch
from torch import Tensor

from utils.teach.exercise import (
    Exercise,
    Mutant,
    Part,
    expect,
    expect_close,
)

NOTEBOOK = "22_learning_the_spec"

Pieces = dict[str, list[int]]


def build_example(pieces: Pieces) -> tuple[list[int], list[bool]]:
    """One training text of context distillation, and which of its tokens are learned.

    pieces  : token ids under "clauses" (what only the teacher has read), "prompt"
              (request and mode token), "thought", "mark" (<|answer|>), "answer" and
              "end". An empty thought means an example without one: then there is no
              mark either
    returns : (ids, mask) of equal length. ids: all that the student reads and writes.
              mask: True at each token that the student has to write itself
    """
    thought = [*pieces["thought"], *pieces["mark"]] if pieces["thought"] else []
    completion = [*thought, *pieces["answer"], *pieces["end"]]
    mask = [False] * len(pieces["prompt"]) + [True] * len(completion)
    return [*pieces["prompt"], *completion], mask


def _without(pieces: Pieces, *names: str) -> Pieces:
    return {**pieces, **{name: [] for name in names}}


def _build_clauses(pieces: Pieces):
    prompt = [*pieces["clauses"], *pieces["prompt"]]
    return build_example({**pieces, "prompt": prompt})


def _build_clauses_written(pieces: Pieces):
    thought = [*pieces["clauses"], *pieces["thought"]]
    return build_example({**pieces, "thought": thought})


def _build_all_learned(pieces: Pieces):
    ids, mask = build_example(pieces)
    return ids, [True] * len(mask)


def _build_answer_learned(pieces: Pieces):
    ids, mask = build_example(pieces)
    learned = len(pieces["answer"]) + len(pieces["end"])
    return ids, [False] * (len(mask) - learned) + [True] * learned


def _build_no_thought(pieces: Pieces):
    return build_example(_without(pieces, "thought"))


def _build_thought_read(pieces: Pieces):
    ids, mask = build_example(pieces)
    read = len(pieces["prompt"]) + len(pieces["thought"])
    return ids, [False] * read + mask[read:]


def _build_shifted(pieces: Pieces):
    ids, mask = build_example(pieces)
    return ids, [*mask[1:], False]


def _build_no_mark(pieces: Pieces):
    return build_example(_without(pieces, "mark"))


def _build_no_end(pieces: Pieces):
    return build_example(_without(pieces, "end"))


def _build_end_read(pieces: Pieces):
    ids, mask = build_example(pieces)
    read = len(ids) - len(pieces["end"])
    return ids, [*mask[:read], *[False] * len(pieces["end"])]


def _build_mark_read(pieces: Pieces):
    ids, mask = build_example(pieces)
    marks = pieces["mark"] if pieces["thought"] else []
    return ids, [m and i not in marks for i, m in zip(ids, mask, strict=True)]


def _build_inverted(pieces: Pieces):
    ids, mask = build_example(pieces)
    return ids, [not value for value in mask]


def _build_no_prompt(pieces: Pieces):
    return build_example(_without(pieces, "prompt"))


def _build_mark_first(pieces: Pieces):
    if not pieces["thought"]:
        return build_example(pieces)
    swapped = {**pieces, "thought": pieces["mark"], "mark": pieces["thought"]}
    return build_example(swapped)


def _build_always_mark(pieces: Pieces):
    answer_ = [*pieces["mark"], *pieces["answer"]]
    turned = pieces if pieces["thought"] else {**pieces, "answer": answer_}
    return build_example(turned)


def _build_answer_first(pieces: Pieces):
    swapped = {**pieces, "thought": pieces["answer"], "answer": pieces["thought"]}
    return build_example(swapped if pieces["thought"] else pieces)


BUILD_MUTANTS = {
    "clauses": Mutant(
        _build_clauses,
        "The clauses are still in the prompt: then the student learns to read them, "
        "not to know them. Leave them out.",
    ),
    "clauses written": Mutant(
        _build_clauses_written,
        "The clauses are in what the student writes. The thought quotes the one it "
        "needs; leave the others out.",
    ),
    "all learned": Mutant(
        _build_all_learned,
        "The prompt carries loss too. The user writes it, so the student need not "
        "learn to.",
    ),
    "answer learned": Mutant(
        _build_answer_learned,
        "Only the answer carries loss. The thought has to be learned as well: without "
        "the clauses nobody else will write it.",
    ),
    "no thought": Mutant(
        _build_no_thought,
        "The thought is missing. It's what carries the clause into the weights.",
    ),
    "thought read": Mutant(
        _build_thought_read,
        "The thought carries no loss: then the student reads it in training, and "
        "can't write one later.",
    ),
    "shifted": Mutant(
        _build_shifted,
        "Your mask is one place early: mark the tokens themselves, not the positions "
        "that predict them.",
    ),
    "no mark": Mutant(
        _build_no_mark,
        "The mark between thought and answer is missing: nobody could tell where the "
        "answer begins.",
    ),
    "end read": Mutant(
        _build_end_read,
        "The end token carries no loss: the student would never learn to stop.",
    ),
    "mark read": Mutant(
        _build_mark_read,
        "The mark carries no loss. The student has to write it, to end its thought.",
    ),
    "inverted": Mutant(
        _build_inverted,
        "The mask is the wrong way round: True is for what the student writes.",
    ),
    "no prompt": Mutant(
        _build_no_prompt,
        "The prompt is missing. The student has to read the request; it just doesn't "
        "learn to write it.",
    ),
    "mark first": Mutant(
        _build_mark_first,
        "The mark stands before the thought. It ends the thought: the answer comes "
        "right behind it.",
    ),
    "no end": Mutant(
        _build_no_end,
        "The end token is missing: the student would never learn to stop.",
    ),
    "always mark": Mutant(
        _build_always_mark,
        "Without a thought there is nothing to mark the end of: leave out the mark.",
    ),
    "answer first": Mutant(
        _build_answer_first,
        "The answer stands before the thought: then it is chosen before any thinking.",
    ),
}
PIECES: Pieces = {
    "clauses": [20, 21, 22, 23],
    "prompt": [1, 5, 6, 2],
    "thought": [7, 8, 9],
    "mark": [3],
    "answer": [10, 11],
    "end": [4],
}


def _pair_of(fn, pieces: Pieces) -> tuple[list[int], list[bool]]:
    got = fn({name: list(ids) for name, ids in pieces.items()})
    expect(
        isinstance(got, tuple | list) and len(got) == 2,
        "Return two lists: the token ids, and the mask.",
    )
    ids, mask = (part.tolist() if isinstance(part, Tensor) else part for part in got)
    expect(
        isinstance(ids, list) and isinstance(mask, list),
        "Both the ids and the mask should be lists.",
    )
    return ids, [bool(value) for value in mask]


def _name_mistake(ids: list[int], mask: list[bool], pieces: Pieces, pair: bool) -> None:
    """Raise if (ids, mask), or the ids alone, are not those of the reference."""
    want = build_example(pieces)
    if (ids, mask) == want or (not pair and ids == want[0]):
        return
    for mutant, message in BUILD_MUTANTS.values():
        wrong = mutant(pieces)
        if (ids, mask) == wrong or (not pair and ids == wrong[0] != want[0]):
            expect(False, message)
    expect(len(ids) == len(mask), "There should be one value in the mask for each id.")
    expect(False, f"Expected {want[0]} with the mask {[*map(int, want[1])]}.")


def _build_ids(fn) -> None:
    ids, mask = _pair_of(fn, PIECES)
    _name_mistake(ids, mask, PIECES, pair=False)


def _build_mask(fn) -> None:
    ids, mask = _pair_of(fn, PIECES)
    _name_mistake(ids, mask, PIECES, pair=True)


def _build_direct(fn) -> None:
    pieces = {**PIECES, "thought": []}
    ids, mask = _pair_of(fn, pieces)
    _name_mistake(ids, mask, pieces, pair=True)


def _build_loss(fn) -> None:
    """In a bigram model by hand: the loss is -log p(thought, answer | prompt)."""
    log_p = torch.randn(24, 24).log_softmax(-1)  # row: the token before

    def total(tokens: list[int], learned: list[bool]) -> float:
        return -sum(
            log_p[before, token].item()
            for (before, token), counts in zip(
                pairwise(tokens), learned[1:], strict=True
            )
            if counts
        )

    ids, mask = _pair_of(fn, PIECES)
    written = [2, 7, 8, 9, 3, 10, 11, 4]  # the prompt's last token, then the reply
    want = total(written, [True] * len(written))
    mistakes = [(m.message, total(*m.answer(PIECES))) for m in BUILD_MUTANTS.values()]
    expect(len(ids) == len(mask), "There should be one value in the mask for each id.")
    expect_close(total(ids, mask), want, mistakes)


EXERCISES = [
    Exercise(
        name="build_example",
        notebook=NOTEBOOK,
        reference=build_example,
        parts=[
            Part("the right tokens in the right order, no clauses", _build_ids),
            Part("loss on what the student writes, and nowhere else", _build_mask, 2),
            Part("the loss is -log p(thought, answer | prompt)", _build_loss),
            Part("an example without a thought", _build_direct),
        ],
        mutants=BUILD_MUTANTS,
    ),
]
