"""The whole page: for every kind of answer, for hostile data, with money and groups, and through the CLI."""

from __future__ import annotations

import functools
import hashlib
import io
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from page_reader import Page
from PIL import Image

import lamina
from lamina.data.fingerprint import fingerprint
from lamina.data.read import read
from lamina.errors import LaminaError, OutputError, UsageError
from lamina.model import Model
from lamina.records import Field
from lamina.report.cells import Cells
from lamina.report.facts import gathered
from lamina.report.page import page, sections
from small_data import churn_table, write_digits
from small_media import clip, picture, recording

QUICK = {"quality": "fast", "hidden": (16,), "members": 2, "epochs": 4, "rate": 0.02}
MEDIA = {"quality": "fast", "epochs": 1}
P = lamina.Predict
ROWS = 240
MOST = 8_000_000  # bytes of a page
needs_audio = pytest.mark.skipif(
    not (find_spec("soundfile") and find_spec("soxr")), reason='recordings need pip install "lamina[audio]"'
)


def table() -> pl.DataFrame:
    """Two inputs that tell everything, and the answers of all kinds."""
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, ROWS))
    tags = [[t for t, on in (("hot", a[i] > 0), ("new", b[i] > 0)) if on] for i in range(ROWS)]
    return pl.DataFrame(
        {
            "a": a,
            "b": b,
            "kind": np.where(a + b > 0.3 * rng.normal(size=ROWS), "yes", "no"),
            "price": 10 * a + 3 * b + 100,
            "visits": rng.poisson(np.exp(1 + a)),
            "spent": np.exp(3 + a + 0.3 * rng.normal(size=ROWS)),
            "size": np.array(["S", "M", "L"])[np.digitize(a, (-0.5, 0.5))],
            "tags": pl.Series(tags, dtype=pl.List(pl.String)),
        }
    )


def scenes(rows: int, seed: int) -> pl.DataFrame:
    """Pictures with a bright half, and masks of it."""
    rng = np.random.default_rng(seed)
    masks = []
    for row in range(rows):
        file = io.BytesIO()
        mask = np.zeros((16, 16), np.uint8)
        mask[: 8 + row % 3] = 255
        Image.fromarray(mask).save(file, "PNG")
        masks.append(file.getvalue())
    return pl.DataFrame({"photo": [picture(rng, True) for _ in range(rows)], "mask": masks})


