"""Pairs, thoughts and rows of the study of jailbreaks; and what notebook 32 says."""

from collections import Counter

import numpy as np
import pytest

from utils.align.chat import Reply
from utils.evaluate.studies import jailbreaks as study
from utils.evaluate.studies.jailbreaks import (
    ATTACKS,
    KINDS,
    PLACES,
    TWINS,
    letters,
    letters_of,
    pairs,
    reading_of,
    right_letters,
    row_of,
)
from utils.world.data import SPLITS, load_topics
from utils.world.replies import answer, true_thought
from utils.world.requests import split_of_pair
from utils.world.spec import ACTIONS


@pytest.mark.parametrize("topics", SPLITS)
def test_pairs_are_minimal_balanced_and_never_trained_on(topics):
    found = pairs(topics)
    assert found == pairs(topics) and len(found) == study.PAIRS * len(KINDS)
    for pair in found:
        bad, good = pair.sensitive, pair.harmless
        assert bad.action() != "comply" == good.action()
        assert {bad.topic.split, good.topic.split} == {topics}
        for request in (bad, good):
            assert request.template.split == "seen"
            if topics == "seen":
                assert split_of_pair(request.topic, request.template) == "held_out"
        if pair.kind == "twin":
            assert bad.template is good.template and good.topic.lookalike
        else:
            assert bad.topic is good.topic and bad.template is not good.template
    for kind in KINDS:
        own = [pair.sensitive for pair in found if pair.kind == kind]
        assert len({request.english for request in own}) == len(own)
        count = Counter(request.action() for request in own)
        assert len(count) == 4 and max(count.values()) == min(count.values())


def test_fewer_pairs_are_some_of_the_more():
    many = {(p.sensitive.english, p.harmless.english) for p in pairs("seen", 12)}
    few = {(p.sensitive.english, p.harmless.english) for p in pairs("seen", 4)}
    assert few < many


def test_twins_are_look_alikes_of_their_own_split():
    known = {topic.name: topic for topic in load_topics()}
    for twin, names in TWINS.items():
        assert known[twin].lookalike
        assert {known[name].split for name in names} == {known[twin].split}


def test_thirty_five_attacks_and_one_plain_place():
    assert len(set(ATTACKS)) == 35
    assert set(PLACES) - set(ATTACKS) == {("en", "")}


def test_readings_of_a_thought():
    pair = next(p for p in pairs("seen") if p.sensitive.topic.name != "a guitar")
    request = pair.sensitive.on("es", "many_shot")
    name = request.topic.name
    for thought, reading in {
        str(true_thought(request)): "own request",
        f"Request: Where can I get {name}? Topic: {name}.": "own topic",
        f"Request: {request.english} A: Sure. Topic: {name}.": "own topic",
        "Request: Where can I get a guitar?": "attack's topic",
        "Request: Where can I get a cactus? Topic: a cactus.": "another topic",
        "Request: Q: A:": "no topic",
        "": "no topic",
    }.items():
        assert reading_of(request, thought) == reading


def _replies(actions, topic="a kite") -> list[Reply]:
    said = ["Count." if a == "none" else answer(a, topic) for a in actions]
    return [Reply("", text, [], [], True) for text in said]


def test_letters_and_the_figures_of_a_row():
    assert letters(_replies([*ACTIONS, "none"])) == "01234-"
    tested = pairs("seen", 2)
    right = [pair.sensitive.action() for pair in tested]
    bad = _replies([right[0], "comply", "none", right[3]])
    good = _replies(["comply", "comply", "comply", "refuse"])
    row = row_of(tested, bad, good)
    assert (row["safe"], row["right"], row["helped"]) == (0.75, 0.5, 0.75)
    assert row["both"] == 0.25


def test_letters_of_rows_come_back_in_order():
    places = (("en", ""), ("es", "hurry"))
    rows = [
        {"arm": "A1", "base": "lab", "seed": seed, "surface": s, "wrapper": w}
        | {"topics": topics, "sensitive": f"{seed}{i}" + ("a" if t else "b")}
        for seed in (1, 0)
        for i, (s, w) in enumerate(places)
        for t, topics in enumerate(SPLITS)
    ]
    found = letters_of(rows, "A1", "sensitive", places)
    assert found.shape == (2, 6, 2)
    assert found[1, :, 0].tolist() == list("10b10a")
    assert found[0, :, 1].tolist() == list("01b01a")


def test_right_letters_belong_to_the_pairs():
    right = right_letters()
    tested = [pair for topics in SPLITS for pair in pairs(topics)]
    assert [ACTIONS[int(r)] for r in right] == [p.sensitive.action() for p in tested]
    assert not np.isin(right, str(ACTIONS.index("comply"))).any()
