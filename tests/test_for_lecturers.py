"""The lecturers' page: its sums, the sections it points to, the messages it quotes."""

import re

import nbformat
import pytest

from utils.files import ROOT
from utils.teach.exercise import registry

PAGE = (ROOT / "course" / "for_lecturers.md").read_text(encoding="utf-8")
LINK = r"\[(\d\d)\]\(\.\./solutions/\w+\.ipynb\)"


def part(heading: str) -> str:
    """The text from one heading to the next."""
    return re.search(rf"^#+ {heading}\n(.*?)(?=^#)", PAGE, re.M | re.S)[1]


def rows(text: str) -> list[list[str]]:
    """The cells of each row of the tables in a text, without heading and rule."""
    found = [line.strip("| ").split(" | ") for line in text.splitlines() if "|" in line]
    return [row for row in found[2:] if len(row) > 1]


@pytest.fixture(scope="module")
def minutes() -> dict[str, int]:
    """Minutes by notebook, from the README's table."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    row = r"^\| \[(\d\d)\]\(.*\| (\d+) \| \d+ \|$"
    return {number: int(m) for number, m in re.findall(row, readme, re.M)}


def test_minutes_of_the_day_are_sums(minutes):
    blocks, total = rows(part("One day")), 0
    assert len(blocks) == 4
    for _, link, said, *_ in blocks:
        total += minutes[re.match(LINK, link)[1]]
        assert total == int(said)


def test_minutes_of_the_week_are_sums(minutes):
    days = rows(part("One week"))
    assert len(days) == 5
    for _, links, said, *_ in days:
        assert sum(minutes[n] for n in re.findall(LINK, links)) == int(said)


def test_every_section_that_the_page_points_to_exists():
    pointed = re.findall(LINK + r", sections? (\d+(?:(?:, | and )\d+)*)", PAGE)
    pointed += re.findall(r"(?<![\d§])(\d\d), section (\d+)", PAGE)
    assert len(pointed) > 20
    for number, sections in pointed:
        (path,) = (ROOT / "solutions").glob(f"{number}_*.ipynb")
        text = "\n".join(c.source for c in nbformat.read(path, as_version=4).cells)
        for section in re.findall(r"\d+", sections):
            assert re.search(rf"^## {section}\. ", text, re.M), (number, section)


def test_every_mistake_is_one_that_a_check_names():
    mistakes = rows(part(r"4\. Common mistakes"))
    assert len(mistakes) >= 12
    for _, _, said, _ in mistakes:
        name, quoted = re.fullmatch(r'\[`(\w+)`\] "(.+)"', said).groups()
        messages = {mutant.message for mutant in registry()[name].mutants.values()}
        assert quoted in messages, (name, quoted)
