"""The judge's desk of notebook 11, without a browser and without a model."""

from math import log

import pytest
import torch
from matplotlib import pyplot as plt

from utils.show.widgets_11 import (
    JudgeDesk,
    describe_reading,
    draw_reading,
    principles_for,
    read,
)
from utils.world import prompts
from utils.world.replies import answer
from utils.world.requests import sample_requests
from utils.world.spec import ACTIONS


def said(forward: float, backward: float) -> torch.Tensor:
    """Log-probabilities of a judge with these P(A); half goes to other tokens."""
    rows = [[a / 2, (1 - a) / 2] for a in (forward, backward)]
    return torch.tensor(rows).log()


def test_a_reading_is_about_the_first_answer():
    reading = read(said(0.9, 0.4))
    assert reading.forward == pytest.approx(0.9)
    assert reading.backward == pytest.approx(0.6)
    assert reading.label == pytest.approx(0.75)


def test_the_description_holds_exact_numbers_and_says_when_the_order_decides():
    text = describe_reading(read(said(0.9, 0.8)))
    assert f"place A: log p(A) = {log(0.45):.2f}, log p(B) = {log(0.05):.2f}" in text
    assert "better with 0.900" in text and "better with 0.200" in text
    assert "label over both orders: 0.550; the winner depends on the order" in text
    assert "depends" not in describe_reading(read(said(0.9, 0.1)))


def test_bars_change_sides_with_the_order():
    fig, ax = plt.subplots()
    draw_reading(ax, read(said(0.9, 0.8)))
    bars = [(bar.get_x(), bar.get_width()) for bar in ax.patches]
    assert len(bars) == 6
    lengths = [width for _, width in bars]
    assert lengths == pytest.approx([0.9, 0.1, 0.8, 0.2, 0.55, 0.45])
    colors = [bar.get_facecolor() for bar in ax.patches]
    assert colors[0] == colors[3] == colors[4] and colors[1] == colors[2]
    plt.close(fig)


def test_principles_are_the_chapter_its_rules_and_another_chapter():
    for request in sample_requests(10, seed=1):
        choices = principles_for(request)
        whole, *single, other = choices.values()
        assert len(single) == len(whole) and [*map(len, single)] == [1] * len(single)
        assert {rule.category for rule in whole} == {request.topic.category}
        assert len({rule.category for rule in other} - {request.topic.category}) == 1


@pytest.fixture
def desk():
    calls = []

    def ask(judge, card, text, first, second):
        calls.append((judge, card, text, first, second))
        right = 0.9 if first.startswith("Sure") else 0.2
        return said(right, 1 - right)

    requests = sample_requests(6, seed=2)
    found = JudgeDesk(ask, ["big", "small"], requests)
    found.calls = calls
    return found


def test_every_menu_asks_anew_and_shows_what_came_back(desk):
    assert len(desk.calls) == 1
    desk.judge.value = "small"
    desk.request.value = 3
    desk.principle.value = desk.principle.options[1]
    before = bytes(desk.image.value)
    desk.first.value = "ask"
    request = desk.requests[3]
    rule = [*principles_for(request).values()][1]
    two = [answer(action, request.topic.name) for action in ("ask", "refuse")]
    assert desk.calls[-1] == ("small", prompts.card(rule), request.text, *two)
    assert before.startswith(b"\x89PNG") and bytes(desk.image.value) != before
    assert "label over both orders: 0.200" in desk.text.value
    assert f"the right action is {request.action()}" in desk.text.value


def test_another_request_brings_its_own_principles(desk):
    for number, request in enumerate(desk.requests):
        desk.request.value = number
        assert list(desk.principle.options) == list(principles_for(request))
        assert desk.calls[-1][2] == request.text
    assert desk.first.options == ACTIONS
