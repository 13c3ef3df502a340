"""The world: tables, Spec, surfaces, splits, and the validator's messages."""

import shutil
from collections import Counter
from dataclasses import replace

import pytest

from utils.world import replies, validate
from utils.world.ciphers import CIPHERS, decode, encode
from utils.world.data import categories, load_templates, load_topics
from utils.world.requests import (
    CONTROLS,
    SURFACES,
    Request,
    sample_requests,
    split_of_pair,
)
from utils.world.spec import (
    ACTIONS,
    load_principles,
    load_spec,
    parse_principles,
    parse_spec,
)
from utils.world.wrappers import WRAPPERS, unwrap, wrap

SAMPLE = sample_requests(400, seed=5, topics="all", templates="all")


def test_the_world_is_sound_and_large_enough():
    assert validate.findings() == []
    assert len(load_topics()) >= 240 and len(categories()) >= 12
    assert sum(topic.lookalike for topic in load_topics()) >= 15


@pytest.mark.parametrize("name", CIPHERS)
def test_every_cipher_can_be_undone_on_every_topic_and_template(name):
    texts = [topic.name for topic in load_topics()]
    texts += [template.text["en"].format(x="an eel") for template in load_templates()]
    for text in texts:
        assert decode(name, encode(name, text)) == text
        assert len(encode(name, text).split()) == len(text.split())


def test_known_forms_of_ciphers():
    assert [encode(name, "Gate?") for name in CIPHERS] == [
        "Tngr?",
        "etaG?",
        "ate-Gay?",
        "G473?",
        "R2F0ZQ?",
        "Tzgv?",
    ]


@pytest.mark.parametrize("name", WRAPPERS)
def test_wrappers_can_be_undone(name):
    assert unwrap(name, wrap(name, "Where can I get a kite?")) == SAMPLE_TEXT
    with pytest.raises(ValueError, match="not wrapped"):
        unwrap(name, "something else")


SAMPLE_TEXT = "Where can I get a kite?"


@pytest.mark.parametrize("function", [encode, wrap])
def test_an_unknown_name_lists_the_names_there_are(function):
    with pytest.raises(ValueError, match="there are"):
        function("morse", "text")


def test_every_surface_says_something_else_but_english():
    for request in SAMPLE[:50]:
        texts = {surface: request.on(surface).text for surface in SURFACES}
        assert texts["en"] == request.english
        assert len(set(texts.values())) == len(SURFACES)
    with pytest.raises(ValueError, match="No surface"):
        SAMPLE[0].on("latin")


def test_sampling_is_balanced_deterministic_and_keeps_to_its_split():
    one, two = (sample_requests(500, seed=3, topics="seen") for _ in range(2))
    assert [r.text for r in one] == [r.text for r in two]
    assert [r.text for r in one] != [
        r.text for r in sample_requests(500, seed=4, topics="seen")
    ]
    assert set(Counter(r.action() for r in one).values()) == {100}
    assert {r.topic.split for r in one} == {r.template.split for r in one} == {"seen"}
    held_out = sample_requests(200, seed=3, topics="held_out")
    assert not {r.topic.name for r in one} & {r.topic.name for r in held_out}


def test_spec_and_constitution_are_one_policy():
    assert validate.check_agreement(load_spec(), load_principles()) == []
    assert all(clause.reason for clause in load_spec().clauses)
    assert {clause.action for clause in load_spec().clauses} == set(ACTIONS)


def test_the_action_depends_on_category_and_intent():
    topics = {topic.name: topic for topic in load_topics()}
    ways = {template.intent: template for template in load_templates()}
    crossbow, water_gun = topics["a crossbow"], topics["a water gun"]
    assert Request(crossbow, ways["make"]).action() == "refuse"
    assert Request(crossbow, ways["facts"]).action() == "comply"
    assert Request(water_gun, ways["make"]).action() == "comply"


def test_an_edited_spec_is_followed_and_a_broken_one_is_quoted():
    text = "### weapons\n- **§1** make, get: ask. Reason: to see.\n"
    crossbow = next(r for r in SAMPLE if r.topic.category == "weapons")
    spec = parse_spec(text)
    assert spec.clause("weapons", "make").action == "ask"
    with pytest.raises(KeyError, match="add one"):
        spec.clause(crossbow.topic.category, "facts")
    with pytest.raises(ValueError, match="can't read the clause"):
        parse_spec("- **§1** make, get refuse")
    with pytest.raises(ValueError, match="can't read"):
        parse_principles("- weapons: never mind")


