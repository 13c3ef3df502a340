"""Every study still runs, and writes rows of the form that its results file has.

Each one is run at a size that takes seconds; what the results say is tested elsewhere.
"""

import importlib
from functools import partial

import pytest

from utils.align.adapter import with_adapter
from utils.evaluate import arms, training_data
from utils.evaluate.studies import edit_spec, labels, real_model, scale
from utils.evaluate.studies import reward_model as rm
from utils.evaluate.studies.phases import flawless
from utils.evaluate.study import NAMES, load_rows
from utils.models.load import load

FEW = 240  # requests
trained = partial(rm.trained, n=FEW)


def untrained(name: str, base: str = "lab", seed: int = 0) -> tuple:
    """Stand in for a trained arm."""
    return *load(base), {}


def few_deliberations(base: str, seed: int) -> list[tuple]:
    """Stand in for what a teacher writes."""
    return [(r, flawless(r)) for r in training_data.training_requests(seed, 40)]


def small_student(arm: str, start: str, seed: int, size: object) -> tuple:
    """Stand in for a student of 135 M parameters."""
    model, tokenizer = load("lab_xxs")
    return with_adapter(model, seed), tokenizer, {}


SMALL = {
    "audit": {
        "FAULTS": ("topics", "opposite"),
        "NAIVE": 5,
        "REQUESTS": 2,
        "PAIRS": 2,
        "trained": lambda fault, seed: load("lab"),
    },
    "best_of_n": {
        "NAMES": ("A1", "A4"),
        "TRIED": ("", "hurry"),
        "PAIRS": 1,
        "SAMPLES": 2,
        "arm": untrained,
    },
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
    "compute": {
        "RUNS": (("A1", "lab_xs"), ("A4", "lab_xs")),
        "PLACES": (("en", "hurry"),),
        "SAMPLES": 2,
        "REQUESTS": 5,
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
    "early_answers": {
        "ARMS": ("A4",),
        "SURFACES": ("en",),
        "REQUESTS": 10,
        "arm": untrained,
    },
    "edit_spec": {
        "REQUESTS": 60,
        "STUDIED": ("drugs",),
        "TESTED": 1,
        "UPDATE_STEPS": (1,),
        "UPDATES": {"edited": ("edited", 1e-3)},
        "aligned": lambda thinking, seed: load("lab"),
        "run_pipeline": partial(edit_spec.run_pipeline, steps=2),
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
    "interventions": {
        "ARMS": {"A4": ("en",)},
        "REQUESTS": {"A4": 10},
        "arm": untrained,
    },
    "jailbreaks": {
        "RUNS": (("A1", "lab"), ("A4", "lab")),
        "PLACES": (("en", ""), ("es", "hurry")),
        "PAIRS": 1,
        "arm": untrained,
    },
    "judge_hacks": {"REQUESTS": 4, "JUDGES": ("lab_xs",), "READINGS": 2},
    "labels": {"draw_cases": partial(labels.draw_cases, n=20)},
    "label_training": {"TRAIN": 64, "TEST": 20, "STEPS": 2},
    "long_training": {
        "LEGS": {"A1": (0.5, 1, 2), "A4": (0.5, 1)},
        "SFT_STEPS": 2,
        "REQUESTS": 5,
        "arm": untrained,
        "deliberations": few_deliberations,
    },
    "monitors": {
        "ARMS": ("A4",),
        "REQUESTS": 5,
        "TAUGHT": 40,
        "STEPS": 2,
        "arm": untrained,
    },
    "new_language": {"NAMES": ("A1", "A4"), "EACH": 2, "arm": untrained},
    "phases": {
        "LOOKS": (0, 1),
        "REQUESTS": 5,
        "arm": untrained,
        "training_requests": partial(training_data.training_requests, n=40),
    },
    "real_model": {
        "RUNS": (("deliberate", "plain"), ("answers", "plain")),
        "ONCE": (("none", "plain"),),
        "LONG": real_model.Tests(5, 5, 5, 5),
        "student": small_student,
    },
    "readings": {"EACH": 4},
    "retrieval": {"REQUESTS": 10, "NAMES": ("A0",), "arm": untrained},
    "revisions": {"N": 20, "ROUNDS": 1},
    "reward_habits": {
        "PAIRS": FEW,
        "STEPS": 2,
        "REQUESTS": 10,
        "NOISE": (0.2,),
        "trained": trained,
    },
    "reward_model": {"REQUESTS": 10, "FRESH": 60, "STEPS": 2, "trained": trained},
    "rl": {
        "PAIRS": {"many": FEW, "few": 60},
        "START_ANSWERS": 60,
        "START_STEPS": 2,
        "STEPS": 2,
        "EVERY": 1,
        "PROMPTS_PER_STEP": 2,
        "TESTS": 20,
        "FIXED": 5,
    },
    "wild": {
        "RUNS": (("A1", "lab"), ("A4", "lab")),
        "REQUESTS": 1,
        "arm": untrained,
    },
    "scale": {
        "BASES": ("lab", "lab_xs"),
        "measure": partial(scale.measure, home=5, abroad=5),
        "arm": untrained,
        "deliberations": few_deliberations,
    },
    "training_compute": {
        "LOOKS": (0, 1),
        "EACH": 1,
        "PLACES": (("en", "seen"),),
        "deliberations": few_deliberations,
    },
}


def test_every_study_is_tried():
    assert sorted(SMALL) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_small_study_writes_rows_of_the_same_form(name, monkeypatch, tmp_path):
    monkeypatch.setenv("DELIBERATE_CACHE", str(tmp_path))
    monkeypatch.setattr(arms, "SFT_STEPS", 2)
    monkeypatch.setattr(rm, "STEPS", 2)
    study = importlib.import_module(f"utils.evaluate.studies.{name}")
    for key, value in SMALL[name].items():
        monkeypatch.setattr(study, key, value)
    # What was trained through the cache also tells its seconds.
    found = {frozenset(set(row) - {"seconds"}) for row in study.study(0)}
    kept = {frozenset(set(row) - {"seed"}) for row in load_rows(name)}
    assert found and found <= kept
