"""Exercises of notebook 14, part 5: find out from its log what is wrong with a run."""

from functools import cache

import torch
from torch import Tensor

from utils.align.kl import exact_kl
from utils.teach.exercise import Exercise, Mistake, Mutant, Part

Run = dict[str, Tensor | float]
VERDICTS = ("healthy", "reference moves", "other reference", "policy stands still")
ROUNDING = 0.01  # nats: more than rounding ever makes, less than training does
STEPS, EVERY, WORDS = 60, 10, 8


def diagnose(run: Run) -> str:
    """Say what is wrong with a run, by the log-probabilities of some fixed texts.

    run["policy"]    : (looks, texts) float, log-probabilities under the policy
    run["reference"] : (looks, texts) float, under what the trainer calls reference
    run["reward"], run["kl"] : (looks,) float, as the trainer logged them
    run["beta"]      : float
    returns          : one of VERDICTS
    """
    policy, reference = run["policy"], run["reference"]
    if (reference - reference[0]).abs().max() > ROUNDING:
        return "reference moves"
    if (policy[0] - reference[0]).abs().max() > ROUNDING:
        return "other reference"
    if (policy - policy[0]).abs().max() < ROUNDING:
        return "policy stands still"
    return "healthy"


def simulate(
    verdict: str, seed: int, *, lr: float = 0.5, follow: float = 0.0, renew: int = 0
) -> Run:
    """Return the log of a run of policy-gradient steps on a few words, all exact.

    `follow` moves the reference towards the policy by this share in every step, and
    `renew` sets it equal to the policy once, at this step. The fixed texts are those
    that did not become likelier, as most texts that nobody rewards.
    """
    draw = torch.Generator().manual_seed(seed)
    logits, rewards, others = torch.randn(3, WORDS, generator=draw)
    beta = 0.05 + 0.3 * torch.rand((), generator=draw).item()
    reference = others if verdict == "other reference" else logits.clone()
    lr = 0.0 if verdict == "policy stands still" else lr
    looks = []
    for step in range(STEPS + 1):
        log_p, log_q = logits.log_softmax(-1), reference.log_softmax(-1)
        p = log_p.exp()
        if step % EVERY == 0:
            looks.append((p @ rewards, exact_kl(log_p, log_q), log_p, log_q))
        gain = rewards - beta * (log_p - log_q)
        logits = logits + lr * p * (gain - p @ gain)
        reference = reference.lerp(logits, follow)
        reference = logits.clone() if renew and step == renew else reference
    reward, kl, policy, reference = (torch.stack(each) for each in zip(*looks))  # noqa: B905
    rarer = policy[-1] <= policy[0]
    policy, reference = policy[:, rarer], reference[:, rarer]
    noise = 1e-4 * torch.randn(2, *policy.shape, generator=draw)  # of rounding
    policy, reference = policy + noise[0], reference + noise[1]
    return {
        "beta": beta,
        "reward": reward,
        "kl": kl,
        "policy": policy,
        "reference": reference,
    }


FOLLOWING = ["healthy", "moves fast", "tight", "moves slowly"]
RENEWED = ["healthy", "renewed early", "renewed late", "tight"]
FOREIGN = ["other reference", "healthy", "tight"]
STILL = ["still", "hardly moves", "healthy"]
KINDS = {
    "healthy": ("healthy", {}),
    "tight": ("healthy", {"lr": 0.1}),
    "hardly moves": ("healthy", {"lr": 0.02}),
    "moves fast": ("reference moves", {"follow": 0.4}),
    "moves slowly": ("reference moves", {"follow": 0.02}),
    "renewed early": ("reference moves", {"renew": 25}),
    "renewed late": ("reference moves", {"renew": 55}),
    "other reference": ("other reference", {}),
    "still": ("policy stands still", {}),
}


@cache
def _drawn(kind: str, seed: int) -> tuple[str, Run]:
    verdict, settings = KINDS[kind]
    return verdict, simulate(verdict, seed, **settings)


def _always_healthy(run: Run) -> str:
    return "healthy"


def _low_kl(run: Run) -> str:
    return "reference moves" if run["kl"].max() < 0.1 else "healthy"


def _exact(run: Run) -> str:
    moved = (run["reference"] != run["reference"][0]).any()
    return "reference moves" if moved else diagnose(run)


def _no_abs(run: Run) -> str:
    still = (run["reference"] - run["reference"][0]).max() <= ROUNDING
    fixed = run | {"reference": run["reference"][:1].expand_as(run["policy"])}
    return diagnose(fixed) if still else "reference moves"


def _first_two(run: Run) -> str:
    return diagnose(run | {"reference": run["reference"][:2]})


