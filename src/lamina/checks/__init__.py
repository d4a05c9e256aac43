"""Contract checks that every kind must pass, ours or a plug-in's.

``check_kind("number")`` makes a small frame of that kind (missing, unseen and unreadable values among it) and
holds the kind's feature and input layer to what the other stages rely on. A kind that is new brings a maker
of frames:

>>> check_kind("flag")
"""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl
import torch
from torch import Tensor

from lamina.catalog import KINDS, part
from lamina.checks.made import MAKERS, ROWS, SPECS, Maker
from lamina.errors import UsageError, nearest
from lamina.features.base import Arrays, Feature
from lamina.network.inputs.base import Batch, Input, Situation

CLOSE = 1e-5  # between a row answered alone and in a batch


class ContractError(AssertionError):
    """A kind breaks the contract; the message names the kind and what was expected."""


def check_kind(name: str, *, make: Maker | None = None, spec: Mapping[str, Any] | None = None) -> None:
    """Holds the feature and the input layer of a registered kind to their contracts.

    ``make(seed, unseen)`` gives frames of ``ROWS`` rows whose columns make one block, where the built-in
    kinds have their own; ``spec`` overrules the sizes that the input layer chooses. Raises ContractError, and
    UsageError for a kind that is not registered.
    """
    if name not in KINDS:
        raise UsageError(f"There is no kind {name!r}.", nearest(name, KINDS), kind=name)
    made = make or MAKERS.get(name)
    if made is None:
        raise UsageError(
            f"The kind {name!r} comes from {KINDS[name].package}, and no frames of it are known here.",
            "Give a maker of frames: check_kind(name, make=…).",
            kind=name,
        )
    frame, other = made(0, False), made(1, True)
    feature = _fitted(name, frame)
    check_feature(feature, frame, other)
    kind: type[Input] = part(KINDS[name].input)
    sizes = {**kind.choose(feature, Situation(rows=ROWS)), **(spec or SPECS.get(name, {}))}
    layer = kind(feature, sizes)
    check_input(layer, feature, frame, other)


def check_feature(feature: Feature, frame: pl.DataFrame, other: pl.DataFrame) -> None:
    """The contract of a feature fitted on ``frame``; ``other`` holds values that it never saw."""
    for rows in (frame, other):
        _check_transform(feature, rows)
    state = json.loads(json.dumps(feature.to_json(), allow_nan=False))
    again = type(feature).from_json(state)
    _expect(feature, again.to_json() == feature.to_json(), "from_json gives back what to_json wrote")
    _expect(
        feature,
        _same(again.transform(other), feature.transform(other)),
        "a feature that went through JSON gives the same arrays",
    )
    before = feature.to_json()
    grown = feature.extend(other)
    _expect(feature, feature.to_json() == before, "extend leaves the old feature as it was")
    _expect(
        feature,
        _same(grown.transform(frame), feature.transform(frame)),
        "extend keeps the codes of old values",
    )


def check_input(layer: Input, feature: Feature, frame: pl.DataFrame, other: pl.DataFrame) -> None:
    """The contract of an input layer built from ``feature``."""
    arrays, strange = _tensors(feature.transform(frame)), _tensors(feature.transform(other))
    layer.prepare(arrays)
    _check_shapes(layer, feature, (arrays, strange))
    _check_gradients(layer, feature, arrays)
    layer.settle()
    _check_alone(layer, feature, strange)
    _check_views(layer, feature, arrays)
    _check_owners(layer, feature, frame)
    _check_inside(layer, feature, arrays)
    _check_growth(layer, feature, frame, other)


def _fitted(name: str, frame: pl.DataFrame) -> Feature:
    kind: type[Feature] = part(KINDS[name].feature)
    feature = kind.fit(name, frame, frame.columns)
    _expect(feature, feature.kind == name, "the feature says of which kind it is")
    return feature


def _check_transform(feature: Feature, frame: pl.DataFrame) -> None:
    whole = feature.transform(frame)
    _expect(feature, feature.name in whole, f"one array is called {feature.name!r}")
    _expect(
        feature,
        all(key == feature.name or key.startswith(f"{feature.name}.") for key in whole),
        f"further arrays are called '{feature.name}.something'",
    )
    _expect(feature, all(len(each) == frame.height for each in whole.values()), "one entry per row")
    _expect(feature, _same(whole, feature.transform(frame)), "transform is deterministic")
    for start, stop in ((0, 1), (3, 17), (frame.height - 1, frame.height), (5, 5)):
        sliced = {key: each[start:stop] for key, each in whole.items()}
        _expect(
            feature,
            _same(feature.transform(frame[start:stop]), sliced),
            f"rows {start} to {stop} alone give the same arrays as among the others",
        )


def _check_shapes(layer: Input, feature: Feature, batches: tuple[Batch, ...]) -> None:
    for training in (True, False):
        layer.train(training)
        for arrays in batches:
            read = layer(arrays)
            wanted = (len(next(iter(arrays.values()))), layer.width)
            _expect(feature, tuple(read.shape) == wanted, f"shape {wanted}, not {tuple(read.shape)}")
            _expect(feature, bool(read.isfinite().all()), "every output is finite")


