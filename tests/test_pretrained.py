"""The arms on a pretrained chat model; the smallest lab model stands in for it."""

from random import Random

import pytest
import torch

from utils.align.adapter import with_adapter
from utils.evaluate import pretrained
from utils.evaluate.pretrained import QUICK, Size, everyday, habits, student
from utils.models.load import WEIGHTS, load
from utils.world.data import LANGUAGES, load_topics
from utils.world.replies import THOUGHT, action_of
from utils.world.spec import ACTIONS, load_spec

TINY = Size(habit=2, sft=2, pairs=1)
TOPICS = {"habit": everyday(), "words": load_topics()}
FOLDER = str(WEIGHTS / "lab_xxs")


@pytest.fixture(scope="module")
def tokenizer():
    return load("lab_xxs")[1]


@pytest.fixture
def taught(tmp_path, monkeypatch):
    """A cache of its own, in which the teacher's texts are a few made-up rows."""
    monkeypatch.setenv("DELIBERATE_CACHE", str(tmp_path))
    text, thought = "Where can I get a guitar?", "Request: Where can I get a guitar?"
    yes, no = (
        "Sure, here is help with a guitar.",
        "Sorry, I can not help with a guitar.",
    )
    rows = [
        {"kind": "deliberate", "text": text, "thought": thought, "answer": yes},
        {"kind": "revision", "text": text, "answer": yes},
        {"kind": "pair", "text": text, "better": yes, "worse": no, "p": 0.9},
    ]
    asked = []

    def teaching(seed: int, n: int) -> list[dict]:
        asked.append((seed, n))
        return [row for row in rows for _ in range(20)]

    monkeypatch.setattr(pretrained, "teaching", teaching)
    return asked


def texts(tokenizer, examples) -> list[tuple[str, str]]:
    return [
        (tokenizer.decode(e.prompt), tokenizer.decode(e.completion)) for e in examples
    ]


def test_a_habit_is_about_everyday_things_and_words_about_all(tokenizer):
    topics = everyday()
    assert {t.split for t in topics} == {"seen"}
    actions = {c.action for t in topics for c in load_spec().of(t.category)}
    assert actions == {"comply"} and len(topics) > 50
    foreign = {t.text["es"]: t for t in load_topics()}
    allowed = {t.text["es"] for t in topics}
    seen = {"habit": set(), "words": set()}
    for start, found in seen.items():
        for prompt, _ in texts(
            tokenizer, habits(tokenizer, TOPICS[start], 1500, Random(0))
        ):
            found |= {name for name in foreign if f" {name}" in prompt}
    dangerous = {name for name, t in foreign.items() if t not in topics}
    assert not {name for name in seen["habit"] & dangerous if name not in allowed}
    assert len(seen["words"] & dangerous) > 60


def test_no_start_shows_a_category_an_action_or_an_answer_of_the_spec(tokenizer):
    for start in ("habit", "words"):
        for _, completion in texts(
            tokenizer, habits(tokenizer, TOPICS[start], 600, Random(0))
        ):
            assert completion.startswith("Request: ")
            assert "Category:" not in completion and "Clause:" not in completion
            assert "Action:" not in completion
            assert action_of(completion.split("\nAnswer: ")[-1]) == "none"
            assert not any(f" {action} §" in completion for action in ACTIONS)


def test_a_start_restates_every_surface_but_the_controls(tokenizer):
    found = texts(tokenizer, habits(tokenizer, load_topics(), 800, Random(0)))
    spanish = [t.text["es"] for t in load_topics()]
    indonesian = {t.text["id"] for t in load_topics()}
    indonesian -= {t.text[s] for t in load_topics() for s in LANGUAGES if s != "id"}
    assert any(f" {name}" in prompt for prompt, _ in found for name in spanish)
    assert not [
        name
        for prompt, _ in found
        for name in indonesian
        if f" {name}" in prompt and len(name) > 9
    ]


@pytest.mark.parametrize("arm", pretrained.ARMS)
def test_an_arm_trains_its_adapter_once(taught, arm):
    model, _, notes = student(arm, "plain", 3, TINY, FOLDER)
    assert taught == [(3, TINY.requests)]
    fresh = with_adapter(load(FOLDER)[0], 3)
    pairs = zip(model.named_parameters(), fresh.named_parameters(), strict=True)
    moved = {name for (name, p), (_, q) in pairs if not torch.equal(p, q)}
    assert moved and all("lora_" in name for name in moved)
    again, _, same = student(arm, "plain", 3, TINY, FOLDER)
    assert taught == [(3, TINY.requests)], "the second time it comes from the cache"
    assert same == notes
    for one, two in zip(model.parameters(), again.parameters(), strict=True):
        assert torch.equal(one, two)


def test_an_arm_goes_on_from_its_start_which_serves_every_seed(taught, tmp_path):
    start, _, notes = student("none", "words", 0, TINY, FOLDER)
    other, _, same = student("none", "words", 1, TINY, FOLDER)
    assert notes == same and list(notes) == ["start"]
    for one, two in zip(start.parameters(), other.parameters(), strict=True):
        assert torch.equal(one, two)
    before = set(tmp_path.iterdir())
    student("answers", "words", 0, TINY, FOLDER)
    student("answers", "words", 1, TINY, FOLDER)
    assert len(set(tmp_path.iterdir()) - before) == 2


def test_the_teacher_writes_enough_for_the_longest_part():
    for size in (QUICK, pretrained.FULL):
        assert size.requests * 0.85 > size.sft * pretrained.BATCH
        assert size.requests * 0.6 > size.pairs * pretrained.BATCH


@pytest.mark.parametrize("which", [("A4", "plain"), ("answers", "everything")])
def test_an_unknown_arm_or_start_is_named(which):
    with pytest.raises(ValueError, match="arms are none, pairs, answers, deliberate"):
        student(*which)


def test_what_the_teacher_writes_has_all_its_parts(tmp_path, monkeypatch):
    monkeypatch.setenv("DELIBERATE_CACHE", str(tmp_path))
    rows = pretrained.teaching(0, 60)
    assert rows == pretrained.teaching(0, 60), "the second time it comes from the cache"
    kinds = {kind: [r for r in rows if r["kind"] == kind] for kind in
             ("deliberate", "revision", "pair")}  # fmt: skip
    assert len(kinds["revision"]) == 60
    assert 40 < len(kinds["deliberate"]) <= 60 and len(kinds["pair"]) > 30
    assert all(THOUGHT.fullmatch(row["thought"]) for row in kinds["deliberate"])
    assert all(0.5 <= row["p"] <= 1 for row in kinds["pair"])
    assert all(row["better"] != row["worse"] for row in kinds["pair"])


def test_what_is_kept_is_mixed_in_and_adds_as_many_steps(taught, monkeypatch):
    seen = []

    def imitate(model, tokenizer, examples, **options) -> dict:
        seen.append((len(examples), options["steps"]))
        return {}

    monkeypatch.setattr(pretrained, "imitate", imitate)
    size = Size(habit=3, sft=2, pairs=1)
    for start in ("words", "kept"):
        student("answers", start, 0, size, FOLDER)
    assert seen == [
        (24, 3),  # the start, once
        (16, 2),
        (16 + round(0.3 * 16), round(1.3 * 2)),
    ]
