"""Networks as ONNX graphs: the same answers as torch, for every kind and answer, one row and many."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import msgspec
import numpy as np
import polars as pl
import pytest
import torch
from PIL import Image

import lamina
from lamina.catalog import ANSWERS, KINDS
from lamina.checks.made import MAKERS
from lamina.errors import ExportError, MissingExtraError
from lamina.features import photographs, wordpiece
from lamina.features.base import Arrays
from lamina.features.made import made_rows
from lamina.learning.grow import grow
from lamina.network.answered import answered
from lamina.network.engine import Answered
from lamina.network.graph import Graph, check_alone, hash_of
from lamina.network.inputs.number import NumberInput
from lamina.network.matmul import matmul_graph
from lamina.network.runtime import OnnxNetwork, cut
from lamina.predictions.exported import CLOSE, as_onnx
from lamina.records import Field
from lamina.training.fitted import Fitted
from small_fitted import fitted_on

pytest.importorskip("onnxscript")
pytest.importorskip("onnxruntime")


def engine(fitted: Fitted, frame: pl.DataFrame | None = None) -> OnnxNetwork:
    onnx = as_onnx(fitted, frame, "test")
    assert onnx.graph.gap <= CLOSE
    return OnnxNetwork(onnx.read(), onnx.graph, fitted.engine.in_torch, fitted.target.written)


def apart(one: Answered, two: Answered) -> float:
    """The largest difference, against 1 or the number's own size."""
    gaps = [np.abs(a - b) / np.maximum(1, np.abs(a)) for a, b in zip(one[:2], two[:2], strict=True)]
    return float(max(each.max(initial=0.0) for each in gaps))


def rows(arrays: Arrays, chosen: slice) -> Arrays:
    return {name: each[chosen] for name, each in arrays.items()}


def check_same(fitted: Fitted, frame: pl.DataFrame, other: pl.DataFrame) -> None:
    """Torch and the graph agree on rows with known and with new values, made ones, one, two and none."""
    graph = engine(fitted, frame)
    assert graph.vectors == fitted.network.vectors
    assert graph.weights == fitted.network.weights
    made = made_rows(fitted.features, fitted.schema, 40, seed=3)
    for arrays in (fitted.features.transform(frame), fitted.features.transform(other), made):
        for chosen in (slice(0, 40), slice(7, 8), slice(3, 5), slice(0, 0)):
            asked = rows(arrays, chosen)
            one, two = answered(fitted.network, asked), graph.answered(asked)
            assert one.decoded.shape == two.decoded.shape
            assert one.spread.shape == two.spread.shape
            assert apart(one, two) <= CLOSE


@pytest.mark.parametrize("kind", [name for name in KINDS if name in MAKERS])
def test_a_graph_answers_as_torch_does_for_every_kind(kind: str):
    check_same(*fitted_on(kind, hidden=() if kind in ("image", "video", "audio") else (24, 16)))


@pytest.mark.parametrize("answer", [n for n, each in ANSWERS.items() if each.kind not in ("image", "text")])
def test_a_graph_answers_as_torch_does_for_every_answer(answer: str):
    check_same(*fitted_on("category", answer=answer))


def test_many_rows_are_answered_some_at_a_time():
    fitted, _, _ = fitted_on("number")
    arrays = made_rows(fitted.features, fitted.schema, 5000)
    seen: list[int] = []

    def judge(decoded: np.ndarray, layers: object) -> np.ndarray:
        seen.append(len(decoded))
        return decoded[:, 0]

    told = engine(fitted).answered(arrays, judge)
    assert sum(seen) == 5000 > max(seen)
    assert told.novelty is not None
    np.testing.assert_array_equal(told.novelty, told.decoded[:, 0])


def test_what_has_grown_has_a_graph():
    fitted, _, other = fitted_on("number")
    field = Field(name="new", kind="number", role="input", why="")
    more = other.with_columns(new=pl.int_range(other.height).cast(pl.Float64))
    grown, _ = grow(fitted, more, (field,))
    check_same(grown, more, more)
    assert grown.onnx is None


