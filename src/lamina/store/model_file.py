"""A trained network ↔ its file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from lamina.data.fingerprint import Fingerprint
from lamina.errors import MissingExtraError, ModelFileError, UsageError
from lamina.features.features import Features
from lamina.features.targets.base import Target
from lamina.features.targets.several import target_from_json
from lamina.network.architecture import Architecture
from lamina.network.graph import Graph, hash_of
from lamina.predictions.baseline import Baseline, linear_width
from lamina.predictions.confidence import Confidence
from lamina.predictions.novelty import Novelty
from lamina.records import Choice, Epoch, Evaluation, Finding, Schema
from lamina.settings import Settings
from lamina.store import file
from lamina.store.engines import PREFIX, Wanted, chosen, engine_of, onnx_of, under
from lamina.store.misfit import misfit
from lamina.tasks import Task
from lamina.training.fitted import Fitted

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
    graph: Graph | None = None


def save(path: str | Path, fitted: Fitted, baseline: Baseline, validation: Evaluation, version: str) -> Path:
    """Writes the model file, with the network as ONNX where it was exported; the same model gives the same
    bytes."""
    own = {name: each.cpu().numpy() for name, each in fitted.network.state_dict().items()}
    onnx = fitted.onnx
    if onnx is not None and onnx.graph.weights != hash_of(own):
        onnx = None  # it has learnt since
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
        graph=None if onnx is None else onnx.graph,
    )
    weights = {f"{PREFIX}{name}": each for name, each in own.items()}
    weights |= {f"baseline.{n}": each for n, each in baseline.tensors().items()}
    if fitted.confidence is not None:
        weights |= {f"confidence.{n}": each for n, each in fitted.confidence.tensors().items()}
    if fitted.novelty is not None:
        weights |= {f"novelty.{n}": each for n, each in fitted.novelty.tensors().items()}
    return file.write(path, msgspec.to_builtins(manifest), weights, None if onnx is None else onnx.read())


def load(
    path: str | Path, engine: Wanted = "torch", *, store: Path | None = None
) -> tuple[Fitted, Baseline, Evaluation]:
    """Reads a model file on the processor; refuses what does not fit together.

    ``engine``: what answers; ``auto`` is ONNX Runtime where it is installed and the file holds the network
    as ONNX. ``store``: the folder whose version it is.
    """
    content, weights = file.read(path)
    try:
        manifest = msgspec.convert(content, Manifest, strict=False)
        features = Features.from_json(manifest.features)
        target = target_from_json(manifest.target)
        _check_answers(target, manifest.schema, manifest.architecture, path)
        own = under(PREFIX, weights)
        onnx = onnx_of(manifest.graph, own, str(content["hashes"].get(file.GRAPH)), path)
        name = chosen(engine, manifest.graph, path, store)
        answers = engine_of(name, manifest.architecture, features, target, own, onnx, path)
        baseline = _baseline(under("baseline.", weights), features, target, path)
        confidence = _confidence(manifest.confidence, under("confidence.", weights), target)
        novelty = Novelty.of(under("novelty.", weights), target) if manifest.novelty else None
        if novelty is not None and not novelty.fits(answers.vectors):
            raise misfit(path, "what it knows of the training rows does not fit the layers")
    except (ModelFileError, MissingExtraError, UsageError):
        raise
    except Exception as error:  # whatever a hostile manifest breaks, the answer is the same
        raise misfit(path, f"its parts do not fit together ({error})") from error
    fitted = Fitted(
        task=manifest.task,
        schema=manifest.schema,
        features=features,
        target=target,
        engine=answers,
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
        onnx=onnx,
    )
    return fitted, baseline, manifest.validation


def _baseline(
    weights: dict[str, np.ndarray], features: Features, target: Target, path: str | Path
) -> Baseline:
    columns, scores = linear_width(features), target.scores
    wanted = {"constant": (target.width,), "weights": (columns, scores), "bias": (scores,)}
    if {n: w.shape for n, w in weights.items() if w.dtype == np.float32} != wanted or len(weights) != 3:
        raise misfit(path, "the weights of the baseline do not fit its answers")
    return Baseline.of(weights)


def _confidence(
    state: dict[str, Any] | None, tensors: dict[str, np.ndarray], target: Target
) -> Confidence | None:
    """None in files from before there was any."""
    return None if state is None else Confidence.of(state, tensors, target)


def _check_answers(target: Target, schema: Schema, architecture: Architecture, path: str | Path) -> None:
    if tuple(field.name for field in schema.with_role("target")) != target.targets:
        raise misfit(path, "the target is not the one of its schema")
    told = (architecture.output, architecture.scores, architecture.answer)
    if told != (target.answer, target.scores, target.spec()):
        raise misfit(path, "the answers do not fit the output layer")


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
