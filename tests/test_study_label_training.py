"""What notebook 11 says about training holds in results/label_training.json."""

from math import log

import pytest
import torch

from utils.evaluate.studies.label_training import (
    WRONG,
    forms,
    pairs_of,
)
from utils.evaluate.studies.labels import draw_cases
from utils.evaluate.study import load_rows, over_seeds
from utils.models.tokenizer import build_tokenizer

SOURCES = ("one rule", "sure")


@pytest.fixture(scope="module")
def mean():
    rows = load_rows("label_training")
    assert {row["seed"] for row in rows} == {0, 1, 2}
    return lambda figure="accuracy", **wanted: over_seeds(rows, figure, **wanted)[0]


def test_true_labels_are_best(mean):
    best = mean(labels="truth")
    for source in SOURCES:
        for form in ("soft", "clamped 20-80", "clamped 40-60"):
            assert mean(labels=source, form=form) < best


def in_every_seed(higher: dict, lower: dict, figure: str = "accuracy") -> bool:
    """Whether one way of labelling has the higher figure in each seed."""
    rows = load_rows("label_training")
    found = [
        {
            row["seed"]: row[figure]
            for row in rows
            if all(row[key] == value for key, value in way.items())
        }
        for way in (higher, lower)
    ]
    return all(found[0][seed] > found[1][seed] for seed in (0, 1, 2))


def test_soft_labels_are_a_little_better_than_hard_ones(mean):
    soft, hard = ({"labels": "one rule", "form": form} for form in ("soft", "hard"))
    assert in_every_seed(soft, hard)
    assert mean(**soft) - mean(**hard) < 0.06
    assert in_every_seed(hard, soft, "brier")


def test_a_tight_clamp_did_not_help(mean):
    for source in SOURCES:
        soft = {"labels": source, "form": "soft"}
        assert in_every_seed(soft, {"labels": source, "form": "clamped 40-60"})


def test_no_reward_model_is_better_than_its_labels(mean):
    for source in SOURCES:
        for form in ("soft", "clamped 20-80", "clamped 40-60"):
            wanted = {"labels": source, "form": form}
            assert mean(**wanted) < mean("label_accuracy", **wanted)


def test_clamping_makes_gaps_small(mean):
    for source in SOURCES:
        soft, some, most = (
            mean("gap", labels=source, form=form)
            for form in ("soft", "clamped 20-80", "clamped 40-60")
        )
        assert most < some < soft
        assert most < 0.5


def test_sure_labels_soften_each_other(mean):
    expected = log((1 - WRONG) / WRONG)
    assert expected / 2 < mean("gap", labels="sure", form="soft") < 2 * expected
    for form, p in (("clamped 20-80", 0.8), ("clamped 40-60", 0.6)):
        q = (1 - WRONG) * p + WRONG * (1 - p)
        found = mean("gap", labels="sure", form=form)
        assert log(q / (1 - q)) / 2.5 < found < 1.5 * log(q / (1 - q))


def test_forms_change_only_what_they_say():
    p = torch.tensor([0.001, 0.45, 0.7, 0.999])
    found = forms(p)
    assert found["soft"].tolist() == p.tolist()
    assert found["hard"].tolist() == [0, 0, 1, 1]
    assert found["clamped 20-80"].tolist() == pytest.approx([0.2, 0.45, 0.7, 0.8])
    assert found["clamped 40-60"].tolist() == pytest.approx([0.4, 0.45, 0.6, 0.6])


def test_pairs_keep_answers_and_labels():
    tokenizer = build_tokenizer()
    cases = draw_cases(0, 3)
    pairs = pairs_of(tokenizer, cases, torch.tensor([0.1, 0.5, 0.9]))
    for case, pair, p in zip(cases, pairs, (0.1, 0.5, 0.9), strict=True):
        assert pair.p == pytest.approx(p)
        assert case.first in tokenizer.decode(pair.chosen)
        assert case.second in tokenizer.decode(pair.rejected)
