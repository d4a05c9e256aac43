"""Hidden layers of neurons: k members side by side that share their weights.

Every member sees the inputs through scales of its own and answers through an output of its own; between
them all members use the same matrices (Gorishniy et al. 2024, "TabM: Advancing tabular deep learning with
parameter-efficient ensembling", the variant "mini"). Members disagree where the data leaves room, and
their mean is better than any one of them.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lamina.network.activations import activation
from lamina.network.hidden.dropout import Masks
from lamina.network.hidden.fused import Dropped, Rectified, RectifiedMembers
from lamina.network.hidden.product import weighted_sums
from lamina.network.kept import Kept, learning

SKIP_FROM = 5  # from this many hidden layers on, they are residual: y + f(norm(y))


class Layer(nn.Module):
    """One layer of neurons: a weighted sum and an activation, ``a = φ(x Wᵀ + b)``.

    As a residual layer, ``a = x + s · φ(norm(x) Wᵀ + b)`` with a learnt scale ``s`` that starts small, so
    that a stack of a hundred begins close to the identity and its gradients neither vanish nor explode
    (Zhang et al. 2019, "Fixup"; Touvron et al. 2021, "LayerScale").

    **Shape**: ``(…, inputs)`` → ``(…, neurons)``.
    """

    def __init__(self, inputs: int, neurons: int, name: str, *, residual: bool) -> None:
        super().__init__()
        self.function, gain = activation(name)
        self.rectified = name == "relu" and not residual
        self.weight = nn.Parameter(torch.randn(neurons, inputs) * gain * inputs**-0.5)
        self.bias = nn.Parameter(torch.zeros(neurons))
        self.scale = nn.Parameter(torch.full((neurons,), 0.1)) if residual else None

    def sums(self, x: Tensor) -> Tensor:
        """The weighted sums before the activation."""
        if self.scale is not None:
            x = F.layer_norm(x, x.shape[-1:])
        return weighted_sums(x, self.weight, self.bias)

    def forward(self, x: Tensor) -> Tensor:
        if self.rectified:
            return weighted_sums(x, self.weight, self.bias, rectified=True)
        active = self.function(self.sums(x))
        return active if self.scale is None else torch.addcmul(x, active, self.scale.to(x.dtype))

    def fused(self, x: Tensor, mask: Tensor | None, factor: float) -> Tensor:
        """The activations under a dropout mask, times ``factor``, in one step of differentiation."""
        return Rectified.apply(x, self.weight, self.bias, mask, factor)  # type: ignore[no-any-return, no-untyped-call]


class FirstLayer(nn.Module):
    """The layer in which the members part: ``aᵐ = φ((x · rᵐ) Wᵀ + bᵐ)`` with scales ``rᵐ`` per member.

    The scales are folded into the weights, so the batch is read once for all members.

    **Shape**: ``(batch, inputs)`` → ``(member, batch, neurons)``.
    """

    def __init__(self, inputs: int, neurons: int, name: str, members: int) -> None:
        super().__init__()
        self.function, gain = activation(name)
        self.rectified = name == "relu"
        self.weight = nn.Parameter(torch.randn(neurons, inputs) * gain * inputs**-0.5)
        self.bias = nn.Parameter(torch.zeros(members, neurons))
        self.scales = nn.Parameter(_scales(members, inputs), requires_grad=members > 1)
        # How many inputs there were, while those that came later are still to be added up apart
        self.old: int | None = None
        self._kept: Kept[Tensor] = Kept()

    @torch.no_grad()
    def extend(self, inputs: int) -> FirstLayer:
        """A copy with room for more inputs, which change nothing until they are learnt."""
        grown = copy.deepcopy(self)
        (neurons, old), members = self.weight.shape, len(self.scales)
        more = inputs - old
        grown.weight = nn.Parameter(torch.cat([self.weight, self.weight.new_zeros(neurons, more)], 1))
        scales = torch.cat([self.scales, _scales(members, more)], 1)
        grown.scales = nn.Parameter(scales, requires_grad=members > 1)
        grown.old = self.old or old
        return grown

    def sums(self, x: Tensor) -> Tensor:
        """The weighted sums before the activation, ``(member, batch, neurons)``."""
        return self._sums(x)

    def _sums(self, x: Tensor, *, rectified: bool = False) -> Tensor:
        members, neurons = self.bias.shape
        weights = self._folded()
        if self.old is None:
            flat = weighted_sums(x, weights, self.bias.flatten(), rectified=rectified)
        else:  # apart, because a longer sum is rounded in another order
            known, added = x[:, : self.old].contiguous(), x[:, self.old :]
            flat = weighted_sums(known, weights[:, : self.old].contiguous(), self.bias.flatten())
            flat = flat + F.linear(added, weights[:, self.old :])
            flat = F.relu(flat) if rectified else flat
        return flat.view(x.shape[0], members, neurons).transpose(0, 1)

    def train(self, mode: bool = True) -> FirstLayer:
        self._kept.forget()
        return super().train(mode)

    def _folded(self) -> Tensor:
        """The members' weights, one under the other."""
        return self._fold() if learning(self) else self._kept.of((self.weight, self.scales), self._fold)

    def _fold(self) -> Tensor:
        return (self.weight * self.scales[:, None, :]).flatten(0, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self._sums(x, rectified=True) if self.rectified else self.function(self.sums(x))

    def fused(self, x: Tensor, mask: Tensor | None, factor: float) -> Tensor:
        """The activations under a dropout mask, times ``factor``, in one step of differentiation."""
        parts = x, self.weight, self.scales, self.bias, mask, factor
        return RectifiedMembers.apply(*parts)  # type: ignore[no-any-return, no-untyped-call]


def _scales(members: int, inputs: int) -> Tensor:
    """One for a single network; plus or minus one, by chance, for several."""
    if members == 1:
        return torch.ones(1, inputs)
    return torch.randint(0, 2, (members, inputs)) * 2.0 - 1.0


class Perceptron(nn.Module):
    """Fully connected hidden layers, k members side by side.

    ``hidden`` are the neurons of each layer; none at all passes the input on for every member.

    **Shape**: ``(batch, inputs)`` → ``(member, batch, width)``.

    >>> import torch
    >>> Perceptron(3, (8, 4), "relu", members=2)(torch.ones(5, 3)).shape
    torch.Size([2, 5, 4])
    """

    masks: Masks | None = None

    def __init__(
        self, inputs: int, hidden: Sequence[int], name: str, *, members: int, dropout: float = 0.0
    ) -> None:
        super().__init__()
        self.dropout = dropout
        self.members = members
        self.width = hidden[-1] if hidden else inputs
        self.widest = max(hidden, default=inputs)
        self.first = FirstLayer(inputs, hidden[0], name, members) if hidden else None
        deep = len(hidden) >= SKIP_FROM
        self.rest = nn.ModuleList(
            Layer(n_in, n_out, name, residual=deep and n_in == n_out) for n_in, n_out in pairwise(hidden)
        )

    def forward(self, x: Tensor) -> Tensor:
        if self.first is None:
            return x if x.ndim == 3 else x.expand(self.members, *x.shape)
        for layer in (self.first, *self.rest):
            x = self._through(layer, x)
        return x

    def extend(self, inputs: int) -> Perceptron:
        """A copy that reads ``inputs`` numbers; what it makes of the old ones does not move."""
        grown = copy.deepcopy(self)
        if self.first is None:
            grown.width = grown.widest = inputs
        else:
            grown.first = self.first.extend(inputs)
        return grown

    def wake(self) -> None:
        """Before new inputs are learnt: they are added up with the others."""
        if self.first is not None:
            self.first.old = None

    def _through(self, layer: FirstLayer | Layer, x: Tensor) -> Tensor:
        """One layer and its dropout."""
        if not (self.training and torch.is_grad_enabled()):
            return layer(x)  # type: ignore[no-any-return, no-untyped-call]
        if layer.rectified:
            lead = (self.members, len(x)) if layer is self.first else x.shape[:-1]
            return layer.fused(x, *self._mask((*lead, layer.weight.shape[0]), x))
        active: Tensor = layer(x)
        mask, factor = self._mask(active.shape, active)
        return active if mask is None else Dropped.apply(active.contiguous(), mask, factor)  # type: ignore

    def _mask(self, shape: Sequence[int], like: Tensor) -> tuple[Tensor | None, float]:
        """The dropout mask of a layer, and the factor by which what is left grows."""
        return (None, 1.0) if self.masks is None else self.masks.of(shape, like)

    def randomise(self, generator: torch.Generator) -> None:
        """Where dropout takes its random numbers from; without it nothing is dropped."""
        self.masks = Masks(self.dropout, self.widest, generator) if self.dropout else None

    @property
    def teams(self) -> list[Perceptron]:
        """Groups of members that share their weights: one."""
        return [self]

    @property
    def drawn(self) -> tuple[Masks, ...]:
        """The masks that are drawn for every step, in this order."""
        return () if self.masks is None else (self.masks,)

    def trace(self, x: Tensor) -> Iterator[tuple[str, Tensor, Tensor]]:
        """Per layer: name, weighted sums and activations, each ``(member, batch, neurons)``."""
        if self.first is None:
            return
        layers = [self.first, *self.rest]
        for number, layer in enumerate(layers, 1):
            sums = layer.sums(x)
            x = layer(x)
            yield f"hidden {number}", sums, x
