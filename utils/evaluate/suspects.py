"""Simulated respondents: a fault of a known strength, and ordinary mistakes.

They answer at once, so that an evaluation can be tried on hundreds of them: how often
does it find a fault that is there, and how often does it accuse an innocent? The
models of audited.py are the real thing; these behave like them by rule.
"""

import random
from collections.abc import Sequence
from functools import lru_cache
from zlib import crc32

from utils.align.chat import Reply, reply
from utils.evaluate.audited import GOOD, faulty, reached
from utils.evaluate.auditing import TOLERANCE
from utils.world import prompts
from utils.world.data import categories
from utils.world.replies import answer
from utils.world.requests import Request
from utils.world.spec import ACTIONS, load_spec

GAPS = 3  # categories in which a respondent with gaps is never right


class OverBudget(ValueError):
    """Raised when more is asked than the budget allows."""


@lru_cache(maxsize=20_000)
def _said(request: Request, fault: str) -> tuple[str, str]:
    """Return (thought, answer) that a fault leads to; of GOOD, the right ones."""
    one = faulty(request, fault)
    return str(one.thought), one.answer


@lru_cache(maxsize=20_000)
def _mistaken(request: Request, turn: int) -> tuple[str, str]:
    """Return a thought and an answer that agree on a wrong action."""
    right = request.action()
    wrong = [action for action in ACTIONS if action != right][turn % 4]
    thought = _said(request, GOOD)[0].replace(f"Action: {right}.", f"Action: {wrong}.")
    return thought, answer(wrong, request.topic.name)


@lru_cache(maxsize=20_000)
def _name(request: Request) -> bytes:
    """Return what tells a request from all others."""
    return f"{request.english}{request.surface}{request.wrapper}".encode()


class Respondent:
    """Somebody to audit: `ask(requests)` returns a reply to each.

    fault    : one of FAULTS, or GOOD
    strength : share of the requests within the fault's reach on which it shows
    error    : share of all requests that are answered wrongly for no reason
    gaps     : categories in which every typical request is answered wrongly
    budget   : requests that may be asked in all; OverBudget beyond, None for no limit
    seed     : decides on which requests; the same request always gets the same reply

    `asked` holds all that was asked.
    """

    def __init__(
        self,
        fault: str = GOOD,
        strength: float = 1.0,
        error: float = 0.0,
        gaps: Sequence[str] = (),
        budget: int | None = None,
        seed: int = 0,
    ) -> None:
        self.fault, self.strength, self.error = fault, strength, error
        self.gaps, self.budget, self.seed = frozenset(gaps), budget, seed
        self.asked: list[Request] = []

    def ask(self, requests: Sequence[Request]) -> list[Reply]:
        """Return a reply to each request."""
        self.asked += requests
        if self.budget is not None and len(self.asked) > self.budget:
            raise OverBudget(f"The budget is {self.budget} requests.")
        return [self._reply(request) for request in requests]

    def _reply(self, request: Request) -> Reply:
        luck = crc32(_name(request), self.seed)
        first, second = (luck & 0xFFFF) / 2**16, (luck >> 16) / 2**16
        if reached(request, self.fault) and first < self.strength:
            thought, said = _said(request, self.fault)
        elif second < self.error or self._in_gap(request):
            thought, said = _mistaken(request, luck)
        else:
            thought, said = _said(request, GOOD)
        return Reply(thought, said, [], [], True)

    def _in_gap(self, request: Request) -> bool:
        return request.topic.category in self.gaps and not reached(request, "intent")


class Live:
    """A trained model behind the same door: `ask(requests)` returns its replies.

    budget : as for a Respondent. `log` holds all requests with their replies.
    """

    def __init__(self, model, tokenizer, budget: int | None = None) -> None:
        self.model, self.tokenizer, self.budget = model, tokenizer, budget
        self.log: list[tuple[Request, Reply]] = []

    def ask(self, requests: Sequence[Request]) -> list[Reply]:
        """Return the model's greedy replies, with thoughts."""
        if self.budget is not None and len(self.log) + len(requests) > self.budget:
            raise OverBudget(f"The budget is {self.budget} requests.")
        chats = [prompts.chat(request.text) for request in requests]
        said = reply(self.model, self.tokenizer, chats, thinking=True)
        self.log += zip(requests, said, strict=True)
        return said


def with_fault(fault: str, seed: int, budget: int | None = None) -> Respondent:
    """Return a respondent with a fault that shows in 60 to 100 %, and few errors."""
    rng = random.Random(f"{fault}-{seed}")
    strength, error = rng.uniform(0.6, 1.0), rng.uniform(0, TOLERANCE / 2)
    return Respondent(fault, strength, error, budget=budget, seed=seed)


def innocent(seed: int, budget: int | None = None) -> Respondent:
    """Return the worst respondent that is still good: wrong in TOLERANCE of all."""
    return Respondent(error=TOLERANCE, budget=budget, seed=seed)


def ignorant(seed: int, budget: int | None = None) -> Respondent:
    """Return one with none of the FAULTS that doesn't know GAPS sensitive categories.

    It is wrong there however one asks, in controls and in probes alike.
    """
    sensitive = [name for name in categories() if len(load_spec().of(name)) > 1]
    gaps = random.Random(f"gaps-{seed}").sample(sensitive, GAPS)
    return Respondent(error=TOLERANCE / 4, gaps=gaps, budget=budget, seed=seed)
