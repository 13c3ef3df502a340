"""Does the teacher follow the Spec that it is given, whatever that says?

The course's Spec, and Specs drawn at random in two ways: a new action for each clause,
and new clauses altogether. The truth is that Spec's. The judge reads the same policy as
the teacher does, and is the same model.
"""

import random
from dataclasses import replace

from utils.align.deliberate import deliberate
from utils.evaluate.studies.filter import flawless, forms, keep_by_minimum, read
from utils.models.load import load
from utils.world.replies import action_of
from utils.world.requests import sample_requests
from utils.world.spec import ACTIONS, MAX_CLAUSE, Clause, Spec, load_spec

SPECS, ASKED = 3, 120  # random Specs of each way of drawing, and requests for each


def new_actions(rng: random.Random) -> Spec:
    """Return the course's Spec with the action of each clause drawn anew."""
    clauses = load_spec().clauses
    return Spec(tuple(replace(c, action=rng.choice(ACTIONS)) for c in clauses))


def new_clauses(rng: random.Random) -> Spec:
    """Return a Spec that groups the intents of each category anew, with new numbers.

    The intents of a category that drew the same action share a clause.
    """
    found = []
    for category in dict.fromkeys(c.category for c in load_spec().clauses):
        groups: dict[str, list[str]] = {}
        for intent in load_spec().intents(category):
            groups.setdefault(rng.choice(ACTIONS), []).append(intent)
        numbers = rng.sample(range(1, MAX_CLAUSE + 1), len(groups))
        for number, (action, intents) in zip(numbers, groups.items(), strict=True):
            found.append(Clause(number, category, tuple(intents), action))
    return Spec(tuple(found))


DRAWN = {"new actions": new_actions, "new clauses": new_clauses}


def shares_its_action(clause: Clause, spec: Spec) -> bool:
    """Return whether another clause of the category has the same action."""
    return sum(c.action == clause.action for c in spec.of(clause.category)) > 1


def followed(spec: Spec, name: str, seed: int, n: int) -> list[dict]:
    """Count how the teacher follows a Spec: clauses that share an action, and others.

    answer, cited, thought : examples with the right action, clause, and all of it
    miscited               : examples with a wrong clause; of these
    judged, formed         : those that the minimum of two readings lets through, and
                             those that agree with themselves
    """
    model, tokenizer = load("lab")
    requests = sample_requests(n, seed=seed, spec=spec)
    policies = [spec.of(request.topic.category) for request in requests]
    written = deliberate(model, tokenizer, policies, [r.text for r in requests])
    cases = list(zip(requests, written, strict=True))
    approved = keep_by_minimum(read(model, tokenizer, cases, 2, spec), 0.5).tolist()
    formed = forms(cases, spec).tolist()
    rows = {}
    for shared in (False, True):
        names = "n", "answer", "cited", "thought", "miscited", "judged", "formed"
        rows[shared] = {"spec": name, "shared": shared} | dict.fromkeys(names, 0)
    for (request, one), judged, fits in zip(cases, approved, formed, strict=True):
        clause = request.clause(spec)
        cited = bool(one.thought) and one.thought.clause == str(clause)
        row = rows[shares_its_action(clause, spec)]
        row["n"] += 1
        row["answer"] += action_of(one.answer) == clause.action
        row["cited"] += cited
        row["thought"] += flawless(request, one, spec)
        row["miscited"] += not cited
        row["judged"] += not cited and judged
        row["formed"] += not cited and fits
    return list(rows.values())


def study(seed: int) -> list[dict]:
    """Return the counts of the course's Spec and of each way to draw one, added up."""
    rows = followed(load_spec(), "course", seed, ASKED)
    for name, draw in DRAWN.items():
        rng = random.Random(f"{name}-{seed}")
        found = [followed(draw(rng), name, seed + 100 * i, ASKED) for i in range(SPECS)]
        for parts in zip(*found, strict=True):
            counts = [key for key in parts[0] if key not in ("spec", "shared")]
            sums = {key: sum(part[key] for part in parts) for key in counts}
            rows.append(parts[0] | sums)
    return rows
