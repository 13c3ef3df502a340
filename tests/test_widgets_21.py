"""The sliders of notebook 21, without a browser."""

import pytest
import torch

from utils.show.widgets_21 import (
    LIMIT,
    THRESHOLDS,
    FilterSliders,
    describe_filter,
    log_odds,
)

SCORES = torch.tensor([[0.9, 0.8, 0.95], [0.9, 0.05, 0.9], [0.2, 0.95, 0.95]])
GOOD = torch.tensor([True, True, False])


def test_every_control_draws_and_describes_another_filter():
    widget = FilterSliders(SCORES, GOOD)
    seen = {(bytes(widget.image.value), widget.text.value)}
    for control, value in (
        (widget.k, 3),
        (widget.rule, "mean"),
        (widget.threshold, 0.9),
    ):
        control.value = value
        image = bytes(widget.image.value)
        assert image.startswith(b"\x89PNG")
        setting = widget.rule.value, widget.k.value, widget.threshold.value
        assert widget.text.value == describe_filter(SCORES, GOOD, *setting)
        seen.add((image, widget.text.value))
    assert len(seen) == 4


def test_description_by_hand():
    said = describe_filter(SCORES, GOOD, "minimum", 3, 0.5)
    assert "keeps 1 of 3; 0 of 1 faulty ones slip through" in said
    assert "1 of 2 good ones are lost; precision 1.000, recall 0.500" in said
    said = describe_filter(SCORES, GOOD, "mean", 3, 0.5)
    assert "keeps 3 of 3" in said and "precision 0.667, recall 1.000" in said


def test_no_more_readings_than_there_are():
    widget = FilterSliders(SCORES, GOOD)
    widget.k.value = 99
    assert widget.k.value == 3
    with pytest.raises(Exception, match="Invalid selection"):
        widget.threshold.value = 0.123
    assert 0.5 in THRESHOLDS


def test_log_odds_are_cut_off():
    found = log_odds(torch.tensor([0.0, 0.5, 0.9, 1.0])).tolist()
    assert found == pytest.approx([-LIMIT, 0.0, 2.1972246, LIMIT], abs=1e-4)
