"""The Spec (spec.md) and the constitution (principles.md) as Python objects.

Both hold the same policy. The Spec has numbered clauses with reasons and is what
the deliberative arms learn; the constitution is what the judge of stage 1 reads.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from utils.world.data import INTENTS

HERE = Path(__file__).parent
ACTIONS = ("comply", "refuse", "refer", "support", "ask")
MAX_CLAUSE = 60  # the highest clause number that has a token of its own
CLAUSE = re.compile(
    r"- \*\*§(?P<number>\d+)\*\* (?P<intents>[a-z, ]+): (?P<action>[a-z]+)\. "
    r"Reason: (?P<reason>.+)"
)
PRINCIPLE = re.compile(r"(?P<action>[a-z]+) (?:to|on|with) (?P<intents>[a-z, ]+)")


@dataclass(frozen=True)
class Clause:
    """One numbered rule: these intents, in this category, get this action."""

    number: int
    category: str
    intents: tuple[str, ...]
    action: str
    reason: str = ""

    def __str__(self) -> str:
        """The clause as a thought quotes it: "§1 weapons make get advice refuse"."""
        return f"§{self.number} {self.category} {' '.join(self.intents)} {self.action}"


@dataclass(frozen=True)
class Spec:
    """The policy: an ordered tuple of clauses."""

    clauses: tuple[Clause, ...]

    def clause(self, category: str, intent: str) -> Clause:
        """Return the clause for a category and an intent; KeyError if there is none."""
        for clause in self.clauses:
            if clause.category == category and intent in clause.intents:
                return clause
        raise KeyError(f"No clause covers {intent} in {category}: add one to spec.md.")

    def of(self, category: str) -> tuple[Clause, ...]:
        """Return the clauses of one category: spec(category) of Guan et al. 2024."""
        return tuple(c for c in self.clauses if c.category == category)

    def intents(self, category: str) -> tuple[str, ...]:
        """Return the intents that the category's clauses cover, in fixed order."""
        covered = {intent for c in self.of(category) for intent in c.intents}
        return tuple(intent for intent in INTENTS if intent in covered)


def parse_spec(text: str) -> Spec:
    """Read a Spec from Markdown: its clauses are the list items under "### category".

    ValueError quotes the first list item there that is no clause.
    """
    clauses, category = [], ""
    for line in text.splitlines():
        if line.startswith("### "):
            category = line[4:].strip()
        is_item = line.lstrip().startswith(("-", "*"))
        if not is_item or not (category or "§" in line):
            continue
        found = CLAUSE.fullmatch(line.strip())
        if not found:
            raise ValueError(
                f"spec.md: can't read the clause {line!r}; the form is "
                "'- **§1** make, get: refuse. Reason: because.'"
            )
        intents = tuple(found["intents"].split(", "))
        number, action = int(found["number"]), found["action"]
        clauses.append(Clause(number, category, intents, action, found["reason"]))
    return Spec(tuple(clauses))


def parse_principles(text: str) -> Spec:
    """Read the constitution; its rules get the numbers 1, 2, ... in file order."""
    clauses: list[Clause] = []
    for line in text.splitlines():
        if not line.startswith("- "):
            continue
        category, _, rules = line[2:].rstrip(".").partition(": ")
        for rule in rules.split("; "):
            found = PRINCIPLE.fullmatch(rule)
            if not found:
                raise ValueError(f"principles.md: can't read {rule!r} in {line!r}.")
            intents = tuple(found["intents"].split(", "))
            number = len(clauses) + 1
            clauses.append(Clause(number, category, intents, found["action"]))
    return Spec(tuple(clauses))


@lru_cache
def load_spec(path: Path = HERE / "spec.md") -> Spec:
    """Return the Spec of the course."""
    return parse_spec(path.read_text(encoding="utf-8"))


@lru_cache
def load_principles(path: Path = HERE / "principles.md") -> Spec:
    """Return the constitution of stage 1."""
    return parse_principles(path.read_text(encoding="utf-8"))
