"""KL estimators against exact enumeration of every outcome."""

import math

import pytest
import torch

from utils.align.batching import Example, completion_logprobs
from utils.align.kl import exact_kl, k1, k2, k3

POLICY = torch.tensor([0.6, 0.3, 0.05, 0.04, 0.01], dtype=torch.float64).log()
REFERENCE = torch.tensor([0.05, 0.15, 0.3, 0.2, 0.3], dtype=torch.float64).log()


def expectation(estimator, policy=POLICY, reference=REFERENCE) -> float:
    """Its exact mean over samples of the policy."""
    return float((policy.exp() * estimator(policy, reference)).sum())


def test_exact_kl_by_hand():
    policy = torch.tensor([0.75, 0.25]).log() + 3  # logits need not be normalised
    reference = torch.tensor([0.5, 0.5]).log()
    expected = 0.75 * math.log(1.5) + 0.25 * math.log(0.5)
    assert exact_kl(policy, reference).item() == pytest.approx(expected, abs=1e-6)


def test_k1_and_k3_are_unbiased():
    kl = exact_kl(POLICY, REFERENCE).item()
    assert expectation(k1) == pytest.approx(kl, abs=1e-12)
    assert expectation(k3) == pytest.approx(kl, abs=1e-12)


def test_k2_is_biased_but_little_when_the_two_are_close():
    kl = exact_kl(POLICY, REFERENCE).item()
    assert abs(expectation(k2) - kl) > 0.1
    near = (POLICY + 0.02 * (REFERENCE - POLICY)).log_softmax(-1)
    small = exact_kl(near, POLICY).item()
    assert small > 0
    assert expectation(k2, near, POLICY) == pytest.approx(small, rel=0.05)


def test_the_direction_is_policy_from_reference():
    forward = exact_kl(REFERENCE, POLICY).item()
    assert abs(expectation(k1) - forward) > 0.1
    assert abs(expectation(k3) - forward) > 0.1


def test_signs_and_spread():
    values = [estimator(POLICY, REFERENCE) for estimator in (k1, k2, k3)]
    assert (values[0] < 0).any()
    assert (values[1] >= 0).all() and (values[2] >= 0).all()
    near = (POLICY + 0.1 * (REFERENCE - POLICY)).log_softmax(-1)
    p = near.exp()

    def variance(x):
        return float((p * x.square()).sum() - (p * x).sum().square())

    assert variance(k3(near, POLICY)) < 0.1 * variance(k1(near, POLICY))


def test_text_kl_is_the_sum_of_exact_token_kls(make_llama):
    """All 25 two-token completions of a model with five tokens."""
    policy, reference = make_llama(0, vocab_size=5), make_llama(1, vocab_size=5)
    prompt = [2, 3]
    texts = [Example(prompt, [a, b]) for a in range(5) for b in range(5)]
    with torch.no_grad():
        logp, logq = (completion_logprobs(m, texts, 0) for m in (policy, reference))
        estimated = {k: (logp.exp() * k(logp, logq)).sum() for k in (k1, k3)}
        contexts = [prompt, *([*prompt, a] for a in range(5))]
        logits = [
            [model(torch.tensor([context])).logits[0, -1] for context in contexts]
            for model in (policy, reference)
        ]
        kls = exact_kl(torch.stack(logits[0]), torch.stack(logits[1]))
        first = logits[0][0].softmax(-1)
        exact = kls[0] + (first * kls[1:]).sum()
    assert exact > 0.05
    assert estimated[k1] == pytest.approx(exact.item(), rel=1e-4)
    assert estimated[k3] == pytest.approx(exact.item(), rel=1e-4)


@pytest.mark.parametrize("function", [k1, k2, k3, exact_kl])
def test_different_shapes_are_refused(function):
    with pytest.raises(ValueError, match="same shape"):
        function(torch.zeros(2, 1), torch.zeros(2, 3))
