"""Links to the glossary: each term where it is first used, and no page overgrown."""

import re
from collections import Counter
from html.parser import HTMLParser

import nbformat
import pytest
from nbconvert.filters.markdown import markdown2html
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from utils.files import ROOT
from utils.teach.builder import find_sources, render, text_of
from utils.teach.glossary import (
    EVERYDAY,
    MOST_IN_A_PARAGRAPH,
    MOST_OF_ITS_OWN,
    Entry,
    link_terms,
    read_entries,
)
from utils.teach.start import copy_course

ENTRIES = read_entries(ROOT / "course" / "glossary.md")
PAGES = {"course": "glossary.md", "solutions": "../course/glossary.md"}
LINK = re.compile(r"\[([^\]]+)\]\((?:\.\./course/)?glossary\.md#([^)]*)\)")
NOTEBOOKS = [
    (folder, source.stem) for folder in PAGES for source in find_sources(ROOT, [])
]
TOYS = [
    Entry(*one)
    for one in [
        ("beta", "13"),
        ("DPO (direct preference optimization)", "13"),
        ("filter", "21"),
        ("KL (Kullback-Leibler divergence)", "13"),
        ("KL penalty", "14"),
        ("log-probability (logprob)", "00"),
        ("reward", "12"),
        ("reward model", "12"),
        ("Spec", "00"),
    ]
]


def prose_of(folder: str, stem: str) -> list[str]:
    book = nbformat.read(ROOT / folder / f"{stem}.ipynb", as_version=4)
    return [cell.source for cell in book.cells if cell.cell_type == "markdown"]


class Links(HTMLParser):
    """The addresses that a page links to, each with the tags it lies in."""

    def __init__(self) -> None:
        super().__init__()
        self.inside: list[str] = []
        self.found: list[tuple[str, tuple[str, ...]]] = []

    def handle_starttag(self, tag, attrs):
        if tag == "a":
            self.found.append((dict(attrs).get("href", ""), tuple(self.inside)))
        if tag not in {"br", "hr", "img"}:
            self.inside.append(tag)

    def handle_endtag(self, tag):
        if tag in self.inside:
            while self.inside.pop() != tag:
                pass


def linked(text: str, number: str = "99", entries=TOYS) -> str:
    """Text with its links, `[term]` for short."""
    book = new_notebook(cells=[new_markdown_cell(part) for part in text.split("---")])
    link_terms(book, number, list(entries), "glossary.md")
    return LINK.sub(r"[\1]", "---".join(cell.source for cell in book.cells))


# The page.


def test_every_anchor_exists_in_jupyterlab_and_on_github():
    text = (ROOT / "course" / "glossary.md").read_text(encoding="utf-8")
    placed = re.findall(r'^<a id="([^"]+)"></a>\n### (.*)$', text, re.M)
    by_hand = {heading: anchor for anchor, heading in placed}
    assert len(by_hand) == text.count("<a id")
    assert len({entry.anchor for entry in ENTRIES}) == len(ENTRIES) >= 60
    for entry in ENTRIES:
        in_lab = entry.heading.replace(" ", "-")  # JupyterLab keeps all but blanks
        on_github = re.sub(r"[^\w -]", "", entry.heading.lower()).replace(" ", "-")
        if {in_lab, on_github} != {entry.anchor}:
            assert by_hand.pop(entry.heading) == entry.anchor
    assert by_hand == {}  # no anchor that a heading makes superfluous


def test_everyday_words_are_terms():
    assert {entry.heading for entry in ENTRIES} >= EVERYDAY


def test_the_page_lies_beside_the_learners_notebooks(tmp_path):
    copy_course(ROOT / "course", tmp_path)
    assert (tmp_path / "13_dpo.ipynb").exists()
    assert (tmp_path / PAGES["course"]).exists()
    assert (ROOT / "solutions" / PAGES["solutions"]).exists()


# The course's notebooks.


def test_every_term_is_linked_where_its_entry_says_that_it_comes_in():
    for folder in PAGES:
        for source in find_sources(ROOT, []):
            text = "\n".join(prose_of(folder, source.stem))
            anchors = {anchor for _, anchor in LINK.findall(text)}
            own = [e for e in ENTRIES if e.introduced == source.stem[:2]]
            missing = [e.heading for e in own if e.anchor not in anchors]
            assert missing == [], f"{folder}/{source.stem}"


@pytest.mark.parametrize(("folder", "stem"), NOTEBOOKS)
def test_links_are_links_lead_somewhere_and_come_once(folder, stem):
    known, found = {entry.anchor for entry in ENTRIES}, []
    for text in prose_of(folder, stem):
        page = Links()
        page.feed(markdown2html(text))
        for address, inside in page.found:
            if "glossary.md" in address:
                at, _, anchor = address.partition("#")
                assert at == PAGES[folder]
                assert anchor in known
                assert not {*inside} & {"h1", "h2", "h3", "h4", "code", "pre", "a"}
                assert "summary" not in inside
                found.append(anchor)
        # What stands in code or math, or in raw HTML, does not become a link.
        assert len(LINK.findall(text)) == text.count("glossary.md")
    assert len(found) >= 10
    assert Counter(found).most_common(1)[0][1] == 1
    written = "\n".join(prose_of(folder, stem))
    assert found == [anchor for _, anchor in LINK.findall(written)]


