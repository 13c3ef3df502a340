"""Exercise of notebook 42: a request with one thing changed."""

import random
from collections.abc import Callable
from dataclasses import replace

from utils.evaluate.auditing import probe_for, requests_about, typical_requests
from utils.teach.exercise import Exercise, Mutant, Part, expect
from utils.world.data import load_topics
from utils.world.requests import SURFACES, TAUGHT_LANGUAGES, Request

NOTEBOOK = "42_audit"
OTHER_CATEGORY = (
    "The probe's topic is of another category. Then the right action may change too, "
    "and a lost pair doesn't say which change it was."
)
OTHER_PHRASING = (
    "The phrasing changed along with the topic. Keep the template, so that one thing "
    "differs."
)
NEW_TWIN = (
    "A held-out look-alike changes two things at once: it is new, and it sounds like "
    "something else. For 'keyword' take seen look-alikes, for 'topics' held-out topics "
    "that are none."
)
FOREIGN = (
    "A cipher, or a language that the base was never taught, is another question. Draw "
    "from TAUGHT_LANGUAGES."
)
SAME_ACTION = (
    "The intent changed and the right action did not: a model that ignores the intent "
    "is right here, too. Choose an intent with another right action."
)
NEW_PHRASING = (
    "The new intent comes in a phrasing that is held out, so two things are new. For "
    "'intent' take seen templates."
)
OTHER_INTENT = (
    "A new phrasing should ask for the same thing: the intent has to stay the same."
)
OLD_PHRASING = "For 'opposite' the phrasing has to be a held-out one."
NOTHING_FITS = (
    "Where no probe fits, return None. The request itself, or any other, would be a "
    "pair in which nothing that matters has changed."
)
ONE_FOR_ALL = (
    "The same probe comes out whatever `rng` says. Draw with rng.choice, or a learner "
    "of your test would have to know one request only."
)
ONE_LANGUAGE = "All probes are in one language. Draw from all of TAUGHT_LANGUAGES."


def _controls(suspicion: str) -> list[Request]:
    """Return typical requests of several categories that have a probe."""
    rng = random.Random(42)
    found = []
    for requests in typical_requests().values():
        some = rng.sample(requests, 12)
        found += [r for r in some if probe_for(suspicion, r, rng) is not None][:3]
    return found


def _each(suspicion: str, judge: Callable[[Request, Request], None]):
    """Make a test: `judge(control, probe)` for several draws, then the spread."""

    def test(answer) -> None:
        kinds = set()
        for control in _controls(suspicion):
            drawn = [answer(suspicion, control, random.Random(s)) for s in range(12)]
            for probe in drawn:
                text = f"For {control.text!r} expected a Request, and got {probe!r}."
                expect(isinstance(probe, Request), text)
                judge(control, probe)
            kinds.add(len({probe.text for probe in drawn}))
        expect(max(kinds) > 1, ONE_FOR_ALL)

    return test


def _new_topic(control: Request, probe: Request, likes: bool) -> None:
    expect(probe.topic.category == control.topic.category, OTHER_CATEGORY)
    wanted = likes, "seen" if likes else "held_out"
    expect((probe.topic.lookalike, probe.topic.split) == wanted, NEW_TWIN)
    expect(probe.template == control.template, OTHER_PHRASING)
    _plain(probe)


def _plain(probe: Request) -> None:
    expect(probe.surface == "en" and not probe.wrapper, "Stay with plain English.")


def _look_alike(control: Request, probe: Request) -> None:
    _new_topic(control, probe, likes=True)


def _held_out(control: Request, probe: Request) -> None:
    _new_topic(control, probe, likes=False)


def _translated(control: Request, probe: Request) -> None:
    expect(probe.surface != "en", "The probe is still in English.")
    expect(probe.surface in TAUGHT_LANGUAGES, FOREIGN)
    expect(probe == control.on(probe.surface), "Only the language should change.")


def _all_languages(answer) -> None:
    _each("language", _translated)(answer)
    control = _controls("language")[0]
    seen = {answer("language", control, random.Random(s)).surface for s in range(40)}
    expect(seen == set(TAUGHT_LANGUAGES), ONE_LANGUAGE)


def _new_intent(control: Request, probe: Request) -> None:
    expect(probe.topic == control.topic, "The topic has to stay the same.")
    expect(probe.template.split == "seen", NEW_PHRASING)
    expect(probe.action() != control.action(), SAME_ACTION)
    _plain(probe)


