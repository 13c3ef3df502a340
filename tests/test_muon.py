"""The optimizer of pretraining, against torch's own in bfloat16 and against the SVD."""

import torch

from utils.models.muon import Muon, orthogonalize


def test_orthogonalized_matrices_keep_their_directions_and_lose_their_sizes():
    torch.manual_seed(0)
    for shape in ((8, 8), (20, 8), (8, 20)):
        matrix = torch.randn(3, *shape)
        u, _, vh = torch.linalg.svd(matrix, full_matrices=False)
        sizes = u.mT @ orthogonalize(matrix) @ vh.mT  # (3, 8, 8), nearly diagonal
        diagonal = sizes.diagonal(dim1=-2, dim2=-1)
        assert ((diagonal > 0.6) & (diagonal < 1.3)).all()
        assert (sizes - torch.diag_embed(diagonal)).abs().max() < 1e-3


def test_steps_are_those_of_torch_up_to_its_rounding():
    torch.manual_seed(0)
    start = [torch.randn(16, 16), torch.randn(32, 16), torch.randn(16, 16)]
    gradients = [[torch.randn_like(p) for p in start] for _ in range(5)]

    def trained(optimizer, **options) -> list[torch.Tensor]:
        parameters = [torch.nn.Parameter(p.clone()) for p in start]
        steps = optimizer(parameters, lr=0.01, weight_decay=0.1, **options)
        for each in gradients:
            for parameter, gradient in zip(parameters, each, strict=True):
                parameter.grad = gradient.clone()
            steps.step()
        return parameters

    ours = trained(Muon)
    theirs = trained(torch.optim.Muon, adjust_lr_fn="match_rms_adamw")
    for one, two, before in zip(ours, theirs, start, strict=True):
        moved = (two - before).norm()
        assert (one - two).norm() < 0.02 * moved
