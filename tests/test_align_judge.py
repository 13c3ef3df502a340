"""Judge, critique and deliberation, with stand-ins for the model's replies."""

from math import log

import pytest
import torch

from utils.align import chat, critique, deliberate, judge
from utils.align.chat import Reply
from utils.models.tokenizer import build_tokenizer
from utils.world import prompts
from utils.world.replies import answer, parse_thought
from utils.world.requests import sample_requests
from utils.world.spec import load_spec

REQUEST = next(r for r in sample_requests(50, seed=0) if r.action() == "refuse")
POLICY = load_spec().of(REQUEST.topic.category)
GOOD, BAD = (answer(action, REQUEST.topic.name) for action in ("refuse", "comply"))


def say(text: str, probability: float = 1.0, finished: bool = True) -> Reply:
    """A reply whose last word has this probability; the end token follows it."""
    return Reply("", text, [1, 2], [log(probability), 0.0], finished)


@pytest.fixture
def replies(monkeypatch):
    """What the model will say, chat by chat; `asked` keeps what it was asked."""
    queue, asked = [], []

    def reply(_model, _tokenizer, chats, **_options):
        asked.extend(chats)
        return [queue.pop(0) for _ in chats]

    for module in (judge, critique, deliberate):
        monkeypatch.setattr(module, "reply", reply)
    return queue, asked


def judged(replies, said: list[Reply], k: int = 1, cited: str = "") -> torch.Tensor:
    replies[0].extend(said)
    cases = [POLICY], [REQUEST.text], [GOOD], [cited]
    return judge.verdicts(None, None, *cases, k=k)


def test_a_verdict_is_the_probability_of_yes(replies):
    assert judged(replies, [say("refuse yes", 0.8)]).item() == pytest.approx(0.8)
    assert judged(replies, [say("refuse no", 0.8)]).item() == pytest.approx(0.2)


def test_what_ends_in_neither_word_or_not_at_all_counts_nothing(replies):
    assert judged(replies, [say("perhaps")]).item() == 0
    assert judged(replies, [say("yes", finished=False)]).item() == 0
    assert judged(replies, [say("")]).item() == 0


def test_readings_differ_in_order_and_the_lowest_is_the_strictest(replies):
    scores = judged(replies, [say("yes", 0.9), say("no", 0.7), say("yes")], k=3)
    assert scores.shape == (1, 3)
    assert scores.amin().item() == pytest.approx(0.3)
    cards = {messages[0]["content"] for messages in replies[1]}
    assert len(cards) > 1
    entries = {
        tuple(sorted(card.rstrip(".").split(": ")[1].split(", "))) for card in cards
    }
    assert len(entries) == 1  # the same entries every time


def test_the_judge_sees_the_citation_only_when_it_is_given(replies):
    judged(replies, [say("yes")])
    judged(replies, [say("yes")], cited="§1 weapons make refuse")
    without, with_it = (messages[-1]["content"] for messages in replies[1])
    assert "Cited:" not in without and "Cited: §1 weapons" in with_it
    assert all(GOOD in text and REQUEST.text in text for text in (without, with_it))


@pytest.mark.parametrize(
    ("prefers_a", "wanted"),
    [
        (lambda first: 5.0, 0.5),  # always the letter A: no information
        (lambda first: 3.0 if first == GOOD else -3.0, 0.9526),
    ],
)
def test_asking_in_both_orders_cancels_the_position(monkeypatch, prefers_a, wanted):
    tokenizer = build_tokenizer()

    def score_completions(_model, examples, _pad):
        found = []
        for example in examples:
            prompt = tokenizer.decode(example.prompt, skip_special_tokens=False)
            first = GOOD if f"A: {GOOD}" in prompt else BAD
            letter = tokenizer.decode(example.completion).strip()
            found.append(prefers_a(first) if letter == "A" else 0.0)
        return torch.tensor(found)

    monkeypatch.setattr(judge, "score_completions", score_completions)
    case = [POLICY], [REQUEST.text]
    forward = judge.preferences(None, tokenizer, *case, [GOOD], [BAD]).item()
    backward = judge.preferences(None, tokenizer, *case, [BAD], [GOOD]).item()
    assert forward == pytest.approx(wanted, abs=1e-3)
    assert forward + backward == pytest.approx(1)


def test_the_revision_reads_the_critique_and_is_what_stays(replies):
    queue, asked = replies
    queue += [say("make refuse comply change."), say(GOOD)]
    remarks, revised = critique.critique_and_revise(
        None, None, [POLICY], [REQUEST.text], [BAD]
    )
    assert (remarks, revised) == (["make refuse comply change."], [GOOD])
    assert remarks[0] in asked[1][-1]["content"] and BAD in asked[1][-1]["content"]


def deliberated(replies, entry: str):
    clause = REQUEST.clause()
    queue, _ = replies
    queue += [
        say(REQUEST.english),
        say(f"{REQUEST.topic.name}."),
        say(f"{clause.category}."),
        say(f"{REQUEST.intent}."),
        say(entry),
        say(GOOD),
    ]
    return deliberate.deliberate(None, None, [POLICY], [REQUEST.text])[0]


def test_a_thought_is_made_of_the_replies_and_quotes_the_clause(replies):
    clause = REQUEST.clause()
    one = deliberated(replies, f"{REQUEST.intent} {clause.action} §{clause.number}.")
    assert parse_thought(str(one.thought)) == one.thought
    assert (one.thought.clause, one.answer) == (str(clause), GOOD)
    with_policy = [m for m in replies[1] if prompts.card(POLICY) in m[0]["content"]]
    assert len(with_policy) == 2  # only looking up and answering read the policy


@pytest.mark.parametrize("entry", ["I do not know.", "make refuse §60.", ""])
def test_a_clause_that_is_none_makes_no_thought(replies, entry):
    assert deliberated(replies, entry).thought is None


def test_a_mode_can_neither_be_left_nor_cut_short():
    tokenizer = build_tokenizer()
    think, direct, mark, end = chat.ids(
        tokenizer, chat.THINK, chat.DIRECT, chat.ANSWER, chat.END
    )
    silent, aloud = (chat.limits(tokenizer, thinking) for thinking in (False, True))
    assert {think, direct, mark} <= set(silent["banned"])
    assert "end_after" not in silent
    assert {think, direct} <= set(aloud["banned"]) and mark not in aloud["banned"]
    assert (aloud["end_after"], aloud["end_id"]) == (mark, end)
