"""Muon: momentum whose update matrices are made orthogonal (Jordan et al. 2024, kellerjordan.github.io/posts/muon).

It needs about half the tokens that Adam does here. For matrices inside the network; embeddings and norms keep Adam.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import torch
from torch import Tensor


class Muon:
    """Nesterov momentum 0.95, then five Newton-Schulz steps; matrices of one shape are treated together."""

    def __init__(self, matrices: Sequence[Tensor], momentum: float = 0.95) -> None:
        self.momentum = momentum
        groups: dict[tuple[int, ...], list[Tensor]] = defaultdict(list)
        for matrix in matrices:
            groups[tuple(matrix.shape)].append(matrix)
        self.groups = [(group, torch.zeros(len(group), *shape)) for shape, group in groups.items()]

    @torch.no_grad()
    def step(self, rate: float) -> None:
        """Update in place from the gradients, and clear them."""
        for group, velocity in self.groups:
            gradient = torch.stack([matrix.grad for matrix in group if matrix.grad is not None])
            velocity.lerp_(gradient, 1 - self.momentum)
            update = orthogonal(gradient.lerp(velocity, self.momentum))
            scale = rate * max(1.0, update.shape[1] / update.shape[2]) ** 0.5
            for matrix, change in zip(group, update, strict=True):
                matrix.sub_(change, alpha=scale)
                matrix.grad = None


def orthogonal(x: Tensor) -> Tensor:
    """Roughly the nearest orthogonal matrices to x (count, rows, columns), by the quintic of Jordan et al."""
    tall = x.shape[1] > x.shape[2]
    x = x.mT if tall else x
    x = x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)
    for _ in range(5):
        square = x @ x.mT
        x = 3.4445 * x + (-4.7750 * square + 2.0315 * square @ square) @ x
    return x.mT if tall else x
