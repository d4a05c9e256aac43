"""Teams of members: networks trained one after another, then one network that holds them all.

Trained together they would meet the same rows in the same order and make more of the same mistakes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec
import torch

from lamina.features.features import Features
from lamina.network.architecture import Architecture
from lamina.network.network import Network, build


def alone(architecture: Architecture, features: Features, seed: int) -> Iterator[Network]:
    """Every team as a network of its own, with fresh weights; of a network without teams itself."""
    if not architecture.teams:
        yield build(architecture, features, seed)
        return
    inputs = {
        name: {key: value for key, value in spec.items() if key != "teams"}
        for name, spec in architecture.inputs.items()
    }
    members = architecture.members // len(architecture.teams)
    for number, dropout in enumerate(architecture.teams):
        own = msgspec.structs.replace(architecture, inputs=inputs, members=members, dropout=dropout, teams=())
        yield build(own, features, seed + number)


@torch.no_grad()
def together(networks: Sequence[Network], architecture: Architecture, features: Features) -> Network:
    """One network whose members are those of all ``networks``, the first teams of ``architecture``."""
    if not architecture.teams:
        return networks[0]
    count = len(networks)
    inputs = {
        name: {**spec, "teams": count} if "teams" in spec else spec
        for name, spec in architecture.inputs.items()
    }
    whole = msgspec.structs.replace(
        architecture,
        inputs=inputs,
        members=sum(each.architecture.members for each in networks),
        teams=architecture.teams[:count],
    )
    made = build(whole, features, 0).to(next(networks[0].parameters()).device)
    parts = [each.state_dict() for each in networks]
    for name, weight in made.state_dict().items():
        if name.startswith("hidden.parts."):
            number, rest = name.removeprefix("hidden.parts.").split(".", 1)
            weight.copy_(parts[int(number)][f"hidden.{rest}"])
        else:
            weight.copy_(_joined([part[name] for part in parts], weight.shape))
    return made.eval()


def _joined(parts: Sequence[torch.Tensor], shape: torch.Size) -> torch.Tensor:
    """Side by side along the axis on which the whole is longer; marks that one of them has, the whole has."""
    axis = next((k for k, (a, b) in enumerate(zip(parts[0].shape, shape, strict=True)) if a != b), None)
    return torch.stack(list(parts)).amax(0) if axis is None else torch.cat(list(parts), axis)
