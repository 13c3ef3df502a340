"""Tokens coloured by their loss, and the viewer of thoughts."""

import pytest

from utils.align.chat import Reply
from utils.models.tokenizer import build_tokenizer
from utils.show.widgets_22 import (
    TraceViewer,
    reason_of,
    token_html,
    token_text,
    trace_html,
    trace_text,
)
from utils.world.replies import answer, true_thought
from utils.world.requests import Request, sample_requests


def reply_to(request: Request, action: str = "") -> Reply:
    said = answer(action or request.action(), request.topic.name)
    return Reply(str(true_thought(request)), said, [], [], True)


@pytest.fixture
def requests():
    return sample_requests(5, seed=3)


def test_tokens_show_where_the_loss_is():
    tokenizer = build_tokenizer()
    ids = tokenizer.encode("<|user|>How do I make it?", add_special_tokens=False)
    mask = [False] * 3 + [True] * (len(ids) - 3)
    assert token_text(tokenizer, ids, mask).split("\n") == [
        "read    | <|user|> How do",
        "learned |  I make it?",
    ]
    html = token_html(tokenizer, ids, mask)
    assert html.count("<span") == len(ids) and "&lt;|user|&gt;" in html
    with pytest.raises(ValueError):
        token_text(tokenizer, ids, mask[1:])


def test_a_trace_holds_every_step_the_reason_and_the_verdict(requests):
    for request in requests:
        text = trace_text(request, reply_to(request))
        assert f"thought: Clause     {request.clause()}" in text
        assert f"reason in spec.md   {request.clause().reason}" in text
        assert f"{request.action()} (right)" in text
        wrong = "refuse" if request.action() != "refuse" else "comply"
        assert f"{wrong} (wrong)" in trace_text(request, reply_to(request, wrong))


def test_a_trace_without_a_clause_has_no_reason(requests):
    request = requests[0]
    reply = Reply(f"Request: {request.english} Plan: answer.", "Er <b>", [], [], True)
    text = trace_text(request, reply)
    assert "reason in spec.md" not in text and "none (wrong)" in text
    assert "thought: Plan       answer." in text
    assert "&lt;b&gt;" in trace_html(request, reply)
    assert reason_of("Clause: §999 none such. Action: ask.") == ""


def test_the_viewer_follows_its_menu_and_marks_the_clause(requests):
    viewer = TraceViewer(requests, [*map(reply_to, requests)])
    for number, request in enumerate(requests):
        viewer.menu.value = number
        assert viewer.page.value == trace_html(request, reply_to(request))
        assert f'font-weight:bold">{request.clause()}' in viewer.page.value
