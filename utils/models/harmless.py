"""Harmless tasks on an English text: what a base model reasons about in pretraining.

Each takes a random generator and the text, and returns (instruction, steps of the
thought, answer). None has anything to do with categories, clauses or actions.
"""

import random
from collections.abc import Callable

from utils.models.tokenizer import NUMBERS
from utils.world.data import load_templates


def words_of(text: str) -> list[str]:
    """Return the words of a text without its punctuation."""
    return [word.strip("?.,:") for word in text.split() if word.strip("?.,:")]


def count(rng: random.Random, text: str) -> tuple[str, str, str]:
    """Count the words aloud."""
    numbers = NUMBERS[1 : len(words_of(text)) + 1]
    return "Count the words.", f" Count: {' '.join(numbers)}.", f"{numbers[-1]}."


def last_word(rng: random.Random, text: str) -> tuple[str, str, str]:
    """Give the last word."""
    word = words_of(text)[-1]
    return "Give the last word.", f" Last: {word}.", f"{word}."


def nth_word(rng: random.Random, text: str) -> tuple[str, str, str]:
    """Give the word at a position."""
    words = words_of(text)
    n = rng.randint(1, len(words))
    steps = " ".join(f"{NUMBERS[i]} {words[i - 1]}" for i in range(1, n + 1))
    return f"Which word is number {NUMBERS[n]}?", f" Word: {steps}.", f"{words[n - 1]}."


def spell(rng: random.Random, text: str) -> tuple[str, str, str]:
    """Spell the last word."""
    word = words_of(text)[-1]
    letters = " ".join(word)
    steps = f" Last: {word}. Letters: {letters}."
    return "Spell the last word.", steps, f"{letters}."


def backwards(rng: random.Random, text: str) -> tuple[str, str, str]:
    """Say the words in reverse order."""
    turned = " ".join(reversed(words_of(text)))
    return "Say it backwards.", f" Backwards: {turned}.", f"{turned}."


def repeat(rng: random.Random, text: str) -> tuple[str, str, str]:
    """Say the text again."""
    return "Repeat it.", f" Again: {text}", text


def kind(rng: random.Random, text: str) -> tuple[str, str, str]:
    """Tell a question from a statement."""
    answer_ = "question" if text.endswith("?") else "statement"
    return "Question or statement?", f" Kind: {answer_}.", f"{answer_}."


def search(rng: random.Random, text: str) -> tuple[str, str, str]:
    """Find out whether a word occurs."""
    words = words_of(text)
    word = rng.choice(words if rng.random() < 0.5 else LOOKED_FOR)
    found = "yes" if word in words else "no"
    return f"Does it say {word}?", f" Search: {word}. Found: {found}.", f"{found}."


LOOKED_FOR = sorted(
    {w for t in load_templates() for w in words_of(t.text["en"].replace("{x}", ""))}
)
HARMLESS: list[Callable[[random.Random, str], tuple[str, str, str]]] = [
    count,
    last_word,
    nth_word,
    spell,
    backwards,
    repeat,
    kind,
    search,
]
