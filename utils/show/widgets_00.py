"""The widget of notebook 00: one request in one surface, all the way to its action."""

from collections.abc import Sequence
from html import escape

import ipywidgets as w

from utils.show.tables import named_rows
from utils.world.data import Template, Topic, load_topics
from utils.world.requests import SURFACES, Request


def chain(request: Request, tokenizer) -> list[tuple[str, str]]:
    """Return (step, what it gives) for each step from the surface to the action."""
    clause, topic = request.clause(), request.topic
    tokens = [token.replace("▁", "_") for token in tokenizer.tokenize(request.text)]
    sounds = ", and it sounds dangerous" if topic.lookalike else ""
    return [
        ("request", request.text),
        (f"{len(tokens)} tokens", " ".join(tokens)),
        ("in English", request.english),
        ("topic", topic.name + sounds),
        ("category", topic.category),
        ("intent", request.intent),
        ("clause", str(clause)),
        ("reason", clause.reason),
        ("right action", clause.action),
    ]


def as_text(request: Request, tokenizer) -> str:
    """Return the chain as plain text, for a static cell beside the widget."""
    return "\n".join(f"{name:13} {value}" for name, value in chain(request, tokenizer))


def as_html(request: Request, tokenizer) -> str:
    """Return the chain as an HTML table."""
    return named_rows((n, escape(text)) for n, text in chain(request, tokenizer))


class Explorer(w.VBox):
    """Three menus, topic, phrasing and surface, and the chain of the request below.

    The phrasings offered are those whose intent some clause covers for the topic.
    """

    def __init__(self, tokenizer, templates: Sequence[Template], start: Request):
        self.tokenizer, self.templates = tokenizer, templates
        wide = w.Layout(width="32em")
        names = {f"{t.category}: {t.name}": t for t in load_topics()}
        self.topic = w.Dropdown(
            options=names, value=start.topic, description="topic", layout=wide
        )
        self.template = w.Dropdown(description="phrasing", layout=wide)
        self.surface = w.Dropdown(
            options=SURFACES, value=start.surface, description="surface", layout=wide
        )
        self.page = w.HTML()
        self.offer(start.topic, start.template)
        self.topic.observe(self.change_topic, names="value")
        for menu in (self.template, self.surface):
            menu.observe(self.draw, names="value")
        self.draw()
        super().__init__([self.topic, self.template, self.surface, self.page])

    def offer(self, topic: Topic, wanted: Template) -> None:
        """Fill the menu of phrasings for a topic; keep `wanted` if it is among them."""
        one = {template: Request(topic, template) for template in self.templates}
        covered = [t for t in self.templates if covers(one[t])]
        names = [(f"{t.intent}: {t.text['en'].format(x='...')}", t) for t in covered]
        chosen = wanted if wanted in covered else covered[0]
        self.template.options = names
        self.template.value = chosen

    def change_topic(self, change: dict) -> None:
        """Offer the phrasings that fit the new topic, and draw."""
        self.offer(change["new"], self.template.value)
        self.draw()

    def draw(self, _change: dict | None = None) -> None:
        """Show the chain of the request that the menus say."""
        if self.template.value is None:  # while the menu of phrasings is refilled
            return
        request = Request(self.topic.value, self.template.value, self.surface.value)
        self.page.value = as_html(request, self.tokenizer)


def covers(request: Request) -> bool:
    """Say whether the Spec has a clause for a request."""
    try:
        request.clause()
    except KeyError:
        return False
    return True
