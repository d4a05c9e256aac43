"""A trained network ↔ its file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import torch

from lamina.data.fingerprint import Fingerprint
from lamina.errors import MissingExtraError, ModelFileError
from lamina.features.features import Features
from lamina.features.targets.base import Target
from lamina.features.targets.several import target_from_json
from lamina.network.architecture import Architecture
from lamina.network.layout import layout
from lamina.network.network import Network
from lamina.predictions.baseline import Baseline, linear_width
from lamina.predictions.confidence import Confidence
from lamina.predictions.novelty import Novelty
from lamina.records import Choice, Epoch, Evaluation, Finding, Schema
from lamina.settings import Settings
from lamina.store import file
from lamina.tasks import Task
from lamina.training.fitted import Fitted

MOST_LAYERS = 10_000  # hidden layers that a manifest may describe
QUOTING = frozenset(
    {"unreadable", "ragged-row", "target-missing", "constant"}
)  # findings whose words quote cells


class Manifest(msgspec.Struct, kw_only=True):
    """What a model file says of itself, besides its weights."""

    lamina: str
    task: Task
    schema: Schema
    features: list[dict[str, Any]]
    target: dict[str, Any]
    architecture: Architecture
    settings: Settings
    metric: str
    rows: dict[str, int]
    choices: list[Choice]
    findings: list[Finding]
    epochs: list[Epoch]
    stopped: str
    validation: Evaluation
    confidence: dict[str, Any] | None = None
    novelty: bool = False
    data: Fingerprint | None = None


def save(path: str | Path, fitted: Fitted, baseline: Baseline, validation: Evaluation, version: str) -> Path:
    """Writes the model file; the same model gives the same bytes."""
    manifest = Manifest(
        lamina=version,
        task=fitted.task,
        schema=fitted.schema,
        features=fitted.features.to_json(),
        target=fitted.target.to_json(),
        architecture=fitted.network.architecture,
        settings=fitted.settings,
        metric=fitted.metric,
        rows=fitted.rows,
        choices=list(fitted.choices),
        findings=[without_values(each) for each in fitted.findings],
        epochs=list(fitted.epochs),
        stopped=fitted.stopped,
        validation=_finite(validation),
        confidence=None if fitted.confidence is None else fitted.confidence.to_json(),
        novelty=fitted.novelty is not None,
        data=fitted.data,
    )
    weights = {f"network.{n}": t.cpu().numpy() for n, t in fitted.network.state_dict().items()}
    weights |= {f"baseline.{n}": each for n, each in baseline.tensors().items()}
    if fitted.confidence is not None:
        weights |= {f"confidence.{n}": each for n, each in fitted.confidence.tensors().items()}
    if fitted.novelty is not None:
        weights |= {f"novelty.{n}": each for n, each in fitted.novelty.tensors().items()}
    return file.write(path, msgspec.to_builtins(manifest), weights)


def load(path: str | Path) -> tuple[Fitted, Baseline, Evaluation]:
    """Reads a model file on the processor; refuses what does not fit together."""
    content, weights = file.read(path)
    try:
        manifest = msgspec.convert(content, Manifest, strict=False)
        features = Features.from_json(manifest.features)
        target = target_from_json(manifest.target)
        _check_answers(target, manifest.schema, manifest.architecture, path)
        network = _network(manifest.architecture, features, _under("network.", weights), path)
        baseline = _baseline(_under("baseline.", weights), features, target, path)
        confidence = _confidence(manifest.confidence, _under("confidence.", weights), target)
        novelty = Novelty.of(_under("novelty.", weights), target) if manifest.novelty else None
        if novelty is not None and not novelty.fits(network.vectors):
            raise _misfit(path, "what it knows of the training rows does not fit the layers")
    except (ModelFileError, MissingExtraError):
        raise
    except Exception as error:  # whatever a hostile manifest breaks, the answer is the same
        raise _misfit(path, f"its parts do not fit together ({error})") from error
    fitted = Fitted(
        task=manifest.task,
        schema=manifest.schema,
        features=features,
        target=target,
        engine=network,
        settings=manifest.settings,
        metric=manifest.metric,
        choices=tuple(manifest.choices),
        findings=tuple(manifest.findings),
        epochs=tuple(manifest.epochs),
        stopped=manifest.stopped,
        rows=manifest.rows,
        confidence=confidence,
        novelty=novelty,
        data=manifest.data,
    )
    return fitted, baseline, manifest.validation


def _network(
    architecture: Architecture,
    features: Features,
    weights: dict[str, np.ndarray],
    path: str | Path,
) -> Network:
    """The network with these weights; sizes are compared before memory for them is taken."""
    if len(architecture.hidden) > MOST_LAYERS:
        raise _misfit(path, f"it describes {len(architecture.hidden):,} hidden layers")
    layers = layout(architecture, features)
    tensors = {name: torch.from_numpy(each) for name, each in weights.items()}
    wanted, stored = _shapes(layers), _shapes(tensors)
    if wanted != stored:
        wrong = sorted({*wanted.items()} ^ {*stored.items()}, key=str)[0]
        raise _misfit(path, f"the weights do not fit the layers it describes {wrong}")
    network = Network(architecture, features)
    network.load_state_dict(tensors)
    return network.eval()


def _shapes(tensors: Mapping[str, torch.Tensor]) -> dict[str, tuple[str, tuple[int, ...]]]:
    return {name: (str(each.dtype), tuple(each.shape)) for name, each in tensors.items()}


def _baseline(
    weights: dict[str, np.ndarray], features: Features, target: Target, path: str | Path
) -> Baseline:
    columns, scores = linear_width(features), target.scores
    wanted = {"constant": (target.width,), "weights": (columns, scores), "bias": (scores,)}
    if {n: w.shape for n, w in weights.items() if w.dtype == np.float32} != wanted or len(weights) != 3:
        raise _misfit(path, "the weights of the baseline do not fit its answers")
    return Baseline.of(weights)


def _confidence(
    state: dict[str, Any] | None, tensors: dict[str, np.ndarray], target: Target
) -> Confidence | None:
    """None in files from before there was any."""
    return None if state is None else Confidence.of(state, tensors, target)


def _check_answers(target: Target, schema: Schema, architecture: Architecture, path: str | Path) -> None:
    if tuple(field.name for field in schema.with_role("target")) != target.targets:
        raise _misfit(path, "the target is not the one of its schema")
    told = (architecture.output, architecture.scores, architecture.answer)
    if told != (target.answer, target.scores, target.spec()):
        raise _misfit(path, "the answers do not fit the output layer")


def _misfit(path: str | Path, why: str) -> ModelFileError:
    return ModelFileError(
        f"{path} was not loaded: {why}.",
        "Copy it again from where it was saved, or train the model again.",
        path=str(path),
    )


def without_values(finding: Finding) -> Finding:
    """What a model file may say of a finding: which, where, how often; no row number, no cell."""
    where = f" in {finding.column!r}" if finding.column else ""
    message = f"{finding.code}{where}: {finding.count:,} rows" if finding.code in QUOTING else finding.message
    return msgspec.structs.replace(finding, rows=(), message=message)


def _finite(evaluation: Evaluation) -> Evaluation:
    """Scores that are numbers: JSON has no other."""
    baseline = {name: _numbers(scores) for name, scores in evaluation.baseline.items()}
    kept = _numbers(evaluation.scores)
    intervals = {n: i for n, i in evaluation.intervals.items() if np.isfinite(i).all()}
    return msgspec.structs.replace(evaluation, scores=kept, intervals=intervals, baseline=baseline)


def _numbers(scores: Mapping[str, float]) -> dict[str, float]:
    return {name: value for name, value in scores.items() if np.isfinite(value)}


def _under(prefix: str, weights: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {n.removeprefix(prefix): each for n, each in weights.items() if n.startswith(prefix)}