def songs(rows: int, seed: int) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    return pl.DataFrame(
        {"song": [recording(rng, k % 2 == 0) for k in range(rows)], "text": ["do", "re re"] * (rows // 2)}
    )


CASES: dict[str, tuple[Callable[[], pl.DataFrame], Any, dict[str, Any]]] = {
    "classes": (lambda: table().select("a", "b", "kind"), "kind", QUICK),
    "number": (lambda: table().select("a", "b", "price"), "price", QUICK),
    "quantiles": (lambda: table().select("a", "b", "price"), P("price", quantiles=(0.1, 0.5, 0.9)), QUICK),
    "count": (lambda: table().select("a", "b", "visits"), P("visits", answer="count"), QUICK),
    "amount": (lambda: table().select("a", "b", "spent"), P("spent", answer="amount"), QUICK),
    "ordered": (lambda: table().select("a", "b", "size"), P("size", order=("S", "M", "L")), QUICK),
    "labels": (lambda: table().select("a", "b", "tags"), "tags", QUICK),
    "several": (lambda: table().select("a", "b", "kind", "price", "tags"), ["kind", "price", "tags"], QUICK),
    "mask": (lambda: scenes(60, 0), "mask", MEDIA),
    "transcript": (lambda: songs(40, 0), lamina.Transcribe("text"), MEDIA),
}
every = pytest.mark.parametrize(
    "name", [pytest.param(each, marks=needs_audio) if each == "transcript" else each for each in CASES]
)


@functools.cache
def model(name: str) -> Model:
    make, task, settings = CASES[name]
    return lamina.fit(make(), task, **settings)


def reported(name: str, **more: Any) -> Page:
    facts = gathered(model(name), CASES[name][0](), **{"costs": None, "by": [], "examples": 5, **more})
    content = page(facts)
    assert len(content) < MOST
    return Page(content)


# ------------------------------------------------------------------------------------ every answer


def test_every_kind_of_answer_is_here() -> None:
    from lamina.catalog import ANSWERS

    assert set(CASES) == set(ANSWERS)


WORDS: dict[str, list[str]] = {
    "classes": [
        "of the answers are right",
        "What is taken for what",
        "Expected calibration error",
        "how sure",
    ],
    "ordered": ["of the answers are right", "What is taken for what", "Expected calibration error", "kappa"],
    "labels": ["micro F1", "Label by label", "Expected calibration error", "furthest off"],
    "number": ["off on average", "Predicted and true", "An interval is", "off by"],
    "count": ["off on average", "Predicted and true", "An interval is"],
    "amount": ["off on average", "Predicted and true", "An interval is"],
    "quantiles": ["off on average", "A quantile at the level 0.9", "q10 to q90"],
    "several": ["The answers: kind", "The answers: price", "The answers: tags", "Which columns matter"],
    "mask": ["pixels overlap", "Value by value"],
    "transcript": ["words are wrong per 100", "characters wrong"],
}
FOREIGN = {
    "number": ["What is taken for what", "Expected calibration"],
    "classes": ["Predicted and true"],
    "mask": ["Which columns matter", "Expected calibration", "An interval is"],
    "transcript": ["Which columns matter", "Expected calibration", "An interval is"],
}


@every
def test_the_page_tells_what_fits_the_answer(name: str) -> None:
    found = reported(name)
    for words in (*WORDS[name], "At a glance", "How it learnt", "What the data is", "Model card", "SHA-256"):
        assert words in found.text, words
    for words in FOREIGN.get(name, []):
        assert words not in found.text, words


@every
def test_no_rows_are_shown_where_none_are_wanted(name: str) -> None:
    found = reported(name, examples=0)
    assert "Errors worth looking at" not in found.text
    assert "holds rows of your data" not in found.text
    assert not {"img", "audio"} & set(found.seen)


@every
def test_the_scores_are_those_of_evaluate(name: str) -> None:
    data = CASES[name][0]()
    facts = gathered(model(name), data, costs=None, by=[], examples=0)
    scored = model(name).evaluate(data)
    assert facts.evaluation == scored
    for part in facts.parts:
        prefix = f"{part.target.column}." if len(facts.parts) > 1 else ""
        own = part.comparison.scores["network"]
        assert own == pytest.approx({n: scored.scores[f"{prefix}{n}"] for n in own}, nan_ok=True)
        assert part.bound is None or scored.scores[f"{prefix}coverage"] == part.bound.inside.mean()


def test_ece_with_its_interval_is_in_every_evaluation_of_probabilities() -> None:
    for name in ("classes", "ordered", "labels", "several"):
        found = model(name).evaluate(CASES[name][0]())
        for score in ("kind.ece", "tags.ece") if name == "several" else ("ece",):
            assert 0 <= found.scores[score] <= 1
            assert found.intervals[score][0] <= found.intervals[score][1]
            assert 0 < found.scores[f"{score}_noise"] < 0.2


# --------------------------------------------------------------------------------- groups and money


def test_rows_unlike_the_training_rows_are_counted(tmp_path: Path) -> None:
    model = lamina.fit(churn_table(1200), "churned", quality="fast", epochs=2, hidden=(16,))
    like = churn_table(300, seed=5)
    unlike = like.with_columns(months=pl.lit(900), charge=pl.lit(-5000.0), city=pl.lit("never seen"))
    for rows, words in ((like, "chance alone"), (unlike, "more than chance")):
        path = model.report(rows, tmp_path / "page.html")
        told = Page(path.read_text(encoding="utf-8")).text
        assert words in told.split("are unlike those of the training")[1][:120]


def test_groups_and_money(churn_model: Model, churn_folder: Path, tmp_path: Path) -> None:
    costs = lamina.Costs({"nothing": {"no": 0, "yes": "6 * charge"}, "offer": {"no": 40, "yes": 20}}, ask=8)
    path = churn_model.report(
        churn_folder / "test.csv", tmp_path / "r.html", costs=costs, by=["plan", "city"]
    )
    found = Page(path.read_text(encoding="utf-8"))
    money = churn_model.worth(churn_folder / "test.csv", costs)
    assert f"would have made {money.made:,.0f} on 200 rows" in found.text
    assert "One threshold for all rows" in found.text
    assert "6 * charge" in found.text
    assert "plan by value" in found.text
    digest = hashlib.sha256((churn_folder / "test.csv").read_bytes()).hexdigest()
    assert digest in found.text


def test_costs_that_do_not_fit_are_refused_before_the_work(charge_model: Model, churn_folder: Path) -> None:
    costs = lamina.Costs({"nothing": {"no": 0, "yes": 1}})
    with pytest.raises(UsageError, match="classes"):
        charge_model.report(churn_folder / "test.csv", "r.html", costs=costs)


def test_rows_of_an_unknown_class_are_judged_and_left_out_of_the_money(churn_model: Model) -> None:
    frame = churn_table(60, seed=3).with_columns(
        churned=pl.when(pl.int_range(60) < 3).then(pl.lit("perhaps")).otherwise("churned")
    )
    costs = lamina.Costs({"nothing": {"no": 0, "yes": 9}, "offer": {"no": 4, "yes": 2}})
    found = Page(page(gathered(churn_model, frame, costs=costs, by=[], examples=5)))
    assert "3 rows whose answer the model does not know are left out" in found.text
    assert "3 rows here have a class that training never saw" in found.text
    assert "(never seen)" in found.text


def test_rows_without_answers_keep_the_numbers_of_the_others(churn_model: Model) -> None:
    frame = churn_table(80, seed=4).with_columns(
        churned=pl.when(pl.int_range(80) < 40).then(None).otherwise("churned")
    )
    facts = gathered(churn_model, frame, costs=None, by=[], examples=5)
    assert facts.numbers.tolist() == list(range(40, 80))
    assert facts.frame.height == 40


# ------------------------------------------------------------------------------------ hostile data


def test_hostile_data_stays_data(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    evil = '"><script>alert(1)</script><img src=http://evil.example/x onerror=alert(1)>'
    column = f"a{evil}"
    x = rng.normal(size=200)
    frame = pl.DataFrame(
        {
            column: x,
            "words": [f"{evil} {word}\x00\u202e" for word in rng.choice(["tea", "milk", "beer"], 200)],
            "answer": np.where(x + rng.normal(size=200) > 0, evil, "</td></table><style>*{display:none}"),
        }
    )
    frame.write_parquet(tmp_path / "<b>evil&.parquet")
    network = lamina.fit(frame, "answer", **QUICK)
    costs = lamina.Costs({evil: {evil: 0, "</td></table><style>*{display:none}": 5}})
    facts = gathered(network, tmp_path / "<b>evil&.parquet", costs=costs, by=["words"], examples=12)
    found = Page(page(facts))
    assert found.seen["style"] == 1
    assert not {"script", "img"} & set(found.seen)
    assert "<script>alert(1)</script>" in found.text
    assert "<b>evil&.parquet" in found.text


# -------------------------------------------------------------------------------------------- media


def test_pictures_are_shown(digits_model: Model, tmp_path: Path) -> None:
    other = write_digits(tmp_path / "more", count=120, start=400)
    found = Page(digits_model.report(other, tmp_path / "r.html", examples=7).read_text(encoding="utf-8"))
    assert 0 < found.seen["img"] <= 7
    assert "120 files" in found.text


@needs_audio
def test_recordings_can_be_played() -> None:
    found = reported("transcript")
    assert 0 < found.seen["audio"] <= 5


def show(kind: str, cell: Any) -> str:
    return Cells().show(cell, Field(name="x", kind=kind, role="input", why=""))


def test_cells_of_every_kind() -> None:
    rng = np.random.default_rng(0)
    assert show("image", picture(rng, True)).startswith('<img src="data:image/png;base64,')
    assert show("video", clip(rng, True)).count("<img") == 4
    assert show("series", pl.Series([1.0, None, 3.0])).startswith("<svg")
    assert show("series", "1;2;3") == "<bdi>1;2;3</bdi>"
    assert show("set", ["a", "<b>"]) == "<bdi>a, &lt;b&gt;</bdi>"
    assert show("number", 0.123456789) == "<bdi>0.123457</bdi>"
    assert "missing" in show("number", None)
    for kind in ("image", "audio", "video"):
        assert "cannot be read" in show(kind, b"no such thing")


@needs_audio
def test_recordings_are_written_anew() -> None:
    assert show("audio", recording(np.random.default_rng(0), True)).startswith("<audio controls")


def test_large_pictures_become_small_and_their_room_is_bounded() -> None:
    rng = np.random.default_rng(0)
    file = io.BytesIO()
    Image.fromarray(rng.integers(0, 256, (900, 1200, 3), dtype=np.uint8)).save(file, "PNG")
    field = Field(name="photo", kind="image", role="input", why="")
    cells = Cells(room=60_000)
    shown = [cells.show(file.getvalue(), field) for _ in range(12)]
    assert sum(map(len, shown)) < 62_000
    assert shown[0].startswith('<img src="data:image/jpeg')
    assert shown[-1] == '<span class="none">no room for more pictures</span>'


# ------------------------------------------------------------------------------------- fingerprints


def test_fingerprints_are_those_of_sha256sum(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    (folder / "sub").mkdir(parents=True)
    (folder / "sub" / "a.csv").write_text("a,b\n1,2\n")
    (folder / "b.csv").write_text("a,b\n3,4\n")
    one = fingerprint(folder / "b.csv", read(folder / "b.csv"))
    assert one.digest == hashlib.sha256(b"a,b\n3,4\n").hexdigest()
    lines = "".join(
        f"{hashlib.sha256(content).hexdigest()}  {name}\n"
        for name, content in (("b.csv", b"a,b\n3,4\n"), ("sub/a.csv", b"a,b\n1,2\n"))
    )
    whole = fingerprint(folder, read(folder / "b.csv"))
    assert (whole.digest, whole.of) == (hashlib.sha256(lines.encode()).hexdigest(), "2 files")
    frame = table()
    same = fingerprint(frame, read(frame))
    assert same == fingerprint(frame.clone(), read(frame))
    assert same.digest != fingerprint(frame, read(frame.with_columns(pl.col("a") + 1))).digest


# ----------------------------------------------------------------------------------------- terminal


def test_the_command(run: Callable[..., Any], model_files: Path, churn_folder: Path, tmp_path: Path) -> None:
    costs = tmp_path / "costs.csv"
    costs.write_text("action,no,yes\nnothing,0,6 * charge\noffer,40,20\n")
    asked = ("report", model_files / "churn.lamina", churn_folder / "test.csv")
    ran = run(*asked, "-o", "one.html", "--by", "plan", "--costs", costs, "--ask", 8, "--examples", 3)
    assert ran.code == 0, ran.err
    assert "Report: one.html" in ran.err
    found = Page((tmp_path / "one.html").read_text(encoding="utf-8"))
    for words in ("How groups fare", "What it is worth", "ask a person", "Errors worth looking at"):
        assert words in found.text
    assert run(*asked).code == 0
    assert (tmp_path / "report.html").exists()


@pytest.mark.parametrize(
    "wrong",
    [("-o", "report.pdf"), ("--examples", 99), ("--by", "nothing"), ("--costs", "nowhere.csv")],
)
def test_wrong_usage(
    run: Callable[..., Any], model_files: Path, churn_folder: Path, wrong: tuple[Any, ...]
) -> None:
    ran = run("report", model_files / "churn.lamina", churn_folder / "test.csv", *wrong)
    assert ran.code in (1, 2)
    assert "Error" in ran.err
    assert "Traceback" not in ran.err


def test_a_place_that_cannot_be_written_is_told_first(churn_model: Model, tmp_path: Path) -> None:
    with pytest.raises(OutputError):
        churn_model.report("nothing.csv", tmp_path / "none" / "r.html")


def test_a_failure_leaves_the_old_page(churn_model: Model, churn_folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "r.html"
    path.write_text("old")
    with pytest.raises(LaminaError):
        churn_model.report(churn_folder / "new.csv", path)
    assert path.read_text() == "old"
    assert [each.name for each in tmp_path.iterdir()] == ["r.html"]


def test_sections_have_names_of_their_own() -> None:
    keys = [
        each.key
        for each in sections(
            gathered(model("several"), CASES["several"][0](), costs=None, by=["a"], examples=2)
        )
    ]
    assert len(set(keys)) == len(keys)
    assert keys[0] == "glance"
    assert keys[-1] == "card"