def _rephrased(control: Request, probe: Request) -> None:
    expect(probe.topic == control.topic, "The topic has to stay the same.")
    expect(probe.intent == control.intent, OTHER_INTENT)
    expect(probe.template.split == "held_out", OLD_PHRASING)
    _plain(probe)


def _nothing_fits(answer) -> None:
    rng = random.Random(0)
    for suspicion, action in (("keyword", "refuse"), ("intent", "comply")):
        for control in rng.sample(typical_requests()[action], 6):
            if probe_for(suspicion, control, rng) is None:
                got = answer(suspicion, control, random.Random(1))
                expect(got is None, NOTHING_FITS)
    same = _controls("topics")[0]
    got = [answer("topics", same, random.Random(5)) for _ in range(2)]
    expect(got[0] == got[1] and got[0] is not None, "Draw with `rng`, nothing else.")


# Wrong answers ------------------------------------------------------------------------


def _instead(suspicions: str, wrong: Callable):
    """Return the reference with another answer for some suspicions."""

    def answer(suspicion, request, rng):
        if suspicion in suspicions.split():
            return wrong(suspicion, request, rng)
        return probe_for(suspicion, request, rng)

    return answer


def _any_category(suspicion, request, rng):
    likes = suspicion == "keyword"
    split = "seen" if likes else "held_out"
    found = [t for t in load_topics() if (t.lookalike, t.split) == (likes, split)]
    return Request(rng.choice(found), request.template)


def _any_phrasing(suspicion, request, rng):
    probe = probe_for(suspicion, request, rng)
    return probe and rng.choice(requests_about(probe.topic))


def _any_twin(suspicion, request, rng):
    found = [
        t for t in load_topics() if t.lookalike and t.category == request.topic.category
    ]
    return Request(rng.choice(found), request.template) if found else None


def _any_surface(suspicion, request, rng):
    return request.on(rng.choice(SURFACES[1:]))


def _any_intent(suspicion, request, rng):
    found = [
        r
        for r in requests_about(request.topic)
        if r.intent != request.intent and r.template.split == "seen"
    ]
    return rng.choice(found)


def _any_template(suspicion, request, rng):
    found = [r for r in requests_about(request.topic) if r.action() != request.action()]
    return rng.choice(found) if found else None


def _new_words(suspicion, request, rng):
    found = [r for r in requests_about(request.topic) if r.template.split != "seen"]
    return rng.choice(found)


def _other_words(suspicion, request, rng):
    same = [r for r in requests_about(request.topic) if r.intent == request.intent]
    return rng.choice(same)


def _itself(suspicion, request, rng):
    probe = probe_for(suspicion, request, rng)
    return replace(request) if probe is None else probe


MUTANTS = {
    "any category": Mutant(_instead("keyword topics", _any_category), OTHER_CATEGORY),
    "any phrasing": Mutant(_instead("keyword topics", _any_phrasing), OTHER_PHRASING),
    "any twin": Mutant(_instead("keyword", _any_twin), NEW_TWIN),
    "any surface": Mutant(_instead("language", _any_surface), FOREIGN),
    "Spanish": Mutant(
        _instead("language", lambda s, request, rng: request.on("es")), ONE_FOR_ALL
    ),
    "any intent": Mutant(_instead("intent", _any_intent), SAME_ACTION),
    "any template": Mutant(_instead("intent", _any_template), NEW_PHRASING),
    "new words": Mutant(_instead("opposite", _new_words), OTHER_INTENT),
    "other words": Mutant(_instead("opposite", _other_words), OLD_PHRASING),
    "itself": Mutant(_itself, NOTHING_FITS),
}

EXERCISES = [
    Exercise(
        name="probe_for",
        notebook=NOTEBOOK,
        reference=probe_for,
        parts=[
            Part("keyword: a look-alike", _each("keyword", _look_alike)),
            Part("topics: a held-out topic", _each("topics", _held_out)),
            Part("language: the same in Spanish, French or German", _all_languages),
            Part("intent: another right action", _each("intent", _new_intent)),
            Part("opposite: a new phrasing", _each("opposite", _rephrased)),
            Part("None where nothing fits; rng alone decides", _nothing_fits),
        ],
        mutants=MUTANTS,
    ),
]
