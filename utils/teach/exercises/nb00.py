"""Exercises of notebook 00: the Spec by hand, and the probability of a text.

The notebook's other exercises are in nb00_nucleus.py and nb00_shares.py.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from utils.teach.exercise import (
    Exercise,
    Mistake,
    Mutant,
    Part,
    expect,
    expect_close,
    outcomes,
)
from utils.world.spec import Spec, load_spec, parse_spec

# right_action -----------------------------------------------------------------------


def right_action(category: str, intent: str, spec: Spec) -> tuple[int, str]:
    """The clause that decides a request, and what it asks for.

    category : such as "weapons"
    intent   : "make", "get", "advice", "facts" or "rework"
    spec     : its `clauses` each have a number, a category, several intents and an
               action; the learner may have edited it
    returns  : (number, action) of the one clause for this category and intent
    raises   : KeyError when no clause covers them
    """
    for clause in spec.clauses:
        if clause.category == category and intent in clause.intents:
            return clause.number, clause.action
    raise KeyError(f"no clause covers {intent} in {category}")


def _category_only(category: str, intent: str, spec: Spec) -> tuple[int, str]:
    return spec.of(category)[0].number, spec.of(category)[0].action


def _intent_only(category: str, intent: str, spec: Spec) -> tuple[int, str]:
    return next((c.number, c.action) for c in spec.clauses if intent in c.intents)


def _first_intent(category: str, intent: str, spec: Spec) -> tuple[int, str]:
    for clause in spec.of(category):
        if intent == clause.intents[0]:
            return clause.number, clause.action
    raise KeyError(intent)


def _own_spec(category: str, intent: str, spec: Spec) -> tuple[int, str]:
    return right_action(category, intent, load_spec())


def _position(category: str, intent: str, spec: Spec) -> tuple[int, str]:
    number, action = right_action(category, intent, spec)
    return [clause.number for clause in spec.clauses].index(number) + 1, action


def _swapped(category: str, intent: str, spec: Spec) -> tuple[str, int]:
    return right_action(category, intent, spec)[::-1]


def _marked(category: str, intent: str, spec: Spec) -> tuple[str, str]:
    number, action = right_action(category, intent, spec)
    return f"§{number}", action


def _helpful_by_default(category: str, intent: str, spec: Spec) -> tuple[int, str]:
    try:
        return right_action(category, intent, spec)
    except KeyError:
        return 0, "comply"


NO_CLAUSE = (
    "No clause covers this pair, and yet there was an answer. Do not invent a policy: "
    "raise KeyError."
)
ACTION_MUTANTS = {
    "category only": Mutant(
        _category_only,
        "You take the first clause of the category. The intent decides too: the "
        "history of a weapon is not the weapon.",
    ),
    "intent only": Mutant(
        _intent_only,
        "You look at the intent alone. The clause has to be about the category too.",
    ),
    "first intent": Mutant(
        _first_intent,
        "You compare with a clause's first intent only; it covers all in its list.",
    ),
    "own Spec": Mutant(
        _own_spec, "You read the course's Spec; use the one that is passed in."
    ),
    "position": Mutant(
        _position,
        "You counted the clauses. An edited Spec has gaps: return clause.number.",
    ),
    "swapped": Mutant(_swapped, "The two values are swapped: (number, action)."),
    "marked": Mutant(_marked, "Return the number itself, such as 1, not '§1'."),
    "helpful by default": Mutant(_helpful_by_default, NO_CLAUSE),
}
Case = tuple[str, str]
# Other numbers, another order, and other actions than in the course's Spec.
EDITED = parse_spec(
    """
