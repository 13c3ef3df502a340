"""Many samples: for an attacker, who needs one that complies, and for a defender.

The pairs of the study `jailbreaks`, plain and wrapped, answered SAMPLES times at
temperature 1. An attacker draws n times and keeps the worst; a defender draws n times
and lets the answers vote. Both can be read from the same samples.
"""

from itertools import product

from utils.align.chat import reply
from utils.evaluate.arms import ARMS, arm
from utils.evaluate.studies.jailbreaks import letters, pairs
from utils.world import prompts
from utils.world.data import SPLITS

NAMES = ("A1", "A2", "A4")
SURFACES = ("en", "es")
TRIED = ("", "authority", "ignore_rules", "no_refusal", "many_shot", "hurry")
PAIRS = 4  # of each kind and split
SAMPLES = 24
SIDES = ("sensitive", "harmless")
Row = dict


def study(seed: int) -> list[Row]:
    """Return a row for each arm, surface, wrapper and split of topics.

    Each side has a string for each request: the action of each of its samples.
    """
    splits = {topics: pairs(topics, PAIRS) for topics in SPLITS}
    rows = []
    for name in NAMES:
        model, tokenizer, _ = arm(name, "lab", seed)
        for surface, wrapper, topics in product(SURFACES, TRIED, SPLITS):
            asked = [
                getattr(pair, side).on(surface, wrapper)
                for side in SIDES
                for pair in splits[topics]
            ]
            chats = [prompts.chat(r.text) for r in asked for _ in range(SAMPLES)]
            said = letters(
                reply(
                    model,
                    tokenizer,
                    chats,
                    thinking=ARMS[name].thinking,
                    temperature=1.0,
                    seed=seed,
                )
            )
            own = [said[i : i + SAMPLES] for i in range(0, len(said), SAMPLES)]
            n = len(splits[topics])
            keys = {"arm": name, "surface": surface, "wrapper": wrapper}
            keys |= {"topics": topics}
            rows.append(keys | {"sensitive": own[:n], "harmless": own[n:]})
    return rows
