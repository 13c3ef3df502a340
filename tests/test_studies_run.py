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


def untrained(name: str, seed: int = 0) -> tuple:
    """Stand in for a trained arm."""
    return *load("lab"), {}


SMALL = {
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
    "filter": {"N": 30},
    "filter_training": {"REQUESTS": 40, "STEPS": 2, "ASKED": 5},
    "follow": {"SPECS": 1, "ASKED": 10},
    "labels": {"draw_cases": partial(labels.draw_cases, n=20)},
    "label_training": {"TRAIN": 64, "TEST": 20, "STEPS": 2},
    "revisions": {"N": 20, "ROUNDS": 1},
