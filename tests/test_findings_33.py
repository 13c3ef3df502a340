"""What notebook 33 says in words about results/arms.json holds in the file."""

import pytest

from utils.evaluate.outcomes import paired_difference, rows_of
from utils.evaluate.study import load_rows
from utils.evaluate.table import plain_on, wrapped_in
from utils.evaluate.verdicts import judged
from utils.world.requests import TAUGHT_CIPHERS, TAUGHT_LANGUAGES
from utils.world.wrappers import NEW

LANGUAGES, CIPHERS = plain_on(*TAUGHT_LANGUAGES), plain_on(*TAUGHT_CIPHERS)
ENGLISH, ATTACKS = plain_on("en"), wrapped_in(*NEW)
MARGIN = 0.05


@pytest.fixture(scope="module")
def rows() -> list[dict]:
    return load_rows("arms")


@pytest.fixture(scope="module")
def gap(rows):
    """Paired difference of two arms: gap("A4", "A1", LANGUAGES)."""

    def measure(one, two, member, topics="", bases=("lab", "lab")):
        pairs = zip((one, two), bases, strict=True)
        return paired_difference(
            *(rows_of(rows, name, member, base, topics) for name, base in pairs)
        )

    return measure


def test_deliberation_is_ahead_of_answers_and_pairs_where_nothing_was_shown(gap):
    for other in ("A1", "A2"):
        assert gap("A4", other, ENGLISH, "held_out")[1] > MARGIN
        assert gap("A4", other, LANGUAGES)[1] > MARGIN
        assert gap("A4", other, CIPHERS)[1] > MARGIN


def test_inside_new_jailbreaks_it_is_behind_on_seen_topics(gap):
    assert gap("A4", "A1", ATTACKS, "seen")[2] < 0
    assert gap("A4", "A1", ATTACKS)[2] < MARGIN


def test_dots_help_nowhere_and_content_does(gap):
    for member in (LANGUAGES, CIPHERS):
        assert gap("A9", "A1", member)[0] < MARGIN
        assert gap("A4", "A9", member)[1] > MARGIN


def test_the_text_alone_brings_direct_answers_nowhere(gap):
    for member in (LANGUAGES, CIPHERS):
        assert gap("A7", "A1", member)[0] < MARGIN
        assert gap("A7", "A5", member)[2] < -MARGIN


def test_rl_and_pairs_of_thoughts_make_no_large_difference(gap):
    for one, two in (("A3", "A1"), ("A5", "A4"), ("A12", "A4"), ("A6", "A0")):
        for member in (LANGUAGES, CIPHERS):
            assert abs(gap(one, two, member)[0]) < MARGIN, (one, two)


def test_clauses_in_the_prompt_are_enough_in_english_only(gap):
    assert gap("A10", "A4", ENGLISH, "held_out")[1] > -MARGIN
    assert gap("A10", "A4", ATTACKS)[1] > MARGIN
    assert gap("A10", "A4", LANGUAGES)[2] < -MARGIN
    assert gap("A10", "A4", CIPHERS)[2] < -MARGIN
    assert gap("A10s", "A10", LANGUAGES)[1] > MARGIN
    assert gap("A10s", "A10", ENGLISH)[2] < -MARGIN


def test_without_a_base_that_reasons_everywhere_the_ciphers_are_lost(gap):
    bases = ("lab", "lab_english")
    languages, ciphers = (
        gap("A4", "A4", member, "", bases) for member in (LANGUAGES, CIPHERS)
    )
    assert languages[1] > MARGIN and ciphers[1] > MARGIN
    assert ciphers[0] > 2 * languages[0]


def test_the_verdicts_that_the_notebook_tells_in_words(rows):
    said = {}
    for claim, _, verdict in judged(rows):
        said.setdefault(claim.number, []).append(verdict)
    for number in ("i", "ii", "iii", "vi"):
        assert set(said[number]) == {"supported"}, number
    assert said["v"] == ["refuted", "open"]
    assert "refuted" not in said["iv"]


def test_the_text_helps_thoughts_in_ciphers_in_every_seed(rows, gap):
    assert gap("A8", "A4", CIPHERS)[1] > MARGIN
    for seed in {row["seed"] for row in rows}:
        one, two = (
            rows_of([r for r in rows if r["seed"] == seed], name, CIPHERS)
            for name in ("A8", "A4")
        )
        assert paired_difference(one, two)[0] > 0
    assert abs(gap("A8", "A4", LANGUAGES)[0]) < MARGIN


def test_dots_are_equal_at_home_and_behind_on_new_topics(gap):
    assert gap("A9", "A1", ENGLISH, "seen")[0] > -MARGIN
    assert gap("A9", "A1", ENGLISH, "held_out")[2] < 0
    assert gap("A9", "A1", LANGUAGES)[2] < 0
