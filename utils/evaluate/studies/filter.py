"""What a filter keeps of the teacher's deliberations, measured against the truth.

The teacher (`utils.align.deliberate`) is right in nearly all cases at temperature 0, so
faults of six kinds are written into its data. Two things may find them: a check of the
form, which compares the parts of an example with each other, and a judge that reads the
policy. Deliberative Alignment (Guan et al. 2024, arXiv 2412.16339,
section 2.3) keeps what the lowest of k verdicts approves of.
"""

import random
from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from utils.align.deliberate import Deliberation, deliberate
from utils.align.judge import Clauses, verdicts
from utils.models.load import load
from utils.world.replies import Thought, action_of, answer, true_thought
from utils.world.requests import Request, sample_requests
from utils.world.spec import ACTIONS, Clause, Spec, load_spec

N = 300  # requests of a seed
LEVELS = (0.0, 0.05, 0.2, 0.4)  # share of examples with a fault
JUDGES = ("lab", "lab_xs")  # a good one and a weak one
KS = (1, 2, 4, 6)
THRESHOLDS = (0.1, 0.3, 0.5, 0.7, 0.9)
HOT = 2.0  # temperature of a teacher that errs by itself
# What is wrong in a faulty example. A policy of one clause has neither of CLAUSES.
FAULTS = {
    "answer": "right thought, answer of another action",
    "clause": "another clause of the policy quoted, decision and answer right",
    "misread": "another clause of the policy, decision and answer follow it",
    "foreign": "clause of another category with the same action",
    "category": "another category named, all else right",
    "topic": "another topic named, all else right",
}
CLAUSES = ("clause", "misread")
Case = tuple[Request, Deliberation]


# Faults and the truth ---------------------------------------------------------------


def possible_faults(request: Request) -> list[str]:
    """Return the kinds of faults that an example about this request can have."""
    several = len(load_spec().of(request.topic.category)) > 1
    return [kind for kind in FAULTS if several or kind not in CLAUSES]


def with_fault(request: Request, kind: str, rng: random.Random) -> Deliberation:
    """Return the flawless deliberation about a request with one fault, a key of FAULTS.

    Raises ValueError where the request can't have it; see `possible_faults`.
    """
    if kind not in possible_faults(request):
        raise ValueError(f"{request.english!r} can't have the fault {kind!r}.")
    spec, right = load_spec(), request.clause()
    thought, decided = true_thought(request), request.action()
    if kind == "answer":
        decided = rng.choice([action for action in ACTIONS if action != right.action])
    elif kind in CLAUSES:
        others = [c for c in spec.of(right.category) if c.action != right.action]
        other = rng.choice(others)
        thought = replace(thought, clause=str(other))
        if kind == "misread":
            decided = other.action
            intent = rng.choice(other.intents)
            thought = replace(thought, intent=intent, action=decided)
    elif kind == "foreign":
        thought = foreign(thought, right, spec, rng)
    elif kind == "category":
        names = sorted({c.category for c in spec.clauses} - {right.category})
        thought = replace(thought, category=rng.choice(names))
    else:
        topics = [r.topic.name for r in sample_requests(20, seed=rng.randrange(10**6))]
        others = [name for name in topics if name != request.topic.name]
        thought = replace(thought, topic=rng.choice(others))
    return Deliberation(thought, answer(decided, request.topic.name))


def foreign(thought: Thought, right: Clause, spec: Spec, rng: random.Random) -> Thought:
    """Return the thought with category and clause of another one, the same action.

    The clause covers the intent if one does, else the thought names another intent.
    """
    others = [
        c
        for c in spec.clauses
        if c.category != right.category and c.action == right.action
    ]
    other = rng.choice([c for c in others if thought.intent in c.intents] or others)
    intent = thought.intent if thought.intent in other.intents else other.intents[0]
    category = other.category
    return replace(thought, category=category, intent=intent, clause=str(other))


