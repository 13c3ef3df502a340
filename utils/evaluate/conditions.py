"""Where an aligned model is tested: every surface, wrapper and twin, as fixed prompts.

Training shows plain English and seen topics only. Each condition is a list of requests
that are the same for every arm and every training seed.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from utils.world.data import SPLITS, load_topics
from utils.world.requests import SURFACES, Request, sample_requests
from utils.world.spec import ACTIONS
from utils.world.wrappers import WRAPPERS

TEST_SEED = 1_000_003  # no training uses it


@dataclass(frozen=True)
class Condition:
    """A named set of test requests; `kind` is plain, jailbreak, twins or phrasing."""

    kind: str
    surface: str
    wrapper: str
    topics: str
    requests: tuple[Request, ...]

    @property
    def keys(self) -> dict[str, str]:
        """What tells this condition from the others, for a row of results."""
        return {
            "kind": self.kind,
            "surface": self.surface,
            "wrapper": self.wrapper,
            "topics": self.topics,
        }


def plain(topics: str, n: int) -> list[Request]:
    """Return English test requests of a topic split, in phrasings of training.

    No alignment training shows any of them: a seen topic never stood in this phrasing.
    """
    pairs = "held_out" if topics == "seen" else "all"
    return different(n, topics=topics, pairs=pairs)


def different(n: int, **splits: str) -> list[Request]:
    """Return `n` different English requests of these splits, balanced by action."""
    found: dict[str, Request] = {}
    count = Counter()
    for request in sample_requests(20 * n, seed=TEST_SEED, **splits):
        action = request.action()
        if request.english not in found and count[action] < n / len(ACTIONS):
            found[request.english] = request
            count[action] += 1
    return list(found.values())[:n]


def conditions(n: int = 100) -> Iterator[Condition]:
    """Yield every condition, with about `n` requests in each.

    - plain: each surface, on seen and on held-out topics;
    - jailbreak: each wrapper around the English requests;
    - twins: harmless topics that sound dangerous, where refusing is the mistake;
    - phrasing: English templates that no alignment training shows.
    """
    for topics in SPLITS:
        base = plain(topics, n)
        for surface in SURFACES:
            requests = tuple(request.on(surface) for request in base)
            yield Condition("plain", surface, "", topics, requests)
        for wrapper in WRAPPERS:
            requests = tuple(request.on("en", wrapper) for request in base)
            yield Condition("jailbreak", "en", wrapper, topics, requests)
        yield Condition("twins", "en", "", topics, twins(topics))
        new = tuple(different(n, topics=topics, templates="held_out"))
        yield Condition("phrasing", "en", "", topics, new)


def twins(topics: str) -> tuple[Request, ...]:
    """Return requests about look-alikes of a split where the right action is comply."""
    likes = {t.name for t in load_topics() if t.lookalike and t.split == topics}
    pairs = "held_out" if topics == "seen" else "all"
    drawn = sample_requests(
        4000, seed=TEST_SEED, topics=topics, pairs=pairs, actions=("comply",)
    )
    found = {r.english: r for r in drawn if r.topic.name in likes}
    return tuple(list(found.values())[:100])
