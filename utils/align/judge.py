"""The judge: the base model itself, with the policy in its context.

Deliberative Alignment (Guan et al. 2024, arXiv 2412.16339, section 2.3) scores each
example several times with a spec-aware judge and keeps the *minimum*, "because any
single run may overlook an issue". Here a run differs from the next in the order of the
policy's entries. Constitutional AI (Bai et al. 2022, arXiv 2212.08073, section 4.1)
asks which of two answers is better and uses the probabilities of the letters A and B.
"""

import random
from collections.abc import Sequence

import torch

from utils.align.batching import Example, score_completions
from utils.align.chat import reply
from utils.models.tokenizer import encode_prompt
from utils.world import prompts
from utils.world.spec import Clause

Clauses = Sequence[Clause]


def shuffled_card(clauses: Clauses, seed: str) -> str:
    """Write a policy with its entries in a random order, the same for a seed."""
    entries = [
        Clause(clause.number, clause.category, (intent,), clause.action)
        for clause in clauses
        for intent in clause.intents
    ]
    random.Random(seed).shuffle(entries)
    return prompts.card(entries)


def verdicts(
    model,
    tokenizer,
    policies: Sequence[Clauses],
    texts: Sequence[str],
    answers: Sequence[str],
    cited: Sequence[str] | None = None,
    *,
    k: int = 1,
) -> torch.Tensor:
    """Return (n, k) float: the probability of "yes, the answer fits" in each reading.

    The judge first writes what the policy asks for and what was done, then yes or no.
    `cited` adds the clause that a thought quotes. It should be the right one; what the
    shipped judges check of it is its action, not its number (notebook 21). The judge
    sees `texts` and `answers`, and no other part of a thought. A reading that ends in
    neither word counts as 0. More readings `k` make the minimum stricter.
    """
    cited = cited or [""] * len(texts)
    cases = list(zip(texts, answers, cited, strict=True))
    chats = [
        prompts.judge(shuffled_card(policies[i], f"{run}-{i}"), *case)
        for i, case in enumerate(cases)
        for run in range(k)
    ]
    replies = reply(model, tokenizer, chats, max_new_tokens=12)
    scores = [
        probability_of_yes(r.answer, r.logprobs[-2]) if r.finished and r.answer else 0.0
        for r in replies
    ]
    return torch.tensor(scores).reshape(len(texts), k)


def probability_of_yes(verdict: str, logprob: float) -> float:
    """Turn the log-probability of the last word into a probability of "yes"."""
    probability = torch.tensor(logprob).exp().item()
    last = verdict.split()[-1]
    return {"yes": probability, "no": 1 - probability}.get(last, 0.0)


def preferences(
    model,
    tokenizer,
    policies: Sequence[Clauses],
    texts: Sequence[str],
    first: Sequence[str],
    second: Sequence[str],
) -> torch.Tensor:
    """Return (n,) float: the probability that the first answer is the better one.

    p = 1/2 [ P(A | first is A) + P(B | first is B) ]

    with P over the two letters alone. Asking in both orders cancels a judge's
    preference for one position (Lee et al. 2023, arXiv 2309.00267, section 2.1).
    """
    forward = letter_a(model, tokenizer, policies, texts, first, second)
    backward = letter_a(model, tokenizer, policies, texts, second, first)
    return (forward + 1 - backward) / 2


def letter_a(
    model,
    tokenizer,
    policies: Sequence[Clauses],
    texts: Sequence[str],
    first: Sequence[str],
    second: Sequence[str],
) -> torch.Tensor:
    """Return (n,) float: P(A) against P(B), with `first` as A and `second` as B."""
    cards = map(prompts.card, policies)
    chats = map(prompts.compare, cards, texts, first, second)
    questions = [encode_prompt(tokenizer, chat, thinking=False) for chat in chats]
    logprobs = []
    for letter in "AB":
        completion = tokenizer.encode(letter, add_special_tokens=False)
        examples = [Example(question, completion) for question in questions]
        logprobs.append(score_completions(model, examples, tokenizer.pad_token_id))
    return torch.sigmoid(logprobs[0] - logprobs[1])
