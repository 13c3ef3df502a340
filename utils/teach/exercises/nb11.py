"""Exercises of notebook 11, part 1: critique and revision, and drawing principles."""

import random
from collections import Counter
from collections.abc import Callable, Sequence

from utils.teach.exercise import Exercise, Mistake, Mutant, Part, expect
from utils.world import prompts

NOTEBOOK = "11_ai_feedback"
Ask = Callable[[list[prompts.Messages]], list[str]]

# critique_round ---------------------------------------------------------------------


def critique_round(
    ask: Ask, cards: Sequence[str], texts: Sequence[str], answers: Sequence[str]
) -> tuple[list[str], list[str]]:
    """One round of SL-CAI: criticize every answer, then revise every answer.

    ask     : takes a list of chats and returns a list with one reply for each
    cards   : n principles as texts; each goes into the system message
    texts   : n requests
    answers : n answers that are to be improved
    returns : (critiques, revised answers), n each

        critique  system  "Critique. CARD"
                  user    "Request: TEXT Answer: ANSWER"
        revision  system  "Revise. CARD"
                  user    "Request: TEXT Answer: ANSWER Critique: CRITIQUE"
    """
    return _round(ask, cards, texts, answers)


def _chat(word: str, card: str, text: str, answer: str, remark: str = ""):
    user = f"Request: {text} Answer: {answer}" if text else f"Answer: {answer}"
    if remark:
        user += f" Critique: {remark}"
    return prompts.chat(user, f"{word}. {card}" if card else f"{word}.")


def _round(
    ask: Ask,
    cards: Sequence[str],
    texts: Sequence[str],
    answers: Sequence[str],
    word: str = "Revise",
    leave_out: str = "",
) -> tuple[list[str], list[str]]:
    """The round itself; `leave_out` names what a wrong answer forgets."""
    cases = list(zip(cards, texts, answers, strict=True))
    critiques = ask(
        [
            _chat(
                "Critique",
                "" if leave_out == "critique's card" else card,
                "" if leave_out == "request" else text,
                answer,
            )
            for card, text, answer in cases
        ]
    )
    remarks = [""] * len(cases) if leave_out == "remark" else critiques
    revised = ask(
        [
            _chat(word, "" if leave_out == "revision's card" else card, text, *two)
            for (card, text, answer), remark in zip(cases, remarks, strict=True)
            for two in [("", remark) if leave_out == "answer" else (answer, remark)]
        ]
    )
    return critiques, revised


def _forgetful(what: str):
    def answer(ask, cards, texts, answers):
        return _round(ask, cards, texts, answers, leave_out=what)

    return answer


def _critique_twice(ask, cards, texts, answers):
    return _round(ask, cards, texts, answers, word="Critique")


def _first_remark_for_all(ask, cards, texts, answers):
    chats = [_chat("Critique", *case) for case in zip(cards, texts, answers)]  # noqa: B905
    critiques = ask(chats)
    cases = zip(cards, texts, answers, strict=True)
    return critiques, ask([_chat("Revise", *case, critiques[0]) for case in cases])


def _round_turned(ask, cards, texts, answers):
    critiques, revised = _round(ask, cards, texts, answers)
    return revised, critiques


def _unrevised(ask, cards, texts, answers):
    critiques, _ = _round(ask, cards, texts, answers)
    return critiques, list(answers)


def _one_at_a_time(ask, cards, texts, answers):
    said = [
        _round(ask, [card], [text], [answer])
        for card, text, answer in zip(cards, texts, answers, strict=True)
    ]
    return [c[0] for c, _ in said], [r[0] for _, r in said]


