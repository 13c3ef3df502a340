"""Exercise of notebook 24, part 2: force a thought, and let the model go on."""

from collections.abc import Sequence

from utils.teach.exercise import Exercise, Mistake, Mutant, Part, expect

NOTEBOOK = "24_is_the_reasoning_real"


def force(
    prompt: list[int], thought: list[int], mark: int, done: bool
) -> tuple[list[int], int | None]:
    """The tokens that a model goes on from, and which token it must write first.

    prompt  : ids of the request, up to <|think|>
    thought : ids of the forced thought, perhaps empty
    mark    : id of <|answer|>, which closes a thought
    done    : True: the thought is complete, and the model has to answer now.
              False: it goes on thinking
    returns : (ids, end_after). end_after is the token without which the model may not
              end its text, or None if it may end whenever it likes
    """
    ids = [*prompt, *thought]
    return ([*ids, mark], None) if done else (ids, mark)


def _force_no_mark(prompt, thought, mark, done):
    return [*prompt, *thought], None if done else mark


def _force_always_mark(prompt, thought, mark, done):
    return [*prompt, *thought, mark], None if done else mark


def _force_locked(prompt, thought, mark, done):
    return force(prompt, thought, mark, done)[0], mark


def _force_unlocked(prompt, thought, mark, done):
    return force(prompt, thought, mark, done)[0], None


def _force_order(prompt, thought, mark, done):
    ids, wait = [*thought, *prompt], None if done else mark
    return ([*ids, mark], wait) if done else (ids, wait)


def _force_empty(prompt, thought, mark, done):
    return force(prompt, thought, mark, done and bool(thought))


def _force_in_place(prompt, thought, mark, done):
    prompt += thought
    if done:
        prompt.append(mark)
    return prompt, None if done else mark


def _force_turned(prompt, thought, mark, done):
    return force(prompt, thought, mark, not done)


FORCE_MUTANTS = {
    "no mark": Mutant(
        _force_no_mark,
        "With done=True the mark <|answer|> is missing: the model would go on "
        "thinking, and may take its first decision back.",
    ),
    "always mark": Mutant(
        _force_always_mark,
        "With done=False the thought was closed all the same: no mark then.",
    ),
    "locked": Mutant(
        _force_locked,
        "With done=True the mark stands in the prompt. The model won't write a second "
        "one, so with end_after=mark it could never end.",
    ),
    "unlocked": Mutant(
        _force_unlocked,
        "With done=False the model may stop in the middle of its thought. It must not "
        "end before it has written the mark.",
    ),
    "order": Mutant(_force_order, "The thought comes after the prompt."),
    "empty": Mutant(
        _force_empty,
        "An empty thought was left open. Prompt and mark alone: that is how to ask "
        "for an answer without any thought.",
    ),
    "in place": Mutant(
        _force_in_place,
        "You changed the prompt itself. The next edit of the same request would begin "
        "with this thought: build a new list.",
    ),
    "turned": Mutant(
        _force_turned, "It is turned round: done=True is the one with the mark."
    ),
}
PROMPT, OLD, MARK, END = [3, 11, 12, 5], [20, 21, 22], 6, 7


def _write(start: Sequence[int], end_after: int | None, most: int = 12) -> list[int]:
    """A toy model: it writes thought tokens 20 to 24 in turn, the mark, 40, the end.

    As in `generate`, the end is banned until `end_after` has been written. It tires of
    thinking after 21 if it may.
    """
    text, wrote = list(start), []
    while len(wrote) < most and (not wrote or wrote[-1] != END):
        last = text[-1]
        free = end_after is None or end_after in wrote
        if last == 40:
            token = END if free else 41
        elif last == MARK:
            token = 40
        elif last == 21 and free:
            token = END
        elif last == 24:
            token = MARK
        else:
            token = last + 1 if 20 <= last < 24 or last == 41 else 20
        text.append(token)
        wrote.append(token)
    return wrote


def _force_case(thought: list[int], done: bool):
    def test(fn) -> None:
        got = fn(list(PROMPT), list(thought), MARK, done)
        want = force(list(PROMPT), list(thought), MARK, done)
        expect(isinstance(got, tuple) and len(got) == 2, "Return (ids, end_after).")
        if (list(got[0]), got[1]) == want:
            return
        for mutant, message in FORCE_MUTANTS.values():
            if (list(got[0]), got[1]) == mutant(
                list(PROMPT), list(thought), MARK, done
            ):
                raise Mistake(message)
        raise Mistake("", f"Expected {want}, and got {got}.")

    return test


def _force_goes_on(fn) -> None:
    """A toy model that goes on: each of its replies ends, with one answer in it."""
    for thought in ([], [20], [20, 21]):
        _force_case(thought, False)(fn)
        wrote = _write(*fn(list(PROMPT), thought, MARK, False))
        expect(wrote[-3:] == [MARK, 40, END], FORCE_MUTANTS["unlocked"].message)


def _force_answers(fn) -> None:
    for thought in ([], [20], [20, 21, 22]):
        _force_case(thought, True)(fn)
        wrote = _write(*fn(list(PROMPT), thought, MARK, True))
        expect(wrote == [40, END], FORCE_MUTANTS["locked"].message)


def _force_leaves_prompt(fn) -> None:
    prompt = list(PROMPT)
    fn(prompt, list(OLD), MARK, True)
    expect(prompt == PROMPT, FORCE_MUTANTS["in place"].message)
    _force_case(OLD, True)(fn)


EXERCISES = [
    Exercise(
        name="force",
        notebook=NOTEBOOK,
        reference=force,
        parts=[
            Part("a thought that the model goes on with", _force_goes_on),
            Part("a thought that is complete, or empty", _force_answers, 2),
            Part("the prompt is left as it was", _force_leaves_prompt),
        ],
        mutants=FORCE_MUTANTS,
    ),
]
