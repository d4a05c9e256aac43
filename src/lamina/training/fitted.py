"""A trained network with all that is needed to use it again."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lamina.data.fingerprint import Fingerprint
from lamina.features.features import Features
from lamina.features.targets.base import Target
from lamina.network.engine import Engine
from lamina.network.graph import Onnx
from lamina.records import Choice, Epoch, Finding, Schema
from lamina.settings import Settings
from lamina.tasks import Task

if TYPE_CHECKING:
    from lamina.network.network import Network
    from lamina.predictions.confidence import Confidence
    from lamina.predictions.novelty import Novelty


@dataclass
class Fitted:
    """What a training leaves behind.

    ``engine`` computes the answers. ``choices`` are what Lamina decided and why, ``findings`` what it noticed
    in the data, ``epochs`` the history of the training, ``stopped`` why it ended. ``confidence`` makes
    probabilities honest and bounds hold; ``novelty`` tells which rows are unlike those of training; both are
    found after training, on rows that were not learnt from. ``data`` tells which data it was; ``onnx`` is
    the network as a graph, of the weights that it names, where it was exported.
    """

    task: Task
    schema: Schema
    features: Features
    target: Target
    engine: Engine
    settings: Settings
    metric: str
    choices: tuple[Choice, ...] = ()
    findings: tuple[Finding, ...] = ()
    epochs: tuple[Epoch, ...] = ()
    stopped: str = ""
    rows: dict[str, int] = field(default_factory=dict)
    confidence: Confidence | None = None
    novelty: Novelty | None = None
    data: Fingerprint | None = None
    onnx: Onnx | None = None

    @property
    def network(self) -> Network:
        """The network in torch. Raises MissingExtraError where another engine answers and torch is not
        installed."""
        return self.engine.in_torch()
