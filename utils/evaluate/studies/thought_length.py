"""How much thought does a model need that was trained to think so much?

A thought that is cut short is a text that no training showed, so the answer behind it
says little (study `compute`). Here students learn short thoughts from the start: the
last steps only, from the same deliberations and with the same recipe as A4. No step at
all is A1, all six are A4.
"""

import torch

from utils.align.batching import Example
from utils.evaluate.arms import arm, digest_of, imitate
from utils.evaluate.cache import cached, key_of
from utils.evaluate.studies.interventions import STEPS
from utils.evaluate.studies.scale import measure
from utils.evaluate.training_data import deliberations
from utils.models.load import load
from utils.models.tokenizer import encode_completion, encode_prompt
from utils.world import prompts
from utils.world.replies import Thought
from utils.world.requests import Request

LENGTHS = (1, 2, 4, 5)  # steps, the last ones; 0 is A1, 6 is A4
WHOLE = {0: "A1", len(STEPS): "A4"}
Row = dict


def ending(thought: Thought, steps: int) -> str:
    """Return the last `steps` steps of a thought, from 1 to 6."""
    text = str(thought)
    return text[text.index(f"{STEPS[-steps]}: ") :]


def short_example(
    tokenizer, request: Request, answer: str, thought: Thought, steps: int
) -> Example:
    """Return a thinking example with the last steps of the thought only."""
    prompt = encode_prompt(tokenizer, prompts.chat(request.text), thinking=True)
    return Example(prompt, encode_completion(tokenizer, answer, ending(thought, steps)))


def student(steps: int, base: str, seed: int) -> tuple:
    """Return (model, tokenizer) of the student that thinks so many steps."""
    if steps in WHOLE:
        return arm(WHOLE[steps], base, seed)[:2]
    model, tokenizer = load(base)
    key = key_of(thought_length=steps, base=digest_of(base), seed=seed)

    def run(fresh) -> dict:
        torch.manual_seed(seed)
        examples = [
            short_example(tokenizer, request, one.answer, one.thought, steps)
            for request, one in deliberations(base, seed)
        ]
        return imitate(fresh, tokenizer, base, examples, seed)

    cached(model, key, run)
    return model.eval(), tokenizer


def study(seed: int, base: str = "lab") -> list[Row]:
    """Return the rows of each length and condition."""
    rows = []
    for steps in sorted({*LENGTHS, *WHOLE}):
        model, tokenizer = student(steps, base, seed)
        found = measure(model, tokenizer, thinking=steps > 0)
        for row in found:
            row.pop("errors", None)  # they are about thoughts of all six steps
        rows += [{"steps": steps} | row for row in found]
    return rows
