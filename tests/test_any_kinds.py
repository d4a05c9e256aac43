"""Tables of columns of any kinds, and targets of any kind: the whole line runs and agrees with itself."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import lamina
from small_media import clip, picture, recording

pytest.importorskip("soundfile")
# a column's cells, one for each entry of ``told``, which they lean towards
Cells = Callable[[np.random.Generator, np.ndarray], list[Any]]
WORDS = np.array(
    [*("quiet", "slow", "steady", "loud", "quick", "broken"), *("sharp", "sudden", "très", "bon", "茶", "好")]
)
TAGS = np.array(["red", "green", "blue", "ä ö"])


def each(make: Callable[[np.random.Generator, bool], Any]) -> Cells:
    """The column whose cells are made one by one."""
    return lambda rng, told: [make(rng, bool(one)) for one in told]


def note(rng: np.random.Generator, told: bool) -> str:
    return " ".join(rng.choice(WORDS[4:] if told else WORDS[:8], rng.integers(6, 12)))


def tags(rng: np.random.Generator, told: bool) -> list[str]:
    return [tag for tag in TAGS if rng.random() < (0.7 if told else 0.3)]


# kind → columns of that kind
COLUMNS: dict[str, dict[str, Cells]] = {
    "number": {"size": each(lambda rng, told: float(rng.normal(told)))},
    "category": {"plan": each(lambda rng, told: f"plan {rng.integers(0, 3) + told}")},
    "flag": {"paid": each(lambda rng, told: bool(rng.random() < (0.7 if told else 0.3)))},
    "date": {"seen": each(lambda rng, told: datetime(2024, 1, 1) + timedelta(int(rng.integers(0, 400))))},
    "text": {"note": each(note)},
    "image": {"photo": each(picture)},
    "audio": {"sound": each(recording)},
    "video": {"film": each(clip)},
    "series": {
        "signal": each(lambda rng, told: rng.normal(told, 1, rng.integers(0, 14)).tolist()),
        "written": each(lambda rng, told: str(rng.normal(told, 1, rng.integers(1, 14)).round(2).tolist())),
    },
    "set": {"tags": each(tags), "listed": each(lambda rng, told: "|".join(tags(rng, told)) or None)},
    "vector": {"embedding": each(lambda rng, told: rng.normal(told, 1, 5).tolist())},
    "place": {
        "shop_lat": each(lambda rng, told: 47 + 0.1 * float(rng.normal())),
        "shop_lon": each(lambda rng, told: 8.5 + 0.1 * float(rng.normal())),
    },
}
ODD: dict[str, Any] = {
    "size": float("nan"),
    "plan": "never seen",
    "note": "",
    "photo": b"no picture",
    "sound": b"no recording",
    "film": b"no clip",
    "signal": [float("inf"), None, -1e300],
    "tags": ["never seen", "", "red", "red"],
    "embedding": [1e300, None, float("nan"), 0.0, -1e-300],
    "shop_lat": 91.0,
    "shop_lon": float("inf"),
}
TARGETS: dict[str, Cells] = {
    "mood": each(lambda rng, told: "wild" if told else "calm"),
    "price": each(lambda rng, told: float(rng.normal(3.0 * told))),
    "extras": each(tags),
}
ASKED = {"classes": ("mood",), "number": ("price",), "labels": ("extras",), "several": tuple(TARGETS)}


def table(kinds: list[str], targets: tuple[str, ...], rows: int, seed: int, missing: float) -> pl.DataFrame:
    """Columns of these kinds, of whose cells this share is missing, and targets."""
    rng = np.random.default_rng(seed)
    told = rng.permutation(rows) % 2 == 0
    columns: dict[str, pl.Series] = {}
    for kind in kinds:
        for name, make in COLUMNS[kind].items():
            cells = make(rng, told)
            kept = rng.random(rows) >= missing
            columns[name] = pl.Series(name, [c if k else None for c, k in zip(cells, kept, strict=True)])
    return pl.DataFrame({**columns, **{name: TARGETS[name](rng, told) for name in targets}})


def with_odd_cells(frame: pl.DataFrame) -> pl.DataFrame:
    """The table with a value nobody expects in one cell of each column, each in a row of its own."""
    changed = frame.clone()
    for row, (name, odd) in enumerate((n, o) for n, o in ODD.items() if n in frame.columns):
        cells = frame[name].to_list()
        cells[row] = odd
        changed = changed.with_columns(pl.Series(name, cells, dtype=frame[name].dtype))
    return changed


@st.composite
def cases(draw: st.DrawFn) -> tuple[pl.DataFrame, pl.DataFrame, tuple[str, ...], list[str]]:
    """A table to learn from, another one to ask about, the targets and the kinds of the columns."""
    kinds = draw(st.lists(st.sampled_from(sorted(COLUMNS)), min_size=1, max_size=4, unique=True))
    targets = ASKED[draw(st.sampled_from(sorted(ASKED)))]
    rows, missing = draw(st.integers(40, 70)), draw(st.sampled_from([0.0, 0.0, 0.2]))
    seed = draw(st.integers(0, 10**6))
    asked = with_odd_cells(table(kinds, targets, 24, seed + 1, missing))
    return table(kinds, targets, rows, seed, missing), asked, targets, kinds


def the_whole_way(case: tuple[pl.DataFrame, pl.DataFrame, tuple[str, ...], list[str]], folder: Any) -> None:
    learnt, asked, targets, kinds = case
    task = lamina.Predict(targets if len(targets) > 1 else targets[0])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", lamina.LaminaWarning)
        model = lamina.fit(learnt, task, quality="fast", epochs=1, hidden=(16,), members=2, pretrained=False)
        assert {field.kind for field in model.schema if field.role == "input"} == set(kinds)
        answers = model.predict(asked)
        loaded = lamina.load(model.save(folder / "m.lamina"))
        assert loaded.predict(asked).equals(answers)
        assert loaded.predict(asked.drop(targets)).equals(answers)
        alone = pl.concat([loaded.predict(asked[row]) for row in range(8)])
    known = with_something_known(asked.drop(targets), kinds)
    told = answers.drop("abstain_reason", strict=False)  # null where there is no reason to
    assert not any(column.filter(known).null_count() for column in told)
    numbers = answers.select(pl.selectors.float()).to_numpy()
    assert np.isfinite(numbers[known.to_numpy()]).all()
    np.testing.assert_allclose(
        alone.select(pl.selectors.float()).to_numpy().astype(float), numbers[:8].astype(float), atol=1e-4
    )


def with_something_known(asked: pl.DataFrame, kinds: list[str]) -> pl.Series:
    """The rows that are not missing or broken media alone: those have no answer."""
    media = [name for kind in kinds if kind in ("image", "audio", "video") for name in COLUMNS[kind]]
    if len(media) < asked.width:
        return pl.Series([True] * asked.height)
    read = [(pl.col(name) != ODD[name]).fill_null(False) for name in media]
    return asked.select(pl.any_horizontal(read)).to_series()


EASY = {"deadline": None, "suppress_health_check": list(HealthCheck), "derandomize": True}


@given(cases())
@settings(max_examples=4, **EASY)
def test_any_kinds_go_the_whole_way(tmp_path_factory: Any, case: Any):
    the_whole_way(case, tmp_path_factory.mktemp("any"))


@pytest.mark.slow
@given(cases())
@settings(max_examples=40, **EASY)
def test_many_kinds_go_the_whole_way(tmp_path_factory: Any, case: Any):
    the_whole_way(case, tmp_path_factory.mktemp("many"))


@pytest.mark.parametrize("kind", sorted(COLUMNS))
def test_each_kind_is_found(kind: str):
    """In raw cells of every way of writing it."""
    schema = lamina.schema(table([kind], ("mood",), 60, 0, 0.1), "mood")
    assert {field.kind for field in schema if field.role == "input"} == {kind}
