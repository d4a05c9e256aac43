"""The optimizers: how gradients move the weights."""

from __future__ import annotations

import torch
from torch import nn

from lamina.training.recipe import Recipe


def make_optimizer(network: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    """AdamW (Loshchilov & Hutter 2019), one fused pass over all weights.

    Weight decay pulls on matrices only: a bias or a scale that shrinks would bend the network without
    making it simpler.
    """
    matrices, others = [], []
    for parameter in network.parameters():
        if parameter.requires_grad:
            (matrices if parameter.ndim > 1 else others).append(parameter)
    groups = [
        {"params": matrices, "weight_decay": recipe.decay},
        {"params": others, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=recipe.rate, betas=(0.9, 0.99), fused=True)
