"""What the arms train on: requests, and all that the base model writes about them.

No answer, thought or verdict comes from a human or from the truth. The world gives
one thing away: the category of a request, by which the clauses for the context are
chosen (footnote 1 of Guan et al. 2024, arXiv 2412.16339, does so too).
"""

import random
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

import torch

from utils.align.batching import Example, Pair
from utils.align.chat import reply
from utils.align.critique import critique_and_revise
from utils.align.deliberate import Deliberation, deliberate
from utils.align.judge import preferences, verdicts
from utils.models.load import load
from utils.models.mixture import Mixture, thinks_in
from utils.models.tokenizer import ANSWER, encode_completion, encode_prompt
from utils.world import prompts
from utils.world.replies import action_of
from utils.world.requests import Request, sample_requests
from utils.world.spec import ACTIONS, Clause, load_principles, load_spec

PROMPTS = 2500
READINGS, LEAST_SCORE = 2, 0.5  # the judge's filter: minimum of two readings
WRITTEN = 10  # of so many fillers, one is learned; see fillers
# Tasks gone on with, and their shares.
REHEARSED = {"think": 2, "remember": 2, "restate": 1, "category": 1}


def training_requests(seed: int, n: int = PROMPTS) -> list[Request]:
    """Return the English requests about seen topics that every arm trains on."""
    return sample_requests(n, seed=seed, pairs="seen")


def rehearsal(tokenizer, base: str, n: int, seed: int) -> list[Example]:
    """Return `n` harmless pretraining examples, the same for every arm."""
    mixture = Mixture(tokenizer, thinks_in(base))
    rng = random.Random(f"rehearsal-{seed}")
    names = rng.choices(list(REHEARSED), list(REHEARSED.values()), k=n)
    return [Example(*mixture.example(rng, name)) for name in names]


@lru_cache(maxsize=4)
def deliberations(
    base: str, seed: int, n: int = PROMPTS
) -> tuple[tuple[Request, Deliberation], ...]:
    """Return those of `n` requests whose reasoning by the base model passed the filter.

    Malformed thoughts and thoughts that disagree with their answer are dropped, then
    all that the judge's lowest of `READINGS` scores puts below `LEAST_SCORE`.
    """
    model, tokenizer = load(base)
    requests = training_requests(seed, n)
    policies = [load_spec().of(request.topic.category) for request in requests]
    written = deliberate(model, tokenizer, policies, [r.text for r in requests])
    kept = [
        (request, one)
        for request, one in zip(requests, written, strict=True)
        if one.thought and one.thought.action == action_of(one.answer)
    ]
    scores = readings(model, tokenizer, kept, READINGS).amin(dim=1)
    return tuple(
        pair for pair, score in zip(kept, scores, strict=True) if score >= LEAST_SCORE
    )


def readings(
    model, tokenizer, written: Sequence[tuple[Request, Deliberation]], k: int
) -> torch.Tensor:
    """Return (n, k) float: what the judge thinks of deliberations in each reading.

    It sees the Spec's clauses of the category, the request, the answer, and the clause
    that the thought cites. Every thought must be well-formed.
    """
    return verdicts(
        model,
        tokenizer,
        [load_spec().of(request.topic.category) for request, _ in written],
        [request.text for request, _ in written],
        [one.answer for _, one in written],
        [one.thought.clause for _, one in written],
        k=k,
    )


@lru_cache(maxsize=4)
def revisions(
    base: str, seed: int, n: int = PROMPTS
) -> tuple[tuple[Request, str], ...]:
    """Return `n` requests with answers revised under the constitution (SL-CAI)."""
    model, tokenizer = load(base)
    requests = training_requests(seed, n)
    texts = [request.text for request in requests]
    policies = [load_principles().of(r.topic.category) for r in requests]
    first = [r.answer for r in reply(model, tokenizer, [*map(prompts.chat, texts)])]
    _, revised = critique_and_revise(model, tokenizer, policies, texts, first)
    return tuple(zip(requests, revised, strict=True))


def preference_pairs(
    base: str, seed: int, n: int = PROMPTS
) -> list[tuple[Request, str, str, float]]:
    """Return (request, better, worse, probability) as the AI labels them.

    The two candidates are the revised answer and one written under a principle drawn
    at random. The label is the base model's, with the true principles in context.
    """
    model, tokenizer = load(base)
    rng = random.Random(f"pairs-{seed}")
    revised = revisions(base, seed, n)
    cards = [
        prompts.card([Clause(1, r.topic.category, (r.intent,), rng.choice(ACTIONS))])
        for r, _ in revised
    ]
    chats = [
        prompts.follow(card, request.text)
        for card, (request, _) in zip(cards, revised, strict=True)
    ]
    others = [r.answer for r in reply(model, tokenizer, chats)]
    cases = [
        (request, one, two)
        for (request, one), two in zip(revised, others, strict=True)
        if one != two
    ]
    requests, firsts, seconds = zip(*cases, strict=True)
    policies = [load_principles().of(r.topic.category) for r in requests]
    texts = [request.text for request in requests]
    labels = preferences(model, tokenizer, policies, texts, firsts, seconds).tolist()
    return [
        (request, one, two, p) if p >= 0.5 else (request, two, one, 1 - p)
        for (request, one, two), p in zip(cases, labels, strict=True)
    ]


