"""Tables that stay in their file give the same network, findings and answers as tables read whole."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

import lamina
from lamina.data import large
from lamina.data.large import LargeTable
from lamina.data.read import read
from lamina.errors import ColumnError, LaminaWarning, SourceError
from lamina.features.category import CategoryFeature
from lamina.training import rows
from small_data import churn_table

QUICK = {"quality": "fast", "epochs": 2, "hidden": (16,), "members": 2}


@pytest.fixture
def in_parts(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Makes every Parquet file a large table, read 101 rows at a time and never whole."""

    def start() -> None:
        def whole(self: LargeTable) -> pl.DataFrame:
            raise AssertionError("the whole table was read")

        monkeypatch.setattr(large, "CELLS", 0)
        monkeypatch.setattr(large, "PART", 101)
        monkeypatch.setattr(LargeTable, "frame", property(whole))

    return start


def messy(count: int = 700) -> pl.DataFrame:
    """Customers with missing answers, and charges that cannot be read."""
    rng = np.random.default_rng(5)
    frame = churn_table(count)
    no_answer, broken = (pl.Series(rng.random(count) < share) for share in (0.1, 0.02))
    return frame.with_columns(
        churned=pl.when(no_answer).then(None).otherwise(pl.col("churned")),
        charge=pl.when(broken).then(pl.lit("broken")).otherwise(pl.col("charge").cast(pl.String)),
    )


def as_file(model: lamina.Model, folder: Path) -> bytes:
    return model.save(folder / "model.lamina").read_bytes()


def test_both_ways_give_the_same_file_findings_and_answers(tmp_path: Path, in_parts: Callable[[], None]):
    messy().write_parquet(tmp_path / "churn.parquet")
    churn_table(250, seed=3).write_parquet(tmp_path / "new.parquet")
    whole = lamina.fit(tmp_path / "churn.parquet", "churned", **QUICK)
    answers = whole.predict(tmp_path / "new.parquet")
    in_parts()
    assert read(tmp_path / "churn.parquet").large
    parts = lamina.fit(tmp_path / "churn.parquet", "churned", **QUICK)
    assert as_file(parts, tmp_path) == as_file(whole, tmp_path)
    assert parts.findings == whole.findings
    found = {each.code: each.count for each in parts.findings}
    assert found["unreadable"] > 5
    assert found["target-missing"] > 40
    assert_frame_equal(parts.predict(tmp_path / "new.parquet"), answers, abs_tol=1e-6)


@pytest.mark.parametrize("roles", [{"joined": "time"}, {"city": "group"}, {"months": "weight"}])
def test_roles_mean_the_same(tmp_path: Path, in_parts: Callable[[], None], roles: dict[str, str]):
    churn_table(400).write_parquet(tmp_path / "churn.parquet")
    whole = as_file(lamina.fit(tmp_path / "churn.parquet", "charge", roles=roles, **QUICK), tmp_path)
    in_parts()
    assert as_file(lamina.fit(tmp_path / "churn.parquet", "charge", roles=roles, **QUICK), tmp_path) == whole


def test_a_folder_of_files_is_one_table(tmp_path: Path, in_parts: Callable[[], None]):
    frame = churn_table(300)
    (tmp_path / "parts").mkdir()
    for start in range(0, 300, 120):
        frame.slice(start, 120).write_parquet(tmp_path / "parts" / f"{start:03}.parquet")
    in_parts()
    table = read(tmp_path / "parts")
    assert table.large
    assert len(table) == 300
    assert pl.concat(table.parts(70)).equals(frame)
    assert table.column("city").equals(frame["city"])
    chosen = np.array([0, 5, 119, 120, 299])
    assert table.taken(chosen).equals(frame[chosen])


def test_what_was_counted_is_counted_over_all_parts(tmp_path: Path, in_parts: Callable[[], None]):
    """A part of which most cells cannot be read is no reason to refuse the table."""
    charges = ["12.5"] * 900 + ["?!"] * 101
    frame = churn_table(1001).with_columns(charge=pl.Series(charges))
    model = lamina.fit(churn_table(300), "churned", **QUICK)
    frame.write_parquet(tmp_path / "new.parquet")
    in_parts()
    with pytest.warns(LaminaWarning, match="101 cells cannot be read as numbers.*first in row 900"):
        assert len(model.predict(tmp_path / "new.parquet")) == 1001
    frame.with_columns(charge=pl.lit("?!")).write_parquet(tmp_path / "new.parquet")
    with pytest.raises(ColumnError, match="1,001 of its 1,001 cells do not"):
        model.predict(tmp_path / "new.parquet")


def test_classes_are_counted_in_all_rows(
    tmp_path: Path, in_parts: Callable[[], None], monkeypatch: pytest.MonkeyPatch
):
    """The doctor sees few rows; a class that is rare among them need not be rare."""
    frame = churn_table(600).with_columns(churned=pl.Series((["no"] * 19 + ["yes"]) * 30))
    frame.write_parquet(tmp_path / "churn.parquet")
    monkeypatch.setattr(rows, "EXAMINED", 50)
    in_parts()
    model = lamina.fit(tmp_path / "churn.parquet", "churned", **QUICK)
    assert {"rare-class", "few-of-class"}.isdisjoint(each.code for each in model.findings)
    (said,) = (each for each in model.findings if each.code == "large-table")
    assert "50 of 600 rows" in said.message


@pytest.mark.parametrize("ending", [".parquet", ".csv", ".ndjson", ".arrow"])
def test_answers_are_written_as_they_come(
    tmp_path: Path, in_parts: Callable[[], None], model_files: Path, run: Callable, ending: str
):
    churn_table(350, seed=4).write_parquet(tmp_path / "new.parquet")
    arguments = ("predict", model_files / "churn.lamina", "new.parquet", "-o")
    assert run(*arguments, f"whole{ending}").code == 0
    in_parts()
    assert run(*arguments, f"parts{ending}").code == 0
    assert sorted(p.name for p in tmp_path.iterdir()) == ["new.parquet", f"parts{ending}", f"whole{ending}"]
    reader: Callable = {".parquet": pl.read_parquet, ".csv": pl.read_csv, ".ndjson": pl.read_ndjson,
              ".arrow": pl.read_ipc}[ending]  # fmt: skip
    parts, whole = reader(tmp_path / f"parts{ending}"), reader(tmp_path / f"whole{ending}")
    assert_frame_equal(parts, whole, abs_tol=1e-6)  # products of fewer rows may round otherwise


def test_a_file_that_is_cut_later_is_an_error(tmp_path: Path, in_parts: Callable[[], None]):
    path = tmp_path / "churn.parquet"
    churn_table(300).write_parquet(path)
    in_parts()
    table = read(path)
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(SourceError, match="cannot be read as Parquet"):
        table.column("city")


def test_pictures_are_no_large_table(tmp_path: Path, in_parts: Callable[[], None]):
    frame = pl.DataFrame({"file": ["a.png", "b.png"] * 5, "y": [1, 2] * 5})
    frame.write_parquet(tmp_path / "pictures.parquet")
    in_parts()
    assert not read(tmp_path / "pictures.parquet").large


@pytest.mark.parametrize(("values", "dtype"), [(200, np.uint8), (1000, np.int16), (40_000, np.int32)])
def test_codes_are_kept_in_the_smallest_type(values: int, dtype: type):
    feature = CategoryFeature("category", ("c",), (tuple(map(str, range(values))),), ((),))
    stored = feature.stored("category")
    assert stored == dtype
    assert np.iinfo(stored).max >= max(feature.sizes) - 1
