"""A champion that this server cannot load: the version before it goes on answering, and that is told."""

from __future__ import annotations

from pathlib import Path

import msgspec

from lamina.errors import LaminaError


class Behind(msgspec.Struct, frozen=True):
    """``champion`` is the version that should answer for ``model``, ``answering`` the one that does; why, and
    what to do."""

    model: str
    champion: str
    answering: str
    problem: str
    remedy: str


def behind(model: str, champion: str, answering: str, error: LaminaError, store: Path) -> Behind:
    """What to tell where the champion of a store holds no graph, or what computes it is not installed."""
    remedy = f"Where torch is installed: lamina export {store}. Its graph then answers here at once."
    return Behind(model, champion, answering, error.problem, remedy)
