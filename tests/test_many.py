"""Many columns, many categories, many classes: the same answers as ever, without work that grows squared."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal
from sklearn.metrics import average_precision_score, roc_auc_score

import lamina
from lamina.data.dates import detect_date
from lamina.data.flags import FlagForm, detect_flag
from lamina.features.number import NumberFeature
from lamina.network.inputs.base import WIDEST, Situation, embedding_size
from lamina.predictions.calibration import Calibrator
from lamina.records import Field, Schema
from lamina.scores.classes import class_scores, log_loss
from lamina.scores.intervals import DRAWS, intervals

ROWS = 300


def wide(columns: int, seed: int = 0) -> pl.DataFrame:
    """Numbers, categories and flags, of which the first ones matter."""
    rng = np.random.default_rng(seed)
    each = columns // 3
    x, word, flag = (
        rng.normal(size=(ROWS, each)),
        rng.integers(0, 6, (ROWS, each)),
        rng.random((ROWS, each)) < 0.5,
    )
    y = 2 * x[:, 0] + word[:, 0] - 2.5 + 2 * flag[:, 0] - 1 > 0
    return pl.DataFrame(
        {f"x{k}": x[:, k] for k in range(each)}
        | {f"c{k}": pl.Series(list("abcdef")).gather(pl.Series(word[:, k])) for k in range(each)}
        | {f"f{k}": flag[:, k] for k in range(each)}
        | {"y": pl.Series(["no", "yes"]).gather(pl.Series(y.astype(np.int64)))}
    )


def test_a_wide_table_is_fitted_kept_and_answered(tmp_path: Path) -> None:
    frame = wide(600)
    model = lamina.fit(frame, target="y", quality="fast", epochs=8)
    kinds = [field.kind for field in model.schema.with_role("input")]
    assert [kinds.count(each) for each in ("number", "category", "flag")] == [200, 200, 200]
    kept = model.save(tmp_path / "wide.lamina")
    assert kept.stat().st_size < 8e6
    assert_frame_equal(lamina.load(kept).predict(frame), model.predict(frame))
    one = model.predict(frame.drop("y").head(1).to_dicts())
    assert one[0]["predicted_y"] == model.predict(frame)["predicted_y"][0]


@pytest.mark.parametrize(("columns", "size"), [(1, 16), (500, 16), (1000, 10), (5000, 2), (50_000, 1)])
def test_vectors_are_short_where_columns_are_many(columns: int, size: int) -> None:
    assert embedding_size(Situation(rows=10_000), columns) == size
    assert columns * size <= max(WIDEST, columns)


def test_a_schema_finds_its_fields_by_name() -> None:
    fields = tuple(Field(name=f"x{k}", kind="number", role="input", why="") for k in range(100))
    schema = Schema(fields)
    assert all(schema[each.name] is each for each in fields)
    assert "x99" in schema
    assert "x100" not in schema
    assert ["x1"] not in [*schema]
    with pytest.raises(KeyError):
        schema["x100"]
    assert schema.replace("x3", kind="flag")["x3"].kind == "flag"
    assert schema["x3"].kind == "number"
    assert schema == Schema(fields)


def test_numbers_read_one_by_one_are_the_feature_of_all() -> None:
    frame = wide(30).select(pl.selectors.numeric())
    parts = [NumberFeature.fit("number", frame, [name]) for name in frame.columns]
    assert NumberFeature.joined(parts) == NumberFeature.fit("number", frame, frame.columns)


@pytest.mark.parametrize(
    ("cells", "form"),
    [
        ([0.0, 1.0, None, float("nan")], FlagForm(true="1", false="0")),
        ([1, 0, 1], FlagForm(true="1", false="0")),
        ([0, 1, 2], None),
        ([0.0, 1.0, 0.5], None),
        ([None, 1.0], None),
    ],
)
def test_numbers_that_are_flags(cells: list[float | None], form: FlagForm | None) -> None:
    assert detect_flag(pl.Series(cells)) == form


def test_a_late_third_number_makes_no_flag() -> None:
    assert detect_flag(pl.Series([0, 1] * 2000 + [2])) is None


def test_numbers_that_are_dates_and_numbers_that_are_none() -> None:
    written = detect_date(pl.Series([20200131.0, 20211224.0, None]))
    assert written is not None
    assert written.order == "compact"
    assert detect_date(pl.Series([20200131.5, 20211224.25, 0.5])) is None
    counted = detect_date(pl.Series([1.6e9 + 0.5, 1.7e9 + 0.5]), counts=True)
    assert counted is not None
    assert counted.order == "seconds"


# ------------------------------------------------------------------------------------------ classes


def clouds(rows: int, classes: int) -> pl.DataFrame:
    rng = np.random.default_rng(3)
    label = np.arange(rows) % classes
    x = rng.normal(size=(classes, 8))[label] + 0.2 * rng.normal(size=(rows, 8))
    return pl.DataFrame({f"x{k}": x[:, k] for k in range(8)} | {"y": [f"class {k}" for k in label]})


def test_a_thousand_classes_are_fitted_judged_and_answered(tmp_path: Path) -> None:
    frame = clouds(4000, 1000)
    model = lamina.fit(frame, target="y", quality="fast", epochs=4)
    assert model.fitted.target.width == 1000
    judged = model.evaluate(frame.head(500))
    assert judged.scores["auroc"] > 0.8
    assert judged.scores["coverage"] > 0.8
    answers = model.predict(frame.head(50))
    assert (answers["prediction_set"].list.len() >= 1).all()
    assert model.save(tmp_path / "classes.lamina").stat().st_size < 8e6


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_ranking_of_many_classes_is_that_of_scikit_learn(dtype: type) -> None:
    rng = np.random.default_rng(0)
    answers = rng.integers(0, 60, 900)
    p = np.round(rng.dirichlet(np.ones(60), 900) + np.eye(60)[answers] * 0.02, 3).astype(dtype)  # ties
    told = class_scores(p, answers)
    ours = [
        (roc_auc_score(answers == k, p[:, k]), average_precision_score(answers == k, p[:, k]))
        for k in range(60)
    ]
    auroc, precision = np.mean(ours, axis=0)
    assert told["auroc"] == pytest.approx(auroc, abs=1e-12)
    assert told["average_precision"] == pytest.approx(precision, abs=1e-12)


@pytest.mark.parametrize(("classes", "draws"), [(3, DRAWS), (39, DRAWS), (1000, 20)])
def test_intervals_of_many_classes_draw_less_often(classes: int, draws: int) -> None:
    seen = []

    def score(predicted: np.ndarray, answers: np.ndarray) -> dict[str, float]:
        seen.append(len(answers))
        return {"accuracy": 0.5}

    intervals(score, np.zeros((20_000, classes), np.int8), np.zeros(20_000))
    assert len(seen) == draws


def test_a_temperature_of_many_classes_is_found_on_a_part_of_the_rows() -> None:
    rng = np.random.default_rng(1)
    scores = rng.normal(size=(3000, 400)) * 2
    honest = np.exp(scores) / np.exp(scores).sum(1, keepdims=True)
    answers = np.array([rng.choice(400, p=row) for row in honest])
    sure = np.exp(scores * 2) / np.exp(scores * 2).sum(1, keepdims=True)
    calibrator = Calibrator.fit(sure.astype(np.float32), answers)
    assert calibrator.name == "temperature"
    assert float(calibrator.numbers["temperature"]) == pytest.approx(2.0, rel=0.05)
    told = calibrator(sure.astype(np.float32))
    assert told.dtype == np.float32
    assert told.sum(1) == pytest.approx(np.ones(3000), abs=1e-4)
    assert log_loss(told, answers) < log_loss(sure, answers) - 0.1
