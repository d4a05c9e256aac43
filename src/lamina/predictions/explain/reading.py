"""Rows read once, then mixed: what the input layers make of every row is kept, and joined in new ways.

An explanation asks the network about thousands of mixtures of a few hundred rows. The input layers, which
read pixels and words, see every row once; only the layers after them see the mixtures.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
import polars as pl
import torch
from torch import Tensor

from lamina.catalog import KINDS
from lamina.features.base import Arrays, Feature
from lamina.network.answered import writable
from lamina.network.engine import MOST_ROWS, rows_at_once
from lamina.network.inputs.base import Input
from lamina.predictions.answers import calibrated, encoded
from lamina.predictions.explain.within import check_time
from lamina.training.fitted import Fitted

MOST_VALUES = 4_000_000  # of mixed inputs held at once


@dataclass(frozen=True)
class Player:
    """Columns whose values come and go together: a column, the two of a place, all of a series."""

    columns: tuple[str, ...]
    block: int


@dataclass(frozen=True)
class Rows:
    """Rows as the input layers see them: for each block, for each of its views, ``(…, rows, width)``."""

    frame: pl.DataFrame
    read: tuple[tuple[Tensor, ...], ...]

    def __len__(self) -> int:
        return self.frame.height


class Reader:
    """A network whose inputs are read once and mixed player by player.

    All answers of an explanation come through ``_answer``.
    """

    def __init__(self, fitted: Fitted) -> None:
        self.fitted = fitted
        self.network = fitted.network.eval()
        self.features: tuple[Feature, ...] = tuple(fitted.features)
        self.layers: tuple[Input, ...] = tuple(self.network.input_layers())
        self.players = tuple(
            Player(columns, block)
            for block, feature in enumerate(self.features)
            for columns in groups_of(feature)
        )
        self.device = next(self.network.parameters()).device

    @torch.inference_mode()
    def rows(self, frame: pl.DataFrame, watch: Callable[[int], None] = lambda rows: None) -> Rows:
        """A conformed frame read by every input layer."""
        parts: list[list[tuple[Tensor, ...]]] = [[] for _ in self.layers]
        for arrays, done in encoded(self.fitted.features, frame):
            at_once = rows_at_once(arrays)
            for start in range(0, max(len(next(iter(arrays.values()))), 1), at_once):
                batch = {name: each[start : start + at_once] for name, each in arrays.items()}
                for block, found in enumerate(parts):
                    found.append(self._read(block, batch))
            watch(done)
        return Rows(
            frame,
            tuple(tuple(torch.cat(view, dim=-2) for view in zip(*found, strict=True)) for found in parts),
        )

    def _read(self, block: int, arrays: Arrays) -> tuple[Tensor, ...]:
        """What one input layer makes of each view of its own arrays."""
        feature, layer = self.features[block], self.layers[block]
        own = {
            name: torch.from_numpy(writable(each)).to(self.device)
            for name, each in arrays.items()
            if name == feature.name or name.startswith(f"{feature.name}.")
        }
        return tuple(layer(view) for view in layer.views(own))

    def by_player(self, rows: Rows) -> Iterator[np.ndarray]:
        """What the input layers make of the columns of every player, first view, ``(rows, width)``; where
        players are seen together, of all of them."""
        for block, (feature, layer) in enumerate(zip(self.features, self.layers, strict=True)):
            read = rows.read[block][0]
            told = read.reshape(-1, *read.shape[-2:])[0].float().cpu().numpy()  # the first member's
            owners = layer.owners(feature)
            if owners is None:
                yield told
                continue
            yield from (told[:, np.array(owners) == k] for k in range(len(feature.columns)))

    def answers(self, rows: Rows) -> np.ndarray:
        """Decoded answers ``(rows, width)`` for the rows as they are."""
        everybody = np.ones((len(rows), len(self.players)), bool)
        places = np.arange(len(rows))
        return self.mixed(rows, rows, places, places, everybody)

    @torch.inference_mode()
    def mixed(
        self,
        first: Rows,
        second: Rows,
        a: np.ndarray,
        b: np.ndarray,
        coalitions: np.ndarray,
        told: Callable[[np.ndarray], np.ndarray] = lambda decoded: decoded,
    ) -> np.ndarray:
        """What is ``told`` of the decoded answers ``(n, width)`` for rows ``a`` of ``first`` in the players
        of the coalition, and rows ``b`` of ``second`` in the others; ``coalitions`` bool ``(n, players)``."""
        width = sum(layer.width for layer in self.layers)
        at_once = max(16, min(MOST_ROWS, MOST_VALUES // max(width, 1)))
        parts = [
            told(self._answer(self._mixture(first, second, a[each], b[each], coalitions[each])))
            for each in _slices(len(a), at_once)
        ]
        return np.concatenate(parts)

    def _mixture(
        self, first: Rows, second: Rows, a: np.ndarray, b: np.ndarray, coalitions: np.ndarray
    ) -> list[tuple[Tensor, ...]]:
        mixed = []
        for block, (feature, layer) in enumerate(zip(self.features, self.layers, strict=True)):
            own = coalitions[:, [k for k, each in enumerate(self.players) if each.block == block]]
            owners = layer.owners(feature) if own.shape[1] > 1 else [0] * layer.width
            if own.shape[1] > 1 and (owners is None or own.shape[1] != len(feature.columns)):
                mixed.append(self._read_anew(block, first, second, a, b, own))
                continue
            mine = torch.from_numpy(own)[:, :1] if own.shape[1] == 1 else torch.from_numpy(own[:, owners])
            views = zip(first.read[block], second.read[block], strict=True)
            mixed.append(tuple(_chosen(mine, one, a, two, b) for one, two in views))
        return mixed

    def _read_anew(
        self, block: int, first: Rows, second: Rows, a: np.ndarray, b: np.ndarray, own: np.ndarray
    ) -> tuple[Tensor, ...]:
        """A block whose columns are seen together, such as the time between two dates: every mixture that
        differs is encoded and read."""
        columns = [each.columns for each in self.players if each.block == block]
        keys = np.concatenate([a[:, None], b[:, None], own], axis=1)
        # A mixture of one row only is that row, whatever the other one is
        keys[own.all(1), 1], keys[~own.any(1), 0] = 0, 0
        keys, places = np.unique(keys, axis=0, return_inverse=True)
        frame = pl.DataFrame(
            [
                _picked(first.frame[name], second.frame[name], keys[:, 0], keys[:, 1], keys[:, 2 + k] > 0)
                for k, names in enumerate(columns)
                for name in names
            ]
        )
        read = self._read(block, self.features[block].transform(frame))
        return tuple(each[..., torch.from_numpy(places.reshape(-1)), :] for each in read)

    def changed(self, row: Rows, frame: pl.DataFrame) -> np.ndarray:
        """Decoded answers ``(n, width)`` for the one ``row`` with the columns that ``frame`` has in their
        place; blocks without such a column are not read again."""
        width = sum(layer.width for layer in self.layers)
        at_once = max(16, min(MOST_ROWS, MOST_VALUES // max(width, 1)))
        return np.concatenate([self._changed(row, frame[each]) for each in _slices(frame.height, at_once)])

    @torch.inference_mode()
    def _changed(self, row: Rows, frame: pl.DataFrame) -> np.ndarray:
        read = []
        for block, feature in enumerate(self.features):
            if not set(feature.columns) & set(frame.columns):
                same = row.read[block]
                read.append(tuple(each.expand(*each.shape[:-2], frame.height, -1) for each in same))
                continue
            columns = [
                frame[name] if name in frame.columns else row.frame[name].new_from_index(0, frame.height)
                for name in feature.columns
            ]
            read.append(self._read(block, feature.transform(pl.DataFrame(columns))))
        return self._answer(read)

    def _answer(self, read: Sequence[tuple[Tensor, ...]]) -> np.ndarray:
        """The decoded answers of the network, as ``predict`` gives them, float64 ``(n, width)``."""
        check_time()
        # The same order of views as in ``Network.scores``: the last block's vary fastest
        scores = torch.cat([self.network.scores_of(list(view)) for view in product(*read)])
        decoded = self.network.output.answer(scores).cpu().numpy()
        told = calibrated(self.fitted, decoded)
        return told.reshape(len(told), -1).astype(np.float64)


def groups_of(feature: Feature) -> list[tuple[str, ...]]:
    """The columns of a block that come and go together."""
    columns = feature.columns
    if feature.kind == "place":
        return list(zip(columns[::2], columns[1::2], strict=True))
    return [(name,) for name in columns] if KINDS[feature.kind].together else [columns]


def _chosen(mine: Tensor, one: Tensor, a: np.ndarray, two: Tensor, b: np.ndarray) -> Tensor:
    """Rows ``a`` of ``one`` where ``mine``, else rows ``b`` of ``two``: ``(…, n, width)``."""
    return torch.where(
        mine.to(one.device), one[..., torch.from_numpy(a), :], two[..., torch.from_numpy(b), :]
    )


def _picked(one: pl.Series, two: pl.Series, a: np.ndarray, b: np.ndarray, mine: np.ndarray) -> pl.Series:
    """The cells of rows ``a`` of ``one`` where ``mine``, else of rows ``b`` of ``two``."""
    return pl.concat([one, two]).gather(np.where(mine, a, len(one) + b)).alias(one.name)


def _slices(count: int, at_once: int) -> Iterator[slice]:
    for start in range(0, max(count, 1), at_once):
        yield slice(start, start + at_once)
