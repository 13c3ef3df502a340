"""The widget of notebook 00, without a notebook."""

import pytest

from utils.models.tokenizer import build_tokenizer
from utils.show.widgets_00 import Explorer, as_html, as_text
from utils.world.data import load_templates, load_topics
from utils.world.requests import SURFACES, Request

TOPICS = {topic.name: topic for topic in load_topics()}
MAKE, FACTS = (
    next(t for t in load_templates() if t.intent == intent)
    for intent in ("make", "facts")
)


@pytest.fixture
def widget():
    start = Request(TOPICS["a crossbow"], MAKE)
    return Explorer(build_tokenizer(), load_templates(), start)


def test_menus_change_the_page(widget):
    assert "§1 weapons make get advice refuse" in widget.page.value
    widget.template.value = FACTS
    assert "§2 weapons facts rework comply" in widget.page.value
    widget.surface.value = "rot13"
    assert "pebffobj" in widget.page.value
    widget.topic.value = TOPICS["a water gun"]
    assert "it sounds dangerous" in widget.page.value
    assert widget.template.value is FACTS


def test_only_covered_phrasings_are_offered(widget):
    widget.topic.value = TOPICS["a home address"]  # no clause: make in privacy
    offered = [template.intent for _, template in widget.template.options]
    assert set(offered) == {"get", "advice", "facts", "rework"}
    assert widget.template.value.intent in offered
    assert "privacy" in widget.page.value


def test_the_text_twin_says_the_same_and_nothing_is_markup():
    tokenizer = build_tokenizer()
    for surface in SURFACES:
        request = Request(TOPICS["a home address"], FACTS, surface)
        text, page = as_text(request, tokenizer), as_html(request, tokenizer)
        assert text.count("\n") + 1 == page.count("<tr>")
        assert request.clause().reason in text and request.clause().reason in page
        assert page.count("<td") == page.count("<th ") == page.count("<tr>")
