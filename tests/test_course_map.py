"""The map of the course: what it says at the beginning, on the way, and at the end."""

import json
import re

import pytest

from utils import files
from utils.teach import course_map, progress
from utils.teach.exercise import registry

EXERCISES = list(registry().values())
LABS = course_map.read_labs(files.ROOT / "course")


def page(points):
    return course_map.render(LABS, EXERCISES, points)


def test_a_new_learner_is_told_where_to_begin():
    text = page({})
    total = sum(exercise.points for exercise in EXERCISES)
    assert f"**You have 0 of {total:g} points.** Begin with [`right_action`](00" in text
    assert text.count("not begun |") == len(LABS)


def test_every_notebook_is_there_with_its_title_and_minutes():
    rows = re.findall(
        r"^\| \[(\d\d)\]\((\w+)\.ipynb\) \| (.+?) \| (\d+) \|", page({}), re.M
    )
    stems = sorted(path.stem for path in (files.ROOT / "course").glob("*.ipynb"))
    assert [stem for _, stem, _, _ in rows] == stems
    assert all(stem.startswith(number) for number, stem, _, _ in rows)
    for lab in LABS:
        assert len(lab.title) > 5 and 30 <= int(lab.minutes) <= 120


def test_points_what_is_left_and_what_is_next():
    mine = [e for e in EXERCISES if e.notebook == "13_dpo"]
    points = {e.name: e.points for e in EXERCISES if e.notebook < "13"}
    points |= {mine[0].name: mine[0].points, mine[1].name: 1}
    text = page(points)
    row = next(line for line in text.splitlines() if line.startswith("| [13]"))
    got, out_of = progress.sum_of(mine, points)
    assert f"| {got:g} / {out_of:g} |" in row
    left = ", ".join(f"`{exercise.name}`" for exercise in mine[1:])
    assert row.endswith(f"{left} |") and "█" in row and "░" in row
    assert f"Go on with [`{mine[1].name}`](13_dpo.ipynb#Exercise" in text
    row = next(line for line in text.splitlines() if line.startswith("| [12]"))
    assert row.endswith("██████████ done |")


def test_everything_solved():
    text = page({exercise.name: exercise.points for exercise in EXERCISES})
    assert "Everything is solved. Well done!" in text
    assert text.count("done |") == len(LABS)


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda e: e.name)
def test_the_link_to_an_exercise_leads_to_its_heading(exercise):
    lab = next(lab for lab in LABS if lab.stem == exercise.notebook)
    heading = lab.headings[exercise.name]
    path = files.ROOT / "course" / f"{lab.stem}.ipynb"
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    place = next(i for i, c in enumerate(cells) if c["id"] == f"ex-{exercise.name}")
    before = "".join("".join(c["source"]) + "\n" for c in cells[:place])
    assert re.findall(r"^#+ (.+)$", before, re.M)[-1] == heading


def test_the_page_is_written_from_what_is_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "WORK", tmp_path)
    progress.record("right_action", registry()["right_action"].points)
    course_map.write()
    text = course_map.path().read_text(encoding="utf-8")
    assert f"You have {registry()['right_action'].points:g} of" in text
    for name in re.findall(r"\]\((\w+\.md)\)", text):
        assert (files.ROOT / "course" / name).exists()
    assert text.count(".md)") == 2


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"cells": [{}]}', '{"cells": []}'])
def test_a_damaged_or_missing_notebook_costs_its_row_and_nothing_else(tmp_path, damage):
    (tmp_path / "00_lab.ipynb").write_text(damage, encoding="utf-8")
    text = course_map.render(course_map.read_labs(tmp_path), EXERCISES, {})
    assert "Begin with [`right_action`](00_lab.ipynb) in notebook 00." in text
    assert "| [00](00_lab.ipynb) | 00_lab | ? | 0 / " in text
    assert "| [13]" not in text
