"""The temperature slider of notebook 12, without a browser."""

import pytest
import torch

from utils.evaluate.studies.reward_model import calibration_error
from utils.show.widgets_12 import TemperatureSlider, describe_reliability, reliability

GAPS = {"home": torch.tensor([[2.0, 3.0], [1.0, -0.5]]), "abroad": torch.randn(9)}


def test_every_choice_draws_and_describes_another_diagram():
    widget = TemperatureSlider(GAPS)
    seen = set()
    for place in GAPS:
        for temperature in ("0.5", "1", "4"):
            widget.place.value, widget.slider.value = place, temperature
            image = bytes(widget.image.value)
            assert image.startswith(b"\x89PNG")
            seen.add(image)
            said = describe_reliability(GAPS[place] / float(temperature))
            assert widget.text.value == f"{place}, temperature {temperature}: {said}"
    assert len(seen) == 6


def test_the_slider_starts_at_rewards_as_they_are():
    widget = TemperatureSlider(GAPS)
    assert float(widget.slider.value) == 1
    with pytest.raises(Exception, match="Invalid selection"):
        widget.slider.value = "0.123"


def test_temperature_changes_no_accuracy():
    z = torch.randn(50)
    words = [describe_reliability(z / t).split(",")[0] for t in (0.3, 1, 5)]
    assert len(set(words)) == 1


def test_reliability_by_hand():
    """Two pairs at sigmoid(3), one of them right, and a tie."""
    sure = torch.tensor(3.0).sigmoid().item()
    found = reliability(torch.tensor([3.0, -3.0, 0.0]))
    assert found == [
        pytest.approx((0.5, 0.5, 1 / 3)),
        pytest.approx((sure, 0.5, 2 / 3)),
    ]


def test_error_in_both_orders_is_the_mean_miss_of_the_upper_half():
    z = 2 * torch.randn(400)
    misses = [share * abs(right - sure) for sure, right, share in reliability(z)]
    assert calibration_error(z) == pytest.approx(sum(misses), abs=1e-4)