@pytest.mark.parametrize(("folder", "stem"), NOTEBOOKS)
def test_no_paragraph_is_overgrown(folder, stem):
    own = {entry.anchor for entry in ENTRIES if entry.introduced == stem[:2]}
    for text in prose_of(folder, stem):
        for paragraph in re.split(r"\n\s*\n", text):
            anchors = [anchor for _, anchor in LINK.findall(paragraph)]
            assert len(anchors) <= MOST_OF_ITS_OWN, paragraph
            if not own & {*anchors}:
                assert len(anchors) <= MOST_IN_A_PARAGRAPH, paragraph


def test_rendering_adds_links_and_nothing_else():
    for source in find_sources(ROOT, []):
        for solved in (False, True):
            first, again = render(source, solved), render(source, solved)
            assert text_of(first) == text_of(again)
        plain = source.read_text(encoding="utf-8").replace("\n# ", "\n")
        for cell in first.cells:
            if cell.cell_type == "markdown":
                assert LINK.sub(r"\1", cell.source).split("\n\n")[0] in plain


# The rules, on toys.


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A reward. A reward.", "A [reward]. A reward."),
        ("A.\n---A reward.\n---A reward.", "A.\n---A [reward].\n---A reward."),
        ("Two rewards, Reward", "Two [rewards], Reward"),
        ("Log-probabilities, a logprob", "[Log-probabilities], a logprob"),
        ("A logprob", "A [logprob]"),
        ("Direct preference\n  optimization", "[Direct preference\n  optimization]"),
        ("A reward model", "A [reward model]"),
        ("A reward-model", "A [reward-model]"),
        ("A reward\n\nmodel", "A [reward]\n\nmodel"),
        ("KL penalty and KL", "[KL penalty] and [KL]"),
        ("a spec, dpo, kl, KLs", "a spec, dpo, kl, [KLs]"),
        ("the Spec's **reward**", "the [Spec]'s **[reward]**"),
        ("rewarding, non-reward, reward_1", "rewarding, non-reward, reward_1"),
        ("# The reward\nOf a reward", "# The reward\nOf a [reward]"),
        ("`reward` and ``a reward ` b``", "`reward` and ``a reward ` b``"),
        ("```\nreward\n```\nreward", "```\nreward\n```\n[reward]"),
        ("$reward$, $$\nreward\n$$ reward", "$reward$, $$\nreward\n$$ [reward]"),
        ("[the reward](a.md), a reward", "[the reward](a.md), a [reward]"),
        ("![a reward](a.png) <b id='reward'>", "![a reward](a.png) <b id='reward'>"),
        ("<summary>a reward</summary> reward", "<summary>a reward</summary> [reward]"),
        ("https://reward.org/reward", "https://reward.org/reward"),
        ("Spec.\n\n**Further reading**\n\n* a reward", None),
        ("DPO, KL, reward.\n\nA reward.", "[DPO], [KL], reward.\n\nA [reward]."),
        ("DPO, KL, reward.", "[DPO], [KL], reward."),
        ("a filter, beta", "a filter, beta"),
    ],
)
def test_what_is_linked(text, expected):
    if expected is None:
        expected = text.replace("Spec", "[Spec]")
    assert linked(text) == expected


def test_the_notebook_that_introduces_a_term_links_it_in_any_case():
    assert linked("a filter, beta", "13") == "a filter, [beta]"
    assert linked("DPO, KL, beta, Spec", "13") == "[DPO], [KL], [beta], Spec"
    crowd = [Entry(name, "13") for name in ("aa", "bb", "cc", "dd")]
    assert linked("aa, bb, cc, dd", "13", crowd) == "[aa], [bb], [cc], [dd]"
    waits = linked("aa, bb, cc, dd\n\ndd", "13", crowd)
    assert waits == "[aa], [bb], [cc], dd\n\n[dd]"


def test_only_prose_is_touched_and_a_course_without_the_page_has_no_links(tmp_path):
    book = new_notebook(cells=[new_code_cell("# a reward"), new_markdown_cell("DPO")])
    link_terms(book, "13", [], "glossary.md")
    assert [cell.source for cell in book.cells] == ["# a reward", "DPO"]
    link_terms(book, "13", TOYS, "glossary.md")
    assert [cell.source for cell in book.cells] == [
        "# a reward",
        "[DPO](glossary.md#dpo)",
    ]
    assert read_entries(tmp_path / "glossary.md") == []
