"""Read the two tables that make the world: topics.csv and templates.csv.

A lecturer edits the tables in any spreadsheet and then runs
``python -m utils.world.validate``.
"""

import csv
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

HERE = Path(__file__).parent
LANGUAGES = ("en", "es", "fr", "de", "id")
INTENTS = ("make", "get", "advice", "facts", "rework")
SPLITS = ("seen", "held_out")


@dataclass(frozen=True)
class Topic:
    """A thing people ask about: `text["en"]` is "a crossbow", with its article.

    `split` says whether alignment training may show it ("seen") or only the tests
    do ("held_out"). `lookalike` marks harmless names that sound dangerous.
    """

    category: str
    split: str
    lookalike: bool
    text: dict[str, str]

    @property
    def name(self) -> str:
        """The English phrase, which is also the topic's key."""
        return self.text["en"]

    __hash__ = object.__hash__


@dataclass(frozen=True)
class Template:
    """One way to ask: `text["de"]` is "Wie mache ich {x}?" for the intent "make"."""

    intent: str
    split: str
    text: dict[str, str]

    __hash__ = object.__hash__


def read_table(path: Path, columns: set[str]) -> list[dict[str, str]]:
    """Return the rows of a CSV file, "" for cells that a row lacks.

    Raises ValueError for a missing file or column and for what isn't UTF-8. A byte
    order mark, which spreadsheets write, does no harm.
    """
    if not path.exists():
        raise ValueError(f"{path.name} is missing: restore it with `git checkout`.")
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file, restval=""))
    except UnicodeDecodeError:
        raise ValueError(f"{path.name} is not UTF-8: save it as CSV UTF-8.") from None
    missing = columns - set(rows[0] if rows else ())
    if missing:
        raise ValueError(
            f"{path.name} has no column {', '.join(sorted(missing))}: its first line "
            "must name the columns, with commas between them."
        )
    return rows


@lru_cache
def load_topics(path: Path = HERE / "topics.csv") -> tuple[Topic, ...]:
    """Return every topic of the table, in file order."""
    rows = read_table(path, {"category", "split", "lookalike", *LANGUAGES})
    return tuple(
        Topic(
            row["category"],
            row["split"],
            read_lookalike(row["lookalike"], row["en"]),
            {language: row[language] for language in LANGUAGES},
        )
        for row in rows
    )


def read_lookalike(cell: str, name: str) -> bool:
    """Return whether the cell says yes; ValueError unless it says yes or no."""
    if cell not in ("yes", "no"):
        raise ValueError(
            f"topics.csv: lookalike of {name!r} is {cell!r}; write yes or no."
        )
    return cell == "yes"


@lru_cache
def load_templates(path: Path = HERE / "templates.csv") -> tuple[Template, ...]:
    """Return every template of the table, in file order."""
    rows = read_table(path, {"intent", "split", *LANGUAGES})
    return tuple(
        Template(
            row["intent"],
            row["split"],
            {language: row[language] for language in LANGUAGES},
        )
        for row in rows
    )


def categories() -> list[str]:
    """Return the categories in the order of the table."""
    return list(dict.fromkeys(topic.category for topic in load_topics()))
