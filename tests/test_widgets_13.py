"""The beta slider of notebook 13, without a browser."""

import pytest
import torch

from utils.show.widgets_13 import BetaSlider, describe_optimum

WORDS = ["a", "b"]
REFERENCE, REWARDS = torch.tensor([0.5, 0.5]), torch.tensor([0.0, 1.0])
POLICIES = {0.1: torch.tensor([0.01, 0.99]), 1.0: torch.tensor([0.27, 0.73])}


def test_moving_the_slider_draws_and_describes_another_policy():
    widget = BetaSlider(WORDS, REFERENCE, REWARDS, POLICIES)
    seen = {}
    for beta, policy in POLICIES.items():
        widget.slider.value = beta
        image = bytes(widget.image.value)
        assert image.startswith(b"\x89PNG")
        assert describe_optimum(REFERENCE, REWARDS, policy) in widget.text.value
        assert f"beta = {beta:g}:" in widget.text.value
        seen[beta] = image
    assert seen[0.1] != seen[1.0]


def test_description_holds_exact_numbers():
    text = describe_optimum(REFERENCE, REWARDS, torch.tensor([0.25, 0.75]))
    kl = 0.25 * torch.tensor(0.5).log() + 0.75 * torch.tensor(1.5).log()
    assert text == f"KL(policy || reference) = {kl:.3f}, expected reward = 0.750"


def test_slider_offers_no_other_beta():
    widget = BetaSlider(WORDS, REFERENCE, REWARDS, POLICIES)
    with pytest.raises(Exception, match="Invalid selection"):
        widget.slider.value = 0.5
