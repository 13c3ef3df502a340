"""Who sees which fault, and are several readings more than one?

Six kinds of faults (`studies/filter.py`), two checks of the form, and judges of three
sizes. The readings of a judge differ in the order of the policy's entries; for the two
small ones, also in that they are sampled. If readings erred independently, the minimum
of k would overlook q^k of what one overlooks.
"""

import random
from collections.abc import Sequence

import torch
from torch import Tensor

from utils.align.chat import reply
from utils.align.judge import shuffled_card
from utils.evaluate.studies.filter import (
    FAULTS,
    Case,
    forms,
    keep_by_mean,
    possible_faults,
    read,
    teacher,
    with_fault,
)
from utils.models.load import load
from utils.world import prompts
from utils.world.replies import action_of
from utils.world.spec import load_spec

EACH = 60  # examples with each kind of fault
K = 6
JUDGES = ("lab", "lab_s", "lab_xs")  # largest first
MIXED = "lab_s + lab_xs"  # one reading of each
SAMPLED, TEMPERATURE = " sampled", 1.0  # the verdict is drawn, not the likeliest one


def correlation(yes: Tensor) -> float | None:
    """Return the mean correlation of two columns of (n, k) bool; None if undefined.

    Columns that are all the same value have no correlation and are left out.
    """
    columns = yes.double()
    columns = columns[:, columns.std(dim=0) > 0]
    k = columns.shape[1]
    if k < 2:
        return None
    table = torch.corrcoef(columns.T)
    return ((table.sum() - k) / (k * (k - 1))).item()


def sampled(model, tokenizer, cases: Sequence[Case], k: int, seed: int) -> Tensor:
    """Return (cases, k) of 0 and 1: verdicts that are drawn, in shuffled cards."""
    chats = [
        prompts.judge(
            shuffled_card(load_spec().of(request.topic.category), f"{run}-{i}"),
            request.text,
            one.answer,
            one.thought.clause,
        )
        for i, (request, one) in enumerate(cases)
        for run in range(k)
    ]
    said = reply(
        model, tokenizer, chats, temperature=TEMPERATURE, max_new_tokens=12, seed=seed
    )
    yes = [float(r.finished and r.answer.endswith("yes")) for r in said]
    return torch.tensor(yes).reshape(len(cases), k)


def passes(scores: Tensor) -> dict:
    """Return which share of examples passes readings (n, k), by each rule."""
    yes = scores >= 0.5
    return {
        "single": yes.float().mean().item(),
        "pair": yes[:, :2].all(dim=1).float().mean().item(),
        "all": yes.all(dim=1).float().mean().item(),
        "mean": keep_by_mean(scores, 0.5).float().mean().item(),
        "agreement": correlation(yes),
    }


def study(seed: int) -> list[dict]:
    """Return for each fault and each checker the share that gets through.

    single: a reading on its own; pair and all: the minimum of two and of six; mean: of
    six; agreement: correlation of the verdicts of two readings. The checkers "decision"
    (thought and answer have the same action) and "form" read once. MIXED is one reading
    of each of two models.
    """
    rows, cases = [], teacher(seed)
    for kind in ("none", *FAULTS):
        rng = random.Random(f"{kind}-{seed}")
        able = [c for c in cases if kind in ("none", *possible_faults(c[0]))][:EACH]
        faulty = able
        if kind != "none":
            faulty = [(request, with_fault(request, kind, rng)) for request, _ in able]
        decided = [one.thought.action == action_of(one.answer) for _, one in faulty]
        scores = {
            "decision": torch.tensor(decided).float()[:, None],
            "form": forms(faulty).float()[:, None],
        } | {judge: read(*load(judge), faulty, K) for judge in JUDGES}
        scores[MIXED] = torch.cat([scores[judge][:, :1] for judge in JUDGES[1:]], dim=1)
        for judge in JUDGES[1:]:
            drawn = sampled(*load(judge), faulty, K, seed)
            scores[judge + SAMPLED] = drawn
        row = {"fault": kind, "n": len(faulty)}
        rows += [row | {"checker": name} | passes(own) for name, own in scores.items()]
    return rows