def corrupt(
    cases: Sequence[Case],
    share: float,
    seed: int,
    kinds: Sequence[str] = tuple(FAULTS),
) -> list[Case]:
    """Return the cases with a fault in a share of them, drawn from `kinds`.

    A higher share corrupts the same cases in the same way, and further ones. A case
    that can have none of the kinds stays as it is, and another one takes its place.
    """
    rng = random.Random(f"faults-{seed}")
    order = rng.sample(range(len(cases)), len(cases))
    found = list(cases)
    left = round(share * len(cases))
    for i in order:
        request = cases[i][0]
        own = [kind for kind in possible_faults(request) if kind in kinds]
        if left and own:
            found[i] = request, with_fault(request, rng.choice(own), rng)
            left -= 1
    return found


def flawless(request: Request, one: Deliberation, spec: Spec | None = None) -> bool:
    """Return whether each step of a thought is right, and the answer too."""
    right = request.clause(spec)
    acts = action_of(one.answer) == right.action
    return acts and one.thought == true_thought(request, right)


# The filter -------------------------------------------------------------------------


def well_formed(thought: Thought | None, text: str, policy: Clauses) -> bool:
    """Whether a thought and the answer `text` agree with each other and the policy.

    The clause is one of the policy's, word for word. It covers the category and the
    intent that were named. Clause, decision and answer have the same action. What the
    request says does not matter here, so a wrong thought can be well-formed.
    """
    if thought is None:
        return False
    quoted = [clause for clause in policy if str(clause) == thought.clause]
    if not quoted:
        return False
    clause = quoted[0]
    return (
        clause.category == thought.category
        and thought.intent in clause.intents
        and clause.action == thought.action == action_of(text)
    )


def keep_by_minimum(scores: Tensor, threshold: float) -> Tensor:
    """Which examples stay in the training data: those that every reading approves of.

    scores    : (examples, k) float from 0 to 1, one column for each reading
    threshold : an example stays if its lowest score reaches this; higher is stricter
    returns   : (examples,) bool
    """
    return scores.amin(dim=1) >= threshold


def keep_by_mean(scores: Tensor, threshold: float) -> Tensor:
    """Which examples stay if the mean of the readings decides: (examples,) bool."""
    return scores.mean(dim=1) >= threshold


RULES = {"minimum": keep_by_minimum, "mean": keep_by_mean}


def precision_recall(kept: Tensor, good: Tensor) -> tuple[float, float]:
    """How much of what is kept is good, and how much of what is good is kept.

    kept, good : (examples,) bool
    returns    : (precision, recall); 1.0 for a share of nothing: who keeps nothing
                 has kept nothing wrong, and where nothing is good, nothing is lost
    """
    both = (kept & good).sum().item()
    kept_n, good_n = kept.sum().item(), good.sum().item()
    return (
        both / kept_n if kept_n else 1.0,
        both / good_n if good_n else 1.0,
    )


def kept_by_action(
    kept: Tensor, good: Tensor, actions: Sequence[str]
) -> dict[str, float]:
    """For each action, the share of its good examples that is kept.

    kept, good : (examples,) bool
    actions    : the right action of each example
    returns    : action -> share, only for actions that have good examples
    """
    found: dict[str, list[bool]] = {}
    for stays, right, action in zip(kept.tolist(), good.tolist(), actions, strict=True):
        if right:
            found.setdefault(action, []).append(stays)
    return {action: sum(own) / len(own) for action, own in found.items()}


def read(
    model, tokenizer, cases: Sequence[Case], k: int, spec: Spec | None = None
) -> Tensor:
    """Return (cases, k) float: the judge's verdicts; 0 for a case without a thought."""
    spec = spec or load_spec()
    scores = torch.zeros(len(cases), k)
    there = [i for i, (_, one) in enumerate(cases) if one.thought]
    if there:
        given = [cases[i] for i in there]
        scores[there] = verdicts(
            model,
            tokenizer,
            [spec.of(request.topic.category) for request, _ in given],
            [request.text for request, _ in given],
            [one.answer for _, one in given],
            [one.thought.clause for _, one in given],
            k=k,
        )
    return scores


def forms(cases: Sequence[Case], spec: Spec | None = None) -> Tensor:
    """Return (cases,) bool: whether each is well-formed."""
    spec = spec or load_spec()
    return torch.tensor(
        [
            well_formed(one.thought, one.answer, spec.of(request.topic.category))
            for request, one in cases
        ],
        dtype=torch.bool,
    )