def deliberation_pairs(
    base: str, seed: int
) -> list[tuple[Request, Deliberation, Deliberation]]:
    """Return (request, better, worse): two deliberations that act differently.

    The better one passed the filter. The worse one was written under the Spec's own
    clauses with their actions drawn anew, and is at odds with the better one.
    """
    model, tokenizer = load(base)
    rng = random.Random(f"deliberation-pairs-{seed}")
    kept = deliberations(base, seed)
    wrong = [
        [
            replace(clause, action=rng.choice(ACTIONS))
            for clause in load_spec().of(request.topic.category)
        ]
        for request, _ in kept
    ]
    others = deliberate(model, tokenizer, wrong, [r.text for r, _ in kept])
    return [
        (request, better, worse)
        for (request, better), worse in zip(kept, others, strict=True)
        if worse.thought and worse.thought.action != better.thought.action
    ]


def direct_example(tokenizer, request: Request, answer: str) -> Example:
    """Return a request with an answer in direct mode."""
    prompt = encode_prompt(tokenizer, prompts.chat(request.text), thinking=False)
    return Example(prompt, encode_completion(tokenizer, answer))


def direct_pair(
    tokenizer, request: Request, better: str, worse: str, p: float = 1.0
) -> Pair:
    """Return two answers to a request in direct mode; p that `better` is better."""
    one = direct_example(tokenizer, request, better)
    return Pair(one.prompt, one.completion, encode_completion(tokenizer, worse), p)


def thinking_example(tokenizer, request: Request, one: Deliberation) -> Example:
    """Return a request, without the Spec, with a thought and an answer."""
    prompt = encode_prompt(tokenizer, prompts.chat(request.text), thinking=True)
    return Example(prompt, encode_completion(tokenizer, one.answer, str(one.thought)))


def fillers(tokenizer, kept: Sequence[tuple[Request, Deliberation]]) -> list[Example]:
    """Return thinking examples with full stops for thoughts, all of the mean length.

    One in WRITTEN has its full stops in the completion, so that the model learns to
    write them. The others have them in the prompt, where they cost no loss: if all were
    written, the stops would take nine tenths of the loss, and the answers stay weak.
    """
    dot, answer = map(tokenizer.convert_tokens_to_ids, (".", ANSWER))
    examples = [thinking_example(tokenizer, *pair) for pair in kept]
    lengths = [example.completion.index(answer) for example in examples]
    dots = [dot] * round(sum(lengths) / len(lengths))
    found = []
    for i, (example, length) in enumerate(zip(examples, lengths, strict=True)):
        said = example.completion[length:]
        if i % WRITTEN:
            found.append(Example(example.prompt + dots, said))
        else:
            found.append(Example(example.prompt, dots + said))
    return found


def documents(tokenizer, n: int, seed: int) -> list[Example]:
    """Return `n` questions about the text of the Spec, with their answers.

    They ask for a clause by its number, by category and intent, or with its reason,
    and for all clauses of a category. No request occurs in them.
    """
    rng = random.Random(f"documents-{seed}")
    return [
        Example(
            encode_prompt(tokenizer, prompts.chat(question), thinking=False),
            encode_completion(tokenizer, text),
        )
        for question, text in (draw_document(rng) for _ in range(n))
    ]


def draw_document(rng: random.Random) -> tuple[str, str]:
    """Draw one question about the Spec with its answer."""
    clause = rng.choice(load_spec().clauses)
    number, category = f"§{clause.number}", clause.category
    intent, action = rng.choice(clause.intents), clause.action
    forms = (
        (f"Clause: {number}?", f"{clause}."),
        (f"Category: {category}. Intent: {intent}.", f"Clause: {clause}."),
        (f"Category: {category}. Intent: {intent}. Action:", f"{action}."),
        (f"Which action is {intent} {category}?", f"{action}. Clause: {clause}."),
        (f"Category: {category}.", prompts.card(load_spec().of(category))),
        (f"Clause: {number}. Reason:", f"{clause}. Reason: {clause.reason}"),
    )
    return rng.choice(forms)
