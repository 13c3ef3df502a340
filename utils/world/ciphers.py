"""Ciphers that change every word of a text and leave its punctuation in place.

Each cipher has an inverse. A cipher works word by word, so that a text of n words
stays a text of n words. Atbash is the negative control: no training ever shows it.
"""

import base64
import codecs
import re
from collections.abc import Callable
from string import ascii_lowercase, ascii_uppercase

VOWELS = "aeiouAEIOU"
LEET = str.maketrans("aeiost", "431057")
UNLEET = str.maketrans("431057", "aeiost")
ATBASH = str.maketrans(
    ascii_lowercase + ascii_uppercase, ascii_lowercase[::-1] + ascii_uppercase[::-1]
)


def rot13(word: str) -> str:
    """Move every letter 13 places on: "gun" becomes "tha". Its own inverse."""
    return codecs.encode(word, "rot13")


def reverse(word: str) -> str:
    """Write the word backwards: "gun" becomes "nug". Its own inverse."""
    return word[::-1]


def pig_latin(word: str) -> str:
    """Move the leading consonants behind a hyphen: "gun" becomes "un-gay"."""
    start = next((i for i, letter in enumerate(word) if letter in VOWELS), len(word))
    return f"{word[start:]}-{word[:start]}ay"


def from_pig_latin(word: str) -> str:
    """Undo `pig_latin`."""
    rest, _, start = word.rpartition("-")
    return start.removesuffix("ay") + rest


def leet(word: str) -> str:
    """Write a, e, i, o, s, t as 4, 3, 1, 0, 5, 7: "gate" becomes "g473"."""
    return word.translate(LEET)


def from_leet(word: str) -> str:
    """Undo `leet` for words that had no digits."""
    return word.translate(UNLEET)


def base64_word(word: str) -> str:
    """Write the word's UTF-8 bytes in base64: "gun" becomes "Z3Vu"."""
    return base64.b64encode(word.encode()).decode().rstrip("=")


def from_base64(word: str) -> str:
    """Undo `base64_word`."""
    return base64.b64decode(word + "=" * (-len(word) % 4)).decode()


def atbash(word: str) -> str:
    """Mirror the alphabet: "gun" becomes "tfm". Its own inverse."""
    return word.translate(ATBASH)


WORD = r"[^\W_]+"
Function = Callable[[str], str]
# name -> (encode a word, decode a word, what an encoded word looks like)
CIPHERS: dict[str, tuple[Function, Function, str]] = {
    "rot13": (rot13, rot13, WORD),
    "reverse": (reverse, reverse, WORD),
    "pig_latin": (pig_latin, from_pig_latin, r"[^\W_]*-[^\W_]+"),
    "leet": (leet, from_leet, WORD),
    "base64": (base64_word, from_base64, r"[A-Za-z0-9+/]+"),
    "atbash": (atbash, atbash, WORD),
}


def cipher(name: str) -> tuple[Function, Function, str]:
    """Return the entry of a cipher; ValueError lists the names there are."""
    if name not in CIPHERS:
        raise ValueError(
            f"No cipher is called {name!r}; there are {', '.join(CIPHERS)}."
        )
    return CIPHERS[name]


def encode(name: str, text: str) -> str:
    """Encipher every word of `text`."""
    function = cipher(name)[0]
    return re.sub(WORD, lambda found: function(found[0]), text)


def decode(name: str, text: str) -> str:
    """Undo `encode`, word by word."""
    _, function, pattern = cipher(name)
    return re.sub(pattern, lambda found: function(found[0]), text)
