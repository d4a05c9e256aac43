"""The layout of a network is what building it gives, without memory and without torch's compiler."""

import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

import lamina
from lamina.network.layout import layout


@pytest.mark.parametrize("fixture", ["churn_model", "charge_model", "digits_model"])
def test_layout_equals_the_network(fixture: str, request: pytest.FixtureRequest) -> None:
    fitted = request.getfixturevalue(fixture).fitted
    built = fitted.network.state_dict()
    laid = layout(fitted.network.architecture, fitted.features)
    assert {n: (t.shape, t.dtype) for n, t in laid.items()} == {
        n: (t.shape, t.dtype) for n, t in built.items()
    }
    assert all(each.device.type == "meta" for each in laid.values())


def test_loading_does_not_import_the_compiler(tmp_path: Path) -> None:
    frame = pl.DataFrame({"x": list(range(60)), "c": ["a", "b", "c"] * 20, "y": ["u", "v"] * 30})
    path = lamina.fit(frame, "y", quality="fast", epochs=1).save(tmp_path / "small.lamina")
    code = f"import sys, lamina; lamina.load({str(path)!r}); print('torch._dynamo' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
