"""``lamina explain``: what it prints, what it writes, how it ends."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from small_data import PLANS

pytestmark = pytest.mark.filterwarnings("default::lamina.LaminaWarning")

Run = Callable[..., Any]


@pytest.fixture
def few(churn_folder: Path, tmp_path: Path) -> Path:
    """Six customers with their answers."""
    path = tmp_path / "few.csv"
    pl.read_csv(churn_folder / "test.csv").head(6).write_csv(path)
    return path


def test_importance_by_default(run: Run, model_files: Path, churn_folder: Path) -> None:
    ran = run("explain", model_files / "churn.lamina", churn_folder / "new.csv", "--json")
    assert ran.code == 0, ran.err
    found = json.loads(ran.out)
    columns = {each["columns"][0] for each in found["importance"]}
    assert columns == {"months", "plan", "charge", "joined", "city"}
    assert (found["background"], found["judged"], found["rows"]) == ("all 50 of the rows given", 0, [])


def test_importance_with_answers(run: Run, model_files: Path, few: Path) -> None:
    ran = run("explain", model_files / "churn.lamina", few)
    assert "log_loss grows without it by" in ran.out
    assert "Compared with all 6 of the rows given." in ran.out


def test_a_row_and_a_file(run: Run, model_files: Path, few: Path, churn_folder: Path, tmp_path: Path) -> None:
    asked = (model_files / "churn.lamina", few, "--background", churn_folder / "new.csv")
    ran = run("explain", *asked, "--row", 3, "--row", 0)
    assert ran.out.index("Row 3, churned: probability of 'yes'") < ran.out.index("Row 0, churned")
    assert run("explain", *asked, "--row", 0, "--of", "no").out.startswith(
        "Row 0, churned: probability of 'no'"
    )
    assert run("explain", *asked, "-o", tmp_path / "why.csv").code == 0
    table = pl.read_csv(tmp_path / "why.csv")
    assert table.height == 6 * 5
    total = table.group_by("row").agg(pl.col("contribution").sum() + pl.col("compared").first()).sort("row")
    answers = table.group_by("row").agg(pl.col("answer").first()).sort("row")
    assert total["contribution"].to_list() == pytest.approx(answers["answer"].to_list())
    assert run("explain", *asked, "--row", 1, "-o", tmp_path / "why.json").code == 0
    assert len(json.loads((tmp_path / "why.json").read_text())["rows"]) == 1


def test_pictures(run: Run, model_files: Path, digits_folder: Path, tmp_path: Path) -> None:
    asked = ("explain", model_files / "digits.lamina", digits_folder, "--row", 5)
    ran = run(*asked, "--pictures", tmp_path / "maps")
    assert ran.code == 0, ran.err
    assert "with the mean colour of the training pictures everywhere" in ran.out
    assert [path.name for path in (tmp_path / "maps").iterdir()] == ["row-5-image-1.png"]


def test_what_would_change_the_answer(
    run: Run, model_files: Path, churn_folder: Path, tmp_path: Path
) -> None:
    asked = ("explain", model_files / "churn.lamina", churn_folder / "new.csv")
    change = (
        "--change",
        "months=1..72",
        "--change",
        "plan=basic|pro",
        "--change",
        "charge=up",
        "--change",
        "city",
    )
    ran = run(*asked, "--row", 0, *change, "--json")
    (found,) = json.loads(ran.out)
    for each in found["changes"]:
        assert each["column"] in ("months", "plan", "charge", "city")
        assert each["column"] != "plan" or each["after"] in PLANS
    assert "Row 0, churned" in run(*asked, "--row", 0, *change, "--want", "no").out
    assert run(*asked, "--row", 0, *change, "-o", tmp_path / "change.json").code == 0
    assert len(json.loads((tmp_path / "change.json").read_text())) == 1


@pytest.mark.parametrize(
    "wrong",
    [
        ("--change", "charge"),
        ("--row", 99),
        ("--of", "maybe", "--row", 0),
        ("--row", 0, "--change", "charge=a..b"),
    ],
)
def test_wrong_usage(run: Run, model_files: Path, churn_folder: Path, wrong: tuple[object, ...]) -> None:
    assert run("explain", model_files / "churn.lamina", churn_folder / "new.csv", *wrong).code == 2
