"""Answers come as the rows came: type, order, count; what cannot be read is answered as missing."""

from __future__ import annotations

import functools
import io

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from PIL import Image

import lamina
from lamina.errors import LaminaWarning
from lamina.model import Model
from lamina.predictions import answers as answering

QUICK = {"quality": "fast", "hidden": (16,), "members": 2, "epochs": 8}
RNG = np.random.default_rng(0)


def rows(count: int = 120) -> pl.DataFrame:
    x = np.random.default_rng(0).normal(size=count)
    return pl.DataFrame({"x": x, "amount": 100 * x + 500, "y": np.where(x > 0, "yes", "no")})


@functools.cache
def classes() -> Model:
    return lamina.fit(rows().drop("amount"), "y", **QUICK)


@functools.cache
def number() -> Model:
    return lamina.fit(rows().drop("y"), "amount", **{**QUICK, "epochs": 80})


def test_the_answer_has_the_type_of_what_was_asked() -> None:
    frame = rows().select("x")
    told = classes().predict(frame)
    assert isinstance(told, pl.DataFrame)
    wanted = told["predicted_y"].to_list()
    from_pandas = classes().predict(pd.DataFrame({"x": frame["x"].to_numpy()}))
    assert isinstance(from_pandas, pd.DataFrame)
    assert from_pandas["predicted_y"].tolist() == wanted
    from_arrow = classes().predict(pa.table({"x": frame["x"].to_numpy()}))
    assert isinstance(from_arrow, pa.Table)
    assert from_arrow["predicted_y"].to_pylist() == wanted
    assert classes().predict({"x": frame["x"].to_list()})["predicted_y"] == wanted
    listed = classes().predict([{"x": each} for each in frame["x"]])
    assert [each["predicted_y"] for each in listed] == wanted


def test_probabilities_are_those_of_the_classes() -> None:
    told = classes().predict(rows())
    assert told.columns == [
        "predicted_y",
        "probability",
        "probability_no",
        "probability_yes",
        "prediction_set",
        "abstain",
        "abstain_reason",
    ]
    both = told.select("probability_no", "probability_yes").to_numpy()
    assert both.sum(1) == pytest.approx(np.ones(len(both)), abs=1e-6)
    assert told["probability"].to_numpy() == pytest.approx(both.max(1))
    assert (told["predicted_y"] == np.where(both.argmax(1), "yes", "no")).all()
    assert classes().predict(rows(), probabilities=False).columns == [
        "predicted_y",
        "probability",
        "prediction_set",
        "abstain",
        "abstain_reason",
    ]


def test_numbers_come_in_the_users_unit() -> None:
    told = number().predict(rows())["predicted_amount"]
    assert told.dtype == pl.Float64
    assert number().evaluate(rows()).scores["r2"] > 0.9


def test_answers_do_not_depend_on_how_many_rows_are_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = number().predict(rows())["predicted_amount"].to_numpy()
    monkeypatch.setattr(answering, "CHUNK", 7)
    assert number().predict(rows())["predicted_amount"].to_numpy() == pytest.approx(whole, rel=1e-5)
    alone = [number().predict(rows()[i])["predicted_amount"][0] for i in (0, 50, 119)]
    assert alone == pytest.approx(whole[[0, 50, 119]], rel=1e-5)


def test_predicting_changes_nothing() -> None:
    before = {name: each.clone() for name, each in classes().fitted.network.state_dict().items()}
    first, second = classes().predict(rows()), classes().predict(rows())
    assert first.equals(second)
    after = classes().fitted.network.state_dict()
    assert all((after[name] == each).all() for name, each in before.items())


def test_an_unseen_class_is_wrong_in_the_evaluation() -> None:
    frame = rows()
    told = classes().predict(frame)["predicted_y"]
    half = pl.DataFrame({"x": frame["x"], "y": [*told[:60], *["maybe"] * 60]})
    assert classes().evaluate(half).scores["accuracy"] == 0.5


def test_the_trace_of_a_row_ends_in_its_answer() -> None:
    told = number().predict(rows()[3])["predicted_amount"][0]
    found = number().trace(rows(), 3)
    assert found.answer["predicted_amount"] == pytest.approx(told, rel=1e-6)
    network = number().fitted.network
    last = np.array(found.layers[-1].activations)
    score = last @ network.output.weight[0, :, 0].detach().numpy() + network.output.bias[0, 0, 0].item()
    assert found.scores[0][0] == pytest.approx(score, abs=1e-4)


def picture(bright: bool) -> bytes:
    pixels = RNG.integers(0, 60, (12, 12), dtype=np.uint8) + np.uint8(150 * bright)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def test_a_broken_picture_is_answered_as_missing_and_counted() -> None:
    cells = [picture(i % 2 == 0) for i in range(80)]
    frame = pl.DataFrame({"p": cells, "y": ["day", "night"] * 40})
    model = lamina.fit(frame, "y", quality="fast", kinds={"p": "image"}, epochs=3)
    asked = pl.DataFrame({"p": [cells[0], b"broken", None, cells[1]]})
    with pytest.warns(LaminaWarning, match=r"1 cell\(s\) of 'p' cannot be read.*row 1"):
        told = model.predict(asked)
    assert told["predicted_y"].to_list() == ["day", None, None, "night"]
    assert told["probability"].is_null().to_list() == [False, True, True, False]
