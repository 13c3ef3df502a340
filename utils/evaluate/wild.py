"""Requests "in the wild": written freely, by no template, each with its right action.

    python -m utils.evaluate.wild

The table wild.csv holds them, in English, Spanish, French, German, mixtures of these,
and ciphers. Some are about things that the world's own list does not have. Add a row
in any spreadsheet, then run the command: it names the first row that is wrong, or
counts what there is. Every row has a twin: a template request with the same topic and
intent, so that what the free wording costs is a paired difference.
"""

import csv
import hashlib
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from zlib import crc32

from utils.models.tokenizer import build_tokenizer
from utils.world.ciphers import CIPHERS, encode
from utils.world.data import (
    INTENTS,
    LANGUAGES,
    Topic,
    categories,
    load_templates,
    load_topics,
    read_table,
)
from utils.world.requests import (
    TAUGHT_CIPHERS,
    TAUGHT_LANGUAGES,
    Request,
    split_of_pair,
)
from utils.world.spec import Clause, Spec, load_spec

PATH = Path(__file__).parent / "wild.csv"
COLUMNS = (
    "id",
    "text",
    "surface",
    "kind",
    "topic",
    "category",
    "intent",
    "split",
    "action",
    "clause",
    "english",
)
NEW = "new"  # the split of things that are not in topics.csv
KINDS = ("short", "story", "polite", "slang", "pressure")
# Mixtures: two languages in one text, or English with some words in a cipher.
MIXED = tuple(f"en+{s}" for s in (*TAUGHT_LANGUAGES, *TAUGHT_CIPHERS))
SURFACES = ("en", *TAUGHT_LANGUAGES, *TAUGHT_CIPHERS, *MIXED)
PLAIN = {"en": "English", **dict.fromkeys(TAUGHT_LANGUAGES, "es, fr, de")}
GROUPS = (
    "English, known words",
    "English, other words",
    "es, fr, de, known words",
    "es, fr, de, other words",
    "mixed",
    "ciphers",
    "pressure",
)


@dataclass(frozen=True)
class Wild:
    """A free request. It stands in for a Request wherever one is asked or scored.

    `text` is what the model sees, `english` says the same in plain English. `surface`
    and `kind` tell how it is written. `action()` and `clause()` follow from the Spec.
    """

    id: str
    text: str
    surface: str
    kind: str
    topic: Topic
    intent: str
    english: str

    def clause(self, spec: Spec | None = None) -> Clause:
        """Return the clause that decides the request (of the course's Spec)."""
        return (spec or load_spec()).clause(self.topic.category, self.intent)

    def action(self, spec: Spec | None = None) -> str:
        """Return the right action for the request."""
        return self.clause(spec).action

    @property
    def unknown(self) -> float:
        """The share of its words that the tokenizer has to spell."""
        return unknown_words(self.text)

    @property
    def group(self) -> str:
        """Which of GROUPS it belongs to: pressure first, then how it is written."""
        if self.kind == "pressure":
            return "pressure"
        if self.surface in PLAIN:
            words = "other words" if self.unknown else "known words"
            return f"{PLAIN[self.surface]}, {words}"
        return "mixed" if self.surface in MIXED else "ciphers"

    @property
    def twin(self) -> Request:
        """The same wish as a template request that no alignment training shows.

        It is in the same surface; the twin of a mixture is in English. ValueError
        where each template of training may have been trained on with this topic.
        """
        found = [
            request
            for template in load_templates()
            if (template.intent, template.split) == (self.intent, "seen")
            and unseen(request := Request(self.topic, template))
        ]
        if not found:
            raise ValueError(
                f"wild.csv, {self.id}: training may show every template of "
                f"{self.intent!r} with {self.topic.name!r}; take another topic or "
                "intent."
            )
        chosen = found[crc32(self.id.encode()) % len(found)]
        return chosen.on("en" if self.surface in MIXED else self.surface)


def unseen(request: Request) -> bool:
    """Say that no alignment training shows this request in any wording of its own."""
    pair = split_of_pair(request.topic, request.template)
    return request.topic.split != "seen" or pair == "held_out"


@lru_cache(maxsize=1000)
def unknown_words(text: str) -> float:
    """Return the share of words, from 0 to 1, that have no token of their own.

    A word is what stands between blanks and punctuation marks, as the tokenizer
    splits; with another capital letter it is another word.
    """
    tokenizer = build_tokenizer()
    known = tokenizer.get_vocab()
    pieces = tokenizer.backend_tokenizer.pre_tokenizer.pre_tokenize_str(text)
    words = [piece for piece, _ in pieces if piece.strip("▁").isalnum()]
    return sum(word not in known for word in words) / len(words)


def squeeze(text: str) -> str:
    """Return the words of a text in small letters, with single blanks between."""
    return " ".join(re.findall(r"\w+", text.casefold()))


@lru_cache
def template_patterns() -> tuple[tuple[str, re.Pattern], ...]:
    """Return each template in each language with a pattern that finds it in a text."""
    found = []
    for template in load_templates():
        for language in LANGUAGES:
            parts = map(squeeze, template.text[language].split("{x}"))
            pattern = r"\b" + r" ?(?:\w+ ?){1,6}".join(map(re.escape, parts)) + r"\b"
            found.append((template.text[language], re.compile(pattern)))
    return tuple(found)


