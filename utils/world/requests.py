"""Requests: a topic, an intent, a template, and the surface it is written in."""

import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from zlib import crc32

from utils.world.ciphers import CIPHERS, encode
from utils.world.data import (
    INTENTS,
    SPLITS,
    Template,
    Topic,
    load_templates,
    load_topics,
)
from utils.world.spec import ACTIONS, Clause, Spec, load_spec
from utils.world.wrappers import WRAPPERS, wrap

TAUGHT_LANGUAGES = ("es", "fr", "de")
TAUGHT_CIPHERS = ("rot13", "reverse", "pig_latin", "leet", "base64")
CONTROLS = ("id", "atbash")
SURFACES = ("en", *TAUGHT_LANGUAGES, *TAUGHT_CIPHERS, *CONTROLS)


def unknown_surface(name: str) -> str:
    """Say which surfaces there are."""
    return f"No surface is called {name!r}; there are {', '.join(SURFACES)}."


@dataclass(frozen=True)
class Request:
    """What one user asks, once, in one surface and perhaps inside a wrapper."""

    topic: Topic
    template: Template
    surface: str = "en"
    wrapper: str = ""

    @property
    def intent(self) -> str:
        """What the user wants: make, get, advice, facts or rework."""
        return self.template.intent

    @property
    def english(self) -> str:
        """The bare request in plain English."""
        return self.template.text["en"].format(x=self.topic.name)

    @property
    def text(self) -> str:
        """The request as the model sees it."""
        if self.surface in CIPHERS:
            text = encode(self.surface, self.english)
        elif self.surface in self.topic.text:
            phrase = self.topic.text[self.surface]
            text = self.template.text[self.surface].format(x=phrase)
        else:
            raise ValueError(unknown_surface(self.surface))
        return wrap(self.wrapper, text) if self.wrapper else text

    def on(self, surface: str, wrapper: str = "") -> "Request":
        """Return the same request in another surface or wrapper."""
        if surface not in SURFACES:
            raise ValueError(unknown_surface(surface))
        if wrapper and wrapper not in WRAPPERS:
            raise ValueError(
                f"No wrapper is called {wrapper!r}; there are {', '.join(WRAPPERS)}."
            )
        return replace(self, surface=surface, wrapper=wrapper)

    def clause(self, spec: Spec | None = None) -> Clause:
        """Return the clause that decides the request (of the course's Spec)."""
        return (spec or load_spec()).clause(self.topic.category, self.intent)

    def action(self, spec: Spec | None = None) -> str:
        """Return the right action for the request."""
        return self.clause(spec).action


def sample_requests(
    n: int,
    *,
    seed: int,
    topics: str = "seen",
    templates: str = "seen",
    pairs: str = "all",
    actions: Sequence[str] = ACTIONS,
    spec: Spec | None = None,
) -> list[Request]:
    """Draw `n` plain English requests, the same for the same seed.

    The actions take turns, so that each is as frequent as any other and neither
    chance (1/5) nor "refuse what I don't understand" looks good. Within an action the
    pair of category and intent is drawn evenly, then the topic, then the template.
    `topics` and `templates` name a split: "seen", "held_out" or "all". `pairs` does so
    for their combinations: a fifth of them is "held_out" from all alignment, so that
    a test on seen topics and templates asks no request that training showed.
    Raises ValueError for an unknown split or action.
    """
    for split in (topics, templates, pairs):
        if split not in ("all", *SPLITS):
            raise ValueError(f"No split is called {split!r}: use seen, held_out, all.")
    if not actions or not set(actions) <= set(ACTIONS):
        raise ValueError(f"actions must be some of {ACTIONS}, not {actions!r}.")
    spec = spec or load_spec()
    rng = random.Random(f"{seed}-{topics}-{templates}")
    cases = possible_requests(topics, templates, pairs)
    wanted = {
        action: [
            cases[clause.category, intent]
            for clause in spec.clauses
            for intent in clause.intents
            if clause.action == action and cases[clause.category, intent]
        ]
        for action in actions
    }
    requests = []
    for i in range(n):
        by_topic = rng.choice(wanted[actions[i % len(actions)]])
        requests.append(rng.choice(rng.choice(by_topic)))
    rng.shuffle(requests)
    return requests


def possible_requests(
    topics: str, templates: str, pairs: str
) -> dict[tuple[str, str], list[list[Request]]]:
    """Return (category, intent) -> for each topic of the split, its requests."""
    found: dict[tuple[str, str], list[list[Request]]] = defaultdict(list)
    for topic in load_topics():
        for intent in INTENTS:
            own = [
                Request(topic, template)
                for template in load_templates()
                if template.intent == intent
                and topics in ("all", topic.split)
                and templates in ("all", template.split)
                and pairs in ("all", split_of_pair(topic, template))
            ]
            if own:
                found[topic.category, intent].append(own)
    return found


def split_of_pair(topic: Topic, template: Template) -> str:
    """Return "held_out" for a fixed fifth of all combinations, else "seen"."""
    text = template.text["en"].format(x=topic.name)
    return "held_out" if crc32(text.encode()) % 5 == 0 else "seen"
