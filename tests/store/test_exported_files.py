"""Model files that hold the network as a graph: the same bytes and answers again, nothing else accepted."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lamina
from lamina.data.conform import conform
from lamina.data.table import Table
from lamina.errors import LaminaWarning, MissingExtraError, ModelFileError, NoGraphError, UsageError
from lamina.model import Model
from lamina.store import file
from small_data import BEGINNER, CITIES, PLANS, churn_table, month

pytest.importorskip("onnxscript")
pytest.importorskip("onnxruntime")


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory, churn_model: Model) -> Path:
    """An exported model file. Read only."""
    path = tmp_path_factory.mktemp("exported") / "churn.lamina"
    found = Model(*churn_model.parts).export(path, churn_table(100, seed=7))
    assert found.gap <= 1e-5
    assert (found.rows, found.on) == (100, "polars DataFrame")
    return path


def changed(
    path: Path, folder: Path, change: Callable[[dict[str, object]], None], graph: bytes | None
) -> Path:
    """A file with another manifest or graph and hashes that hold."""
    manifest, weights = file.read(path)
    change(manifest)
    own = {name: value for name, value in manifest.items() if name not in ("format", "hashes")}
    return file.write(folder / "changed.lamina", own, weights, graph)


def graph_of(path: Path) -> bytes:
    with zipfile.ZipFile(path) as archive:
        return archive.read(file.GRAPH)


# ------------------------------------------------------------------------------------ the file


def test_the_file_is_the_plain_one_and_a_graph(exported: Path, tmp_path: Path, churn_model: Model):
    plain = churn_model.save(tmp_path / "plain.lamina")
    with zipfile.ZipFile(plain) as one, zipfile.ZipFile(exported) as two:
        assert set(two.namelist()) == {*one.namelist(), "network.onnx"}
        assert one.read("weights.safetensors") == two.read("weights.safetensors")
        with_graph = json.loads(two.read("manifest.json"))
        without = json.loads(one.read("manifest.json"))
    assert without["graph"] is None
    assert with_graph["graph"]["inputs"] == ["number", "category", "date"]
    assert with_graph["hashes"].keys() == {"weights.safetensors", "network.onnx"}


@pytest.mark.parametrize("engine", ["torch", "onnx"])
def test_loading_and_saving_gives_the_same_bytes(exported: Path, tmp_path: Path, engine: str):
    again = lamina.load(exported, engine=engine).save(tmp_path / "again.lamina")  # type: ignore[arg-type]
    assert again.read_bytes() == exported.read_bytes()


def test_exporting_again_gives_the_same_bytes(exported: Path, tmp_path: Path):
    lamina.load(exported).export(tmp_path / "again.lamina", churn_table(100, seed=7))
    assert (tmp_path / "again.lamina").read_bytes() == exported.read_bytes()


def test_a_file_may_be_exported_in_its_place(tmp_path: Path, churn_model: Model):
    path = churn_model.save(tmp_path / "m.lamina")
    assert lamina.load(path, engine="auto").fitted.engine.kind == "torch"
    found = lamina.load(path).export(path)
    assert found.on == "made rows"
    assert lamina.load(path, engine="auto").fitted.engine.kind == "onnx"


def test_rows_kept_from_the_training_are_what_it_is_held_against(tmp_path: Path):
    model = lamina.fit(churn_table(200), "churned", quality="fast", hidden=(8,), members=2, epochs=1)
    found = model.export(tmp_path / "m.lamina")
    assert (found.on, found.rows) == ("training rows", 200)


def test_what_has_learnt_since_has_no_graph(exported: Path, tmp_path: Path):
    model = lamina.load(exported)
    next(model.fitted.network.output.parameters()).data.add_(0.01)
    with zipfile.ZipFile(model.save(tmp_path / "m.lamina")) as archive:
        assert "network.onnx" not in archive.namelist()
    assert lamina.load(tmp_path / "m.lamina", engine="auto").fitted.engine.kind == "torch"


# ---------------------------------------------------------------------------------- the answers

CELLS = st.fixed_dictionaries(
    {
        "months": st.none() | st.integers(-(2**40), 2**40) | st.sampled_from([0, 1, 72]),
        "plan": st.none() | st.sampled_from([*PLANS, "never seen", ""]),
        "charge": st.none()
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.sampled_from([60.0, 1e300]),
        "joined": st.none() | st.sampled_from(["2018-01-01", "1950-12-31", "2030-02-28"]),
        "city": st.none() | st.sampled_from([*CITIES, "Atlantis"]),
    }
)


@pytest.fixture(scope="module")
def both(exported: Path) -> tuple[Model, Model]:
    return lamina.load(exported), lamina.load(exported, engine="onnx")


@settings(max_examples=60, deadline=None, database=None)
@given(cells=st.lists(CELLS, min_size=1, max_size=5))
def test_any_rows_are_answered_alike(both: tuple[Model, Model], cells: list[dict[str, object]]):
    asked = {name: [each[name] for each in cells] for name in cells[0]}
    asked["months"][0], asked["charge"][0] = 3, 60.0  # a column of nothing has no type
    asked["plan"][0], asked["joined"][0], asked["city"][0] = "basic", "2019-05-05", "Bern"
    frame = conform(Table(pl.DataFrame(asked, strict=False), "test"), both[0].schema, need_target=False)[0]
    arrays = both[0].fitted.features.transform(frame)
    one, two = (model.fitted.engine.answered(arrays) for model in both)
    np.testing.assert_allclose(two.decoded, one.decoded, atol=1e-5, rtol=0)
    for row in range(frame.height):
        alone = both[1].fitted.engine.answered({name: each[row : row + 1] for name, each in arrays.items()})
        np.testing.assert_allclose(alone.decoded, one.decoded[row : row + 1], atol=1e-5, rtol=0)


def test_tables_rows_novelty_and_bounds_are_answered_alike(both: tuple[Model, Model]):
    asked = churn_table(300, seed=9).drop("churned")
    one, two = (model.predict(asked) for model in both)
    assert one.columns == two.columns
    for old, new in zip(one, two, strict=True):
        if old.dtype.is_float():
            assert float((old - new).abs().max()) <= 1e-5, old.name  # type: ignore[arg-type]
        else:
            assert old.equals(new), old.name
    assert both[0].evaluate(churn_table(100, seed=3)).scores == pytest.approx(
        both[1].evaluate(churn_table(100, seed=3)).scores, abs=1e-4
    )


def test_numbers_and_their_bounds_are_answered_alike(charge_model: Model, tmp_path: Path):
    lamina.Model(*charge_model.parts).export(tmp_path / "m.lamina")
    asked = churn_table(100, seed=9)
    one = charge_model.predict(asked)
    two = lamina.load(tmp_path / "m.lamina", engine="onnx").predict(asked)
    for name in ("predicted_charge", "charge_low", "charge_high"):
        np.testing.assert_allclose(two[name], one[name], rtol=1e-5, atol=1e-5)


def test_explanations_load_torch_when_they_are_asked_for(both: tuple[Model, Model]):
    asked = churn_table(4, seed=2)
    one, two = (model.explain(asked, rows=0) for model in both)
    assert str(two) == str(one)


# ---------------------------------------------------------------------------------- refusals


def test_an_engine_that_the_file_is_not_ready_for(tmp_path: Path, churn_model: Model, exported: Path):
    plain = churn_model.save(tmp_path / "plain.lamina")
    with pytest.raises(UsageError, match="holds no network as ONNX") as caught:
        lamina.load(plain, engine="onnx")
    assert "lamina export" in caught.value.remedy
    with pytest.raises(UsageError, match="There is no engine 'jax'"):
        lamina.load(plain, engine="jax")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="answers on the processor"):
        lamina.load(exported, engine="onnx", device="cuda")


def test_a_graph_that_is_not_there_is_refused(exported: Path, tmp_path: Path):
    path = changed(exported, tmp_path, lambda manifest: None, None)
    with pytest.raises(ModelFileError, match="its graph cannot be read"):
        lamina.load(path, engine="onnx")
    assert lamina.load(path).fitted.engine.kind == "torch"


@pytest.mark.parametrize("body", [b"", b"no graph at all", b"\x08\x07location"])
def test_a_graph_that_is_none_is_refused(exported: Path, tmp_path: Path, body: bytes):
    path = changed(exported, tmp_path, lambda manifest: None, body)
    with pytest.raises(ModelFileError, match="do not fit together"):
        lamina.load(path, engine="onnx")


def test_the_graph_of_another_network_is_refused(exported: Path, tmp_path: Path, digits_model: Model):
    other = tmp_path / "other.lamina"
    lamina.Model(*digits_model.parts).export(other)
    path = changed(exported, tmp_path, lambda manifest: None, graph_of(other))
    with pytest.raises(ModelFileError, match="do not fit together"):
        lamina.load(path, engine="onnx")

    def name_others(manifest: dict[str, object]) -> None:
        assert isinstance(manifest["graph"], dict)
        manifest["graph"]["weights"] = "0" * 64

    path = changed(exported, tmp_path, name_others, graph_of(exported))
    with pytest.raises(ModelFileError, match="its graph has other weights"):
        lamina.load(path, engine="onnx")


def test_every_changed_byte_of_the_graph_is_noticed(exported: Path, tmp_path: Path):
    content, body = exported.read_bytes(), graph_of(exported)
    start = content.index(body)
    for place in np.random.default_rng(0).integers(0, len(body), 20):
        altered = bytearray(content)
        altered[start + int(place)] ^= 1
        (tmp_path / "altered.lamina").write_bytes(bytes(altered))
        for engine in ("torch", "onnx", "auto"):
            with pytest.raises(ModelFileError, match="was not loaded"):
                lamina.load(tmp_path / "altered.lamina", engine=engine)  # type: ignore[arg-type]


def test_a_file_that_is_another_one_by_now(exported: Path, tmp_path: Path, charge_model: Model):
    path = tmp_path / "m.lamina"
    path.write_bytes(exported.read_bytes())
    model = lamina.load(path, engine="onnx")
    charge_model.save(path)
    assert model.predict(churn_table(3, seed=1)).height == 3
    with pytest.raises(ModelFileError, match="is another file than the one that was loaded"):
        model.inspect()


# -------------------------------------------------------------------------------------- stores


@pytest.fixture
def store(tmp_path: Path) -> lamina.Store:
    made = lamina.Store(tmp_path / "store")
    made.add(lamina.fit(churn_table(800, seed=0), "churned", **BEGINNER))
    return made


def kinds(store: lamina.Store) -> list[str]:
    """What answers for each version, where it may be chosen."""
    numbers = store.history()["candidate"].drop_nulls().to_list()
    engine = lamina.Store(store.place, engine="auto")
    return [engine.model(int(each)).fitted.engine.kind for each in dict.fromkeys(numbers)]


@pytest.mark.filterwarnings("default::lamina.errors.LaminaWarning")
def test_champions_of_an_exported_store_are_graphs_too(store: lamina.Store):
    found = store.export()
    assert found.on == "rows that were learnt from"
    assert found.rows > 64
    assert kinds(store) == ["torch", "onnx"]
    store.export()  # again: nothing is to be done
    assert store.version == 2
    learnt = store.learn(month(1), level=0.4, margin=0.9)
    assert learnt.outcome == "promoted"
    assert kinds(store) == ["torch", "onnx", "onnx"]
    asked = month(2).drop("churned")
    one = store.predict(asked)
    two = lamina.Store(store.place, engine="onnx").predict(asked)
    names = [each.name for each in one if each.dtype.is_float() and each.name != "novelty"]
    np.testing.assert_allclose(two.select(names), one.select(names), atol=1e-5)
    assert store.learn(month(1)).outcome == "unchanged"
    assert store.rollback() == 2


@pytest.mark.filterwarnings("default::lamina.errors.LaminaWarning")
def test_champions_after_a_model_with_a_graph_are_graphs_too(store: lamina.Store, tmp_path: Path):
    lamina.Model(*store.champion.parts).export(tmp_path / "m.lamina")
    store.add(tmp_path / "m.lamina")
    assert store.learn(month(1), level=0.4, margin=0.9).outcome == "promoted"
    assert kinds(store) == ["torch", "onnx", "onnx"]
    store.rollback(1)
    with pytest.raises(NoGraphError) as caught:
        lamina.Store(store.place, engine="onnx").predict(month(2))
    assert f"lamina export {store.place}" in caught.value.remedy  # not: of the version's file


@pytest.mark.filterwarnings("default::lamina.errors.LaminaWarning")
def test_a_champion_without_a_graph_is_warned_of(store: lamina.Store, monkeypatch: pytest.MonkeyPatch):
    store.export()

    def absent(*_: object) -> None:
        raise MissingExtraError("Writing ONNX", "onnx")

    monkeypatch.setattr("lamina.predictions.exported.exported", absent)
    with pytest.warns(LaminaWarning, match=r"Torch answers for it\..*lamina\[onnx\]"):
        assert store.learn(month(1), level=0.4, margin=0.9).outcome == "promoted"
    assert kinds(store)[-1] == "torch"


def test_a_store_that_cannot_be_exported_stays_as_it_is(store: lamina.Store, monkeypatch: pytest.MonkeyPatch):
    def absent(*_: object) -> None:
        raise MissingExtraError("Writing ONNX", "onnx")

    monkeypatch.setattr("lamina.predictions.exported.exported", absent)
    with pytest.raises(MissingExtraError):
        store.export()
    assert store.version == 1
    assert store.opened.log.setting("onnx") is None


def test_manifests_of_before_have_no_graph(exported: Path):
    manifest, _ = file.read(exported)
    del manifest["graph"]
    assert msgspec.convert(manifest, model_manifest(), strict=False).graph is None


def model_manifest() -> type:
    from lamina.store.model_file import Manifest

    return Manifest
