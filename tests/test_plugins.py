"""Kinds that other packages add: the example, installed for real, works; broken ones harm nothing."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import lamina
from lamina.catalog import BUILT_IN, KINDS, Catalog, Kind, part, plugins
from lamina.checks import check_kind
from lamina.errors import ModelFileError, PluginError, UsageError
from lamina.features.features import Features

EXAMPLE = Path(__file__).parent.parent / "examples" / "kind_colour"


def write_wheel(folder: Path) -> Path:
    """The wheel that the example's pyproject.toml gives: building one would need the network."""
    project = tomllib.loads((EXAMPLE / "pyproject.toml").read_text())["project"]
    name, version = project["name"].replace("-", "_"), project["version"]
    info = f"{name}-{version}.dist-info"
    points = "".join(
        f"[{group}]\n" + "".join(f"{key} = {value}\n" for key, value in named.items())
        for group, named in project["entry-points"].items()
    )
    wheel = folder / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.write(EXAMPLE / f"{name}.py", f"{name}.py")
        archive.writestr(
            f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {version}\n"
        )
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/entry_points.txt", points)
        archive.writestr(f"{info}/RECORD", f"{name}.py,,\n{info}/RECORD,,\n")
    return wheel


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder into which pip has installed the example."""
    folder = tmp_path_factory.mktemp("packages")
    pip = [sys.executable, "-m", "pip", "install", "--no-deps", "--no-index", "--no-compile", "--target"]
    wheel = write_wheel(tmp_path_factory.mktemp("wheel"))
    environment = {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INPUT": "1"}
    ran = subprocess.run([*pip, str(folder), str(wheel)], capture_output=True, text=True, env=environment)
    assert ran.returncode == 0, ran.stderr
    return folder


@pytest.fixture
def colour(installed: Path, monkeypatch: pytest.MonkeyPatch) -> Kind:
    """The kind that the example adds, while a test runs."""
    monkeypatch.syspath_prepend(str(installed))
    monkeypatch.delitem(KINDS.__dict__, "_found", raising=False)
    yield KINDS["colour"]
    KINDS.__dict__.pop("_found", None)


def colours(rows: int, seed: int = 0) -> pl.DataFrame:
    """Paint that sells where it is red."""
    rgb = np.random.default_rng(seed).integers(0, 256, (rows, 3))
    cells = [f"#{red:02x}{green:02X}{blue:02x}" for red, green, blue in rgb]
    return pl.DataFrame({"paint": cells, "sold": np.where(rgb[:, 0] > rgb[:, 1:].max(1), "yes", "no")})


def made(seed: int, unseen: bool) -> pl.DataFrame:
    cells: list[str | None] = colours(48, seed)["paint"].to_list()
    cells[2] = None
    if unseen:
        cells[:3] = ["red", "#12", "#F80"]
    return pl.DataFrame({"paint": cells, "trim": cells[::-1]})


def test_the_example_keeps_the_contracts(colour: Kind) -> None:
    assert colour.package == "lamina-colour 0.1"
    check_kind("colour", make=made)
    with pytest.raises(UsageError, match="check_kind"):
        check_kind("colour")


def test_the_example_goes_the_whole_way(
    colour: Kind, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = colours(300)
    found = lamina.schema(table, "sold")["paint"]
    assert (found.kind, found.role, found.why) == ("colour", "input", "colours written as #rrggbb")
    assert lamina.schema(table, "sold", kinds={"paint": "category"})["paint"].kind == "category"
    model = lamina.fit(table, "sold", quality="fast", epochs=8)
    assert model.evaluate(colours(200, seed=1)).scores["accuracy"] > 0.85
    path = model.save(tmp_path / "paint.lamina")
    odd = {"paint": ["#f00", None, "#00ff00"]}
    assert lamina.load(path).predict(odd) == model.predict(odd)
    # and where the package is not there
    monkeypatch.setattr(plugins, "entry_points_of", lambda group: [])
    KINDS.__dict__.pop("_found", None)
    told = r"'colour', which the package lamina-colour 0\.1 brings"
    with pytest.raises(ModelFileError, match=told) as refused:
        lamina.load(path)
    assert "pip install lamina-colour" in refused.value.remedy


def test_one_colour_is_read_as_it_is_written(colour: Kind) -> None:
    feature = part(colour.feature)
    told = part("lamina_colour:numbers")(pl.DataFrame({"c": ["#ff8000", "#F80", "red", None]}), ["c"])
    assert told.row(0)[:3] == pytest.approx((1.0, 128 / 255, 0.0))
    assert told.row(1)[:3] == pytest.approx((1.0, 136 / 255, 0.0))
    assert np.isnan(told.to_numpy()[2:]).all()
    assert feature.kind == "colour"


# --------------------------------------------------------------------------------------- broken packages


class Point:
    """An entry point as importlib.metadata shows one."""

    def __init__(self, name: str, value: object) -> None:
        self.name, self.value, self.dist = name, "broken_package:KIND", None
        self._value = value

    def load(self) -> object:
        if isinstance(self._value, BaseException):
            raise self._value
        return self._value


FLAG = "lamina.features.flag:FlagFeature"


def kind(name: str, **changes: object) -> Kind:
    parts = {"feature": FLAG, "input": "lamina.network.inputs.flag:FlagInput", "together": True}
    return Kind(name=name, what="things", plural="things", **{**parts, **changes})


@pytest.mark.parametrize(
    ("point", "why"),
    [
        (Point("odd", ImportError("No module named 'gone'")), "No module named 'gone'"),
        (Point("odd", SystemExit("boom")), "SystemExit: boom"),
        (Point("odd", {"name": "odd"}), "is a dict, not a lamina.catalog.Kind"),
        (Point("number", kind("number")), "Lamina itself has a kind of that name"),
        (Point("odd", kind("other")), "called 'other'"),
        (Point("../x", kind("../x")), "same word of small letters"),
    ],
)
def test_a_broken_package_is_named_and_breaks_nothing(
    point: Point, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = kind("good")
    monkeypatch.setattr(plugins, "entry_points_of", lambda group: [point, Point("good", good)])
    kinds = Catalog()
    with pytest.warns(lamina.LaminaWarning, match="broken_package") as told:
        names = list(kinds)
    assert why in str(told[0].message)
    assert names == [*BUILT_IN, "good"]
    assert kinds["number"] is BUILT_IN["number"]
    if point.name not in BUILT_IN:
        assert why in kinds.hint(point.name)


@pytest.mark.parametrize(
    "answer", ["raise ValueError('no')", "return 5", "return Reading('number', 'stolen')"]
)
def test_a_detector_that_fails_is_told_of_and_passed_over(
    answer: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"detector_{abs(hash(answer))}"
    code = f"from lamina.data.columns import Reading\ndef detect(column):\n    {answer}\n"
    (tmp_path / f"{name}.py").write_text(code)
    monkeypatch.syspath_prepend(str(tmp_path))
    added = kind("odd", detect=f"{name}:detect", package="odd 1.0")
    monkeypatch.setitem(KINDS.__dict__, "_found", ({"odd": added}, {}))
    with pytest.warns(lamina.LaminaWarning, match=r"package odd 1\.0 was not asked"):
        found = lamina.schema({"a": [1.5, 2.5, 3.5]})
    assert found["a"].kind == "number"


def test_code_that_cannot_be_imported_is_named() -> None:
    with pytest.raises(PluginError, match="no_such_package"):
        part("no_such_package:Feature")


def test_a_file_cannot_name_a_package_that_is_none() -> None:
    states = [{"kind": "colour", "package": "$(rm -rf) \x1b[31m"}]
    with pytest.raises(ModelFileError, match="a package that the file does not name"):
        Features.from_json(json.loads(json.dumps(states)))


def test_nothing_is_looked_for_before_it_is_needed() -> None:
    code = "from lamina.catalog import KINDS as k; k['number']; 'image' in k; assert '_found' not in vars(k)"
    subprocess.run([sys.executable, "-c", code], check=True)