def template_in(text: str) -> str:
    """Return a template that a text contains, with up to six words for {x}, or ""."""
    words = squeeze(text)
    return next((t for t, pattern in template_patterns() if pattern.search(words)), "")


def topic_of(row: dict[str, str]) -> Topic:
    """Return the topic of a row: one of the world's, or a new one.

    ValueError where the row's category or split is not the topic's.
    """
    listed = {topic.name: topic for topic in load_topics()}
    at, name = f"wild.csv, {row['id']}:", row["topic"]
    new = Topic(row["category"], NEW, False, {"en": name})
    topic = listed.get(name, new)
    if row["category"] not in categories():
        raise ValueError(f"{at} there is no category {row['category']!r}.")
    if (row["category"], row["split"]) != (topic.category, topic.split):
        raise ValueError(
            f"{at} {name!r} is in category {topic.category} and split {topic.split}; "
            "correct the row."
        )
    return topic


def read_row(row: dict[str, str]) -> Wild:
    """Return the request of a row; ValueError says what is wrong and what to do."""
    at = f"wild.csv, {row['id']}:"
    for column, allowed in (
        ("surface", SURFACES),
        ("kind", KINDS),
        ("intent", INTENTS),
    ):
        if row[column] not in allowed:
            raise ValueError(
                f"{at} {column} is {row[column]!r}; write one of {', '.join(allowed)}."
            )
    if not all(row[column].strip() for column in COLUMNS):
        raise ValueError(f"{at} a cell is empty; fill in all {len(COLUMNS)} columns.")
    topic = topic_of(row)
    item = Wild(
        row["id"],
        row["text"],
        row["surface"],
        row["kind"],
        topic,
        row["intent"],
        row["english"],
    )
    check_answer(item, row["action"], row["clause"])
    check_text(item)
    return item


def check_answer(item: Wild, action: str, clause: str) -> None:
    """Raise ValueError unless the Spec gives this action by this clause."""
    at = f"wild.csv, {item.id}:"
    try:
        right = item.clause()
    except KeyError:
        raise ValueError(
            f"{at} the Spec has no clause on {item.intent} in {item.topic.category}; "
            "take another intent."
        ) from None
    if (action, clause) != (right.action, str(right.number)):
        raise ValueError(
            f"{at} the Spec says {right.action} by §{right.number}, "
            f"not {action} by §{clause}."
        )


def check_text(item: Wild) -> None:
    """Raise ValueError for a template, a wrong cipher, or a topic without a twin."""
    at = f"wild.csv, {item.id}:"
    for text in (item.text, item.english):
        if template := template_in(text):
            raise ValueError(f"{at} {text!r} has the template {template!r} in it.")
    if item.surface in CIPHERS and item.text != encode(item.surface, item.english):
        raise ValueError(
            f"{at} the text is not the column english in {item.surface}; it would be "
            f"{encode(item.surface, item.english)!r}."
        )
    if item.topic.split == NEW and item.surface in TAUGHT_LANGUAGES:
        raise ValueError(
            f"{at} {item.topic.name!r} is in topics.csv in no language; "
            "write it in English or in a cipher."
        )
    _ = item.twin.text


@lru_cache
def load_wild(path: Path = PATH) -> tuple[Wild, ...]:
    """Return every request of the table, checked, in file order.

    Raises ValueError, in one sentence, for the first row that is wrong.
    """
    rows = read_table(path, set(COLUMNS))
    items = tuple(read_row(row) for row in rows)
    for what, values in (
        ("id", [item.id for item in items]),
        ("text", [squeeze(item.text) for item in items]),
    ):
        twice, n = Counter(values).most_common(1)[0]
        if n > 1:
            raise ValueError(f"wild.csv: the {what} {twice!r} occurs {n} times.")
    return items


def digest(path: Path = PATH) -> str:
    """Return a short checksum of the table's rows, the same on every system."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.reader(file))
    return hashlib.sha256(repr(rows).encode()).hexdigest()[:12]


def parts(items: Sequence[Wild]) -> dict[tuple[str, str], tuple[Wild, ...]]:
    """Return (group, split) -> its requests in file order, for those that have any."""
    found: dict[tuple[str, str], list[Wild]] = {}
    for item in items:
        found.setdefault((item.group, item.topic.split), []).append(item)
    return {key: tuple(own) for key, own in sorted(found.items())}


def main() -> None:
    """Check the table, then count its requests by group, split and action."""
    try:
        items = load_wild()
    except ValueError as error:
        raise SystemExit(str(error)) from None
    for name, value in (
        ("group", lambda item: item.group),
        ("split", lambda item: item.topic.split),
        ("action", lambda item: item.action()),
    ):
        counts = Counter(map(value, items)).items()
        print(f"{name}: {', '.join(f'{k} {n}' for k, n in sorted(counts))}")
    print(f"{len(items)} requests, all in order. Checksum {digest()}.")


if __name__ == "__main__":
    main()
