"""Input that cannot be used as it is: each kind with its error, what the error names, and its remedy."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import lamina
from lamina import errors
from small_data import churn_table

QUICK = {"quality": "fast", "epochs": 1}
ROWS = 60
GOOD: dict[str, list[Any]] = {
    "age": np.random.default_rng(0).normal(40, 10, ROWS).round(1).tolist(),
    "city": ["Bern", "Graz", "Porto"] * 20,
    "left": ["no", "yes"] * 30,
}
Run = Callable[..., Any]


@pytest.fixture(scope="module")
def model() -> lamina.Model:
    return lamina.fit(GOOD, "left", **QUICK)


def refused(call: Callable[[], Any], kind: type[errors.LaminaError], *said: str) -> errors.LaminaError:
    """The error of a call: of exactly this kind, saying all of this, with something to do about it."""
    with pytest.raises(kind) as caught:
        call()
    error = caught.value
    assert type(error) is kind
    assert len(error.remedy) > 10
    for part in said:
        assert part in str(error)
    return error


def fit(data: Any, target: Any = "left", **settings: Any) -> lamina.Model:
    return lamina.fit(data, target, **{**QUICK, **settings})


def written(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


# ------------------------------------------------------------------------------------------ files

BAD_FILES: dict[str, tuple[str, bytes | None, type[errors.LaminaError], tuple[str, ...]]] = {
    "missing": ("nwe.csv", None, errors.SourceError, ("no file or folder", "Did you mean 'new.csv'")),
    "empty": ("empty.csv", b"", errors.SourceError, ("empty.csv is empty",)),
    "blank": ("blank.csv", b"\n \n\n", errors.SourceError, ("blank.csv is empty", "blank lines only")),
    "header only": ("h.csv", b"age,left\n", errors.SourceError, ("only the header 'age', 'left'",)),
    "name twice": (
        *("twice.csv", b"age,left,age\n" + b"1,no,2\n2,yes,1\n" * 20),
        *(errors.TableError, ("'age' is column 1 and column 3",)),
    ),
    "ragged": (
        *("ragged.csv", b"age,city,left\n" + b"1,Bern,no\n2,yes\n" * 20),
        *(errors.TableError, ("do not have the 3 fields of the header", "line 3 with 2")),
    ),
    "binary": (
        *("binary.csv", np.random.default_rng(0).bytes(4000)),
        *(errors.SourceError, ("binary.csv is not a text table",)),
    ),
    "false name": ("t.parquet", b"age,left\n1,no\n", errors.SourceError, ("t.parquet is no parquet file",)),
}


@pytest.mark.parametrize("case", BAD_FILES)
def test_files_that_cannot_be_read(run: Run, tmp_path: Path, case: str):
    name, content, kind, said = BAD_FILES[case]
    written(tmp_path / "new.csv", "a\n1\n")
    if content is not None:
        written(tmp_path / name, content)
    refused(lambda: fit(tmp_path / name), kind, *said)
    ran = run("fit", name, "--target", "left", "--json")
    assert ran.code == 1
    assert json.loads(ran.out)["error"]["kind"] == kind.__name__
    assert not [*tmp_path.glob("*.lamina")]


def test_a_few_ragged_rows_are_set_aside_and_counted(tmp_path: Path):
    path = written(
        tmp_path / "t.csv", "age,city,left\n" + "1,Bern,no\n2,Graz,yes\n" * 20 + "1,Bern\n2,3,4,5\n"
    )
    found = {each.code: each for each in fit(path).findings}
    assert found["ragged-row"].count == 2
    assert found["ragged-row"].remedy


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16", "utf-16-le"])
def test_encodings_read_well(tmp_path: Path, encoding: str):
    rows = "".join(f"{'groß' if n % 2 else 'grün'};{n},5;{'né' if n % 3 else 'où'}\n" for n in range(60))
    path = written(tmp_path / "t.csv", f"größe;maß;état\n{rows}".encode(encoding))
    schema = lamina.schema(path, "état")
    assert [field.name for field in schema] == ["größe", "maß", "état"]
    assert schema["maß"].kind == "number"
    assert "'groß', 'grün'" in schema["größe"].why


# ---------------------------------------------------------------------------------------- the target


@pytest.mark.parametrize(
    ("column", "target", "said"),
    [
        (["no"] * ROWS, "left", ("'left'", "only 'no'")),
        ([3.5] * ROWS, "left", ("'left'", "3.5")),
        ([None] * ROWS, "left", ("'left' has no value in any row",)),
        (["?", "NA"] * 30, "left", ("'left' has no value in any row",)),
        (GOOD["left"], "lefft", ("no column 'lefft'", "Did you mean 'left'?", "'age', 'city', 'left'")),
        ([f"user{n:05}" for n in range(ROWS)], "left", ("60 different values in 60 rows", "an id")),
        ([f"a long text about customer {n} and more" for n in range(ROWS)], "left", ("free text",)),
        ([f"2020-01-{n % 28 + 1:02}" for n in range(ROWS)], "left", ("a date cannot be predicted",)),
    ],
    ids=["one class", "one number", "missing", "missing words", "not there", "id", "text", "date"],
)
def test_targets_that_cannot_be_learnt(column: list[Any], target: str, said: tuple[str, ...]):
    refused(lambda: fit({**GOOD, "left": column}, target), errors.TargetError, *said)


def test_no_target_named(run: Run, churn_folder: Path):
    refused(lambda: fit(GOOD, None), errors.UsageError, "What should be predicted?", "'age', 'city', 'left'")
    assert run("fit", churn_folder / "churn.csv").code == 2


def test_the_target_of_the_command_line_has_the_nearest_name(run: Run, churn_folder: Path):
    ran = run("fit", churn_folder / "churn.csv", "-t", "chruned")
    assert ran.code == 1
    assert "Did you mean 'churned'?" in ran.err


def test_words_asked_for_as_a_number():
    task = lamina.Predict(target="left", answer="number")
    refused(lambda: fit(GOOD, task), errors.TargetError, "'left'", "such as 'no'")


def test_rows_without_an_answer_are_left_out_and_counted():
    model = fit({**GOOD, "left": [None, *GOOD["left"][1:]]})
    found = {each.code: each for each in model.findings}
    assert (found["target-missing"].count, found["target-missing"].rows) == (1, (0,))


# ---------------------------------------------------------------------------------------- the inputs


def test_an_all_missing_column_is_left_out_with_its_reason():
    model = fit({**GOOD, "void": [None] * ROWS, "marks": ["?", "NA", ""] * 20})
    assert [model.schema[name].role for name in ("void", "marks")] == ["ignored", "ignored"]
    assert model.schema["void"].why == "every value is missing"


@pytest.mark.parametrize("others", [{}, {"same": [1] * ROWS, "id": [*range(1000, 1000 + ROWS)]}])
def test_no_inputs_left(run: Run, tmp_path: Path, others: dict[str, list[Any]]):
    table = pl.DataFrame({**others, "left": GOOD["left"]})
    error = refused(lambda: fit(table), errors.TableError, "No column is left to predict from")
    assert error.facts["codes"] == ["no-inputs"]
    table.write_csv(tmp_path / "t.csv")
    assert run("fit", "t.csv", "-t", "left").code == 1


def test_a_few_words_among_numbers_are_missing_and_counted(model: lamina.Model):
    new = {"age": ["41", "52.5", "old", "33"], "city": ["Bern"] * 4}
    with pytest.warns(lamina.LaminaWarning, match=r"'age': 1 cell cannot .* first in row 2: 'old'"):
        answers = model.predict(new)
    expected = model.predict({"age": [None], "city": ["Bern"]})
    assert answers["probability_no"][2] == pytest.approx(expected["probability_no"][0], abs=1e-6)


def test_words_where_numbers_should_be(model: lamina.Model, run: Run, tmp_path: Path):
    new = {"age": ["41", "young", "old", "older"], "city": ["Bern"] * 4}
    said = ("Column 'age' should hold numbers", "3 of its 4 cells", "row 1: 'young'")
    error = refused(lambda: model.predict(new), errors.ColumnError, *said)
    assert (error.facts["column"], error.facts["row"]) == ("age", 1)
    model.save(tmp_path / "m.lamina")
    pl.DataFrame(new).write_csv(tmp_path / "new.csv")
    ran = run("predict", "m.lamina", "new.csv", "--json")
    assert ran.code == 1
    assert json.loads(ran.out)["error"]["facts"]["column"] == "age"


def test_a_missing_column(model: lamina.Model):
    new = {"Age": [1.0], "left": ["no"], "other": [1]}
    said = ("lacks 2 of the 2 columns", "'age', 'city'", "Did you mean 'Age'?")
    error = refused(lambda: model.predict(new), errors.ColumnError, *said)
    assert error.facts["columns"] == ["age", "city"]


def test_categories_never_seen_have_one_defined_answer(model: lamina.Model):
    answers = model.predict({"age": [41.0] * 4, "city": ["Oslo", "Rome", "Bern", None]})
    assert all(0.5 <= each <= 1 for each in answers["probability"])
    assert answers["probability_no"][0] == pytest.approx(answers["probability_no"][1], abs=1e-6)
    assert answers["probability_no"][0] != answers["probability_no"][2]  # nor is it taken for a seen one


def test_a_target_that_holds_nonsense_does_not_matter_when_predicting(charge_model: lamina.Model):
    new = churn_table(5, seed=3)
    expected = charge_model.predict(new)
    assert charge_model.predict(new.with_columns(charge=pl.lit("to be found"))).equals(expected)


def test_evaluation_needs_answers(model: lamina.Model):
    new = {"age": [1.0], "city": ["Bern"]}
    refused(lambda: model.evaluate(new), errors.TargetError, "'left', is not in", "'age', 'city'")
    blank = {**new, "left": ["?"]}
    refused(lambda: model.evaluate(blank), errors.TargetError, "'left' has no value in any of the 1 rows")


def test_a_weight_below_zero_and_no_weight_at_all():
    weighted = {**GOOD, "worth": [1.0, -2.0] * 30}
    roles = {"worth": "weight"}
    refused(lambda: fit(weighted, roles=roles), errors.ColumnError, "Column 'worth'", "holds -2")
    weighted = {**GOOD, "worth": [0.0, None] * 30}
    kinds = {"worth": "number"}
    refused(lambda: fit(weighted, roles=roles, kinds=kinds), errors.TrainingError, "weight zero")


@pytest.mark.parametrize("data", [{}, {"age": [], "left": []}, pl.DataFrame()])
def test_data_without_rows(model: lamina.Model, data: Any):
    refused(lambda: fit(data), errors.SourceError, "has no rows")
    refused(lambda: model.predict(data), errors.SourceError, "has no rows")


@pytest.mark.parametrize("data", [None, 3, [], np.zeros((2, 2, 2))])
def test_data_that_is_no_table(data: Any):
    refused(lambda: fit(data), errors.UsageError, "no table")


def test_columns_of_unequal_length():
    refused(
        lambda: fit({"age": [1, 2], "left": ["a"]}), errors.TableError, "differ in length", "'left' has 1"
    )


# ------------------------------------------------------------------------------------------ pictures


def test_a_broken_picture_among_good_ones(digits_folder: Path, digits_model: lamina.Model, tmp_path: Path):
    shutil.copytree(digits_folder, tmp_path / "d")
    written(tmp_path / "d" / "0" / "cut.png", next((digits_folder / "0").iterdir()).read_bytes()[:60])
    written(tmp_path / "d" / "1" / "text.png", "no picture")
    model = fit(tmp_path / "d", None)
    finding = next(each for each in model.findings if each.code == "broken-media")
    assert (finding.count, finding.column, len(finding.rows)) == (2, "image", 2)
    assert finding.remedy
    with pytest.warns(lamina.LaminaWarning, match="2 cell.* cannot be read"):
        answers = digits_model.predict(tmp_path / "d")
    assert answers.height == 302
    assert answers["probability"].null_count() == 2


def test_all_pictures_broken(tmp_path: Path):
    for label in "ab":
        (tmp_path / label).mkdir()
        for number in range(15):
            written(tmp_path / label / f"{number}.png", b"\x89PNG\r\n\x1a\nnothing")
    refused(lambda: fit(tmp_path, None), errors.TrainingError, "30 of 30 rows hold media that cannot be read")


# ------------------------------------------------------------------------------------------- settings


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"epoch": 1, "hiden": (4,), "members": 0}, ("'epochs'?", "'hidden'?", "members=0: at least 1")),
        ({"hidden": (16, 0)}, ("at least one neuron",)),
        ({"hidden": "64"}, ("hidden='64'",)),
        ({"activation": "rlu"}, ("no activation 'rlu'", "Did you mean 'relu'?")),
        ({"quality": "god"}, ("no quality 'god'", "'fast', 'good', 'best'")),
        ({"split": "grup"}, ("Did you mean 'group'?",)),
        ({"split": "group"}, ("no column has the role 'group'",)),
        ({"validation": 1.5}, ("validation=1.5: a share between 0 and 1",)),
        ({"kinds": {"age": "nubmer"}}, ("'nubmer' is no kind", "Did you mean 'number'?")),
        ({"kinds": {"aeg": "number"}}, ("no such column", "Did you mean 'age'?")),
        ({"kinds": {"city": "number"}}, ("'city' cannot be read as kind 'number'", "such as 'Bern'")),
        ({"roles": {"age": "imput"}}, ("'imput' is no role", "Did you mean 'input'?")),
        ({"roles": {"city": "weight"}}, ("'city' is of kind category and cannot have the role 'weight'",)),
        ({"on": lamina.Machine(device="nowhere")}, ("The device 'nowhere' cannot be used",)),
        ({"on": lamina.Machine(threads=0)}, ("0 processor threads",)),
    ],
)
def test_settings_that_cannot_be(settings: dict[str, Any], said: tuple[str, ...]):
    refused(lambda: fit(GOOD, **settings), errors.UsageError, *said)


@pytest.mark.parametrize("metric", ["acc", "rmse"])
def test_a_metric_that_does_not_judge_such_answers(metric: Any):
    task = lamina.Predict(target="left", metric=metric)
    refused(lambda: fit(GOOD, task), errors.UsageError, repr(metric), "'log_loss', 'accuracy', 'auroc'")


# --------------------------------------------------------------------------------- outputs and models


def test_a_place_where_nothing_can_be_written(model: lamina.Model, tmp_path: Path):
    refused(lambda: model.save(tmp_path / "no" / "m.lamina"), errors.OutputError, "There is no folder")
    refused(lambda: model.save(tmp_path), errors.OutputError, "is a folder")
    written(tmp_path / "file", "")
    refused(lambda: model.save(tmp_path / "file" / "m.lamina"), errors.OutputError, "There is no folder")


def test_the_command_line_says_so_before_it_works(run: Run, model_files: Path, churn_folder: Path):
    before = ("fit", churn_folder / "absent.csv", "-t", "churned", "-o", "no/such/m.lamina", "--json")
    ran = run(*before)
    assert ran.code == 1
    assert json.loads(ran.out)["error"]["kind"] == "OutputError"  # and not: there is no absent.csv
    order = ("predict", model_files / "churn.lamina", churn_folder / "new.csv", "-o")
    assert run(*order, "no/such/answers.csv").code == 1
    ran = run(*order, "answers.doc")
    assert ran.code == 2
    assert re.search(r"no ending that names a format .*\n.*\.csv, \.tsv, \.parquet", ran.err)


@pytest.mark.parametrize("content", [b"", b"hello", b"PK\x05\x06" + bytes(18), None])
def test_a_model_file_that_is_none(run: Run, churn_folder: Path, tmp_path: Path, content: bytes | None):
    path = tmp_path / "m.lamina"
    if content is not None:
        written(path, content)
    refused(lambda: lamina.load(path), errors.ModelFileError, "m.lamina was not loaded")
    ran = run("predict", path, churn_folder / "new.csv", "--json")
    assert ran.code == 1
    assert json.loads(ran.out)["error"]["kind"] == "ModelFileError"


def test_a_device_that_is_not_there(model_files: Path):
    refused(lambda: lamina.load(model_files / "churn.lamina", device="nowhere"), errors.UsageError, "nowhere")


def test_a_row_that_is_not_there(model: lamina.Model):
    refused(lambda: model.inspect(GOOD, row=60), errors.UsageError, "no row 60", "from 0 to 59")