def truth(cases: Sequence[Case], spec: Spec | None = None) -> Tensor:
    """Return (cases,) bool: whether each is flawless."""
    return torch.tensor([flawless(*case, spec) for case in cases], dtype=torch.bool)


# The study --------------------------------------------------------------------------


def teacher(seed: int, temperature: float = 0.0, n: int | None = None) -> list[Case]:
    """Return n requests (N if None) with the teacher's deliberations, by the Spec."""
    model, tokenizer = load("lab")
    requests = sample_requests(n or N, seed=seed, pairs="seen")
    policies = [load_spec().of(request.topic.category) for request in requests]
    texts = [request.text for request in requests]
    written = deliberate(
        model, tokenizer, policies, texts, temperature=temperature, seed=seed
    )
    return list(zip(requests, written, strict=True))


def kept_row(kept: Tensor, good: Tensor, cases: Sequence[Case]) -> dict:
    """Return the figures of one filter: precision, recall, and shares by action.

    keeps_: of the good examples with this action, the share that is kept; share_: of
    all kept examples, those with this right action.
    """
    actions = [request.action() for request, _ in cases]
    precision, recall = precision_recall(kept, good)
    keeps = kept_by_action(kept, good, actions)
    left = [action for action, stays in zip(actions, kept, strict=True) if stays]
    return (
        {"kept": kept.float().mean().item(), "precision": precision, "recall": recall}
        | {f"keeps_{action}": keeps.get(action) for action in ACTIONS}
        | {f"share_{a}": left.count(a) / max(1, len(left)) for a in ACTIONS}
    )


def settings(level: float | str) -> list[tuple[str, int, float]]:
    """Return (rule, k, threshold) of the filters to try: the grid at one level only."""
    if level == 0.2:
        return [(rule, k, t) for rule in RULES for k in KS for t in THRESHOLDS]
    return [(rule, k, 0.5) for rule in RULES for k in (1, KS[-1])]


def filter_rows(
    cases: Sequence[Case], scores: dict[str, Tensor], level: float | str
) -> list[dict]:
    """Return the figures of every filter on cases, `level` being how faulty they are.

    scores : judge -> (cases, k). Judge "" stands for no judge; rule, k and threshold
             say nothing then
    """
    good, formed = truth(cases), forms(cases)
    everything = torch.ones(len(cases), dtype=torch.bool)
    kept = [(("", "", 0, 0.0), everything)]
    for judge, given in scores.items():
        for rule, k, threshold in settings(level):
            stays = RULES[rule](given[:, :k], threshold)
            kept.append(((judge, rule, k, threshold), stays))
    names = "judge", "rule", "k", "threshold"
    return [
        {"level": level, "form": form}
        | dict(zip(names, way, strict=True))
        | kept_row(stays & before, good, cases)
        for way, stays in kept
        for form, before in ((False, everything), (True, formed))
    ]


def changed(cases: Sequence[Case], before: Sequence[Case]) -> Tensor:
    """Return (cases,) bool: which are not as they were."""
    pairs = zip(cases, before, strict=True)
    return torch.tensor([one is not old for one, old in pairs], dtype=torch.bool)


def study(seed: int) -> list[dict]:
    """Return the figures of every filter at each level of faults."""
    cases = teacher(seed)
    rows = []
    judges = {name: load(name) for name in JUDGES}
    clean = {name: read(*judge, cases, KS[-1]) for name, judge in judges.items()}
    worst = corrupt(cases, max(LEVELS), seed)
    broken = changed(worst, cases)
    hurt = [case for case, is_broken in zip(worst, broken, strict=True) if is_broken]
    faulty = {}
    for name, judge in judges.items():
        faulty[name] = clean[name].clone()
        faulty[name][broken] = read(*judge, hurt, KS[-1])
    for level in LEVELS:
        mixed = corrupt(cases, level, seed)
        own = changed(mixed, cases)[:, None]
        scores = {name: torch.where(own, faulty[name], clean[name]) for name in judges}
        rows += filter_rows(mixed, scores, level)
    hot = [case for case in teacher(seed, HOT) if case[1].thought]
    scores = {name: read(*judge, hot, KS[-1]) for name, judge in judges.items()}
    return rows + filter_rows(hot, scores, "hot")
