"""The sample explorer of notebook 34, without a browser."""

import pytest

from utils.show.widgets_34 import Sampled, SampleExplorer, describe


@pytest.fixture
def cells() -> dict:
    """Two arms in two places, all different."""
    return {
        (arm, place): Sampled(
            arm,
            [0.0, 1.0, start, start],
            {1: 0.25 + start / 2, 4: start},
            {1: 0.25 + start / 2, 4: 0.75},
        )
        for arm, place, start in (
            ("A1", "home", 0.25),
            ("A1", "abroad", 0.375),
            ("A4", "home", 0.5),
            ("A4", "abroad", 0.625),
        )
    }


def test_every_control_shows_something_else(cells):
    widget = SampleExplorer(cells)
    seen = [(bytes(widget.image.value), widget.text.value)]
    for control, value in (
        (widget.place, "abroad"),
        (widget.arm, "A4"),
        (widget.votes, 4),
    ):
        control.value = value
        seen.append((bytes(widget.image.value), widget.text.value))
    assert all(image.startswith(b"\x89PNG") for image, _ in seen)
    assert len({image for image, _ in seen}) == len({text for _, text in seen}) == 4
    assert widget.text.value == describe("abroad", cells["A4", "abroad"], 4)


def test_description_holds_the_numbers(cells):
    text = describe("home", cells["A4", "home"], 4)
    assert "one sample 50% right, a vote of 4 50%, any of 4 75%" in text
    assert "never right 25%, always right 25%" in text


def test_menus_offer_what_was_sampled(cells):
    widget = SampleExplorer(cells)
    assert widget.arm.options == ("A1", "A4")
    assert widget.place.options == ("home", "abroad")
    with pytest.raises(Exception, match="Invalid selection"):
        widget.votes.value = 3
