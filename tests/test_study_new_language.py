"""Languages that no training showed; and what notebook 31 says of them."""

import re
from collections import Counter

import numpy as np
import pytest

from utils.evaluate.outcomes import hierarchical_interval
from utils.evaluate.studies import new_language as study
from utils.evaluate.studies.new_language import (
    RELATIVES,
    TEMPLATES,
    TOPICS,
    asked,
    column,
    conditions,
    known_words,
    shared_with,
    written,
)
from utils.evaluate.study import load_rows
from utils.world.data import load_templates, load_topics

THINKERS, DIRECT = ("A4", "A5"), ("A1", "A2")


@pytest.fixture(scope="module")
def rows() -> list[dict]:
    return load_rows("new_language")


def test_the_tables_translate_what_is_in_the_world():
    topics = {topic.name: topic.split for topic in load_topics()}
    templates = {t.text["en"]: t.intent for t in load_templates()}
    assert all(topics[name] == "held_out" for name in TOPICS)
    assert set(Counter(templates[form] for form in TEMPLATES).values()) == {2}
    for language in RELATIVES:
        forms = column(TEMPLATES, language)
        assert all(form.count("{x}") == 1 for form in forms.values())
        for texts in (forms, column(TOPICS, language)):
            assert len(set(texts.values())) == len(texts)


def test_requests_are_balanced_and_no_two_texts_are_the_same():
    requests = asked()
    counts = Counter(request.action() for request in requests)
    assert set(counts.values()) == {study.EACH} and len(counts) == 5
    for pair in conditions():
        texts = {written(request, *pair) for request in requests}
        assert len(texts) == len(requests)


def test_a_request_is_written_by_halves():
    request = next(r for r in asked() if r.topic.name == "a forged passport")
    phrase = column(TOPICS, "Italian")["a forged passport"]
    assert phrase in written(request, "es", "Italian")
    assert request.topic.text["es"] in written(request, "Italian", "es")
    assert written(request, "es", "es") == request.on("es").text


def test_taught_words_are_known_and_others_are_not():
    for request in asked():
        for language in ("en", "es", "de"):
            assert all(known_words(written(request, language, language)))
        assert not any(known_words(written(request, "id", "id")))
    assert known_words("un passaporto falso.") == [True, False, True]
    assert shared_with("Un passaporto falso.")["es"] == pytest.approx(2 / 3)


# The results.


def grid(rows, arm: str, pair: tuple[str, str], field: str = "hits") -> np.ndarray:
    """Return (seeds, requests) of a field that has one mark a request."""
    return np.array(
        [
            [int(mark) for mark in row[field]]
            for row in rows
            if (row["arm"], row["template"], row["topics"]) == (arm, *pair)
        ]
    )


def mean(rows, arm: str, pair: tuple[str, str], field: str = "hits") -> float:
    return float(grid(rows, arm, pair, field).mean())


def test_everything_was_measured_and_adds_up(rows):
    seeds = {row["seed"] for row in rows}
    assert len(seeds) >= 3
    assert len(rows) == len(seeds) * len(study.NAMES) * len(conditions())
    right = [study.ACTIONS.index(request.action()) for request in asked()]
    for row in rows:
        hits = [g == str(r) for g, r in zip(row["given"], right, strict=True)]
        assert row["hits"] == study.marks(hits)
        assert row["accuracy"] == pytest.approx(np.mean(hits), abs=1e-3)
        assert bool(row["topic"]) == (row["arm"] in THINKERS)


def test_taught_languages_are_read_by_the_thinkers_alone(rows):
    for language in ("es", "de"):
        for arm in THINKERS:
            assert mean(rows, arm, (language, language)) > 0.9
        for arm in DIRECT:
            assert mean(rows, arm, (language, language)) < 0.6


def test_relatives_are_as_foreign_as_the_control(rows):
    for arm in study.NAMES:
        control = grid(rows, arm, ("id", "id"))
        for language in RELATIVES:
            own = grid(rows, arm, (language, language))
            assert hierarchical_interval(own)[1] < 0.2  # not above chance
            assert hierarchical_interval(own - control)[1] < 0  # nor above it


def test_the_thought_names_the_half_that_is_taught(rows):
    for arm in THINKERS:
        for new, near in RELATIVES.items():
            topic_taught, template_taught = (new, near), (near, new)
            for field, more, less in (
                ("topic", topic_taught, template_taught),
                ("intent", template_taught, topic_taught),
            ):
                assert mean(rows, arm, more, field) > mean(rows, arm, less, field) + 0.1
                assert mean(rows, arm, more, field) > 0.25
            whole = mean(rows, arm, (new, new))
            for half in (topic_taught, template_taught):
                assert whole < mean(rows, arm, half) < 0.6


def test_of_foreign_phrases_those_of_known_tokens_are_named(rows):
    named = {True: [], False: []}
    for new, near in RELATIVES.items():
        marks = grid(rows, "A4", (near, new), "topic").mean(axis=0)
        for english, phrase in column(TOPICS, new).items():
            bare = re.split(r"[ ']", phrase, maxsplit=1)[1]
            own = [marks[i] for i, r in enumerate(asked()) if r.topic.name == english]
            named[all(known_words(bare))].append(np.mean(own))
    assert np.mean(named[True]) > 0.6 and np.mean(named[False]) < 0.1
    assert len(named[True]) >= 5


def test_new_ciphers_of_known_pieces_are_read_by_the_thinkers(rows):
    for cipher in study.NEW_CIPHERS:
        for arm in study.NAMES:
            low = hierarchical_interval(grid(rows, arm, (cipher, cipher)))[1]
            read = cipher != "atbash" and arm in THINKERS
            assert (low > 0.3) == read, (cipher, arm, low)
            assert low < 0.2 or read
        restated = mean(rows, "A4", (cipher, cipher), "restated")
        assert restated > 0.8 if cipher != "atbash" else restated < 0.05


def test_new_ciphers_change_words_as_they_say():
    word = "crossbow"
    assert sorted(study.halves(word)) == sorted(study.by_alphabet(word)) == sorted(word)
    assert study.halves("gun") == "ung" and study.by_alphabet("Gun") == "Gnu"
    assert study.mixed_rot13("gun") == "ghn"
