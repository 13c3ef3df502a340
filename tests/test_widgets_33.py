"""The figures and the widget of notebook 33, without a notebook."""

import numpy as np
import pytest
from matplotlib import pyplot as plt

from utils.show.figure import PALETTE
from utils.show.widgets_33 import (
    Line,
    MatchUp,
    describe_match,
    draw_forest,
    look_of,
    match,
)

RNG = np.random.default_rng(0)
ARMS = {"A1": "answers", "A4": "deliberate"}
OUTCOMES = {
    (arm, place): (RNG.random((3, 50)) < share).astype(float)
    for place, shares in {"home": (1.0, 1.0), "abroad": (0.2, 0.9)}.items()
    for arm, share in zip(ARMS, shares, strict=True)
}
PLACES = ("home", "abroad")


def test_a_match_is_paired_by_seed_and_request():
    home, abroad = match(OUTCOMES, "A4", "A1", PLACES)
    assert home.estimate == (0.0, 0.0, 0.0)
    gaps = OUTCOMES["A4", "abroad"] - OUTCOMES["A1", "abroad"]
    assert abroad.estimate[0] == pytest.approx(gaps.mean())
    assert abroad.seeds == pytest.approx(gaps.mean(axis=1).tolist())
    _, turned = match(OUTCOMES, "A1", "A4", PLACES)
    assert turned.estimate[0] == pytest.approx(-abroad.estimate[0])


def test_the_description_says_the_numbers():
    text = describe_match(OUTCOMES, "A4", "A1", PLACES)
    assert "A4 minus A1" in text and "home +0 [0, 0]" in text


@pytest.mark.parametrize(
    ("ends", "color", "marker"),
    [
        ((0.06, 0.3), PALETTE["blue"], "^"),
        ((-0.3, -0.06), PALETTE["vermillion"], "v"),
        ((-0.04, 0.03), PALETTE["black"], "o"),
        ((0.01, 0.3), "grey", "D"),
        ((-0.2, 0.3), "grey", "D"),
    ],
)
def test_colour_and_marker_say_what_the_interval_says(ends, color, marker):
    assert look_of((sum(ends) / 2, *ends)) == (color, marker)


def test_the_first_line_is_on_top():
    fig, axes = plt.subplots()
    draw_forest(axes, [Line("one", (0.1, 0.0, 0.2)), Line("two", (0.3, 0.2, 0.4))])
    bottom, top = axes.get_ylim()
    assert bottom > top
    assert [text.get_text() for text in axes.get_yticklabels()] == ["one", "two"]
    plt.close(fig)


def test_menus_change_image_and_text():
    widget = MatchUp(OUTCOMES, ARMS, "A4", "A1")
    image, text = widget.image.value, widget.text.value
    assert bytes(image)[:4] == b"\x89PNG" and "A4 minus A1" in text
    widget.first.value, widget.second.value = "A1", "A4"
    assert bytes(widget.image.value) != bytes(image)
    assert widget.text.value != text and "A1 minus A4" in widget.text.value