def test_the_same_network_gives_the_same_graph_without_paths():
    fitted, frame, _ = fitted_on("date")
    one, two = as_onnx(fitted, frame).read(), as_onnx(fitted).read()
    assert one == two
    assert os.fsencode(Path(lamina.__file__).parent) not in one


def test_a_graph_that_answers_otherwise_is_refused(monkeypatch: pytest.MonkeyPatch):
    """A layer that computes something else in a graph than in torch."""
    honest = NumberInput.forward

    def other(self: NumberInput, arrays: dict[str, torch.Tensor]) -> torch.Tensor:
        return honest(self, arrays) + (0.01 if torch.compiler.is_compiling() else 0.0)

    fitted, frame, _ = fitted_on("number")
    monkeypatch.setattr(NumberInput, "forward", other)
    with pytest.raises(ExportError, match="answers otherwise than torch"):
        as_onnx(fitted, frame)


def test_a_layer_without_a_graph_is_refused(monkeypatch: pytest.MonkeyPatch):
    honest = NumberInput.forward

    def other(self: NumberInput, arrays: dict[str, torch.Tensor]) -> torch.Tensor:
        return honest(self, arrays) if float(arrays[self.name].nansum()) != 3.25 else honest(self, arrays) * 2

    fitted, frame, _ = fitted_on("number")
    monkeypatch.setattr(NumberInput, "forward", other)
    with pytest.raises(ExportError, match="cannot be written as ONNX"):
        as_onnx(fitted, frame)


def test_a_graph_that_names_other_files_is_refused():
    import onnx

    weight = onnx.TensorProto(name="w", data_type=1, dims=[1], data_location=onnx.TensorProto.EXTERNAL)
    weight.external_data.add(key="location", value="/etc/passwd")
    value, told = (onnx.helper.make_tensor_value_info(name, 1, [None]) for name in ("0", "1"))
    node = onnx.helper.make_node("Add", ["0", "w"], ["1"])
    made = onnx.helper.make_graph([node], "g", [value], [told], [weight])
    body = onnx.helper.make_model(made).SerializeToString()
    graph = Graph(inputs=("x",), layers=0, weights="", learnt=0, gap=0.0, rows=0, on="")
    with pytest.raises(ValueError, match="names other files"):
        OnnxNetwork(body, graph, lambda: None)  # type: ignore[arg-type, return-value]
    with pytest.raises(ValueError, match="names other files"):
        check_alone(body)


def test_a_column_called_location_has_a_graph():
    frame = pl.DataFrame({"location": [1.0, 2.0, 3.0, 4.0] * 20, "y": ["a", "a", "b", "b"] * 20})
    model = lamina.fit(frame, "y", quality="fast", hidden=(8,), members=2, epochs=2, refit=False)
    assert as_onnx(model.fitted).graph.gap <= CLOSE


def test_hashes_tell_weights_apart():
    x = np.arange(4, dtype=np.float32)
    hashes = {hash_of(each) for each in ({"a": x}, {"b": x}, {"a": x.reshape(2, 2)}, {"a": x + 1}, {})}
    assert len(hashes) == 5


@pytest.mark.parametrize("rows", [0, 1, 15, 16, 700])
def test_products_are_those_of_numpy(rows: int):
    fitted, _, _ = fitted_on("flag")
    rng = np.random.default_rng(0)
    one, two = (rng.normal(size=size).astype(np.float32) for size in ((rows, 130), (130, 257)))
    found = engine(fitted).product(one[:, ::-1], two)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, one[:, ::-1] @ two, rtol=1e-4, atol=1e-4)


def test_the_graph_of_a_product_is_one_that_onnx_accepts():
    import onnx

    onnx.checker.check_model(onnx.load_from_string(matmul_graph()), full_check=True)


