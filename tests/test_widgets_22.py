"""Tokens coloured by their loss, and the viewer of thoughts."""

import re

import pytest

from utils import files
from utils.align.chat import Reply
from utils.models.load import load
from utils.models.tokenizer import build_tokenizer
from utils.show.widgets_22 import (
    SPEC_FILE,
    TraceViewer,
    clause_of,
    judge_scores,
    judgement,
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
    assert clause_of("Clause: §999 none such. Action: ask.") is None
    unknown = Reply("Clause: §999 none such. Action: ask.", "Er", [], [], True)
    assert "<a href" not in trace_html(request, unknown)


def test_the_clause_is_a_link_that_works_from_every_folder_of_notebooks(requests):
    for request in requests:
        html = trace_html(request, reply_to(request))
        (page, category) = re.search(r'<a href="([^"#]+)#(\w+)"', html).groups()
        assert page == SPEC_FILE and category == request.topic.category
        for folder in ("course", "solutions", "work"):
            target = (files.ROOT / folder / page).resolve()
            assert target == files.ROOT / "utils" / "world" / "spec.md"
        assert f"\n### {category}\n" in target.read_text(encoding="utf-8")


def test_readings_are_bars_with_the_lowest_marked(requests):
    request, reply = requests[0], reply_to(requests[0])
    html = trace_html(request, reply, [0.9, 0.25, 1.0])
    assert html.count("judge, reading") == 3 and html.count("minimum</td>") == 1
    lowest = next(row for row in html.split("<tr>") if "minimum</td>" in row)
    assert "reading 2" in lowest and "width:30px" in lowest and "0.25" in lowest
    text = trace_text(request, reply, [0.9, 0.25, 1.0])
    assert "judge, reading 3    1.00" in text
    assert "minimum 0.25: the filter drops it" in text
    assert "keeps" in judgement([0.5, 0.9]) and "a step is missing" in judgement([])
    assert "judge" not in trace_text(request, reply)


def test_the_judge_reads_whole_thoughts_only(requests):
    base, tokenizer = load("lab")
    replies = [reply_to(requests[0]), Reply("Plan: answer.", "Er", [], [], True)]
    good, none = judge_scores(base, tokenizer, requests[:2], replies, k=3)
    assert len(good) == 3 and min(good) > 0.5 and none == []
    wrong = "refuse" if requests[0].action() != "refuse" else "comply"
    replies = [reply_to(requests[0], wrong)]
    (bad,) = judge_scores(base, tokenizer, requests[:1], replies, k=3)
    assert min(bad) < 0.5


def test_the_viewer_follows_its_menu_and_marks_the_clause(requests):
    scores = [[0.1 * i, 1.0] for i in range(len(requests))]
    viewer = TraceViewer(requests, [*map(reply_to, requests)], scores)
    for i, request in enumerate(requests):
        viewer.menu.value = i
        assert viewer.page.value == trace_html(request, reply_to(request), scores[i])
        assert f'font-weight:bold">{request.clause()}' in viewer.page.value
        assert f"{scores[i][0]:.2f} &#9664; minimum" in viewer.page.value
    viewer = TraceViewer(requests[:1], [reply_to(requests[0])])
    assert "judge" not in viewer.page.value
    with pytest.raises(ValueError, match="one reply"):
        TraceViewer(requests, [reply_to(requests[0])])
