"""The commands, from files to files: what they print, what they write, how they end."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from PIL import Image

from lamina.version import __version__
from small_data import churn_table, write_digits

pytestmark = pytest.mark.filterwarnings("default::lamina.LaminaWarning")

Run = Callable[..., Any]
QUICK = ("--quality", "fast", "--epochs", "1")
CLASS_SCORES = {"accuracy", "balanced_accuracy", "f1", "auroc", "average_precision", "log_loss", "ece"}
BOUNDED = {"ece_noise", "coverage", "set_size"}  # told without interval
NUMBER_SCORES = {"rmse", "mae", "r2"}
WIDTHS = {"coverage", "width"}


def process(*arguments: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    """The command as a process of its own."""
    command = [str(Path(sys.executable).parent / "lamina"), *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)


# ----------------------------------------------------------------------------------- as a process


def test_the_whole_way_in_processes_of_its_own(churn_folder: Path, tmp_path: Path):
    fitted = process("fit", churn_folder / "churn.csv", "-t", "churned", *QUICK, cwd=tmp_path)
    assert fitted.returncode == 0, fitted.stderr
    assert "Saved churn.lamina" in fitted.stdout
    answered = process("predict", "churn.lamina", churn_folder / "new.csv", cwd=tmp_path)
    assert answered.returncode == 0, answered.stderr
    answers = pl.read_csv(io.StringIO(answered.stdout))
    assert answers.height == 50
    names = ["predicted_churned", "probability", "probability_no", "probability_yes", "prediction_set"]
    assert answers.columns[-7:] == [*names, "abstain", "abstain_reason"]
    failed = process("predict", "churn.lamina", "nwe.csv", cwd=tmp_path)
    assert (failed.returncode, failed.stdout) == (1, "")
    assert failed.stderr.startswith("Error: There is no file or folder nwe.csv.")


def test_an_unknown_option_is_wrong_usage(tmp_path: Path):
    ran = process("fit", "--targte", "x", cwd=tmp_path)
    assert ran.returncode == 2
    assert "No such option" in ran.stderr


@pytest.mark.parametrize("arguments", [[], ["fit"], ["nothing"], ["predict", "a.lamina"]])
def test_wrong_usage_ends_with_2(run: Run, arguments: list[str]):
    assert run(*arguments).code == 2


def test_the_version(run: Run):
    assert run("--version").out.strip() == __version__


# ------------------------------------------------------------------------------------- schema, fit


def test_schema_as_a_table_and_as_json(run: Run, churn_folder: Path):
    shown = run("schema", churn_folder / "churn.csv", "-t", "churned")
    assert shown.code == 0
    assert all(word in shown.out for word in ("months", "category", "target", "600 rows"))
    ran = run("schema", churn_folder / "churn.csv", "-t", "churned", "--kind", "months=category", "--json")
    fields = {field["name"]: field for field in json.loads(ran.out)["fields"]}
    assert [*fields] == ["customer", "months", "plan", "charge", "joined", "city", "churned"]
    assert (fields["customer"]["kind"], fields["customer"]["role"]) == ("id", "ignored")
    assert fields["joined"]["kind"] == "date"
    assert fields["churned"]["role"] == "target"
    assert (fields["months"]["kind"], fields["months"]["why"]) == ("category", "you set the kind to category")


def test_fit_says_what_it_chose_as_json(run: Run, churn_folder: Path, tmp_path: Path):
    ran = run(
        *("fit", churn_folder / "churn.csv", "--target", "churned", "-o", tmp_path / "m.lamina", *QUICK),
        *("--hidden", "64,32", "--activation", "gelu", "--members", "2", "--validation", "0.2"),
        *("--kind", "months=category", "--role", "city=ignored", "--threads", "1", "--json"),
    )
    assert ran.code == 0, ran.err
    said = json.loads(ran.out)
    assert set(said) == {
        *("model", "store", "version", "choices", "findings", "validation", "epochs", "stopped")
    }
    assert (said["store"], said["version"]) == (None, None)
    assert said["model"] == str(tmp_path / "m.lamina")
    assert said["validation"]["rows"] == 120
    assert len(said["epochs"]) >= 1
    layers = json.loads(run("inspect", tmp_path / "m.lamina", "--json").out)
    assert [each["neurons"] for each in layers if each["name"].startswith("hidden")] == [64, 32]
    shown = run("inspect", tmp_path / "m.lamina").out
    assert "gelu, 2 members" in shown
    assert "category: months, plan" in shown
    assert "not used: city (5 values" in shown


def test_fit_saves_in_the_current_folder_by_the_name_of_the_data(
    run: Run, churn_folder: Path, tmp_path: Path
):
    ran = run("fit", churn_folder / "churn.csv", "-t", "charge", "--answer", "number", *QUICK)
    assert ran.code == 0
    assert (tmp_path / "churn.lamina").exists()
    assert "Lamina model: predicts the number 'charge'" in ran.out


def test_one_seed_gives_one_file_in_any_process(run: Run, churn_folder: Path, tmp_path: Path):
    order = ("fit", churn_folder / "churn.csv", "-t", "churned", *QUICK, "--seed", "7", "-o")
    assert run(*order, "one.lamina").code == 0
    assert process(*order, "two.lamina", cwd=tmp_path).returncode == 0
    assert run(*order[:-2], "8", "-o", "other.lamina").code == 0
    one, two, other = ((tmp_path / f"{name}.lamina").read_bytes() for name in ("one", "two", "other"))
    assert one == two
    assert one != other


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (("--hidden", "64,x"), "--hidden '64,x' is not a list of whole numbers"),
        (("--activation", "rlu"), "Did you mean 'relu'?"),
        (("--members", "0"), "members=0: at least 1 is needed"),
        (("--kind", "months"), "--kind 'months' is not of the form COLUMN=VALUE"),
        (("--kind", "months=nubmer"), "Did you mean 'number'?"),
        (("--role", "months=wieght"), "Did you mean 'weight'?"),
        (("--metric", "acuracy"), "Did you mean 'accuracy'?"),
        (("--metric", "rmse"), "'rmse' does not judge an answer that is one of several classes"),
        (("--device", "nowhere"), "The device 'nowhere' cannot be used"),
        (("--threads", "0"), "0 processor threads cannot compute"),
    ],
)
def test_settings_that_cannot_be_end_with_2(run: Run, churn_folder: Path, wrong: tuple[str, str], said: str):
    ran = run("fit", churn_folder / "churn.csv", "-t", "churned", *QUICK, *wrong, "--json")
    assert ran.code == 2
    assert said in ran.err
    error = json.loads(ran.out)["error"]
    assert error["kind"] == "UsageError"
    assert error["remedy"]


# ----------------------------------------------------------------------------------------- evaluate


def check_evaluation(said: dict[str, Any], rows: int, scores: set[str], simplest: str) -> None:
    assert said["rows"] == rows
    assert set(said["scores"]) == scores
    assert set(said["baseline"]) == {simplest, "linear"}
    for name, (low, high) in said["intervals"].items():
        assert low <= said["scores"][name] + 1e-9
        assert said["scores"][name] <= high + 1e-9


def test_evaluate_classes(run: Run, model_files: Path, churn_folder: Path):
    ran = run("evaluate", model_files / "churn.lamina", churn_folder / "test.csv", "--json")
    assert ran.code == 0, ran.err
    said = json.loads(ran.out)
    check_evaluation(said, 200, CLASS_SCORES | BOUNDED, "majority")
    assert said["scores"]["auroc"] > 0.75
    assert "accuracy" in run("evaluate", model_files / "churn.lamina", churn_folder / "test.csv").out


def test_evaluate_numbers(run: Run, charge_model: Any, churn_folder: Path, tmp_path: Path):
    charge_model.save(tmp_path / "charge.lamina")
    said = json.loads(run("evaluate", "charge.lamina", churn_folder / "test.csv", "--json").out)
    check_evaluation(said, 200, NUMBER_SCORES | WIDTHS, "mean")


def test_evaluate_without_answers_fails_with_1(run: Run, model_files: Path, churn_folder: Path):
    ran = run("evaluate", model_files / "churn.lamina", churn_folder / "new.csv", "--json")
    assert ran.code == 1
    assert json.loads(ran.out)["error"]["kind"] == "TargetError"
    assert "'churned', is not in" in ran.err


# ------------------------------------------------------------------------------------------ predict

READERS: dict[str, Callable[[Path], pl.DataFrame]] = {
    "csv": pl.read_csv,
    "tsv": lambda path: pl.read_csv(path, separator="\t"),
    "parquet": pl.read_parquet,
    "json": pl.read_json,
    "ndjson": pl.read_ndjson,
    "arrow": pl.read_ipc,
    "xlsx": pl.read_excel,
}


@pytest.mark.parametrize("ending", READERS)
def test_answers_in_every_format(
    run: Run, model_files: Path, churn_folder: Path, tmp_path: Path, ending: str
):
    ran = run("predict", model_files / "churn.lamina", churn_folder / "new.csv", "-o", f"answers.{ending}")
    assert (ran.code, ran.out) == (0, "")
    assert "Answered 50 rows" in ran.err
    answers = READERS[ending](tmp_path / f"answers.{ending}")
    assert answers.height == 50
    assert answers["predicted_churned"].is_in(["yes", "no"]).all()
    assert answers["probability"].is_between(0.5, 1).all()
    assert "plan" in answers.columns
    assert [path.name for path in tmp_path.iterdir()] == [f"answers.{ending}"]  # nothing half-written stays


def test_a_failed_answer_leaves_the_old_file(run: Run, model_files: Path, tmp_path: Path):
    (tmp_path / "answers.csv").write_text("old")
    (tmp_path / "new.csv").write_text("months\n1\n2\n")
    ran = run("predict", model_files / "churn.lamina", "new.csv", "-o", "answers.csv")
    assert ran.code == 1
    assert "lacks 4 of the 5 columns" in ran.err
    assert (tmp_path / "answers.csv").read_text() == "old"


def test_answers_to_the_terminal(run: Run, model_files: Path, churn_folder: Path):
    order = ("predict", model_files / "churn.lamina", churn_folder / "new.csv", "--only-answers")
    answers = pl.read_csv(io.StringIO(run(*order, "--no-probabilities").out))
    names = ["predicted_churned", "probability", "prediction_set", "abstain", "abstain_reason"]
    assert answers.columns == names
    records = json.loads(run(*order, "--json").out)
    assert [record["predicted_churned"] for record in records] == answers["predicted_churned"].to_list()


def test_a_table_with_the_answer_gets_the_same_answers(
    run: Run, model_files: Path, churn_folder: Path, tmp_path: Path
):
    full = pl.read_csv(churn_folder / "test.csv", try_parse_dates=False)
    full.drop("churned").write_csv(tmp_path / "without.csv")
    full.with_columns(churned=pl.lit("?")).write_csv(tmp_path / "blank.csv")
    order = ("predict", model_files / "churn.lamina")
    expected = run(*order, churn_folder / "test.csv", "--only-answers").out
    assert run(*order, "without.csv", "--only-answers").out == expected
    assert run(*order, "blank.csv", "--only-answers").out == expected


def test_several_files_are_one_table(run: Run, model_files: Path, churn_folder: Path):
    new = churn_folder / "new.csv"
    ran = run("predict", model_files / "churn.lamina", new, new, "--only-answers")
    assert pl.read_csv(io.StringIO(ran.out)).height == 100


# ------------------------------------------------------------------------------------------ inspect


def test_inspect_the_way_of_one_row(run: Run, model_files: Path, churn_folder: Path):
    model, row = model_files / "churn.lamina", f"{churn_folder / 'new.csv'}:3"
    shown = run("inspect", model, "--row", row)
    assert shown.code == 0
    assert all(word in shown.out for word in ("raw values", "weighted sums", "activations", "probability"))
    said = json.loads(run("inspect", model, "--row", row, "--json").out)
    assert said["raw"]["months"] == churn_table(50, seed=2)["months"][3]
    answers = run("predict", model, churn_folder / "new.csv", "--only-answers", "--json").out
    assert said["answer"]["probability"] == pytest.approx(json.loads(answers)[3]["probability"], abs=1e-5)


@pytest.mark.parametrize(
    ("row", "said"), [("new.csv", "is not FILE:N"), ("new.csv:50", "There is no row 50")]
)
def test_inspect_a_row_that_is_not_there(
    run: Run, model_files: Path, churn_folder: Path, tmp_path: Path, row: str, said: str
):
    shutil.copy(churn_folder / "new.csv", tmp_path)
    ran = run("inspect", model_files / "churn.lamina", "--row", row)
    assert ran.code == 2
    assert said in ran.err


# ------------------------------------------------------------------------------------------ pictures


def test_a_folder_of_class_folders(run: Run, model_files: Path, digits_folder: Path):
    said = json.loads(run("evaluate", model_files / "digits.lamina", digits_folder, "--json").out)
    check_evaluation(said, 300, CLASS_SCORES | BOUNDED, "majority")
    picture = next((digits_folder / "7").iterdir())
    answer = json.loads(run("predict", model_files / "digits.lamina", picture, "--json").out)
    assert len(answer) == 1
    shown = json.loads(run("inspect", model_files / "digits.lamina", "--row", f"{picture}:0", "--json").out)
    assert set(shown["answer"]) >= {"probability", "probability_7"}


def test_a_folder_in_parts_is_fitted_on_one_and_judged_on_the_other(run: Run, tmp_path: Path):
    write_digits(tmp_path / "parts" / "train", 200)
    write_digits(tmp_path / "parts" / "test", 60, start=200)
    assert run("fit", "parts", *QUICK).code == 0
    assert json.loads(run("evaluate", "parts.lamina", "parts", "--json").out)["rows"] == 60


def test_a_zip_of_the_folder_is_the_folder(run: Run, digits_folder: Path, tmp_path: Path):
    with zipfile.ZipFile(tmp_path / "digits.zip", "w") as archive:
        for path in sorted(digits_folder.rglob("*.png")):
            archive.write(path, path.relative_to(digits_folder.parent))
    assert run("fit", "digits.zip", *QUICK, "-o", "zip.lamina").code == 0
    assert json.loads(run("evaluate", "zip.lamina", digits_folder, "--json").out)["rows"] == 300


def test_idx_files(run: Run, idx_folder: Path):
    ran = run("fit", idx_folder, *QUICK, "-o", "idx.lamina", "--json")
    assert ran.code == 0, ran.err
    assert json.loads(ran.out)["validation"]["rows"] == 30  # 15 % of 200 rows
    assert json.loads(run("evaluate", "idx.lamina", idx_folder, "--json").out)["rows"] == 50


def test_a_broken_picture_is_counted_and_named(
    run: Run, digits_folder: Path, model_files: Path, tmp_path: Path
):
    shutil.copytree(digits_folder, tmp_path / "digits")
    (tmp_path / "digits" / "3" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nno picture")
    ran = run("fit", "digits", *QUICK, "--json")
    assert ran.code == 0, ran.err
    found = [each for each in json.loads(ran.out)["findings"] if each["code"] == "broken-media"]
    assert [(each["column"], each["count"]) for each in found] == [("image", 1)]
    answered = run("predict", model_files / "digits.lamina", "digits", "-o", "answers.csv")
    assert answered.code == 0
    assert "1 cell(s) of 'image' cannot be read" in answered.err
    answers = pl.read_csv(tmp_path / "answers.csv")
    lost = answers.filter(pl.col("probability").is_null())
    assert [Path(path).name for path in lost["image"]] == ["broken.png"]
    assert answers.height == 301


def test_pictures_of_another_size_and_colour(
    run: Run, model_files: Path, digits_folder: Path, tmp_path: Path
):
    with Image.open(next((digits_folder / "4").iterdir())) as picture:
        picture.convert("RGBA").resize((40, 30)).save(tmp_path / "large.png")
    ran = run("predict", model_files / "digits.lamina", "large.png", "--json")
    assert ran.code == 0
    assert json.loads(ran.out)[0]["probability"] > 0


# ------------------------------------------------------------------------------- roles: group, time, weight


def validation_choice(ran: Any) -> str:
    choices = json.loads(ran.out)["choices"]
    return next(each["why"] for each in choices if each["what"] == "validation")


@pytest.mark.parametrize(
    ("role", "said"),
    [
        ("city=group", "no group is on both sides"),
        ("joined=time", "the latest rows by 'joined'"),
    ],
)
def test_groups_and_times_decide_the_split(run: Run, churn_folder: Path, role: str, said: str):
    order = ("fit", churn_folder / "churn.csv", "-t", "churned", *QUICK, "-o", "m.lamina", "--json")
    ran = run(*order, "--role", role)
    assert ran.code == 0, ran.err
    assert said in validation_choice(ran)
    assert said not in validation_choice(run(*order, "--role", role, "--split", "random"))
    new = pl.read_csv(churn_folder / "new.csv").drop(role.split("=")[0])
    new.write_csv("new.csv")  # what only split the rows is not needed to answer
    assert run("predict", "m.lamina", "new.csv").code == 0


def test_weights_change_the_network_and_are_not_needed_to_answer(
    run: Run, tmp_path: Path, churn_folder: Path
):
    table = churn_table(300).with_columns(worth=pl.when(pl.col("plan") == "pro").then(5.0).otherwise(0.1))
    table.write_csv(tmp_path / "weighted.csv")
    order = ("fit", "weighted.csv", "-t", "churned", *QUICK)
    assert run(*order, "--role", "worth=weight", "-o", "weighted.lamina").code == 0
    assert run(*order, "--role", "worth=ignored", "-o", "plain.lamina").code == 0
    answers = [
        run("predict", f"{name}.lamina", churn_folder / "new.csv", "--only-answers")
        for name in ("weighted", "plain")
    ]
    assert [each.code for each in answers] == [0, 0]
    assert answers[0].out != answers[1].out


def test_a_weight_below_zero_is_refused(run: Run, tmp_path: Path):
    churn_table(50).with_columns(worth=pl.lit(-1.5)).with_row_index("n").with_columns(
        worth=pl.col("worth") + pl.col("n") * 0.1
    ).drop("n").write_csv(tmp_path / "weighted.csv")
    ran = run("fit", "weighted.csv", "-t", "churned", *QUICK, "--role", "worth=weight")
    assert ran.code == 1
    assert "Column 'worth' weighs the rows, and holds -1.5" in ran.err


# --------------------------------------------------------------------------------- the demo, and frames


@pytest.mark.slow
def test_the_demo(run: Run, tmp_path: Path):
    ran = run("demo", "here", "--json")
    assert ran.code == 0, ran.err
    said = json.loads(ran.out)
    assert said["digits"]["scores"]["accuracy"] >= 0.985
    assert said["table"]["scores"]["accuracy"] >= 0.93
    assert (tmp_path / "here" / "digits.lamina").exists()
    assert (tmp_path / "here" / "diagnosis.lamina").exists()


def pandas_of(frame: pl.DataFrame) -> Any:
    import pandas as pd

    return pd.DataFrame(frame.to_dict(as_series=False), index=range(100, 100 + frame.height))


@pytest.mark.parametrize(
    ("made", "names"),
    [
        (pandas_of, lambda answers: [*answers.columns]),
        (lambda frame: frame, lambda answers: answers.columns),
        (pl.DataFrame.to_arrow, lambda answers: answers.column_names),
        (lambda frame: frame.to_dict(as_series=False), lambda answers: [*answers]),
        (pl.DataFrame.to_dicts, lambda answers: [*answers[0]]),
    ],
    ids=["pandas", "polars", "arrow", "dict", "records"],
)
def test_frames_in_frames_out(made: Callable[[pl.DataFrame], Any], names: Callable[[Any], list[str]]):
    import lamina

    model = lamina.fit(made(churn_table(200)), "churned", quality="fast", epochs=1)
    new = made(churn_table(20, seed=3).drop("churned"))
    answers = model.predict(new)
    assert type(answers) is type(new)
    assert len(names(answers)) == 7
    assert names(answers)[:2] == ["predicted_churned", "probability"]
    if hasattr(new, "index") and not isinstance(new, list):
        assert list(answers.index) == list(new.index)


# ------------------------------------------------------------------------------------------- doctor


def test_doctor_prints_findings_and_writes_rows(run: Callable[..., Any], churn_folder: Path, tmp_path: Path):
    table = pl.read_csv(churn_folder / "churn.csv").drop("customer")
    table = pl.concat([table, table[:30]]).with_columns(churned_gold=pl.lit("sure"), left=pl.col("churned"))
    table.write_csv(tmp_path / "leaky.csv")
    ran = run("doctor", tmp_path / "leaky.csv", "-t", "churned", "--rows", tmp_path / "rows.csv")
    assert ran.code == 0
    assert "warning: leak" in ran.out
    assert "What to do: It is left out." in ran.out
    assert {"row", "twin", "given", "likely"} <= set(pl.read_csv(tmp_path / "rows.csv").columns)
    told = json.loads(run("doctor", tmp_path / "leaky.csv", "-t", "churned", "--quick", "--json").out)
    assert {"leak", "duplicates"} <= {each["code"] for each in told["findings"]}


def test_doctor_ends_with_1_where_nothing_can_be_learnt(run: Callable[..., Any], tmp_path: Path):
    pl.DataFrame({"x": range(30), "y": ["a"] * 30}).write_csv(tmp_path / "one.csv")
    ran = run("doctor", tmp_path / "one.csv", "-t", "y")
    assert ran.code == 1
    assert "nothing to tell apart" in " ".join((ran.out + ran.err).split())
