"""Link the words of course/glossary.md where a notebook first uses them.

The builder does this whenever it renders a notebook: no source holds such a link, so
none is forgotten or goes stale. The links must not make a page hard to read, hence
MOST_IN_A_PARAGRAPH and EVERYDAY.
"""

import re
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from nbformat import NotebookNode

# A term for which a paragraph has no room left waits for its next use. In the notebook
# that introduces it there is more room, and it is linked even if there is no next use.
MOST_IN_A_PARAGRAPH, MOST_OF_ITS_OWN = 2, 3
# Words that everyday English has too, or that every page is full of. They are linked
# in the notebook that introduces them, and nowhere else.
EVERYDAY = frozenset(
    "action advantage baseline beta card filter group home leak mask monitor precision "
    "prompt recall reference token unsafe".split()
)
# What stays as it is: code, math, links, addresses, headings, HTML, a list of papers.
_LEAVE = re.compile(
    r"""
    ^[ ]*(?P<fence>```+|~~~+).*?^[ ]*(?P=fence)[ ]*$   # a block of code
    | ^\#{1,6}[ ][^\n]*$                               # a heading
    | (?P<tick>`+)(?!`).*?(?<!`)(?P=tick)(?!`)         # code in a line
    | \$\$.*?\$\$ | \$[^$\n]+(?:\n[^$\n]+)?\$          # math
    | !?\[[^\]]*\](?:\([^)]*\)|\[[^\]]*\])             # a link or a picture
    | <summary>.*?</summary> | </?[a-zA-Z][^>]*>       # HTML
    | https?://\S+
    | \*\*Further[ ]reading\*\*.*
    """,
    re.DOTALL | re.MULTILINE | re.VERBOSE,
)
# Between two words: a hyphen, or the end of a line, though not of a paragraph.
_GAP = r"(?:[ -]|\n[ ]*)"


@dataclass(frozen=True)
class Entry:
    """A term of the glossary, and the notebook that introduces it, such as "13"."""

    heading: str
    introduced: str

    @cached_property
    def names(self) -> list[str]:
        """The term, and its other name, which stands behind it in brackets."""
        term, _, other = self.heading.partition(" (")
        return [term, other.removesuffix(")")] if other else [term]

    @cached_property
    def anchor(self) -> str:
        """The fragment that leads to the entry."""
        return re.sub(r"[^a-z0-9]+", "-", self.names[0].casefold()).strip("-")


class _Use(NamedTuple):
    cell: int
    paragraph: int
    start: int
    end: int
    entry: Entry


def read_entries(page: Path) -> list[Entry]:
    """The entries of a glossary, in its order; none where there is no such page."""
    if not page.exists():
        return []
    _, *blocks = re.split(r"^### ", page.read_text(encoding="utf-8"), flags=re.M)
    found = []
    for block in blocks:
        heading, _, text = block.partition("\n")
        found.append(Entry(heading, re.findall(r"\(\[(\d\d)\]\(", text)[-1]))
    return found


def link_terms(
    notebook: NotebookNode, number: str, entries: list[Entry], page: str
) -> None:
    """Make the first use of each term in the notebook's prose a link to its entry.

    number : of the notebook, such as "13"
    page   : the glossary's address, seen from the notebook
    """
    if not entries:
        return
    wanted = [e for e in entries if e.introduced == number or e.heading not in EVERYDAY]
    cells = [cell for cell in notebook.cells if cell.cell_type == "markdown"]
    uses = [use for at, cell in enumerate(cells) for use in _uses(at, cell, entries)]
    chosen = _choose([use for use in uses if use.entry in wanted], number)
    for use in sorted(chosen, reverse=True):  # from the end, so that places stay true
        text = cells[use.cell].source
        link = f"[{text[use.start : use.end]}]({page}#{use.entry.anchor})"
        cells[use.cell].source = text[: use.start] + link + text[use.end :]


def _choose(uses: list[_Use], number: str) -> list[_Use]:
    """The uses to link, of all of them in reading order: its own terms come first."""
    own = [use for use in uses if use.entry.introduced == number]
    chosen: dict[Entry, _Use] = {}
    links: Counter = Counter()
    for use in [*own, *uses]:
        place, is_own = (use.cell, use.paragraph), use.entry.introduced == number
        most = MOST_OF_ITS_OWN if is_own else MOST_IN_A_PARAGRAPH
        if use.entry not in chosen and links[place] < most:
            chosen[use.entry] = use
            links[place] += 1
    for use in own:
        chosen.setdefault(use.entry, use)
    return list(chosen.values())


def _uses(at: int, cell: NotebookNode, entries: list[Entry]) -> list[_Use]:
    """Every use of a term in a cell; of terms that overlap only the longest."""
    text = _LEAVE.sub(lambda match: re.sub(r"[^\n]", "\0", match[0]), cell.source)
    named = [(name, entry) for entry in entries for name in entry.names]
    named.sort(key=lambda pair: len(pair[0]), reverse=True)
    forms = "|".join(f"({_form(name)})" for name, _ in named)
    found = []
    for match in re.finditer(rf"(?<![\w-])(?:{forms})(?![\w-])", text):
        _, entry = named[match.lastindex - 1]
        paragraph = len(re.findall(r"\n[ ]*\n", text[: match.start()]))
        found.append(_Use(at, paragraph, *match.span(), entry))
    return found


def _form(name: str) -> str:
    """A pattern for a name and its plural; one with capitals is written just so."""
    words = _GAP.join(re.escape(word) for word in name.split(" "))
    plural = rf"{words[:-1]}(?:y|ies)" if name.endswith("y") else f"{words}s?"
    return f"(?i:{plural})" if name == name.lower() else plural
