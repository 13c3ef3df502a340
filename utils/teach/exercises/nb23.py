"""Exercises of notebook 23, part 1: the reward of a judge that is blind to thoughts."""

from collections.abc import Callable, Sequence

from utils.models.tokenizer import ANSWER, END
from utils.teach.exercise import Exercise, Mistake, Mutant, Part, expect, expect_close

NOTEBOOK = "23_rl_with_a_blind_judge"
Judge = Callable[[str, str, str], float]


def blind_reward(
    card: str, request: str, completions: Sequence[str], judge: Judge
) -> list[float]:
    """Rewards of a group of samples, from a judge that doesn't see the thoughts.

    card        : the Spec's clauses for this request
    request     : what the user asked
    completions : "thought<|answer|>answer<|end|>"; one that was cut off has no <|end|>,
                  and perhaps no <|answer|>
    judge       : judge(card, request, answer) says how well the answer fits, 0 to 1
    returns     : a reward for each completion; 0 for one that was cut off
    """
    rewards = []
    for text in completions:
        _, mark, rest = text.partition(ANSWER)
        answer, end, _ = rest.partition(END)
        finished = bool(mark and end)
        rewards.append(judge(card, request, answer.strip()) if finished else 0.0)
    return rewards


def _answer(text: str) -> str:
    return text.partition(ANSWER)[2].partition(END)[0].strip()


def _done(text: str) -> bool:
    return ANSWER in text and END in text


def _whole(card, request, completions, judge):
    texts = [t.replace(ANSWER, " ").replace(END, "").strip() for t in completions]
    return [
        judge(card, request, text) if _done(t) else 0.0
        for t, text in zip(completions, texts, strict=True)
    ]


def _thoughts(card, request, completions, judge):
    return [
        judge(card, request, t.partition(ANSWER)[0].strip()) if _done(t) else 0.0
        for t in completions
    ]


def _with_marks(card, request, completions, judge):
    return [
        judge(card, request, t.partition(ANSWER)[2].strip()) if _done(t) else 0.0
        for t in completions
    ]


def _unfinished(card, request, completions, judge):
    return [judge(card, request, _answer(t)) for t in completions]


def _no_end(card, request, completions, judge):
    return [
        judge(card, request, _answer(t)) if ANSWER in t else 0.0 for t in completions
    ]


def _no_mark(card, request, completions, judge):
    texts = [t.rpartition(ANSWER)[2].partition(END)[0].strip() for t in completions]
    return [
        judge(card, request, text) if END in t else 0.0
        for t, text in zip(completions, texts, strict=True)
    ]


def _blanks(card, request, completions, judge):
    texts = [t.partition(ANSWER)[2].partition(END)[0] for t in completions]
    return [
        judge(card, request, text) if _done(t) else 0.0
        for t, text in zip(completions, texts, strict=True)
    ]


def _request_judged(card, request, completions, judge):
    return [judge(card, request, request) if _done(t) else 0.0 for t in completions]


def _swapped(card, request, completions, judge):
    return [judge(request, card, _answer(t)) if _done(t) else 0.0 for t in completions]


def _no_card(card, request, completions, judge):
    return [judge("", request, _answer(t)) if _done(t) else 0.0 for t in completions]


def _rounded(card, request, completions, judge):
    return [float(r >= 0.5) for r in blind_reward(card, request, completions, judge)]


def _centred(card, request, completions, judge):
    rewards = blind_reward(card, request, completions, judge)
    return [r - sum(rewards) / len(rewards) for r in rewards]


def _punished(card, request, completions, judge):
    return [judge(card, request, _answer(t)) if _done(t) else -1.0 for t in completions]


def _dropped(card, request, completions, judge):
    return [judge(card, request, _answer(t)) for t in completions if _done(t)]


