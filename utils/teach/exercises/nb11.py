"""Exercise of notebook 11, part 1: a round of critique and revision."""

from collections.abc import Callable, Sequence

from utils.teach.exercise import Exercise, Mistake, Mutant, Part, expect
from utils.world import prompts

NOTEBOOK = "11_ai_feedback"
Ask = Callable[[list[prompts.Messages]], list[str]]


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
]
