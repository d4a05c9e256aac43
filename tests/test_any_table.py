"""Tables nobody thought of: whatever the columns hold, the whole line runs and agrees with itself."""

from __future__ import annotations

import warnings
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import lamina
from lamina.errors import TableError

NUMBERS = st.one_of(st.integers(-(10**6), 10**6), st.floats(width=32))
WORDS = st.sampled_from(["a", "b", "ä ö", "7", "?", "", "NaN", "nan", 'the, "quoted"', "x" * 50])
DATES = st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1))
KINDS = st.sampled_from([NUMBERS, st.floats(-1, 1), WORDS, st.booleans(), DATES])
TARGETS = st.sampled_from(
    [["yes", "no"], [0, 1], [True, False], ["a", "b", "ü"], [0.5, 1.25, -3.75, 2.5, 7.125], None]
)


@st.composite
def tables(draw: st.DrawFn) -> pl.DataFrame:
    """5 to 40 rows, 1 to 4 columns of any kind with gaps, and something to predict."""
    rows = draw(st.integers(5, 40))
    columns: dict[str, list[Any]] = {}
    for number in range(draw(st.integers(1, 4))):
        cells = draw(KINDS)
        cells = st.one_of(st.none(), cells) if draw(st.booleans()) else cells
        columns[f"c{number}"] = draw(st.lists(cells, min_size=rows, max_size=rows))
    classes = draw(TARGETS)
    answers = (
        [n * 1.5 for n in range(rows)]
        if classes is None
        else [classes[n % len(classes)] for n in range(rows)]
    )
    columns["answer"] = answers
    return pl.DataFrame([pl.Series(name, cells, strict=False) for name, cells in columns.items()])


def numbers(answers: pl.DataFrame) -> np.ndarray:
    return answers.select(pl.selectors.float()).to_numpy()


@given(tables())
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
def test_any_table_goes_the_whole_way(tmp_path_factory: Any, table: pl.DataFrame):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", lamina.LaminaWarning)
        try:
            model = lamina.fit(table, "answer", quality="fast", epochs=1, hidden=(16,), members=2)
        except TableError:  # no column tells anything
            assert not lamina.schema(table, "answer").with_role("input")
            return
        answers = model.predict(table)
        path: Path = model.save(tmp_path_factory.mktemp("any") / "m.lamina")
        loaded = lamina.load(path)
        assert loaded.predict(table).equals(answers)
        alone = pl.concat([loaded.predict(table[row]) for row in range(min(table.height, 6))])
    assert answers.height == table.height
    told = answers.drop("abstain_reason", strict=False)  # null where there is no reason to
    assert not any(series.null_count() for series in told)
    assert np.isfinite(numbers(answers)).all()
    spread = max(1.0, float(np.abs(numbers(answers)).max()))
    np.testing.assert_allclose(numbers(alone), numbers(answers)[:6], atol=1e-5 * spread)
    probabilities = answers.select(pl.col("^probability_.*$"))
    if probabilities.width:
        np.testing.assert_allclose(probabilities.sum_horizontal().to_numpy(), 1, atol=1e-5)
