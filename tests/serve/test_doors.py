"""The same answers through every door, for several kinds of rows and of answers."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from benchmarks.doors import apart, through_every_door
from PIL import Image

import lamina
from lamina.features import wordpiece
from lamina.model import Model
from small_data import churn_table

pytest.importorskip("onnxscript")
pytest.importorskip("onnxruntime")

DOORS = {
    "Model.predict, ONNX Runtime",
    "one row at a time, torch",
    "one row at a time, ONNX Runtime",
    *(f"{door}, {engine}" for door in ("Client", "AsyncClient") for engine in ("torch", "onnx")),
    *(
        f"HTTP, {form}, {engine}"
        for form in ("JSON", "JSON, one row", "Arrow", "Parquet", "a form", "Arrow to Arrow")
        for engine in ("torch", "onnx")
    ),
    "lamina predict, parquet to parquet, onnx",
}
OF_TEXT = {f"HTTP, {form}, {engine}" for form in ("CSV", "lines of JSON") for engine in ("torch", "onnx")}


def check(model: Model, rows: pl.DataFrame, folder: Path) -> None:
    wanted, novelty = model.predict(rows), model.fitted.novelty
    doors = set()
    for door, answers in through_every_door(model, rows, folder):
        gap = apart(wanted, answers, 0 if novelty is None else len(novelty.sums))
        assert gap.same, (door, gap)
        assert answers.height in (rows.height, 20)
        doors.add(door)
    of_files = {"lamina predict, parquet to csv, torch"}
    of_tables = {"lamina predict, csv to csv, torch", *OF_TEXT}
    assert doors == DOORS | (of_files if pl.Binary in rows.dtypes else of_tables)


def customers() -> pl.DataFrame:
    """Customers of whom some things are not known, and some are new."""
    frame = churn_table(90, seed=11).drop("churned").with_columns(pl.col("joined").cast(pl.String))
    gone = pl.Series(np.random.default_rng(0).random(90) < 0.1)
    known = [name for name in frame.columns if name != "customer"]
    frame = frame.with_columns(
        pl.when(gone.shuffle(seed=k)).then(None).otherwise(pl.col(name)).alias(name)
        for k, name in enumerate(known)
    )
    return frame.with_columns(
        pl.when(pl.col("city") == "Bern").then(pl.lit("Ürümqi")).otherwise("city").alias("city")
    )


def test_classes_by_numbers_categories_and_dates(churn_model: Model, tmp_path: Path):
    check(churn_model, customers(), tmp_path)


def test_numbers_with_bounds(charge_model: Model, tmp_path: Path):
    rows = customers().drop("charge").with_columns(churned=pl.lit("no"))
    check(charge_model, rows, tmp_path)


def test_pictures(digits_model: Model, digits_folder: Path, tmp_path: Path):
    files = [path.read_bytes() for path in sorted(digits_folder.rglob("*.png"))[::11]]
    other = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (20, 31, 3)).astype(np.uint8)).save(
        other, "JPEG"
    )
    check(digits_model, pl.DataFrame({"image": [*files, other.getvalue()]}), tmp_path)


def texts(rows: int, seed: int) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    words = ["good", "fine", "dull", "bad", "film", "plot", "actor", "scene", "ending", "music"]
    said = [" ".join(rng.choice(words, rng.integers(1, 12))) for _ in range(rows)]
    stars = [3.0 + each.count("good") + each.count("fine") - each.count("bad") for each in said]
    return pl.DataFrame({"said": said, "year": rng.integers(1950, 2020, rows), "stars": stars})


def test_texts_beside_numbers(tmp_path: Path):
    model = lamina.fit(
        texts(400, 0), "stars", kinds={"said": "text"}, quality="fast", epochs=2, pretrained=False
    )
    check(model, texts(60, 1).drop("stars"), tmp_path)


@pytest.mark.slow
@pytest.mark.skipif(not wordpiece.installed(), reason="needs the extra pretrained")
def test_texts_read_by_an_encoder_that_is_no_part_of_the_model(tmp_path: Path):
    frame = texts(300, 0).with_columns(
        stars=pl.when(pl.col("stars") > 3).then(pl.lit("yes")).otherwise(pl.lit("no"))
    )
    model = lamina.fit(frame, "stars", kinds={"said": "text"}, epochs=2, pretrained=True)
    check(model, texts(60, 1).drop("stars"), tmp_path)
