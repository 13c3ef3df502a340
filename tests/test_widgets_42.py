"""The power explorer of notebook 42, without a browser."""

import pytest

from utils.evaluate.auditing import chance_of_alarm, loss_test
from utils.show.widgets_42 import Design, PowerExplorer, describe_design


@pytest.mark.parametrize("tests", [1, 5])
@pytest.mark.parametrize("pairs", [2, 20, 41])
def test_the_bar_is_the_first_number_with_a_small_p(pairs, tests):
    design = Design(pairs, 0.4, tests=tests)
    level = 0.05 / tests
    small = [k for k in range(pairs + 1) if loss_test(k, pairs, 0.1) <= level]
    assert design.bar == (small or [pairs + 1])[0]


def test_alarms_are_those_of_the_evaluation():
    design = Design(20, 0.4)
    assert design.alarm(0.4) == pytest.approx(chance_of_alarm(20, 0.4, 0.1, 0.01))
    assert design.alarm(0.1) <= 0.01


def test_too_few_pairs_never_raise_the_alarm():
    assert Design(1, 0.9).alarm(0.9) == 0
    assert "from 2 lost pairs on" in describe_design(Design(1, 0.9))


def test_every_control_shows_something_else():
    widget = PowerExplorer()
    seen = [(bytes(widget.image.value), widget.text.value)]
    for control, value in ((widget.pairs, 40), (widget.loss, 0.8), (widget.tests, 1)):
        control.value = value
        seen.append((bytes(widget.image.value), widget.text.value))
    assert all(image.startswith(b"\x89PNG") for image, _ in seen)
    assert len({image for image, _ in seen}) == len({text for _, text in seen}) == 4
    assert widget.text.value == describe_design(Design(40, 0.8, tests=1))
