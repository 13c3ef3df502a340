"""How far has the policy moved? Estimators of KL(policy || reference).

From John Schulman's note "Approximating KL Divergence" (2020). Convention
throughout: samples come from the POLICY, and

    log_ratio = log policy(x) - log reference(x),

so that E[log_ratio] = KL(policy || reference). (The note draws samples from q and
calls p/q the ratio, so its log r is *minus* this log_ratio.) With the sign turned
round k1 estimates minus the KL, and k3 estimates another quantity altogether.

Left out on purpose: KL(reference || policy), other divergences, estimators for
samples that do not come from the policy.
"""

import torch
from torch import Tensor


def _log_ratio(policy_logprobs: Tensor, reference_logprobs: Tensor) -> Tensor:
    if policy_logprobs.shape != reference_logprobs.shape:
        raise ValueError(
            "Policy and reference must have the same shape, not "
            f"{tuple(policy_logprobs.shape)} and {tuple(reference_logprobs.shape)}."
        )
    return policy_logprobs - reference_logprobs


def k1(policy_logprobs: Tensor, reference_logprobs: Tensor) -> Tensor:
    """log_ratio: unbiased, large variance, negative for many samples.

    Log-probabilities of sampled tokens or texts, any shape; same shape back.
    """
    return _log_ratio(policy_logprobs, reference_logprobs)


def k2(policy_logprobs: Tensor, reference_logprobs: Tensor) -> Tensor:
    """log_ratio^2 / 2: never negative, small variance, BIASED.

    The bias is small while the two distributions are close. Shapes as in `k1`.
    """
    return _log_ratio(policy_logprobs, reference_logprobs).square() / 2


def k3(policy_logprobs: Tensor, reference_logprobs: Tensor) -> Tensor:
    """exp(-log_ratio) - 1 + log_ratio: unbiased and never negative.

    It is k1 plus a control variate of mean zero, E[reference / policy - 1] = 0;
    GRPO uses it (DeepSeekMath, arXiv 2402.03300, eq. 4). Shapes as in `k1`.
    """
    log_ratio = _log_ratio(policy_logprobs, reference_logprobs)
    return torch.expm1(-log_ratio) + log_ratio


def exact_kl(policy_logits: Tensor, reference_logits: Tensor) -> Tensor:
    """KL(policy || reference) = sum_v p(v) (log p(v) - log q(v)), no sampling.

    Logits (..., vocab), which need not be normalised; returns (...).
    """
    log_p = policy_logits.log_softmax(-1)
    log_q = reference_logits.log_softmax(-1)
    return (log_p.exp() * _log_ratio(log_p, log_q)).sum(-1)
