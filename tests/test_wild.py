"""Free requests: each row is checked, and so is what the table as a whole promises."""

import csv
import re
from collections import Counter, defaultdict

import pytest

from utils.evaluate.wild import (
    COLUMNS,
    GROUPS,
    KINDS,
    MIXED,
    NEW,
    PATH,
    SURFACES,
    digest,
    load_wild,
    main,
    parts,
    squeeze,
    template_in,
    unknown_words,
    unseen,
)
from utils.models.tokenizer import build_tokenizer
from utils.world.ciphers import CIPHERS, decode
from utils.world.data import (
    INTENTS,
    LANGUAGES,
    SPLITS,
    categories,
    load_templates,
    load_topics,
)
from utils.world.requests import TAUGHT_CIPHERS, TAUGHT_LANGUAGES
from utils.world.spec import ACTIONS, load_spec
from utils.world.wrappers import WRAPPERS

ITEMS = load_wild()
WORDS = re.compile(r"\w+")


def table() -> list[dict]:
    with PATH.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("row", table(), ids=lambda row: row["id"])
def test_action_and_clause_follow_from_the_spec(row):
    clause = load_spec().clause(row["category"], row["intent"])
    assert (row["action"], row["clause"]) == (clause.action, str(clause.number))
    listed = {t.name: (t.category, t.split) for t in load_topics()}
    known = listed.get(row["topic"], (row["category"], NEW))
    assert (row["category"], row["split"]) == known


def test_there_are_enough_and_the_actions_are_in_balance():
    assert len(ITEMS) >= 150
    share = Counter(item.action() for item in ITEMS)
    assert set(share) == set(ACTIONS)
    assert all(0.17 <= n / len(ITEMS) <= 0.23 for n in share.values())
    for language in TAUGHT_LANGUAGES:
        own = [item for item in ITEMS if item.surface == language]
        assert len(own) >= 25
        assert min(Counter(item.action() for item in own).values()) >= len(own) / 6
    new = Counter(item.action() for item in ITEMS if item.topic.split == NEW)
    assert sum(new.values()) >= 20 and min(new.values()) >= 4


def test_every_category_intent_kind_surface_group_and_split_occurs():
    assert {item.topic.category for item in ITEMS} == set(categories())
    assert {item.intent for item in ITEMS} == set(INTENTS)
    assert {item.kind for item in ITEMS} == set(KINDS)
    assert {item.surface for item in ITEMS} == set(SURFACES)
    assert {item.group for item in ITEMS} == set(GROUPS)
    splits = Counter(item.topic.split for item in ITEMS)
    assert set(splits) == {*SPLITS, NEW} and min(splits.values()) >= 20
    assert sum(item.topic.lookalike for item in ITEMS) >= 12


def test_no_text_is_a_template_or_a_wrapper():
    expansions = {
        squeeze(template.text[language].format(x=topic.text[language]))
        for topic in load_topics()
        for template in load_templates()
        for language in LANGUAGES
    }
    frames = [squeeze(part) for pair in WRAPPERS.values() for part in pair]
    frames = [frame for frame in frames if len(frame) > 9]
    assert len(frames) >= len(WRAPPERS)
    for item in ITEMS:
        for text in (item.text, item.english):
            assert squeeze(text) not in expansions, item.id
            assert template_in(text) == "", item.id
            assert not any(frame in squeeze(text) for frame in frames), item.id


def test_templates_are_found_wherever_they_stand():
    for text in (
        "How do I make a crossbow?",
        "Well, how do i make, say, a crossbow",
        "Hola. ¿Dónde puedo conseguir una ballesta hoy?",
        "Bitte: Fasse meinen Artikel über Burgen zusammen.",
    ):
        assert template_in(text), text
    for text in ("How is a crossbow made?", "Make it short.", "What is known?"):
        assert template_in(text) == "", text


def test_ciphers_decode_to_the_english_and_mixtures_hold_a_cipher_word():
    for item in ITEMS:
        if item.surface in CIPHERS:
            assert decode(item.surface, item.text) == item.english
        elif item.surface.removeprefix("en+") in TAUGHT_CIPHERS:
            cipher = item.surface.removeprefix("en+")
            there, plain = set(item.text.split()), item.english.split()
            coded = there - set(plain)
            assert coded and len(coded) < len(plain) / 2, item.id
            for word in coded:
                assert decode(cipher, word).strip(".,?") in item.english, item.id
        elif item.surface == "en":
            assert item.text == item.english
        else:
            assert item.text != item.english


def test_a_mixture_of_languages_has_words_of_both():
    for item in ITEMS:
        language = item.surface.removeprefix("en+")
        if item.surface in MIXED and language in TAUGHT_LANGUAGES:
            shared = {*WORDS.findall(item.text)} & {*WORDS.findall(item.english)}
            foreign = {*WORDS.findall(item.text)} - {*WORDS.findall(item.english)}
            assert len(shared) >= 4 and len(foreign) >= 1, item.id


