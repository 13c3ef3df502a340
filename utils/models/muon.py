"""Muon in float32: momentum whose update is made orthogonal (Jordan et al. 2024).

The same rule as `torch.optim.Muon`, which works in bfloat16. On a CPU without
bfloat16 arithmetic that takes three times as long as the model's own gradients.
"""

import torch

COEFFICIENTS = (3.4445, -4.7750, 2.0315)  # Jordan's, steep at zero
ITERATIONS = 5
MOMENTUM = 0.95


def orthogonalize(matrices: torch.Tensor) -> torch.Tensor:
    """Return (..., rows, columns) with all singular values brought near 1.

    Newton-Schulz iteration X <- aX + b(XX')X + c(XX')^2 X. The values end between
    about 0.7 and 1.2, which serves as well as 1 and needs no singular vectors.
    """
    a, b, c = COEFFICIENTS
    tall = matrices.shape[-2] > matrices.shape[-1]
    x = matrices.mT if tall else matrices
    x = x / x.norm(dim=(-2, -1), keepdim=True).clamp(min=1e-7)
    for _ in range(ITERATIONS):
        gram = x @ x.mT
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x.mT if tall else x


class Muon(torch.optim.Optimizer):
    """Nesterov momentum with orthogonal updates, for weight matrices only.

    The update is scaled by 0.2 sqrt(max(rows, columns)), so that its size is that of
    AdamW's and `lr` means the same. A higher `weight_decay` pulls weights to zero.
    """

    def __init__(self, params, lr: float, weight_decay: float = 0.0) -> None:
        super().__init__(params, {"lr": lr, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self) -> None:
        """Update every matrix; those of one shape are orthogonalized together."""
        for group in self.param_groups:
            shapes: dict[torch.Size, list[torch.Tensor]] = {}
            for parameter in group["params"]:
                shapes.setdefault(parameter.shape, []).append(parameter)
            for shape, parameters in shapes.items():
                updates = orthogonalize(torch.stack([*map(self.momentum, parameters)]))
                size = 0.2 * max(shape) ** 0.5
                for parameter, update in zip(parameters, updates, strict=True):
                    parameter.mul_(1 - group["lr"] * group["weight_decay"])
                    parameter.add_(update, alpha=-group["lr"] * size)

    def momentum(self, parameter: torch.Tensor) -> torch.Tensor:
        """Take the gradient into the running mean; return it looked ahead."""
        state, gradient = self.state[parameter], parameter.grad
        if "mean" not in state:
            state["mean"] = torch.zeros_like(parameter)
        state["mean"].lerp_(gradient, 1 - MOMENTUM)
        return gradient.lerp(state["mean"], MOMENTUM)
