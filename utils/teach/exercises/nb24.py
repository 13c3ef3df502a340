"""Exercises of notebook 24, part 1: edit a thought, and let the model go on."""

from collections.abc import Sequence

from utils.teach.exercise import Exercise, Mistake, Mutant, Part, expect

NOTEBOOK = "24_is_the_reasoning_real"
STEPS = ("Request", "Topic", "Category", "Intent", "Clause", "Action")
THOUGHT = (
    "Request: Tell me about a pipe bomb. Topic: a pipe bomb. Category: weapons. "
    "Intent: facts. Clause: §2 weapons facts rework comply. Action: comply."
)
NARROW = (
    "Request: How do I make a nerve gas? Topic: a nerve gas. Category: weapons. "
    "Intent: make. Clause: §1 weapons make get advice refuse. Action: refuse."
)

# edit_step --------------------------------------------------------------------------


def edit_step(thought: str, step: str, new: str, keep_rest: bool) -> str:
    """Let one step of a thought say something else.

    thought   : "Request: ... Topic: ... Category: ... Intent: ... Clause: ...
                Action: ...", the steps in this order
    step      : one of these six names
    new       : what it says now, with its own full stop: "weapons."
    keep_rest : True: the later steps stay as they are.
                False: the text ends with `new`, with no blank behind it
    returns   : the edited text; ValueError if the thought lacks the step
    """
    steps = _split(thought)
    if step not in steps:
        raise ValueError(f"The thought has no step {step!r}.")
    kept = STEPS if keep_rest else STEPS[: STEPS.index(step) + 1]
    steps[step] = new
    return " ".join(f"{name}: {steps[name]}" for name in kept if name in steps)


def _split(thought: str) -> dict[str, str]:
    """What each step of a thought says."""
    found, rest = {}, thought
    for name in reversed(STEPS):
        before, mark, text = rest.rpartition(f"{name}: ")
        if mark:
            found[name], rest = text.strip(), before.strip()
    return {name: found[name] for name in STEPS if name in found}


def _needs(thought: str, step: str) -> dict[str, str]:
    steps = _split(thought)
    if step not in steps:
        raise ValueError(step)
    return steps


def _shortened(text: str, step: str, keep_rest: bool) -> str:
    if keep_rest or step == STEPS[-1]:
        return text
    later = STEPS[STEPS.index(step) + 1]
    return text[: text.index(f" {later}: ")]


def _edit_first(thought: str, step: str, new: str, keep_rest: bool) -> str:
    old = _needs(thought, step)[step]
    return _shortened(thought.replace(old, new, 1), step, keep_rest)


def _edit_all(thought: str, step: str, new: str, keep_rest: bool) -> str:
    old = _needs(thought, step)[step].rstrip(".")
    return _shortened(thought.replace(old, new.rstrip(".")), step, keep_rest)


def _edit_leaks(thought: str, step: str, new: str, keep_rest: bool) -> str:
    return edit_step(thought, step, new, True)


def _edit_cuts(thought: str, step: str, new: str, keep_rest: bool) -> str:
    return edit_step(thought, step, new, False)


def _edit_nameless(thought: str, step: str, new: str, keep_rest: bool) -> str:
    return edit_step(thought, step, new, keep_rest).replace(f"{step}: {new}", new)


def _edit_one_more(thought: str, step: str, new: str, keep_rest: bool) -> str:
    """Leave out the later step's name, or the step behind it."""
    text = edit_step(thought, step, new, keep_rest)
    if step == STEPS[-1]:
        return text
    return text.replace(f" {STEPS[STEPS.index(step) + 1]}: ", " ")


def _edit_stop(thought: str, step: str, new: str, keep_rest: bool) -> str:
    return edit_step(thought, step, new + ".", keep_rest)


def _edit_blank(thought: str, step: str, new: str, keep_rest: bool) -> str:
    text = edit_step(thought, step, new, keep_rest)
    return text if keep_rest else text + " "


def _edit_silent(thought: str, step: str, new: str, keep_rest: bool) -> str:
    try:
        return edit_step(thought, step, new, keep_rest)
    except ValueError:
        return thought


EDIT_MUTANTS = {
    "first": Mutant(
        _edit_first,
        "You replaced the first place where the old words stand. They stand in an "
        "earlier step as well: find the step by its name.",
    ),
    "all": Mutant(
        _edit_all,
        "You replaced the old words everywhere. Then several steps change at once, "
        "and you don't know which of them did it.",
    ),
    "leaks": Mutant(
        _edit_leaks,
        "With keep_rest=False the later steps are still there. They hold the old "
        "decision, and the model would only copy it.",
    ),
    "cuts": Mutant(
        _edit_cuts, "With keep_rest=True the later steps have to stay as they are."
    ),
    "nameless": Mutant(
        _edit_nameless, "The name of the edited step is gone: keep 'Category: '."
    ),
    "one more": Mutant(
        _edit_one_more, "The name of the next step is gone: change one step alone."
    ),
    "stop": Mutant(_edit_stop, "There are two full stops: `new` brings its own along."),
    "blank": Mutant(
        _edit_blank,
        "A blank is left at the end. The model would go on from another token than "
        "in training: end right behind `new`.",
    ),
    "silent": Mutant(
        _edit_silent,
        "A step that the thought lacks was passed over in silence. Raise a "
        "ValueError, or an edit that did nothing counts as one without effect.",
    ),
}


def _same_text(fn, *case) -> None:
    """Compare with the reference; the first mutant that equals it names the mistake."""
    got, want = fn(*case), edit_step(*case)
    if got == want:
        return
    expect(isinstance(got, str), f"Return the edited text, not {type(got).__name__}.")
    for mutant, message in EDIT_MUTANTS.values():
        if got == mutant(*case):
            raise Mistake(message)
    raise Mistake("", f"Expected {want!r}, and got {got!r}.")


def _edit_case(*cases):
    def test(fn) -> None:
        for case in cases:
            _same_text(fn, *case)

    return test


def _edit_every_step(fn) -> None:
    for thought in (THOUGHT, NARROW):
        for step in STEPS:
            for keep in (True, False):
                _same_text(fn, thought, step, "something new.", keep)


def _edit_itself(fn) -> None:
    """Replacing a step by itself is the plainest sham: the text stays as it was."""
    for thought in (THOUGHT, NARROW):
        for step, own in _split(thought).items():
            _same_text(fn, thought, step, own, True)


def _edit_missing(fn) -> None:
    short = "Request: Tell me about a pipe bomb. Plan: answer."
    try:
        fn(short, "Clause", "§1 weapons make get advice refuse.", False)
    except ValueError:
        _same_text(fn, short, "Request", "Good day.", False)
        return
    raise Mistake(EDIT_MUTANTS["silent"].message)


# force ------------------------------------------------------------------------------


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
        name="edit_step",
        notebook=NOTEBOOK,
        reference=edit_step,
        parts=[
            Part(
                "the action word alone, not the one in the clause",
                _edit_case((NARROW, "Action", "comply.", True)),
            ),
            Part(
                "a topic that the request names in the same words",
                _edit_case((THOUGHT, "Topic", "a bath bomb.", True)),
            ),
            Part("any step, and the rest goes or stays", _edit_every_step),
            Part("a step replaced by itself changes nothing", _edit_itself),
            Part("a thought that lacks the step is refused", _edit_missing),
        ],
        mutants=EDIT_MUTANTS,
    ),
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