ROUND_MUTANTS = {
    "no critique": Mutant(
        _forgetful("remark"),
        "The revision does not see the critique. Put it behind the answer, after "
        "'Critique:'.",
    ),
    "no card in critique": Mutant(
        _forgetful("critique's card"),
        "The critic has no principle to criticize by: the card belongs in its system "
        "message.",
    ),
    "no card in revision": Mutant(
        _forgetful("revision's card"),
        "The revision has lost the principle: the card belongs in its system message.",
    ),
    "no request": Mutant(
        _forgetful("request"),
        "The critic sees an answer without the request. Whether an answer is good "
        "depends on what was asked.",
    ),
    "no answer": Mutant(
        _forgetful("answer"),
        "The revision does not see the answer that it has to revise.",
    ),
    "critique twice": Mutant(
        _critique_twice,
        "The second question still asks for a critique: its system message starts with "
        "'Revise.'",
    ),
    "first critique": Mutant(
        _first_remark_for_all,
        "Every revision got the critique of the first answer. Each has its own.",
    ),
    "turned round": Mutant(
        _round_turned, "You returned the revisions first. The critiques come first."
    ),
    "unrevised": Mutant(
        _unrevised, "You returned the old answers in place of the revised ones."
    ),
    "one at a time": Mutant(
        _one_at_a_time,
        "You asked for each answer alone. Hand all chats to `ask` at once: a batch "
        "takes a fraction of the time.",
    ),
}
CARDS = ["law: get ask §3.", "games: make comply §7.", "fraud: make refuse §9."]
TEXTS = ["Where do I get a will?", "Make me a maze.", "Write a chain letter."]
ANSWERS = ["Sure, a will.", "Sorry, no maze.", "Sure, a letter."]


class Recorder:
    """An `ask` that keeps the chats it gets, and replies with their number."""

    def __init__(self) -> None:
        self.calls: list[list[prompts.Messages]] = []

    def __call__(self, chats: list[prompts.Messages]) -> list[str]:
        """Keep the chats; reply "note 0.", "note 1." first, then "new 0.", "new 1."."""
        self.calls.append([*chats])
        asked = sum(map(len, self.calls[:-1]))
        word = "note" if asked < len(CARDS) else "new"
        return [f"{word} {(asked + i) % len(CARDS)}." for i in range(len(chats))]


def _recorded(fn) -> tuple[Recorder, object]:
    recorder = Recorder()
    said = fn(recorder, [*CARDS], [*TEXTS], [*ANSWERS])
    return recorder, said


def _known_round(calls: list, said: object) -> str:
    """The sentence for a mistake whose chats or replies are just these."""
    for mutant, message in ROUND_MUTANTS.values():
        other, returned = _recorded(mutant)
        if other.calls == calls and returned == said:
            return message
    return ""


def _expect_chats(fn, which: int, wanted: list[prompts.Messages]) -> None:
    recorder, said = _recorded(fn)
    asked = [chat for call in recorder.calls for chat in call]
    n = len(CARDS)
    known = _known_round(recorder.calls, said)
    got = asked[which * n : (which + 1) * n]
    if got != wanted:
        numbers = f"Expected {wanted[0]}, and got {got[0]}." if got else ""
        raise Mistake(
            known or ("" if got else "There were too few questions."), numbers
        )


def _critic_sees(fn) -> None:
    chats = [*map(prompts.critique, CARDS, TEXTS, ANSWERS)]
    _expect_chats(fn, 0, chats)


def _reviser_sees(fn) -> None:
    remarks = [f"note {i}." for i in range(len(CARDS))]
    _expect_chats(fn, 1, [*map(prompts.revise, CARDS, TEXTS, ANSWERS, remarks)])


def _round_returns(fn) -> None:
    recorder, said = _recorded(fn)
    n = len(CARDS)
    want = [f"note {i}." for i in range(n)], [f"new {i}." for i in range(n)]
    known = _known_round(recorder.calls, said)
    expect(
        isinstance(said, tuple | list) and len(said) == 2,
        "Return two lists: the critiques, and the revised answers.",
    )
    got = tuple([*part] for part in said)
    expect(got == want, known or f"Expected {want}, and got {got}.")


def _two_batches(fn) -> None:
    recorder, said = _recorded(fn)
    sizes = [len(call) for call in recorder.calls]
    known = _known_round(recorder.calls, said)
    wanted = [len(CARDS)] * 2
    expect(sizes == wanted, known or f"`ask` got {sizes} chats; expected {wanted}.")


# draw_principles --------------------------------------------------------------------


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
        name="critique_round",
        notebook=NOTEBOOK,
        reference=critique_round,
        parts=[
            Part("the critic sees principle, request and answer", _critic_sees),
            Part("the reviser sees all that and the critique", _reviser_sees, 2),
            Part("critiques and revisions come back, in this order", _round_returns),
            Part("two calls of `ask`, each with all the chats", _two_batches),
        ],
        mutants=ROUND_MUTANTS,
    ),
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
