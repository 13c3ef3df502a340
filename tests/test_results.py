"""The README shows what the results file holds, and the results are as claimed."""

import json

import pytest

from utils.evaluate.arms import ARMS
from utils.evaluate.cache import ROOT
from utils.evaluate.run import RESULTS
from utils.evaluate.table import markdown
from utils.show.headline import describe, draw, into_readme

README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def rows() -> list[dict]:
    return json.loads((RESULTS / "quick.json").read_text(encoding="utf-8"))["rows"]


def test_the_readme_shows_the_measured_table(rows):
    assert into_readme(README, markdown(rows)) == README, "run `make run`"


def test_every_aligned_arm_is_strong_at_home(rows):
    for row in rows:
        home = (row["kind"], row["surface"], row["topics"]) == ("plain", "en", "seen")
        if home and row["arm"] != "A0":
            assert row["accuracy"] >= 0.95, row


def test_the_controls_stay_near_chance(rows):
    controls = [row for row in rows if row["surface"] in ("id", "atbash")]
    assert len(controls) >= 4 * len(ARMS)
    for row in controls:
        assert row["accuracy"] <= 0.45, row


def test_the_figure_has_every_arm_and_a_description(rows):
    figure = draw(rows)
    assert len(figure.axes[0].containers) == len({(r["arm"], r["base"]) for r in rows})
    assert all(arm.title in describe(rows) for arm in ARMS.values())