@pytest.mark.parametrize("threads", ["", "2", "3,2", "many"])
def test_any_number_of_threads(threads: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("OMP_NUM_THREADS", threads)
    fitted, frame, _ = fitted_on("flag")
    assert engine(fitted).answered(fitted.features.transform(frame)).decoded.shape == (48, 3)


def test_without_the_packages_what_to_install_is_said(monkeypatch: pytest.MonkeyPatch):
    fitted, frame, _ = fitted_on("flag")
    onnx = as_onnx(fitted, frame)
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(MissingExtraError, match=r"lamina\[serve\]"):
        OnnxNetwork(onnx.read(), onnx.graph, fitted.engine.in_torch)
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    with pytest.raises(MissingExtraError, match=r"lamina\[onnx\]"):
        as_onnx(fitted, frame)


def test_exporting_says_nothing_on_the_terminal():
    code = (
        "import sys; sys.path.insert(0, 'tests')\nfrom small_fitted import fitted_on\n"
        "from lamina.predictions.exported import as_onnx\nas_onnx(fitted_on('flag')[0])"
    )
    root = Path(__file__).parents[2]
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=root)
    assert (ran.stdout, ran.stderr) == ("", "")


# ------------------------------------------------------------------------------ whole trainings


def picture(rng: np.random.Generator, red: bool) -> bytes:
    file = io.BytesIO()
    pixels = rng.integers(0, 120, (64, 80, 3)) + np.array([100 if red else 0, 0, 0])
    Image.fromarray(pixels.astype(np.uint8)).save(file, "PNG")
    return file.getvalue()


@pytest.mark.slow
@pytest.mark.skipif(not photographs.installed(), reason="needs the extra pretrained")
def test_the_pretrained_network_of_photographs_has_a_graph():
    rng = np.random.default_rng(0)
    frame = pl.DataFrame({"p": [picture(rng, n % 2 > 0) for n in range(40)], "y": ["a", "b"] * 20})
    model = lamina.fit(frame, "y", epochs=2, pretrained=True)
    assert as_onnx(model.fitted, frame).graph.gap <= CLOSE


@pytest.mark.skipif(not wordpiece.installed(), reason="needs the extra pretrained")
def test_an_encoder_that_is_no_part_of_the_model_is_part_of_the_graph():
    rng = np.random.default_rng(0)
    words = ["good", "bad", "film", "plot", "unbelievable", "a", "the"]
    said = [" ".join(rng.choice(words, rng.integers(1, 20))) for _ in range(240)]
    texts = pl.DataFrame({"t": said, "y": ["a" if "good" in each else "b" for each in said]})
    model = lamina.fit(texts, "y", kinds={"t": "text"}, epochs=1, batch=32, pretrained=True)
    check_same(model.fitted, texts, pl.DataFrame({"t": ["", None, "film", "a quite new one " * 30] * 12}))


# --------------------------------------------------------------------------------- shorter arrays


def test_arrays_are_cut_after_the_longest_row():
    arrays = {"a": np.array([[3, 0, 4, 0, 0], [1, 0, 0, 0, 0]]), "w": np.ones((2, 5)), "b": np.zeros((2, 3))}
    shorter = cut(arrays, (("a", "w"), ("b",)))
    assert {name: each.shape for name, each in shorter.items()} == {"a": (2, 3), "w": (2, 3), "b": (2, 1)}
    assert {name: each.shape[1] for name, each in arrays.items()} == {"a": 5, "w": 5, "b": 3}


def test_a_graph_that_reads_no_shorter_arrays_is_refused():
    fitted, frame, _ = fitted_on("flag")
    onnx = as_onnx(fitted, frame)
    (name, *_) = onnx.graph.inputs
    for group in ((name,), ("nothing",)):
        graph = msgspec.structs.replace(onnx.graph, filled_up=(group,))
        with pytest.raises(ValueError, match="at any length"):
            OnnxNetwork(onnx.read(), graph, fitted.engine.in_torch)