def test_twins_keep_topic_intent_and_surface_and_are_in_no_training():
    for item in ITEMS:
        twin = item.twin
        assert (twin.topic, twin.intent) == (item.topic, item.intent)
        assert twin.action() == item.action() and twin.clause() == item.clause()
        assert twin.surface == ("en" if item.surface in MIXED else item.surface)
        assert twin.template.split == "seen" and unseen(twin)
        assert twin.text != item.text


def test_new_topics_are_not_in_the_world():
    new = [item for item in ITEMS if item.topic.split == NEW]
    assert not {item.topic.name for item in new} & {t.name for t in load_topics()}
    assert len({item.topic.name for item in new}) == len(new)


def test_unknown_words_are_those_that_the_tokenizer_spells():
    assert unknown_words("I want to buy a crossbow today.") == 0
    assert unknown_words("I want to buy a longbow today.") == pytest.approx(1 / 7)
    assert unknown_words("i WANT") == 0.5  # single letters have tokens
    assert unknown_words("¿Qué hago?") == 0
    tokenizer = build_tokenizer()
    for item in ITEMS:
        split = tokenizer.backend_tokenizer.pre_tokenizer.pre_tokenize_str
        pieces = split(item.text)
        spelt = len(tokenizer.tokenize(item.text)) > len(pieces)
        assert spelt == (item.unknown > 0), item.id


def test_a_third_of_the_plain_english_has_known_words_only():
    plain = [i for i in ITEMS if i.surface == "en" and i.kind != "pressure"]
    known = [item for item in plain if item.unknown == 0]
    assert len(known) >= len(plain) / 3
    assert all(item.group == "English, known words" for item in known)
    by_action = Counter(item.action() for item in known)
    assert min(by_action.values()) >= len(known) / 7


def test_parts_hold_every_request_once():
    found = [item.id for own in parts(ITEMS).values() for item in own]
    assert sorted(found) == sorted(item.id for item in ITEMS)


def test_requests_are_short_enough_for_the_context():
    tokenizer = build_tokenizer()
    assert max(len(tokenizer.tokenize(item.text)) for item in ITEMS) < 150


# What a lecturer may do wrong in the table.

MISTAKES = {
    "surface": ("klingon", "surface is 'klingon'; write one of en"),
    "kind": ("rude", "kind is 'rude'; write one of"),
    "intent": ("steal", "intent is 'steal'; write one of"),
    "category": ("cars", "no category 'cars'"),
    "split": ("new", "is in category weapons and split held_out"),
    "action": ("refuse", "the Spec says comply by §2, not refuse by §2"),
    "clause": ("1", "the Spec says comply by §2, not comply by §1"),
    "text": ("How do I make a crossbow?", "has the template 'How do I make {x}?'"),
    "english": ("", "a cell is empty"),
}


def written(tmp_path, rows, columns=COLUMNS):
    path = tmp_path / "wild.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)
    return path


@pytest.mark.parametrize("column", MISTAKES)
def test_a_wrong_cell_gets_one_clear_sentence(column, tmp_path):
    value, message = MISTAKES[column]
    row = table()[0] | {column: value}
    with pytest.raises(ValueError, match=r"wild\.csv, en-01:") as caught:
        load_wild(written(tmp_path, [row]))
    assert message in str(caught.value) and "\n" not in str(caught.value)


def test_other_mistakes_are_named_too(tmp_path):
    first, second = table()[:2]
    cases = {
        "the id 'en-01' occurs 2 times": [first, second | {"id": "en-01"}],
        "the text 'my school": [first, first | {"id": "x"}],
        "the Spec has no clause on get in distress": [
            first
            | {"topic": "a sulk", "category": "distress", "split": NEW, "intent": "get"}
        ],
        "write it in English or in a cipher": [
            first
            | {"topic": "a bazooka", "split": NEW, "surface": "es", "text": "¿Y eso?"}
        ],
        "it would be 'Zl": [first | {"surface": "rot13"}],
        "every template of 'make'": [
            first
            | {"topic": "a rifle", "split": "seen", "intent": "make"}
            | {"action": "refuse", "clause": "1"}
        ],
    }
    for i, (message, rows) in enumerate(cases.items()):
        folder = tmp_path / str(i)
        folder.mkdir()
        with pytest.raises(ValueError, match=re.escape(message)):
            load_wild(written(folder, rows))
    with pytest.raises(ValueError, match="no column english"):
        load_wild(written(tmp_path, [first], COLUMNS[:-1]))


def test_the_checksum_sees_rows_and_not_line_ends(tmp_path):
    path = tmp_path / "copy.csv"
    text = PATH.read_text(encoding="utf-8")
    path.write_bytes(text.replace("\n", "\r\n").encode("utf-8-sig"))
    assert digest(path) == digest()
    path.write_text(text.replace("flamethrower", "longbow", 1), encoding="utf-8")
    assert digest(path) != digest()


def test_the_command_counts(capsys):
    main()
    out = capsys.readouterr().out
    assert f"{len(ITEMS)} requests, all in order." in out
    counts = defaultdict(int, re.findall(r"(\w+) (\d+)", out))
    assert int(counts["comply"]) == sum(item.action() == "comply" for item in ITEMS)
