"""How good the answers given really were: accuracy, calibration and money over time, from the log alone.

Before answers arrive, accuracy is estimated: the mean of calibrated confidence for classes, of the expected
error for numbers. When they have arrived, ``estimate_off`` says how far the estimate was from the truth on
the same rows, and ``estimate_noise`` how far chance alone puts it in 95 of 100 cases.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec
import polars as pl

from lamina.errors import UsageError
from lamina.scores.calibration import confidence_error

EVERY: Final = {"hour": "1h", "day": "1d", "week": "1w", "month": "1mo", "year": "1y"}
NUMBERS: Final = ("number", "quantiles", "count", "amount")
NORMAL: Final = 1.96  # standard deviations that hold 95 of 100 draws


def live(made: pl.DataFrame, answer: str, every: str, by_version: bool = False) -> pl.DataFrame:
    """A row per period (and version): how many predictions, how many answered, and how good they were.

    ``made`` are the predictions of one target with what came (``Calls.frame``), ``answer`` its kind.
    """
    if every not in EVERY:
        raise UsageError(f"There is no period {every!r}.", f"Choose one of: {', '.join(EVERY)}.")
    keys = ["period", "version"] if by_version else ["period"]
    judged = _of_numbers(made) if answer in NUMBERS else _of_words(made)
    rows = judged.with_columns(pl.col("at").dt.truncate(EVERY[every]).alias("period"), *_money(made))
    measures = _number_measures() if answer in NUMBERS else _word_measures()
    found = rows.group_by(keys, maintain_order=True).agg(
        pl.len().alias("predictions"),
        pl.col("came").count().alias("answered"),
        *measures,
        pl.col("made").sum().alias("money"),
        pl.col("expected").filter(_answered()).sum().alias("money_expected"),
        pl.col("made_idle").sum().alias("money_doing_nothing"),
    )
    decided = rows["action"].is_not_null().any()
    return found.sort(keys) if decided else found.sort(keys).drop("^money.*$")


def _answered() -> pl.Expr:
    return pl.col("came").is_not_null()


def _of_words(made: pl.DataFrame) -> pl.DataFrame:
    return made.with_columns((pl.col("predicted") == pl.col("came")).cast(pl.Float64).alias("right"))


def _of_numbers(made: pl.DataFrame) -> pl.DataFrame:
    numbers = made.with_columns(pl.col("predicted", "came").cast(pl.Float64, strict=False))
    error = (pl.col("predicted") - pl.col("came")).alias("error")
    inside = ((pl.col("low") <= pl.col("came")) & (pl.col("came") <= pl.col("high"))).cast(pl.Float64)
    return numbers.with_columns(error, inside.alias("inside"))


def _word_measures() -> list[pl.Expr]:
    sure, right = pl.col("confidence"), pl.col("right")
    both = _answered() & sure.is_not_null()
    spread = (sure * (1 - sure)).filter(both).sum().sqrt()
    return [
        right.mean().alias("accuracy"),
        sure.mean().alias("estimated_accuracy"),
        (sure.filter(both).mean() - right.filter(both).mean()).alias("estimate_off"),
        (NORMAL * spread / both.sum()).fill_nan(None).alias("estimate_noise"),
        _calibration(sure.filter(both), right.filter(both)).alias("calibration_error"),
    ]


def _calibration(sure: pl.Expr, right: pl.Expr) -> pl.Expr:
    return pl.map_groups([sure, right], _gap, return_dtype=pl.Float64, returns_scalar=True)


def _gap(columns: Any) -> float | None:
    sure, right = (each.to_numpy() for each in columns)
    return confidence_error(sure, right) if len(sure) else None


def _number_measures() -> list[pl.Expr]:
    far, told = pl.col("error").abs(), pl.col("expected_error")
    both = pl.col("error").is_not_null() & told.is_not_null()
    off = (told - far).filter(both)
    return [
        far.mean().alias("mae"),
        (far * far).mean().sqrt().alias("rmse"),
        told.mean().alias("estimated_mae"),
        off.mean().alias("estimate_off"),
        (NORMAL * off.std() / off.count().sqrt()).fill_nan(None).alias("estimate_noise"),
        pl.col("inside").mean().alias("coverage"),
        (pl.col("high") - pl.col("low")).mean().alias("width"),
    ]


def _money(made: pl.DataFrame) -> list[pl.Series]:
    """What the actions really made, and what doing nothing would have, where that is known."""
    return [
        pl.Series(name, _made(made[column], made["came"]), dtype=pl.Float64)
        for name, column in (("made", "worth"), ("made_idle", "idle"))
    ]


def _made(worth: pl.Series, came: pl.Series) -> list[float | None]:
    found = []
    for each, what in zip(worth, came, strict=True):
        known = each is not None and what is not None
        found.append(msgspec.json.decode(each).get(what) if known else None)
    return found