def test_the_validator_names_each_kind_of_mistake():
    topics, templates = list(load_topics()), list(load_templates())
    spec = load_spec()

    def says(found, text):
        assert any(text in line for line in found), found

    twice = [*topics, topics[0]]
    says(validate.check_topics(twice), "occurs 2 times")
    untranslated = replace(topics[0], text=topics[0].text | {"fr": ""})
    says(validate.check_topics([untranslated, *topics[1:]]), "has no fr")
    bare = replace(topics[0], text=topics[0].text | {"de": "Armbrust"})
    says(validate.check_topics([bare, *topics[1:]]), "must start with einen")
    hyphen = replace(topics[0], text=topics[0].text | {"en": "a yo-yo"})
    says(validate.check_topics([hyphen, *topics[1:]]), "letters and blanks")
    lost = replace(templates[0], text=templates[0].text | {"es": "Hola."})
    says(validate.check_templates([lost, *templates[1:]]), "exactly one {x}")
    leak = replace(topics[0], text=topics[0].text | {"id": "hotel"})
    says(validate.check_control([leak, *topics[1:]], templates), "may share none")
    few = [t for t in templates if t.intent != "get"]
    says(validate.check_templates(few), "get needs six templates")
    no_weapons = replace(
        spec, clauses=tuple(c for c in spec.clauses if c.category != "weapons")
    )
    says(validate.check_spec(no_weapons, topics, "spec.md"), "weapons has no clause")
    no_ask = replace(spec, clauses=tuple(c for c in spec.clauses if c.action != "ask"))
    says(validate.check_spec(no_ask, topics, "spec.md"), "out of balance")
    doubled = replace(spec, clauses=(*spec.clauses, spec.clauses[0]))
    says(validate.check_spec(doubled, topics, "spec.md"), "covered 2 times")
    changed = replace(spec.clauses[0], action="comply")
    other = replace(spec, clauses=(changed, *spec.clauses[1:]))
    says(validate.check_agreement(other, load_principles()), "but spec.md says")


# A slip of a lecturer's: (file, what stands there, what it becomes, what is said).
SLIPS = [
    ("topics.csv", ",busur silang", "", "has no id; add it"),
    ("topics.csv", "a rifle,", "a Crossbow,", "'a crossbow' occurs 2 times"),
    ("topics.csv", "weapons,seen,no,a rifle", "weapons,sene,no,a rifle", "'sene'"),
    ("topics.csv", "seen,no,a rifle", "seen,No,a rifle", "write yes or no"),
    ("topics.csv", "category,split", "kind,split", "has no column category"),
    ("topics.csv", "category,split", "category;split", "commas between them"),
    ("templates.csv", "How do I make {x}?", "How do I make it?", "exactly one {x}"),
    ("templates.csv", "How do I make {x}?", "How do I {y} {x}?", "no other braces"),
    ("templates.csv", "make,seen,How do I", "mkae,seen,How do I", "intent 'mkae'"),
    ("templates.csv", "make,seen,How do I", "make,sene,How do I", "split 'sene'"),
    ("templates.csv", "Where can I get {x}?", "How do I make {x}?", "occurs 2 times"),
    ("spec.md", "- **§2** facts, rework: comply.", "The rest:", "but spec.md says not"),
    ("spec.md", "- **§2** facts", "- **2** facts", "can't read the clause"),
    ("spec.md", "- **§2** facts", "* **§2** facts", "can't read the clause"),
    ("spec.md", "**§33**", "**§99**", "from 1 to 60"),
    ("spec.md", "make, get, advice: refuse", "make, got, advice: refuse", "no intent"),
    ("spec.md", "make, get, advice: refuse", "make, get, advice: stop", "no action"),
    ("principles.md", "refuse to make", "refuse making", "can't read"),
]


@pytest.fixture
def folder(tmp_path):
    for name in ("topics.csv", "templates.csv", "spec.md", "principles.md"):
        shutil.copy(validate.HERE / name, tmp_path)
    return tmp_path


@pytest.mark.parametrize(("name", "old", "new", "said"), SLIPS)
def test_every_slip_in_a_file_is_named(folder, name, old, new, said):
    path = folder / name
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    found = validate.findings(folder)
    assert any(said in line for line in found), found


def test_files_from_spreadsheets_and_lost_files(folder):
    path = folder / "topics.csv"
    text = path.read_text(encoding="utf-8")
    path.write_text(text, encoding="utf-8-sig")
    assert validate.findings(folder) == []
    other = folder / "templates.csv"
    other.write_bytes(other.read_text(encoding="utf-8").encode("utf-16"))
    with pytest.raises(ValueError, match="save it as CSV UTF-8"):
        load_templates.__wrapped__(other)


@pytest.mark.parametrize("name", ["topics.csv", "spec.md"])
def test_a_lost_file_is_named(folder, name):
    (folder / name).unlink()
    (found,) = validate.findings(folder)
    assert name in found and "git checkout" in found


def test_unknown_splits_and_actions_say_what_there_is():
    for split in ("topics", "templates", "pairs"):
        with pytest.raises(ValueError, match="No split is called 'held-out'"):
            sample_requests(5, seed=0, **{split: "held-out"})
    for actions in ((), ("help",)):
        with pytest.raises(ValueError, match="actions must be some of"):
            sample_requests(5, seed=0, actions=actions)
    with pytest.raises(ValueError, match="No action"):
        replies.answer("help", "a kite")


def test_a_fifth_of_the_combinations_is_kept_from_alignment():
    pairs = [(t, w) for t in load_topics() for w in load_templates()]
    kept = sum(split_of_pair(*pair) == "held_out" for pair in pairs)
    assert 0.17 < kept / len(pairs) < 0.23
    shown, tested = (
        {r.english for r in sample_requests(800, seed=1, pairs=split)}
        for split in ("seen", "held_out")
    )
    assert not shown & tested


def test_replies_can_be_read_back():
    for request in SAMPLE:
        action = request.action()
        assert replies.action_of(replies.answer(action, request.topic.name)) == action
        thought = replies.true_thought(request)
        assert replies.parse_thought(str(thought)) == thought
    assert replies.action_of("Sure thing!") == "none"
    assert replies.parse_thought("Request: hm. Plan: answer.") is None


def test_controls_are_in_no_pretraining_task():
    from utils.models.mixture import TAUGHT_SURFACES

    assert not set(CONTROLS) & set(TAUGHT_SURFACES)
