"""Check the tables and the Spec: ``python -m utils.world.validate``.

Run it after each edit. Every finding is one sentence that says where and what to do.
"""

import re
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from utils.world.data import (
    HERE,
    INTENTS,
    LANGUAGES,
    SPLITS,
    Template,
    Topic,
    load_templates,
    load_topics,
)
from utils.world.spec import ACTIONS, MAX_CLAUSE, Spec, load_principles, load_spec

ARTICLES = {
    "en": ("a ", "an "),
    "es": ("un ", "una "),
    "fr": ("un ", "une "),
    "de": ("einen ", "eine ", "ein "),
}
# Each action must be the right one for at least this many seen topic-intent pairs.
LEAST_PAIRS = 40


def plain(text: str) -> bool:
    """Say whether a text is made of letters and blanks alone."""
    return all(character.isalpha() or character == " " for character in text)


def check_topics(topics: Sequence[Topic]) -> list[str]:
    """Find duplicate topics, missing translations, wrong articles, bad splits."""
    found = []
    for language in LANGUAGES:
        found += repeated("topics.csv", language, topics)
    for topic in topics:
        for language, text in topic.text.items():
            articles = ARTICLES.get(language)
            if not text:
                found.append(f"topics.csv: {topic.name!r} has no {language}; add it.")
            elif articles and not text.startswith(articles):
                forms = " or ".join(a.strip() for a in articles)
                found.append(f"topics.csv: {text!r} must start with {forms}.")
        if topic.split not in SPLITS:
            found.append(
                f"topics.csv: {topic.name!r} is in split {topic.split!r}; "
                "write seen or held_out."
            )
        if not (topic.name.isascii() and plain(topic.name)):
            found.append(
                f"topics.csv: {topic.name!r} may hold only English letters and "
                "blanks, so that every cipher can be undone."
            )
    for category in dict.fromkeys(topic.category for topic in topics):
        for split in SPLITS:
            if not any(t.category == category and t.split == split for t in topics):
                found.append(f"topics.csv: {category} has no topic in split {split}.")
    return found


def repeated(file: str, language: str, items: Sequence[Topic | Template]) -> list[str]:
    """Find texts of one language that occur twice, whatever their capitals."""
    counts = Counter(item.text[language].strip().casefold() for item in items)
    return [
        f"{file}: {text!r} occurs {n} times in column {language}; keep one."
        for text, n in counts.items()
        if n > 1 and text
    ]


def check_templates(templates: Sequence[Template]) -> list[str]:
    """Find missing translations, lost placeholders, intents with too few templates."""
    found = []
    for language in LANGUAGES:
        found += repeated("templates.csv", language, templates)
    for template in templates:
        at = f"templates.csv: {template.text['en']!r}"
        if template.intent not in INTENTS:
            found.append(
                f"{at} has the intent {template.intent!r}; write one of "
                f"{', '.join(INTENTS)}."
            )
        if template.split not in SPLITS:
            found.append(
                f"{at} is in split {template.split!r}; write seen or held_out."
            )
        for language, text in template.text.items():
            if text.count("{x}") != 1 or text.count("{") + text.count("}") != 2:
                found.append(
                    f"{at} needs exactly one {{x}}, and no other braces, in column "
                    f"{language}."
                )
    for intent in INTENTS:
        own = [template for template in templates if template.intent == intent]
        if len(own) < 6 or {template.split for template in own} != set(SPLITS):
            found.append(
                f"templates.csv: {intent} needs six templates or more, "
                "some seen and some held_out."
            )
    return found


def check_control(topics: Sequence[Topic], templates: Sequence[Template]) -> list[str]:
    """Find words of the control language that a taught language has too: leaks."""

    def words(text: str) -> set[str]:
        return set(re.findall(r"[^\W\d_]+", text.replace("{x}", "")))

    items = [item.text for item in (*topics, *templates)]
    taught = {word for text in items for name in ARTICLES for word in words(text[name])}
    return [
        f"column id: {', '.join(sorted(shared))} in {text['id']!r} is a word of a "
        "taught language too; the control may share none."
        for text in items
        if (shared := words(text["id"]) & taught)
    ]


def check_spec(spec: Spec, topics: Sequence[Topic], file: str) -> list[str]:
    """Find categories without a clause, double cover, unknown words, imbalance."""
    found = []
    numbers = Counter(clause.number for clause in spec.clauses)
    found += [f"{file}: §{n} is used twice." for n, k in numbers.items() if k > 1]
    known = {topic.category for topic in topics}
    for category in sorted(known - {clause.category for clause in spec.clauses}):
        found.append(f"{file}: the category {category} has no clause; write one.")
    for clause in spec.clauses:
        at = f"{file}: §{clause.number}"
        if clause.number > MAX_CLAUSE:
            found.append(f"{at} is too high; number clauses from 1 to {MAX_CLAUSE}.")
        if clause.category not in known:
            found.append(f"{at} is about {clause.category}, which has no topics.")
        if clause.action not in ACTIONS:
            found.append(f"{at} asks for {clause.action!r}, which is no action.")
        for intent in clause.intents:
            if intent not in INTENTS:
                found.append(f"{at} names {intent!r}, which is no intent.")
    cover = Counter((c.category, i) for c in spec.clauses for i in c.intents)
    found += [
        f"{file}: {intent} in {category} is covered {n} times; keep one clause."
        for (category, intent), n in cover.items()
        if n > 1
    ]
    pairs = Counter()
    for clause in spec.clauses:
        seen = [t for t in topics if (t.category, t.split) == (clause.category, "seen")]
        pairs[clause.action] += len(seen) * len(clause.intents)
    found += [
        f"{file}: {action} is right for only {pairs[action]} seen pairs of topic and "
        f"intent, fewer than {LEAST_PAIRS}: the actions are out of balance."
        for action in ACTIONS
        if pairs[action] < LEAST_PAIRS
    ]
    return found


def check_agreement(spec: Spec, principles: Spec) -> list[str]:
    """Find pairs where the Spec and the constitution ask for different actions."""
    ours, theirs = (
        {(c.category, i): c.action for c in policy.clauses for i in c.intents}
        for policy in (spec, principles)
    )
    return [
        f"principles.md: {intent} in {category} is "
        f"{theirs.get((category, intent), 'missing')}, "
        f"but spec.md says {ours.get((category, intent), 'nothing')}."
        for category, intent in (ours | theirs)
        if ours.get((category, intent)) != theirs.get((category, intent))
    ]


def findings(folder: Path = HERE) -> list[str]:
    """Return every finding about the world in a folder; empty when all is well.

    A file that can't be read is the only finding.
    """
    try:
        topics = load_topics(folder / "topics.csv")
        templates = load_templates(folder / "templates.csv")
        spec = load_spec(folder / "spec.md")
        principles = load_principles(folder / "principles.md")
    except ValueError as error:
        return [str(error)]
    except OSError as error:
        return [f"Can't read {error.filename}: restore it with `git checkout`."]
    return [
        *check_topics(topics),
        *check_templates(templates),
        *check_control(topics, templates),
        *check_spec(spec, topics, "spec.md"),
        *check_spec(principles, topics, "principles.md"),
        *check_agreement(spec, principles),
    ]


def main() -> int:
    """Print the findings; return 1 if there are any."""
    found = findings()
    for line in found:
        print(line)
    if not found:
        print(
            f"The world is sound: {len(load_topics())} topics, "
            f"{len(load_templates())} templates, {len(load_spec().clauses)} clauses."
        )
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