def _check_gradients(layer: Input, feature: Feature, arrays: Batch) -> None:
    layer.train()
    layer.zero_grad(set_to_none=True)
    read = layer(arrays)
    if not read.requires_grad:
        _expect(feature, not any(p.requires_grad for p in layer.parameters()), "gradients flow")
        return
    (read * torch.linspace(0.5, 1.5, read.numel()).view_as(read)).sum().backward()
    for name, weights in layer.named_parameters():
        if weights.requires_grad:
            reached = weights.grad is not None and bool(weights.grad.isfinite().all() & weights.grad.any())
            _expect(feature, reached, f"the gradient reaches {name!r}")
    layer.zero_grad(set_to_none=True)


@torch.no_grad()
def _check_alone(layer: Input, feature: Feature, arrays: Batch) -> None:
    layer.eval()
    together = layer(arrays)
    for row in range(0, len(together), 5):
        alone = layer({key: each[row : row + 1] for key, each in arrays.items()})
        gap = float((alone[0] - together[row]).abs().max())
        size = max(1.0, float(together[row].abs().max()))
        _expect(feature, gap <= CLOSE * size, f"row {row} alone is answered as in a batch (gap {gap:g})")


@torch.no_grad()
def _check_views(layer: Input, feature: Feature, arrays: Batch) -> None:
    layer.eval()
    kept = {key: each.clone() for key, each in arrays.items()}
    views = layer.views(arrays)
    seen = [*views, layer.augment(arrays, torch.Generator().manual_seed(0))]
    _expect(feature, all(layer(each).shape == layer(arrays).shape for each in seen), "views are rows too")
    _expect(feature, torch.equal(layer(views[0]), layer(arrays)), "the first view is the rows as they are")
    unmoved = all(torch.equal(_bare(arrays[key]), _bare(kept[key])) for key in kept)
    _expect(feature, unmoved, "views and augment leave the arrays as they were")


@torch.no_grad()
def _check_owners(layer: Input, feature: Feature, frame: pl.DataFrame) -> None:
    """What explanations take apart by column is decided by that column alone."""
    owners = layer.owners(feature)
    if owners is None:
        return
    _expect(feature, len(owners) == layer.width, "every place of the output has an owner")
    as_is = layer(_tensors(feature.transform(frame)))
    for number, name in enumerate(feature.columns):
        turned = frame.with_columns(frame[name].reverse())
        moved = (layer(_tensors(feature.transform(turned))) != as_is).any(0)
        others = [place for place, owner in enumerate(owners) if owner != number]
        _expect(feature, not bool(moved[others].any()), f"{name!r} moves only what it owns")


@torch.no_grad()
def _check_inside(layer: Input, feature: Feature, arrays: Batch) -> None:
    """The way from nothing ends where the cells are."""
    layer.eval()
    seen = [layer(view) for view in layer.views(arrays)]
    ends = layer.from_nothing(arrays)
    last = [layer(view) for _, end in ends for view in layer.views(end)]
    for one, other in zip(seen, last, strict=False):
        gap = float((one - other).abs().max()) / max(1.0, float(one.abs().max()))
        _expect(feature, gap <= CLOSE, f"the way from nothing ends at the cells (gap {gap:g})")
    _expect(feature, not ends or len(last) == len(seen), "the way from nothing has all views")
    _expect(feature, not ends or bool(layer.nothing), "the layer says what nothing is")


@torch.no_grad()
def _check_growth(layer: Input, feature: Feature, frame: pl.DataFrame, other: pl.DataFrame) -> None:
    layer.eval()
    old = layer(_tensors(feature.transform(frame)))
    grown_feature = feature.extend(other)
    grown = copy.deepcopy(layer).extend(grown_feature).eval()
    new = grown(_tensors(grown_feature.transform(frame)))
    _expect(feature, torch.equal(new, old), "extend leaves the answers for old values exactly equal")
    more = grown(_tensors(grown_feature.transform(other)))
    _expect(feature, bool(more.isfinite().all()), "new values are answered with finite numbers")


def _expect(feature: Feature, kept: bool, what: str) -> None:
    if not kept:
        raise ContractError(f"{type(feature).__name__} ({feature.kind}) breaks its contract: {what}.")


def _same(one: Arrays, two: Arrays) -> bool:
    """Equal names, types and values, NaN equal to NaN."""
    return one.keys() == two.keys() and all(
        one[key].dtype == two[key].dtype
        and one[key].shape == two[key].shape
        and bool(np.array_equal(one[key], two[key], equal_nan=one[key].dtype.kind == "f"))
        for key in one
    )


def _tensors(arrays: Arrays) -> Batch:
    return {key: torch.from_numpy(np.array(each)) for key, each in arrays.items()}


def _bare(values: Tensor) -> Tensor:
    return values.nan_to_num(nan=-1234.5) if values.is_floating_point() else values
