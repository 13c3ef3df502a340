"""Exercise of notebook 11, part 2: drawing principles."""

import random
from collections import Counter
from collections.abc import Sequence

from utils.teach.exercise import Exercise, Mistake, Mutant, Part, expect

NOTEBOOK = "11_ai_feedback"


def draw_principles(
    chapters: Sequence[Sequence], k: int, rng: random.Random
) -> list[list]:
    """k rules for each request, drawn evenly from its own chapter.

    chapters : n chapters, one for each request; a chapter is a sequence of rules
    k        : so many draws, each independent of the others: a rule may come twice
    rng      : the random numbers to use, so that a run can be repeated
    returns  : n lists of k rules
    """
    return [[rng.choice(chapter) for _ in range(k)] for chapter in chapters]


def _always_first(chapters, k, rng):
    return [[chapter[0]] * k for chapter in chapters]


def _same_draw_k_times(chapters, k, rng):
    return [[rng.choice(chapter)] * k for chapter in chapters]


def _same_place_for_all(chapters, k, rng):
    shares = [rng.random() for _ in range(k)]
    return [[c[int(share * len(c))] for share in shares] for c in chapters]


def _without_replacement(chapters, k, rng):
    return [rng.sample(list(c), min(k, len(c))) for c in chapters]


def _other_chapters(chapters, k, rng):
    pool = [rule for chapter in chapters for rule in chapter]
    return [[rng.choice(pool) for _ in range(k)] for _ in chapters]


def _global_numbers(chapters, k, rng):
    return [[random.choice(c) for _ in range(k)] for c in chapters]


def _own_seed(chapters, k, rng):
    return draw_principles(chapters, k, random.Random(0))


def _a_list_for_each_draw(chapters, k, rng):
    return [[rng.choice(chapter) for chapter in chapters] for _ in range(k)]


DRAW_MUTANTS = {
    "always first": Mutant(
        _always_first, "It is always the first rule of a chapter: draw one."
    ),
    "same draw": Mutant(
        _same_draw_k_times,
        "You drew once and repeated it. Draw anew for each of the k, or an ensemble "
        "has only one opinion.",
    ),
    "same place": Mutant(
        _same_place_for_all,
        "All requests got the rule at the same place. Draw for each request.",
    ),
    "without replacement": Mutant(
        _without_replacement,
        "You drew without replacement, so a short chapter gives fewer than k rules. "
        "Draw each time from the whole chapter.",
    ),
    "other chapters": Mutant(
        _other_chapters,
        "Rules of other chapters came up: each request draws from its own.",
    ),
    "global numbers": Mutant(
        _global_numbers,
        "The same rng did not give the same rules. Use rng.choice, not the module "
        "`random`.",
    ),
    "own seed": Mutant(
        _own_seed,
        "A second call gave the same rules again: use the rng that you were given, and "
        "don't make a new one.",
    ),
    "a list for each draw": Mutant(
        _a_list_for_each_draw,
        "These are k lists of n rules. Return n lists of k: one for each request.",
    ),
}
CHAPTERS = [("a1", "a2"), ("b1", "b2", "b3"), ("c1",), ("a1", "a2")]


def _draws_shape(fn) -> None:
    got = fn(CHAPTERS, 5, random.Random(1))
    expect(
        isinstance(got, list) and all(isinstance(row, list | tuple) for row in got),
        "Return a list of lists.",
    )
    sizes = [len(row) for row in got]
    expect(sizes != [4] * 5, DRAW_MUTANTS["a list for each draw"].message)
    if len(got) == 4 and sizes != [5] * 4 and max(sizes) <= 3:
        raise Mistake(DRAW_MUTANTS["without replacement"].message)
    expect(sizes == [5] * 4, f"Expected 4 lists of 5 rules, and got sizes {sizes}.")


def _own_chapter(fn) -> None:
    got = fn(CHAPTERS, 20, random.Random(2))
    _draws_shape(fn)
    own = all(set(row) <= set(c) for row, c in zip(got, CHAPTERS, strict=True))
    expect(own, DRAW_MUTANTS["other chapters"].message)


def _repeatable(fn) -> None:
    _draws_shape(fn)
    many = [CHAPTERS[1]] * 30
    rng = random.Random(3)
    first, second = fn(many, 8, rng), fn(many, 8, rng)
    again = fn(many, 8, random.Random(3))
    if all(rule == "b1" for row in first for rule in row):
        raise Mistake(DRAW_MUTANTS["always first"].message)
    expect(first == again, DRAW_MUTANTS["global numbers"].message)
    expect(first != second, DRAW_MUTANTS["own seed"].message)


def _independent(fn) -> None:
    """3 rules, 2 draws: all 9 combinations, each about as often as the others."""
    many = [CHAPTERS[1]] * 1800
    got = fn(many, 2, random.Random(4))
    expect(len(got) == 1800, DRAW_MUTANTS["a list for each draw"].message)
    count = Counter(tuple(row) for row in got)
    if len(count) == 1:
        long = fn(many[:1], 30, random.Random(4))[0]
        if set(long) == {"b1"}:
            raise Mistake(DRAW_MUTANTS["always first"].message)
        raise Mistake(DRAW_MUTANTS["same place"].message)
    if all(first == second for first, second in count):
        raise Mistake(DRAW_MUTANTS["same draw"].message)
    if all(first != second for first, second in count):
        raise Mistake(DRAW_MUTANTS["without replacement"].message)
    expect(
        len(count) == 9 and min(count.values()) > 140 and max(count.values()) < 260,
        "The rules do not come up equally often, independently of each other: "
        f"{dict(count)}.",
    )


EXERCISES = [
    Exercise(
        name="draw_principles",
        notebook=NOTEBOOK,
        reference=draw_principles,
        parts=[
            Part("n lists of k rules", _draws_shape),
            Part("each request draws from its own chapter", _own_chapter),
            Part("the given rng decides, so a run can be repeated", _repeatable),
            Part("evenly, and each draw independent of the others", _independent),
        ],
        mutants=DRAW_MUTANTS,
    ),
]