LEAK = "The thought reached the judge. Hand over what stands behind <|answer|>, alone."
MUTANTS = {
    "whole completion": Mutant(
        _whole,
        "The judge got the whole completion, thought and all. Then RL presses on the "
        "thoughts: hand over the answer alone.",
    ),
    "thoughts": Mutant(
        _thoughts, "The judge got the thought INSTEAD of the answer. Turn it round."
    ),
    "marks": Mutant(
        _with_marks, "The mark <|end|> reached the judge. Cut the answer off before it."
    ),
    "unfinished": Mutant(
        _unfinished,
        "A completion that never came to its answer is judged by an empty text. It "
        "earns 0, whatever the judge would say.",
    ),
    "no end": Mutant(
        _no_end,
        "A completion without <|end|> earns a reward. Then RL learns not to stop: "
        "give it 0.",
    ),
    "no mark": Mutant(
        _no_mark,
        "A completion that ends without <|answer|> has no answer, and its thought went "
        "to the judge. It earns 0: look for both marks.",
    ),
    "blanks": Mutant(
        _blanks,
        "A blank before the answer reached the judge. It never saw one there: strip "
        "blanks off the answer.",
    ),
    "request judged": Mutant(
        _request_judged,
        "The judge got the request in the place of the answer: every sample of a "
        "group earns the same.",
    ),
    "swapped": Mutant(
        _swapped, "Card and request are swapped: call judge(card, request, answer)."
    ),
    "no card": Mutant(
        _no_card, "The judge did not get the card. It can't know the Spec without it."
    ),
    "rounded": Mutant(
        _rounded,
        "You rounded the judge's number to 0 or 1. Keep it: in a group even a small "
        "difference counts.",
    ),
    "centred": Mutant(
        _centred,
        "You subtracted the group's mean. That is the advantage, which GRPO computes "
        "itself: return the rewards.",
    ),
    "punished": Mutant(
        _punished, "A completion that was cut off earns 0 here, not less than 0."
    ),
    "dropped": Mutant(
        _dropped,
        "Completions that were cut off are left out. Every sample of the group needs "
        "a reward, in its place.",
    ),
}

CARD, REQUEST = "weapons: make refuse §1, facts comply §2.", "How do I make a mortar?"
THOUGHT = f"Request: {REQUEST} Category: weapons. Clause: §1. Action: refuse."
ANSWERS = {"Sorry, no.": 0.875, "Sure, here it is.": 0.125, "Tell me more.": 0.375}
FINISHED = [f"{THOUGHT}{ANSWER} {answer}{END}" for answer in ANSWERS]
CUT = [
    f"{THOUGHT}{ANSWER}Sorry, no.",
    THOUGHT,
    f"{THOUGHT} Action: refuse.",
    f"{THOUGHT}{ANSWER}Sorry,",
    f"{THOUGHT}{END}",
]


class _Judge:
    """A judge that knows a few answers, and remembers what it was shown."""

    def __init__(self) -> None:
        self.seen: list[tuple] = []

    def __call__(self, card, request, answer) -> float:
        self.seen.append((card, request, answer))
        other = 0.25 if answer == answer.strip() else 0.3125
        return ANSWERS.get(answer, other if answer else 0.5)


def _known(completions: Sequence[str], answer) -> None:
    """Compare the rewards; name the mutant that gives the same."""
    want = blind_reward(CARD, REQUEST, completions, _Judge())
    got = answer(CARD, REQUEST, list(completions), _Judge())
    for mutant, message in MUTANTS.values():
        if list(got) != want and list(got) == mutant(
            CARD, REQUEST, completions, _Judge()
        ):
            raise Mistake(message)
    expect_close(got, want)


def _one_by_one(answer) -> None:
    for text in FINISHED:
        _sees(text, answer)
        _known([text, FINISHED[0]], answer)


def _sees(text: str, answer) -> None:
    """The judge must be shown card, request and answer, and no more."""
    judge = _Judge()
    answer(CARD, REQUEST, [text], judge)
    own = _answer(text)
    for mutant, message in MUTANTS.values():
        other = _Judge()
        mutant(CARD, REQUEST, [text], other)
        if judge.seen == other.seen and other.seen != [(CARD, REQUEST, own)]:
            raise Mistake(message)
    expect(bool(judge.seen), "The judge was not asked.")
    shown = " ".join(map(str, judge.seen[0]))
    expect("Category" not in shown, LEAK)
    expect(
        judge.seen == [(CARD, REQUEST, own)],
        "Show the judge card, request and answer, once for each completion.",
    )


def _group(answer) -> None:
    _known([FINISHED[1], FINISHED[0], FINISHED[2], FINISHED[0]], answer)


def _cut_off(answer) -> None:
    _known([CUT[0], FINISHED[0], CUT[1], FINISHED[1]], answer)
    _known([FINISHED[2], CUT[3], CUT[2]], answer)
    _known([FINISHED[1], CUT[4]], answer)


def _same_answer(answer) -> None:
    """The same answer after three thoughts: a blind judge pays the same."""
    minds = [THOUGHT, "Request: a cake. Action: comply.", "Hm."]
    texts = [f"{mind}{ANSWER}Sorry, no.{END}" for mind in minds]
    _known(texts, answer)
    got = answer(CARD, REQUEST, texts, _Judge())
    expect(len(set(got)) == 1, LEAK)


EXERCISES = [
    Exercise(
        name="blind_reward",
        notebook=NOTEBOOK,
        reference=blind_reward,
        parts=[
            Part("the judge sees card, request and answer, and no more", _one_by_one),
            Part("a group of finished samples", _group),
            Part("samples that were cut off earn 0", _cut_off, 2),
            Part("the same answer earns the same after any thought", _same_answer),
        ],
        mutants=MUTANTS,
    ),
]
