"""What is said of a model file whose parts do not fit together."""

from __future__ import annotations

from pathlib import Path

from lamina.errors import ModelFileError


def misfit(path: str | Path, why: str) -> ModelFileError:
    """The error to raise."""
    return ModelFileError(
        f"{path} was not loaded: {why}.",
        "Copy it again from where it was saved, or train the model again.",
        path=str(path),
    )
