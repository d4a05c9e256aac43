"""The life of a network as a frame: one row per event, with the scores that decided it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import polars as pl

from lamina.store.log import Event, Version

STATE: Final[dict[str, pl.DataType]] = {
    "event": pl.Int64(),
    "at": pl.Datetime("us", "UTC"),
    "who": pl.String(),
    "outcome": pl.String(),
    "champion": pl.Int64(),
    "candidate": pl.Int64(),
    "source": pl.String(),
    "rows": pl.Int64(),
    "why": pl.String(),
    "note": pl.String(),
    "seconds": pl.Float64(),
    "metric": pl.String(),
    "champion_on_new": pl.Float64(),
    "candidate_on_new": pl.Float64(),
    "champion_on_old": pl.Float64(),
    "candidate_on_old": pl.Float64(),
    "data_hash": pl.String(),
}


def history(events: Sequence[Event], versions: Sequence[Version]) -> pl.DataFrame:
    """A row per event, the first one first; scores are of the metric that the network is judged by."""
    metrics = {each.number: each.metric for each in versions}
    rows = []
    for each in events:
        metric = metrics.get(each.candidate or each.version or 0, "")
        rows.append(
            {
                "event": each.id,
                "at": each.at,
                "who": each.who,
                "outcome": each.outcome,
                "champion": each.version,
                "candidate": each.candidate,
                "source": each.source,
                "rows": each.rows,
                "why": each.why,
                "note": each.note,
                "seconds": each.seconds,
                "metric": metric,
                "data_hash": each.data_hash,
                **{
                    f"{who}_on_{where}": each.scores.get(f"{who} on {where}", {}).get(metric)
                    for who in ("champion", "candidate")
                    for where in ("new", "old")
                },
            }
        )
    frame = pl.DataFrame(rows, schema={**STATE, "at": pl.String()}, orient="row")
    return frame.with_columns(pl.col("at").str.to_datetime(time_unit="us", time_zone="UTC"))
