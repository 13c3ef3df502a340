"""Check the tables and the Spec: ``python -m utils.world.validate``.

Run it after each edit. Every finding is one sentence that says where and what to do.
"""

import re
import sys
from collections import Counter
from collections.abc import Sequence

from utils.world.data import (
    INTENTS,
    LANGUAGES,
    SPLITS,
    Template,
    Topic,
    load_templates,
    load_topics,
)
from utils.world.spec import ACTIONS, Spec, load_principles, load_spec

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
        counts = Counter(topic.text[language] for topic in topics)
        found += [
            f"topics.csv: {text!r} occurs {n} times in column {language}; keep one."
            for text, n in counts.items()
            if n > 1 and text
        ]
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


def check_templates(templates: Sequence[Template]) -> list[str]:
    """Find missing translations, lost placeholders, intents with too few templates."""
    found = []
    for template in templates:
        for language, text in template.text.items():
            if text.count("{x}") != 1:
                found.append(
                    f"templates.csv: {template.text['en']!r} needs exactly one {{x}} "
                    f"in column {language}."
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
    ruled = {(c.category, i): c.action for c in principles.clauses for i in c.intents}
    return [
        f"principles.md: {intent} in {clause.category} is "
        f"{ruled.get((clause.category, intent), 'missing')}, "
        f"but spec.md says {clause.action}."
        for clause in spec.clauses
        for intent in clause.intents
        if ruled.get((clause.category, intent)) != clause.action
    ]


def findings() -> list[str]:
    """Return every finding about the course's own world; empty when all is well."""
    topics, templates = load_topics(), load_templates()
    spec, principles = load_spec(), load_principles()
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
    try:
        found = findings()
    except ValueError as error:
        found = [str(error)]
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
