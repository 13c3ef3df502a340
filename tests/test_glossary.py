"""The glossary: in order, short, and true to the notebooks that it links to."""

import re

import nbformat
import pytest

from utils.files import ROOT

PAGE = ROOT / "course" / "glossary.md"
LINK = re.compile(r"\[[^\]]+\]\(([^)]+)\)")
MOST_WORDS = 45


def entries() -> dict[str, str]:
    """Each term with its text, in the order of the page."""
    text = re.sub(r"^<a id.*\n", "", PAGE.read_text(encoding="utf-8"), flags=re.M)
    _, *blocks = re.split(r"^### ", text, flags=re.M)
    split = [block.split("\n", 1) for block in blocks]
    assert len({term.casefold() for term, _ in split}) == len(split), "twice"
    return {term: text.strip() for term, text in split}


def plain(text: str) -> str:
    """Without marks, line breaks and capitals, so that words can be found in it."""
    return re.sub(r"\s+", " ", re.sub(r"[*`$_]", "", text)).casefold()


def text_of(link: str) -> str:
    """What a reader of the linked page or notebook can read, code included."""
    path = PAGE.parent / link
    if path.suffix != ".ipynb":
        return plain(path.read_text(encoding="utf-8"))
    cells = nbformat.read(path, as_version=4).cells
    return plain("\n".join(cell.source for cell in cells))


def test_terms_are_in_alphabetical_order():
    terms = list(entries())
    assert len(terms) >= 60
    assert terms == sorted(terms, key=str.casefold)


def test_no_term_is_explained_twice():
    names = [term.split(" (")[0].casefold() for term in entries()]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize(("term", "text"), entries().items(), ids=entries())
def test_an_entry_is_short_and_its_link_uses_the_term(term, text):
    (link,) = LINK.findall(text)
    assert link.startswith(("../solutions/", "../course/"))
    assert plain(term.split(" (")[0]) in text_of(link)
    assert len(LINK.sub("", text).split()) <= MOST_WORDS + 1  # "()" of the link


def test_words_in_italics_have_an_entry():
    names = {term.split(" (")[0] for term in entries()}
    for term, text in entries().items():
        for word in re.findall(r"(?<!\*)\*([^*]+)\*", text):
            assert word in names, f"{term}: {word}"
