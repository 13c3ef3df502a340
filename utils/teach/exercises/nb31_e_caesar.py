"""Exercise of notebook 31: a new cipher."""

import re
from collections.abc import Callable
from string import ascii_lowercase, ascii_uppercase

from utils.teach.exercise import Exercise, Mutant, Part, expect, outcomes
from utils.world.ciphers import WORD, rot13

NOTEBOOK = "31_languages_and_ciphers"


def caesar(word: str, k: int) -> str:
    """Move every letter of the English alphabet k places on, and keep its case.

    word    : str; anything but a-z and A-Z stays as it is
    k       : int, may be negative; caesar(caesar(word, k), -k) is the word again
    returns : str of the same length
    """
    k %= 26
    return word.translate(
        str.maketrans(
            ascii_lowercase + ascii_uppercase,
            ascii_lowercase[k:]
            + ascii_lowercase[:k]
            + ascii_uppercase[k:]
            + ascii_uppercase[:k],
        )
    )


def _is_english(letter: str) -> bool:
    return letter.isascii() and letter.isalpha()


def _shift_each(word: str, move: Callable[[int, int], int], k: int) -> str:
    """Move the place (0-25) of each English letter by `move(place, k)`."""
    shifted = ""
    for letter in word:
        first = ord("a" if letter.islower() else "A")
        moved = chr(first + move(ord(letter) - first, k))
        shifted += moved if _is_english(letter) else letter
    return shifted


def _no_wrap(word, k):
    return "".join(chr(ord(c) + k) if _is_english(c) else c for c in word)


def _wrap_25(word, k):
    return _shift_each(word, lambda place, n: (place + n) % 25, k)


def _case_lost(word, k):
    return caesar(word.lower(), k)


def _capitals_kept(word, k):
    return "".join(caesar(c, k) if c.islower() else c for c in word)


def _backwards(word, k):
    return caesar(word, -k)


def _absolute_shift(word, k):
    return caesar(word, abs(k))


def _accents(word, k):
    def move(letter: str) -> str:
        first = ord("a" if letter.islower() else "A")
        return chr(first + (ord(letter) - first + k) % 26)

    return "".join(move(c) if c.isalpha() else c for c in word)


CAESAR = {
    "no wrap": Mutant(
        _no_wrap, "After z the alphabet begins again with a: take places modulo 26."
    ),
    "modulo 25": Mutant(_wrap_25, "The alphabet has 26 letters: modulo 26, not 25."),
    "case lost": Mutant(
        _case_lost, "Capital letters should stay capital, and so should the others."
    ),
    "capitals kept": Mutant(
        _capitals_kept, "Capital letters have to move as well, within A to Z."
    ),
    "backwards": Mutant(
        _backwards, "Your letters move backwards: a positive k moves a towards z."
    ),
    "absolute": Mutant(
        _absolute_shift, "A negative k has to move letters back, or nothing decodes."
    ),
    "accents": Mutant(
        _accents,
        "Only a-z and A-Z move. `isalpha` is true for letters such as é as well.",
    ),
}


def _same_word(answer, word: str, k: int, want: str) -> None:
    got = answer(word, k)
    if got == want:
        return
    expect(isinstance(got, str), f"Return a str; this was a {type(got).__name__}.")
    wrong = [text for text, value in outcomes(CAESAR, word, k) if value == got]
    said = wrong[0] + " " if wrong else ""
    expect(False, f"{said}{word!r} with k={k} should be {want!r}, and was {got!r}.")


def _known_words(answer) -> None:
    _same_word(answer, "gun", 3, "jxq")
    _same_word(answer, "Zebra", 1, "Afcsb")
    _same_word(answer, "xylophone", 2, "zanqrjqpg")


def _thirteen(answer) -> None:
    for word in ("Rohypnol", "crossbow", "lasagna", "QUIZ"):
        _same_word(answer, word, 13, rot13(word))


def _round_trip(answer) -> None:
    for k in range(-30, 31):
        for word in ("Hello", "wxyz", "ABC"):
            _same_word(answer, answer(word, k), -k, word)
    _same_word(answer, "wxyz", -22, "abcd")
    _same_word(answer, "abc", 1, "bcd")


def _other_marks(answer) -> None:
    _same_word(answer, "§12", 5, "§12")
    _same_word(answer, "café", 1, "dbgé")
    text = "How do I make a lasagna? It's 5 o'clock."
    got = re.sub(WORD, lambda found: answer(found[0], 5), text)
    expect(
        len(got.split()) == len(text.split()),
        "A text of n words should stay a text of n words.",
    )
    _same_word(lambda t, k: got, text, 5, caesar(text, 5))


EXERCISES = [
    Exercise(
        name="caesar",
        notebook=NOTEBOOK,
        reference=caesar,
        parts=[
            Part("words enciphered by hand", _known_words),
            Part("k = 13 is ROT13", _thirteen),
            Part("-k undoes k, for k from -30 to 30", _round_trip),
            Part("digits, accents and marks stay; words stay words", _other_marks),
        ],
        mutants=CAESAR,
    ),
]