def _last_two(run: Run) -> str:
    moved = (run["reference"][-1] - run["reference"][-2]).abs().max() > ROUNDING
    fixed = run | {"reference": run["reference"][:1].expand_as(run["policy"])}
    return "reference moves" if moved else diagnose(fixed)


def _by_the_policy(run: Run) -> str:
    moved = (run["policy"] - run["policy"][0]).abs().max() > ROUNDING
    return "reference moves" if moved else diagnose(run)


def _at_the_end(run: Run) -> str:
    if (run["reference"] - run["reference"][0]).abs().max() > ROUNDING:
        return "reference moves"
    apart = (run["policy"][-1] - run["reference"][-1]).abs().max() > ROUNDING
    return "other reference" if apart else diagnose(run)


def _too_coarse(run: Run) -> str:
    moved = (run["reference"] - run["reference"][0]).abs().max() > 1
    fixed = run | {"reference": run["reference"][:1].expand_as(run["policy"])}
    return "reference moves" if moved else diagnose(fixed)


def _no_standstill(run: Run) -> str:
    said = diagnose(run)
    return "healthy" if said == "policy stands still" else said


def _no_other(run: Run) -> str:
    said = diagnose(run)
    return "healthy" if said == "other reference" else said


MUTANTS = {
    "always healthy": Mutant(
        _always_healthy,
        "You call every run healthy. That is what their logged reward and KL say, too.",
    ),
    "low KL": Mutant(
        _low_kl,
        "You judge by the logged KL. A healthy run that moves little has a low one, "
        "and a slow moving reference a high one. Look at the fixed texts.",
    ),
    "exact": Mutant(
        _exact,
        "You ask for exact equality. Rounding changes the last digits of a "
        "log-probability: allow for ROUNDING.",
    ),
    "no abs": Mutant(
        _no_abs,
        "You only notice texts that became LIKELIER. Take the absolute value of the "
        "change.",
    ),
    "first two": Mutant(
        _first_two,
        "You compare the first two looks only. A reference may be renewed late: "
        "compare every look with the first.",
    ),
    "last two": Mutant(
        _last_two,
        "You compare the last two looks only. A reference may have been renewed long "
        "before: compare every look with the first.",
    ),
    "by the policy": Mutant(
        _by_the_policy,
        "You looked at the policy's log-probabilities. The policy is meant to move; "
        "the reference is not.",
    ),
    "at the end": Mutant(
        _at_the_end,
        "You compare policy and reference at the END, where they have to differ. They "
        "have to agree at the first look.",
    ),
    "too coarse": Mutant(
        _too_coarse,
        "You overlook small changes of the reference. A frozen one differs by rounding "
        "only: use ROUNDING.",
    ),
    "no standstill": Mutant(
        _no_standstill, "You overlook a policy that no step ever changed."
    ),
    "no other": Mutant(
        _no_other,
        "You overlook a reference that never was the starting policy: compare both at "
        "the first look.",
    ),
}


def _judge(answer, kinds: list[str], seeds: range) -> None:
    """Raise `Mistake` unless every one of these runs gets its own verdict."""
    for verdict, run in (_drawn(kind, seed) for kind in kinds for seed in seeds):
        got = answer(dict(run))
        if not isinstance(got, str) or got not in VERDICTS:
            raise Mistake(f"Return one of {', '.join(VERDICTS)}.", f"Got {got!r}.")
        if got != verdict:
            raise Mistake(_name_mistake(answer), f"{verdict!r} was called {got!r}.")


def _name_mistake(answer) -> str:
    """Return the message of the mutant that says the same of every kind of run."""
    runs = [_drawn(kind, seed)[1] for kind in KINDS for seed in (1, 2)]
    said = [answer(dict(run)) for run in runs]
    for mutant, message in MUTANTS.values():
        if [mutant(run) for run in runs] == said:
            return message
    return ""


EXERCISES = [
    Exercise(
        name="diagnose",
        notebook="14_rl_from_ai_feedback",
        reference=diagnose,
        parts=[
            Part(
                "references that follow the policy, among healthy ones",
                lambda answer: _judge(answer, FOLLOWING, range(1, 4)),
                2,
            ),
            Part(
                "a reference renewed once, early or late",
                lambda answer: _judge(answer, RENEWED, range(1, 4)),
            ),
            Part(
                "a reference that never was the starting policy",
                lambda answer: _judge(answer, FOREIGN, range(1, 4)),
            ),
            Part(
                "a policy that stands still, beside one that hardly moves",
                lambda answer: _judge(answer, STILL, range(1, 4)),
            ),
            Part(
                "every kind, freshly drawn",
                lambda answer: _judge(answer, list(KINDS), range(10, 20)),
            ),
        ],
        mutants=MUTANTS,
    ),
]
