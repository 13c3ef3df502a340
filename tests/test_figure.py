"""The look of figures, and the description that goes with each."""

import nbformat
import pytest
from matplotlib import pyplot as plt

from utils.show.figure import COLORS, MARKERS, PALETTE, show, style
from utils.teach.builder import execute

ARMS = [f"A{number}" for number in range(13)]


def test_no_two_arms_look_alike():
    assert list(COLORS) == list(MARKERS) == ARMS
    assert len(set(MARKERS.values())) == len(ARMS)
    assert set(COLORS.values()) <= set(PALETTE.values())
    assert style("A0")["linestyle"] != style("A4")["linestyle"]
    with pytest.raises(KeyError):
        style("A13")


def test_matplotlib_knows_every_style():
    fig, ax = plt.subplots()
    for arm in ARMS:
        ax.plot([0, 1], [0, 1], **style(arm))
    fig.canvas.draw()
    assert len(ax.lines) == len(ARMS)
    plt.close(fig)


def test_show_prints_the_description_and_closes_the_figure(capsys):
    fig, _ = plt.subplots()
    show(fig, "Accuracy rises from 0.50 to 1.00.")
    assert capsys.readouterr().out == "Accuracy rises from 0.50 to 1.00.\n"
    assert not plt.fignum_exists(fig.number)


def test_a_notebook_draws_it_once_with_alternative_text(tmp_path):
    source = """
from matplotlib import pyplot as plt
from utils.show.figure import show
fig, ax = plt.subplots()
show(fig, "A line.")
"""
    cells = [nbformat.v4.new_code_cell(source)]
    cell = execute(nbformat.v4.new_notebook(cells=cells), tmp_path).cells[0]
    image, text = cell.outputs
    assert "image/png" in image.data
    assert image.metadata["image/png"]["alt"] == "A line."
    assert text.text == "A line.\n"


def test_show_wants_a_description():
    fig, _ = plt.subplots()
    with pytest.raises(ValueError, match="Say in one line"):
        show(fig, " ")
    plt.close(fig)
