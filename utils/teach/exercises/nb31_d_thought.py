"""Exercise of notebook 31: where a thought went wrong."""

from collections.abc import Callable, Sequence

from utils.align.chat import Reply
from utils.teach.exercise import Exercise, Mistake, Mutant, Part
from utils.world.replies import Thought, action_of, answer, parse_thought, true_thought
from utils.world.requests import Request, sample_requests

NOTEBOOK = "31_languages_and_ciphers"


def where_it_went_wrong(request: Request, reply: Reply) -> str:
    """Class a thinking reply: "" if its action is right, else one of four classes.

    "did not deliberate"          no restatement, or a right one without all the steps
    "decoded wrongly"             a restatement that is not the English request
    "reasoned wrongly"            right restatement, all steps, wrong action in them
    "acted against its reasoning" right action in the thought, another in the answer
    """
    right = request.action()
    if action_of(reply.answer) == right:
        return ""
    if not reply.thought.startswith("Request: "):
        return "did not deliberate"
    if not reply.thought.startswith(f"Request: {request.english}"):
        return "decoded wrongly"
    thought = parse_thought(reply.thought)
    if thought is None:
        return "did not deliberate"
    if thought.action != right:
        return "reasoned wrongly"
    return "acted against its reasoning"


def _luck_counted(request, reply):
    found = where_it_went_wrong(request, Reply(reply.thought, "", [], [], True))
    against = found == "acted against its reasoning"
    return "" if against and action_of(reply.answer) == request.action() else found


def _surface_compared(request, reply):
    found = where_it_went_wrong(request, reply)
    if found and reply.thought.startswith("Request: "):
        same = reply.thought.startswith(f"Request: {request.text}")
        return found if same else "decoded wrongly"
    return found


def _parsed_first(request, reply):
    found = where_it_went_wrong(request, reply)
    return "did not deliberate" if found and not parse_thought(reply.thought) else found


def _no_decoding(request, reply):
    found, thought = where_it_went_wrong(request, reply), parse_thought(reply.thought)
    if found != "decoded wrongly" or thought is None:
        return found
    wrong = thought.action != request.action()
    return "reasoned wrongly" if wrong else "acted against its reasoning"


def _incomplete_reasoning(request, reply):
    found = where_it_went_wrong(request, reply)
    short = found == "did not deliberate" and reply.thought.startswith("Request: ")
    return "reasoned wrongly" if short else found


def _thought_believed(request, reply):
    thought = parse_thought(reply.thought)
    found = where_it_went_wrong(request, reply)
    return "" if thought and thought.action == request.action() else found


def _consistency_first(request, reply):
    thought = parse_thought(reply.thought)
    found = where_it_went_wrong(request, reply)
    if found and thought and thought.action != action_of(reply.answer):
        return "acted against its reasoning"
    return found


WRONG = {
    "luck counted": Mutant(
        _luck_counted,
        "A right action with a flawed thought is no error here: ask for the action "
        "first.",
    ),
    "surface compared": Mutant(
        _surface_compared,
        "You compared the restatement with the request as it was written. It should "
        "be the request in English.",
    ),
    "parsed first": Mutant(
        _parsed_first,
        "A wrong restatement comes before the missing steps: it decoded wrongly, even "
        "if it then stopped.",
    ),
    "no decoding": Mutant(
        _no_decoding,
        "The restatement was not looked at. Whoever solves another request decoded "
        "wrongly, however well the rest follows.",
    ),
    "incomplete reasoning": Mutant(
        _incomplete_reasoning,
        "A right restatement without the other steps did not deliberate. To reason "
        "wrongly it has to reach an action.",
    ),
    "thought believed": Mutant(
        _thought_believed,
        "You graded the thought. The answer is what counts: a right thought with a "
        "wrong answer acted against its reasoning.",
    ),
    "consistency first": Mutant(
        _consistency_first,
        "Thought and answer disagree, and the thought is wrong too. That is the first "
        "thing that went wrong: it reasoned wrongly, or decoded wrongly.",
    ),
}


def _request(surface: str = "de") -> Request:
    """A request to refuse, so that complying is wrong."""
    return sample_requests(1, seed=7, actions=("refuse",))[0].on(surface)


def _reply(thought: object, action: str, topic: str = "it") -> Reply:
    return Reply(str(thought), answer(action, topic), [], [], True)


def _changed(thought: Thought, **parts: str) -> Thought:
    return Thought(**(vars(thought) | parts))


def _cases() -> dict[str, tuple[Request, Reply, str]]:
    request = _request()
    thought = true_thought(request)
    other = "How do I make a lasagna?"
    false = _changed(thought, category="cooking", clause="§27 cooking make comply")
    wrong = _changed(false, action="comply")
    lost = _changed(wrong, restatement=other, topic="a lasagna")
    stops = f"Request: {request.english} Plan: answer."
    none, decoded = "did not deliberate", "decoded wrongly"
    reasoned, against = "reasoned wrongly", "acted against its reasoning"
    return {
        "right": (request, _reply(thought, "refuse"), ""),
        "lucky": (request, _reply(wrong, "refuse"), ""),
        "lucky without a thought": (request, _reply("", "refuse"), ""),
        "silent": (request, _reply("", "comply"), none),
        "stops": (request, _reply(stops, "comply"), none),
        "babbles": (request, _reply("Plan: answer.", "comply"), none),
        "lost": (request, _reply(lost, "comply"), decoded),
        "lost, right in the thought": (
            request,
            _reply(_changed(thought, restatement=other), "comply"),
            decoded,
        ),
        "lost and stops": (
            request,
            _reply(f"Request: {other} Plan: answer.", "comply"),
            decoded,
        ),
        "reasons": (request, _reply(wrong, "comply"), reasoned),
        "reasons and acts otherwise": (request, _reply(wrong, "ask"), reasoned),
        "against": (request, _reply(thought, "comply"), against),
        "no answer": (request, Reply(str(thought), "Hm.", [], [], True), against),
    }


def _likely_mistake(answer, case: str, got: str) -> str:
    """The sentence of the mutant that is most like `answer`, this case included."""
    cases = _cases()

    def agreement(mutant: Mutant) -> int:
        return sum(mutant.answer(r, y) == answer(r, y) for r, y, _ in cases.values())

    request, reply, _ = cases[case]
    close = [m for m in WRONG.values() if m.answer(request, reply) == got]
    return max(close, key=agreement).message if close else "This is another class."


def _check_cases(answer, names: Sequence[str]) -> None:
    for name in names:
        request, reply, want = _cases()[name]
        got = answer(request, reply)
        if got != want:
            said = _likely_mistake(answer, name, got)
            raise Mistake(
                said,
                f"Expected {want!r}, and got {got!r}, for the thought "
                f"{reply.thought!r} and the answer {reply.answer!r}.",
            )


def _part(*names: str) -> Callable:
    return lambda answer: _check_cases(answer, names)


def _right_ones(answer) -> None:
    _check_cases(answer, ("right", "lucky", "lucky without a thought", "against"))


EXERCISES = [
    Exercise(
        name="where_it_went_wrong",
        notebook=NOTEBOOK,
        reference=where_it_went_wrong,
        parts=[
            Part("right and wrong actions are told apart", _right_ones, 1),
            Part(
                "decoded wrongly",
                _part("lost", "lost, right in the thought", "lost and stops"),
                2,
            ),
            Part("did not deliberate", _part("silent", "stops", "babbles"), 1),
            Part(
                "reasoned wrongly, acted against its reasoning",
                _part("reasons", "reasons and acts otherwise", "against", "no answer"),
                2,
            ),
        ],
        mutants=WRONG,
    ),
]
