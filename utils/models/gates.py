"""Gates: what a base model has to be able to do before the course builds on it.

Greedy decoding writes exactly the wanted text if and only if, with the wanted text
given, the most likely token is the wanted one at every place. So one forward pass
measures exact matches, without sampling.
"""

import random
import sys

import torch

from utils.models.load import load
from utils.models.mixture import Mixture
from utils.models.tokenizer import encode_completion, encode_prompt
from utils.world import prompts
from utils.world.data import load_topics
from utils.world.requests import TAUGHT_CIPHERS, TAUGHT_LANGUAGES

# name of a gate -> the share of exact answers that it asks for
GATES = {
    "facts": 0.99,
    "languages": 0.98,
    "ciphers": 0.95,
    "spec_following": 0.95,
    "judge": 0.90,
}
Pair = tuple[list[int], list[int]]


@torch.no_grad()
def exact(model, pairs: list[Pair], batch_size: int = 64) -> list[bool]:
    """Say for each (prompt ids, completion ids) whether greedy decoding writes it."""
    order = sorted(range(len(pairs)), key=lambda i: sum(map(len, pairs[i])))
    results = [False] * len(pairs)
    for start in range(0, len(order), batch_size):
        rows = order[start : start + batch_size]
        length = max(sum(map(len, pairs[i])) for i in rows)
        ids = torch.zeros(len(rows), length, dtype=torch.long)
        for row, i in enumerate(rows):
            whole = pairs[i][0] + pairs[i][1]
            ids[row, : len(whole)] = torch.tensor(whole)
        hidden = model.model(ids).last_hidden_state  # (batch, seq, width)
        for row, i in enumerate(rows):
            prompt, completion = pairs[i]
            at = slice(len(prompt) - 1, len(prompt) + len(completion) - 1)
            best = model.lm_head(hidden[row, at]).argmax(-1)  # (completion,)
            results[i] = best.tolist() == completion
    return results


def share(results: list[bool]) -> float:
    """Return the share of true results, rounded to four places."""
    return round(sum(results) / len(results), 4)


def measure(model, tokenizer, n: int = 300, seed: int = 1) -> dict[str, float]:
    """Measure every gate, and each surface and task behind it, on fresh examples."""
    rng = random.Random(f"gates-{seed}")
    mixture = Mixture(tokenizer, ("en",))

    def pair(messages, text) -> Pair:
        prompt = encode_prompt(tokenizer, messages, thinking=False)
        return prompt, encode_completion(tokenizer, text)

    found = {}
    facts = [
        pair(prompts.name_category(topic.name, phrasing), f"{topic.category}.")
        for topic in load_topics()
        for phrasing in (0, 3)
    ]
    found["facts"] = share(exact(model, facts))
    for surface in (*TAUGHT_LANGUAGES, *TAUGHT_CIPHERS):
        requests = [mixture.request(rng, surface, wrapped=0.0) for _ in range(n)]
        pairs = [pair(prompts.restate(r.text), r.english) for r in requests]
        found[surface] = share(exact(model, pairs))
    found["languages"] = min(found[surface] for surface in TAUGHT_LANGUAGES)
    found["ciphers"] = min(found[surface] for surface in TAUGHT_CIPHERS)
    cases = [mixture.draw_case(rng) for _ in range(n)]
    hops = [
        [(prompts.name_topic(r.text), f"{r.topic.name}.") for _, r, _, _ in cases],
        [
            (prompts.name_category(r.topic.name), f"{r.topic.category}.")
            for _, r, _, _ in cases
        ],
        [(prompts.name_intent(r.text), f"{r.intent}.") for _, r, _, _ in cases],
        [
            (prompts.look_up(card, [r.intent]), f"{r.intent} {c.action} §{c.number}.")
            for card, r, c, _ in cases
        ],
    ]
    results = [exact(model, [pair(*case) for case in hop]) for hop in hops]
    found["spec_following"] = share([all(hop) for hop in zip(*results, strict=True)])
    for task in ("recall", "follow", "judge", "compare", "critique", "revise"):
        pairs = [mixture.example(rng, task) for _ in range(n)]
        found[task] = share(exact(model, pairs))
    abroad = Mixture(tokenizer, (*TAUGHT_LANGUAGES, *TAUGHT_CIPHERS))
    for where, tasks in (("at_home", mixture), ("abroad", abroad)):
        pairs = [tasks.example(rng, t) for t in ("think", "remember") for _ in range(n)]
        found[f"reasoning_{where}"] = share(exact(model, pairs))
    return found


def missed(found: dict[str, float]) -> list[str]:
    """Name the gates that were not reached, with the numbers."""
    return [
        f"{name}: {found[name]:.3f}, wanted {wanted:.2f}"
        for name, wanted in GATES.items()
        if found[name] < wanted
    ]


def main() -> int:
    """Measure the gates of a model again: ``python -m utils.models.gates lab``."""
    name = sys.argv[1] if len(sys.argv) > 1 else "lab"
    try:
        found = measure(*load(name))
    except ValueError as problem:
        print(problem, file=sys.stderr)
        return 2
    for gate, value in found.items():
        wanted = f"  (gate {GATES[gate]:.2f})" if gate in GATES else ""
        print(f"{gate:15} {value:.3f}{wanted}")
    for line in missed(found):
        print(f"missed: {line}")
    return 1 if missed(found) else 0


if __name__ == "__main__":
    sys.exit(main())