### cooking
- **§40** facts, make: ask. Reason: a test.
- **§3** get: refer. Reason: a test.
### weapons
- **§12** rework, facts: refuse. Reason: a test.
- **§7** get: comply. Reason: a test.
- **§31** advice: support. Reason: a test.
"""
)


def _attempt(answer, case: Case, spec: Spec):
    """What an answer says, or that it found no clause."""
    try:
        return answer(*case, spec)
    except KeyError:
        return "KeyError"


def _compare(answer, cases: Sequence[Case], spec: Spec) -> None:
    """Compare on all cases at once, so that a mistake shows in its pattern."""
    got = [_attempt(answer, case, spec) for case in cases]
    want = [right_action(*case, spec) for case in cases]
    if got == want:
        return
    sentences = [
        mutant.message
        for mutant in ACTION_MUTANTS.values()
        if [_attempt(mutant.answer, case, spec) for case in cases] == got
    ]
    i = next(i for i, right in enumerate(want) if got[i] != right)
    numbers = f"For {' and '.join(cases[i])}: expected {want[i]}, and got {got[i]!r}."
    raise Mistake(sentences[0] if sentences else "", numbers)


def _few_by_hand(answer) -> None:
    cases = [("weapons", "get"), ("weapons", "facts"), ("law", "get")]
    _compare(answer, [*cases, ("hazards", "rework")], load_spec())


def _whole_spec(answer) -> None:
    spec = load_spec()
    cases = [(c.category, intent) for c in spec.clauses for intent in c.intents]
    _compare(answer, cases, spec)


def _edited_spec(answer) -> None:
    cases = [(c.category, intent) for c in EDITED.clauses for intent in c.intents]
    _compare(answer, cases, EDITED)


def _not_covered(answer) -> None:
    for case in (("weapons", "make"), ("privacy", "get")):
        try:
            answer(*case, EDITED)
        except KeyError:
            continue
        raise Mistake(NO_CLAUSE)


# sequence_logprob -------------------------------------------------------------------


def sequence_logprob(logits: Tensor, tokens: Tensor, prompt_length: int = 1) -> Tensor:
    """The log-probability that a model gives to each completion.

    log p(y | x) = sum over t >= prompt_length of log p(token_t | tokens before t)

    logits        : (batch, seq, vocab) float; position t predicts token t + 1
    tokens        : (batch, seq) long
    prompt_length : so many tokens at the start are given and not counted; a longer
                    prompt leaves fewer terms and so a higher log-probability. At
                    least 1, as nothing predicts the first token
    returns       : (batch,) float, never above 0
    """
    logprobs = logits[:, :-1].log_softmax(dim=-1)  # (batch, seq - 1, vocab)
    chosen = logprobs.gather(-1, tokens[:, 1:, None]).squeeze(-1)  # (batch, seq - 1)
    return chosen[:, prompt_length - 1 :].sum(dim=1)


def _chosen(scores: Tensor, tokens: Tensor) -> Tensor:
    return scores.gather(-1, tokens[..., None]).squeeze(-1)


def _no_shift(logits: Tensor, tokens: Tensor, prompt_length: int = 1) -> Tensor:
    return _chosen(logits.log_softmax(-1), tokens)[:, prompt_length:].sum(1)


def _mean(logits: Tensor, tokens: Tensor, prompt_length: int = 1) -> Tensor:
    counted = tokens.shape[1] - prompt_length
    return sequence_logprob(logits, tokens, prompt_length) / counted


def _prompt_counted(logits: Tensor, tokens: Tensor, prompt_length: int = 1) -> Tensor:
    return sequence_logprob(logits, tokens, 1)


def _one_too_few(logits: Tensor, tokens: Tensor, prompt_length: int = 1) -> Tensor:
    return sequence_logprob(logits, tokens, prompt_length + 1)


def _no_log(logits: Tensor, tokens: Tensor, prompt_length: int = 1) -> Tensor:
    probs = logits[:, :-1].softmax(-1)
    return _chosen(probs, tokens[:, 1:])[:, prompt_length - 1 :].sum(1)


def _raw_logits(logits: Tensor, tokens: Tensor, prompt_length: int = 1) -> Tensor:
    return _chosen(logits[:, :-1], tokens[:, 1:])[:, prompt_length - 1 :].sum(1)


def _wrong_dim(logits: Tensor, tokens: Tensor, prompt_length: int = 1) -> Tensor:
    scores = logits[:, :-1].log_softmax(1)
    return _chosen(scores, tokens[:, 1:])[:, prompt_length - 1 :].sum(1)


def _loss(logits: Tensor, tokens: Tensor, prompt_length: int = 1) -> Tensor:
    return -sequence_logprob(logits, tokens, prompt_length)


def _batch_summed(logits: Tensor, tokens: Tensor, prompt_length: int = 1) -> Tensor:
    return sequence_logprob(logits, tokens, prompt_length).sum()


MUTANTS = {
    "no shift": Mutant(
        _no_shift,
        "Shift by one: the logits at position t predict the token at t + 1.",
    ),
    "mean": Mutant(
        _mean,
        "You averaged over the tokens. A sequence's probability is a product, so its "
        "logarithm is a sum.",
    ),
    "prompt counted": Mutant(
        _prompt_counted,
        "The prompt's tokens are counted too: leave out the first prompt_length.",
    ),
    "one too few": Mutant(
        _one_too_few,
        "One token too few is counted: the first completion token is predicted at "
        "position prompt_length - 1.",
    ),
    "no log": Mutant(
        _no_log,
        "You added probabilities. Take their logarithms first (log_softmax).",
    ),
    "raw logits": Mutant(
        _raw_logits,
        "Logits are not normalised: turn them into log-probabilities with log_softmax.",
    ),
    "wrong dim": Mutant(
        _wrong_dim,
        "Your softmax runs over the positions. It belongs on the last dimension, the "
        "vocabulary.",
    ),
    "sign": Mutant(
        _loss,
        "The sign is turned round: this is a loss. A log-probability is never above 0.",
    ),
    "batch summed": Mutant(
        _batch_summed,
        "You summed over the batch as well: return one number for each sequence.",
    ),
}


def _example() -> tuple[Tensor, Tensor]:
    tokens = torch.tensor([[0, 3, 1, 4, 2], [2, 2, 0, 1, 3]])
    return 2 * torch.randn(2, 5, 5), tokens


def _by_hand(answer) -> None:
    """A vocabulary of two: token 1 has probability 1/2, then token 0 has 3/4."""
    probs = torch.tensor([[[0.5, 0.5], [0.75, 0.25], [0.1, 0.9]]])
    logits = probs.log() + 1  # a constant added to all logits changes no probability
    tokens = torch.tensor([[0, 1, 0]])
    want = torch.tensor([1 / 2 * 3 / 4]).log()
    expect_close(answer(logits, tokens), want, outcomes(MUTANTS, logits, tokens))


def _random(answer) -> None:
    logits, tokens = _example()
    want = sequence_logprob(logits, tokens)
    expect_close(answer(logits, tokens), want, outcomes(MUTANTS, logits, tokens))


def _completion(answer) -> None:
    logits, tokens = _example()
    want = sequence_logprob(logits, tokens, 3)
    wrong = outcomes(MUTANTS, logits, tokens, 3)
    expect_close(answer(logits, tokens, 3), want, wrong)


def _distribution(answer) -> None:
    """All 25 continuations of one token, from any logits that depend on position."""
    first, second = torch.randn(2, 5)
    pairs = torch.cartesian_prod(torch.arange(5), torch.arange(5))  # (25, 2)
    tokens = torch.cat([torch.zeros(25, 1, dtype=torch.long), pairs], dim=1)
    logits = torch.stack([first, second, torch.zeros(5)]).expand(25, 3, 5)
    got = torch.as_tensor(answer(logits, tokens))
    expect(got.shape == (25,), "There should be one number for each of 25 sequences.")
    total = got.exp().sum().item()
    expect(
        abs(total - 1) < 1e-3,
        f"The probabilities of all 25 continuations add up to {total:.3g}, not 1.",
    )


EXERCISES = [
    Exercise(
        name="right_action",
        notebook="00_lab",
        reference=right_action,
        parts=[
            Part("four requests looked up by hand", _few_by_hand),
            Part("every category and intent of the Spec", _whole_spec, 2),
            Part("an edited Spec, with other numbers and actions", _edited_spec),
            Part("KeyError where no clause says anything", _not_covered),
        ],
        mutants=ACTION_MUTANTS,
    ),
    Exercise(
        name="sequence_logprob",
        notebook="00_lab",
        reference=sequence_logprob,
        parts=[
            Part("one sum of log-probabilities for each sequence", _random),
            Part("a sequence calculated by hand", _by_hand),
            Part("only completion tokens count, given prompt_length", _completion),
            Part(
                "all possible continuations together have probability 1", _distribution
            ),
        ],
        mutants=MUTANTS,
    ),
]
