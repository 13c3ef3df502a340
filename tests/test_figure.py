"""The look of figures, and the description that goes with each."""

import pytest
from matplotlib import pyplot as plt

from utils.show.figure import COLORS, MARKERS, OKABE_ITO, show, style

ARMS = [f"A{number}" for number in range(13)]


def test_no_two_arms_look_alike():
    assert list(COLORS) == list(MARKERS) == ARMS
    assert len(set(MARKERS.values())) == len(ARMS)
    assert set(COLORS.values()) <= set(OKABE_ITO.values())
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


def test_show_displays_once_with_alternative_text(capsys):
    from IPython.testing.globalipapp import start_ipython

    shell = start_ipython()
    shell.enable_gui = lambda gui: None
    from IPython.utils.capture import capture_output

    with capture_output() as captured:
        fig, _ = plt.subplots()
        show(fig, "A line.")
    assert len(captured.outputs) == 1
    assert captured.outputs[0].metadata["image/png"]["alt"] == "A line."
    assert captured.stdout == "A line.\n"


def test_show_wants_a_description():
    fig, _ = plt.subplots()
    with pytest.raises(ValueError, match="Say in one line"):
        show(fig, " ")
    plt.close(fig)
