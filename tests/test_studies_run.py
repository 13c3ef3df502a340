"""Every study still runs, and writes rows of the form that its results file has.

Each one is run at a size that takes seconds; what the results say is tested elsewhere.
"""

import importlib
from functools import partial

import pytest

from utils.evaluate import arms, training_data
from utils.evaluate.studies import labels
from utils.evaluate.studies import reward_model as rm
from utils.evaluate.study import NAMES, load_rows
from utils.models.load import load

FEW = 240  # requests
trained = partial(rm.trained, n=FEW)


def untrained(name: str, base: str = "lab", seed: int = 0) -> tuple:
    """Stand in for a trained arm."""
    return *load(base), {}


SMALL = {
    "blind": {
        "START_REQUESTS": 40,
        "START_STEPS": 2,
        "STEPS": 2,
        "EVERY": 1,
        "SFT_MORE": 2,
        "PROMPTS_PER_STEP": 2,
        "GROUP": 2,
        "LONGEST": 20,
        "TESTS": 10,
        "ASKED": 2,
        "arm": untrained,
    },
    "dpo": {
        "BETAS": (1.0,),
        "LEARNING_RATES": (2e-5,),
        "KEPT": 60,
        "ASKED": 10,
        "DPO_STEPS": 2,
        "preference_pairs": partial(training_data.preference_pairs, n=FEW),
        "revisions": partial(training_data.revisions, n=FEW),
    },
    "exploration": {
        "REQUESTS": 10,
        "BRIEF_REQUESTS": 20,
        "BRIEF_STEPS": 2,
        "PLACES": (("base", "en"), ("full", "en")),
        "arm": untrained,
        "reinforce": lambda *_, **__: {"first_reward": 0.0, "last_reward": 0.0},
    },
    "faults": {
        "REQUESTS": FEW,
        "KEPT": 60,
        "SFT_STEPS": 2,
        "STEPS": 2,
        "EVERY": 1,
        "ASKED": 10,
    },
    "judge_hacks": {"REQUESTS": 4, "JUDGES": ("lab_xs",), "READINGS": 2},
