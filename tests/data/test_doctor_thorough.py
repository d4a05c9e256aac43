"""Copies, near copies, doubtful labels, broken pictures, odd columns; and tables nobody thought of."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from hypothesis import HealthCheck, given, settings
from PIL import Image
from sklearn.metrics import average_precision_score

import lamina
from lamina.data.doctor.pictures import similar_pictures, small_pictures
from lamina.data.doctor.texts import similar_texts
from lamina.errors import LaminaError
from small_data import churn_table, digit_pictures
from test_any_table import tables

RNG = np.random.default_rng(0)


def codes(report: Any) -> set[tuple[str, str | None]]:
    return {(each.code, each.column) for each in report.findings}


def test_sound_data_has_no_warning():
    report = lamina.doctor(churn_table(600), "churned", quick=True)
    assert report.findings == ()
    assert "nothing found in 600 rows" in str(report)


def test_copies_across_the_split():
    table = churn_table(2000)
    copied = pl.concat([table, table[RNG.choice(2000, 60, replace=False)]])  # 3 %
    report = lamina.doctor(copied.drop("customer"), "churned", quick=True)
    across = next(each for each in report.findings if each.code == "duplicates-across-split")
    assert across.severity == "warning"
    assert "held back" in across.message
    twins = report.rows.filter(pl.col("finding") == "duplicates")
    assert twins.height == 60
    assert twins["row"].to_list() == list(range(2000, 2060))
    assert copied.drop("customer")[twins["twin"]].equals(copied.drop("customer")[twins["row"]])


def test_rows_are_numbered_as_they_were_read():
    table = churn_table(300).with_columns(
        pl.when(pl.int_range(300) < 10).then(None).otherwise(pl.col("churned")).alias("churned")
    )
    report = lamina.doctor(pl.concat([table, table[[200]]]).drop("customer"), "churned", quick=True)
    twins = report.rows.filter(pl.col("finding") == "duplicates")
    assert twins.select("row", "twin").row(0) == (300, 200)


def test_contradictions():
    table = churn_table(300).drop("customer")
    other = table[[7]].with_columns(churned=pl.lit("no" if table["churned"][7] == "yes" else "yes"))
    report = lamina.doctor(pl.concat([table, other]), "churned")
    assert ("contradictions", "churned") in codes(report)


WORDS = [f"word{n}" for n in range(400)]


def letters(count: int) -> list[str]:
    return [" ".join(RNG.choice(WORDS, 30)) for _ in range(count)]


def test_near_copies_of_texts():
    texts = letters(300)
    texts += [texts[n].replace(" word", " WORD", 2) + "!" for n in range(20)]  # spelt otherwise
    texts += [" ".join([*texts[n].split()[:-2], "and", "more"]) for n in range(20, 40)]
    pairs = similar_texts(pl.Series(texts))
    assert {(n, 300 + n) for n in range(40)} == set(map(tuple, pairs.tolist()))
    table = pl.DataFrame({"letter": texts, "topic": RNG.choice(["a", "b"], len(texts))})
    assert ("near-duplicates", "letter") in codes(lamina.doctor(table, "topic"))


def test_texts_without_words_are_no_trouble():
    assert similar_texts(pl.Series(["", "!", "é"])).shape[1] == 2
    assert len(similar_texts(pl.Series([], dtype=pl.String))) == 0


def scene(seed: int) -> Image.Image:
    rough = np.random.default_rng(seed).integers(0, 256, (6, 6, 3), dtype=np.uint8)
    return Image.fromarray(rough).resize((60, 48), Image.Resampling.BICUBIC)


def test_near_copies_and_broken_pictures(tmp_path: Path):
    for n in range(40):
        folder = tmp_path / ("cat" if n % 2 else "dog")
        folder.mkdir(exist_ok=True)
        scene(n).save(folder / f"{n:02d}.png")
    scene(3).resize((50, 40)).save(tmp_path / "cat" / "again.jpg", quality=80)
    scene(4).save(tmp_path / "cat" / "other.png")  # a dog among the cats
    (tmp_path / "cat" / "broken.png").write_bytes(b"no picture")
    report = lamina.doctor(tmp_path)
    found = {each.code: each for each in report.findings}
    assert found["near-duplicates"].count == 2
    assert found["broken-media"].count == 1
    assert found["near-contradictions"].count == 2


def test_digits_are_not_called_copies():
    pictures, _ = digit_pictures(300)
    series = pl.Series(pictures, dtype=pl.Array(pl.UInt8, (8, 8)))
    small, readable = small_pictures(series)
    assert readable.all()
    assert len(similar_pictures(small)) <= 3


def flipped(answers: list[str], share: float) -> tuple[list[str], np.ndarray]:
    """A share of the answers changed for another at random, and which."""
    rng, classes = np.random.default_rng(0), sorted(set(answers))
    wrong = np.zeros(len(answers), bool)
    wrong[rng.choice(len(answers), round(share * len(answers)), replace=False)] = True
    changed = [
        rng.choice([each for each in classes if each != answer]) if bad else answer
        for answer, bad in zip(answers, wrong, strict=True)
    ]
    return [str(each) for each in changed], wrong


def test_wrong_labels_of_numbers():
    from sklearn.datasets import load_wine

    data = load_wine(as_frame=True)
    answers, wrong = flipped([f"class {each}" for each in data.target], 0.05)
    report = lamina.doctor(pl.from_pandas(data.data).with_columns(answer=pl.Series(answers)), "answer")
    rows = report.rows.filter(pl.col("finding") == "label-error")
    score = np.zeros(len(answers))
    score[rows["row"].to_numpy()] = rows["score"].to_numpy()
    assert average_precision_score(wrong, score) > 0.8
    assert rows["given"].to_list() == [answers[row] for row in rows["row"]]
    assert not (rows["given"] == rows["likely"]).any()


def test_wrong_labels_of_texts_and_pictures():
    topics = {"sport": ["goal", "team", "match"], "food": ["soup", "bread", "cheese"]}
    answers = [("sport", "food")[n % 2] for n in range(300)]
    texts = [" ".join([*RNG.choice(topics[each], 2), *RNG.choice(WORDS, 3)]) for each in answers]
    given, wrong = flipped(answers, 0.05)
    report = lamina.doctor({"text": texts, "topic": given}, "topic")
    rows = report.rows.filter(pl.col("finding") == "label-error")["row"].to_list()
    assert len(set(rows) & set(np.flatnonzero(wrong))) >= 12


def test_odd_columns():
    rows = 400
    table = {
        "x": RNG.normal(size=rows),
        "room": [str(n % 60) if n % 3 else f"room {n % 50}" for n in range(rows)],
        "name": [f"name {n if n < 240 else n % 7}" for n in range(rows)],
        "paid": [datetime(2020, 1, 1) + timedelta(days=n) for n in range(rows - 1)] + [datetime(2920, 1, 1)],
        "booked": [datetime(2019, 12, 1) + timedelta(days=n) for n in range(rows)],
        "y": RNG.choice(["a", "b", "b"], rows),
    }
    report = lamina.doctor(table, "y", quick=True, roles={"booked": "time"}, kinds={"name": "category"})
    found = codes(report)
    assert {("mixed-types", "room"), ("id-like", "name"), ("future-date", "paid")} <= found
    assert ("late-date", "paid") in found


@given(tables())
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
def test_no_table_makes_the_doctor_fail(table: pl.DataFrame):
    for target in ("answer", None):
        try:
            report = lamina.doctor(table, target, quick=True)
        except LaminaError:
            continue
        assert str(report)
        assert report.rows.height >= 0


@given(tables())
@settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
def test_nor_does_a_thorough_look(table: pl.DataFrame):
    lamina.doctor(pl.concat([table] * 6), "answer")
