"""The slider over recorded runs of notebook 14, without a browser."""

import pytest

from utils.show.widgets_14 import RunSlider, describe_look, samples_of


def look(step: int, truth: float, said: str) -> dict:
    return {
        "step": step,
        "proxy": step / 10,
        "truth": truth,
        "kl": 0.5 * step,
        "finished": 1.0,
        "asked": ["May I <ask>?"],
        "said": [said],
    }


RUNS = {
    "held": [look(0, 0.2, "Sure."), look(8, 0.6, "Sorry.")],
    "loose": [look(0, 0.2, "Sure."), look(8, 0.0, "Please <b> Please")],
}


def test_every_run_and_look_is_drawn_and_described():
    widget = RunSlider(RUNS)
    seen = set()
    for name, looks in RUNS.items():
        widget.menu.value = name
        for index, one in enumerate(looks):
            widget.slider.value = index
            image = bytes(widget.image.value)
            assert image.startswith(b"\x89PNG")
            assert describe_look(one) in widget.text.value
            seen.add(image)
    assert len(seen) == 4


def test_texts_of_a_model_are_shown_and_not_obeyed():
    widget = RunSlider(RUNS)
    widget.menu.value = "loose"
    assert "Please &lt;b&gt; Please" in widget.text.value
    assert "May I &lt;ask&gt;?" in widget.text.value


def test_description_and_samples_of_a_look():
    one = RUNS["held"][1]
    assert describe_look(one) == (
        "step 8: proxy +0.80, truth 60 %, KL 4.00 nats, finished 100 % of the answers"
    )
    assert samples_of(one) == [("May I <ask>?", "Sorry.")]


def test_slider_offers_no_look_that_was_not_taken():
    widget = RunSlider(RUNS)
    widget.slider.value = 7
    assert widget.slider.value == 1
    with pytest.raises(Exception, match="Invalid selection"):
        widget.menu.value = "other"
