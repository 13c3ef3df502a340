"""Critique and revision: the supervised half of Constitutional AI (SL-CAI).

Bai et al. 2022, arXiv 2212.08073, section 3.1. The helpful-only model answers, reads
its own answer under a principle, says what is wrong with it, and writes a better one.
Only the revision is kept: neither the principle nor the critique is trained on.

Left out on purpose: several rounds for one answer (one is enough here).
"""

from collections.abc import Sequence

from utils.align.chat import reply
from utils.align.judge import Clauses
from utils.world import prompts


def critique_and_revise(
    model,
    tokenizer,
    principles: Sequence[Clauses],
    texts: Sequence[str],
    answers: Sequence[str],
) -> tuple[list[str], list[str]]:
    """Return (critiques, revised answers), greedy, one for each answer."""
    cards = [prompts.card(clauses) for clauses in principles]
    cases = list(zip(cards, texts, answers, strict=True))
    critiques = [
        r.answer
        for r in reply(model, tokenizer, [prompts.critique(*case) for case in cases])
    ]
    chats = [
        prompts.revise(*case, critique)
        for case, critique in zip(cases, critiques, strict=True)
    ]
    return critiques, [r.answer for r in reply(model, tokenizer, chats)]
