"""The sliders of notebook 13, without a browser."""

import pytest
import torch

from utils.show.widgets_13 import (
    SHARES,
    BetaSlider,
    RunSlider,
    describe_optimum,
    describe_run,
)

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


@pytest.fixture
def runs() -> list[dict]:
    """Rows like those of results/dpo.json, with figures that tell settings apart."""
    return [
        {"seed": seed, "start": start, "beta": beta, "lr": lr}
        | dict.fromkeys(SHARES, beta / 2 + (start == "sft") / 4 + seed / 100)
        | {"kl": 1 / beta, "chosen_change": lr * 1e4, "rejected_change": -beta}
        for seed in range(3)
        for start in ("base", "sft")
        for beta in (0.1, 1.0)
        for lr in (5e-5, 2e-4)
    ]


def test_every_control_of_the_runs_shows_another_setting(runs):
    widget = RunSlider(runs, "base", 5e-5)
    seen = [(bytes(widget.image.value), widget.text.value)]
    for control, value in [
        (widget.beta, 1.0),
        (widget.start, "sft"),
        (widget.lr, 2e-4),
    ]:
        control.value = value
        seen.append((bytes(widget.image.value), widget.text.value))
    assert all(image.startswith(b"\x89PNG") for image, _ in seen)
    assert len({text for _, text in seen}) == 4
    assert widget.text.value == describe_run(runs, start="sft", beta=1.0, lr=2e-4)


def test_description_of_a_run_holds_means_over_the_seeds(runs):
    text = describe_run(runs, start="sft", beta=0.1, lr=2e-4)
    assert "after SFT, beta 0.1, lr 0.0002: reward accuracy 31%" in text
    assert "chosen +2.0, rejected -0.1 nats; KL 10.00" in text
