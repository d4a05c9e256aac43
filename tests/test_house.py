"""What holds for the whole package: names, light imports, the direction of imports, pages that run."""

from __future__ import annotations

import ast
import doctest
import os
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

import lamina
from lamina.model import Model
from small_data import write_churn, write_digits

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "src" / "lamina"

# --------------------------------------------------------------------------------------------- names


def test_the_public_names():
    assert sorted(lamina.__all__) == [
        *(
            "AsyncClient",
            "Client",
            "Costs",
            "Evaluation",
            "Field",
            "LaminaError",
            "LaminaWarning",
            "Limit",
            "Machine",
            "Model",
        ),
        "Predict",
        *(
            "Schema",
            "Settings",
            "Store",
            "Stream",
            "Transcribe",
            "__version__",
            "doctor",
            "fit",
            "load",
            "schema",
        ),
    ]
    assert dir(lamina) == sorted(lamina.__all__)


@pytest.mark.parametrize("name", lamina.__all__)
def test_every_public_name_is_there_and_explained(name: str):
    value = getattr(lamina, name)
    assert name == "__version__" or len(value.__doc__.split()) > 3


def test_no_other_name():
    with pytest.raises(AttributeError, match="'lamina' has no attribute 'predict'"):
        _ = lamina.predict


# -------------------------------------------------------------------------------------- light imports


def loaded(code: str, heavy: set[str], folder: Path) -> set[str]:
    """Which of the heavy modules a fresh Python has loaded after this code."""
    ending = f"\nimport sys\nprint('loaded:', *({heavy!r} & set(sys.modules)))"
    ran = subprocess.run(
        [sys.executable, "-c", code + ending], capture_output=True, text=True, check=True, cwd=folder
    )
    return set(ran.stdout.splitlines()[-1].removeprefix("loaded:").split())


def test_importing_lamina_is_light(tmp_path: Path):
    assert loaded("import lamina", {"torch", "polars", "numpy", "sklearn", "typer"}, tmp_path) == set()


@pytest.mark.parametrize(
    "arguments", [["--help"], ["fit", "--help"], ["--version"], ["schema", "churn.csv"], ["doctor", "--help"]]
)
def test_looking_around_needs_no_torch(arguments: list[str], churn_folder: Path):
    code = (
        f"import sys\nsys.argv = {['lamina', *arguments]!r}\nfrom lamina.cli.main import main\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert not end.code"
    )
    assert loaded(code, {"torch", "sklearn", "pandas"}, churn_folder) == set()


def test_looking_at_a_store_and_rolling_back_need_no_torch(tmp_path: Path, churn_model: Model):
    store = lamina.Store(tmp_path / "store")
    store.add(churn_model)
    store.add(churn_model)
    code = (
        f"import lamina\nstore = lamina.Store({str(store.place)!r})\nassert store.rollback() == 1\n"
        "assert store.history().height == 3\nstore.live()"
    )
    assert loaded(code, {"torch", "sklearn", "pandas"}, tmp_path) == set()


# --------------------------------------------------------------------------- the direction of imports

# Data passes through the stages in this order; a stage imports from those before it.
STAGES = (
    *("data", "features", "network", "training", "predictions"),
    *("decisions", "store", "learning"),
)
# What every stage may use, and which uses no stage.
COMMON = {
    "records",
    "errors",
    "tasks",
    "settings",
    "catalog",
    "files",
    "progress",
    "scores",
    "version",
    "warned",
}
# What stands around the stages; no stage knows of it.
AROUND = {
    "model",
    "stores",
    "streams",
    "client",
    "cli",
    "report",
    "sklearn",
    "checks",
    "serve",
    "studio",
    "scale",
}


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def part_of(path: Path) -> str:
    """``data/read.py`` → data, ``errors.py`` → errors."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported(path: Path) -> Iterator[tuple[int, str]]:
    """Line and part of every import from the package, also inside functions; not those for types only."""
    waiting: list[ast.AST] = [ast.parse(path.read_text(encoding="utf-8"))]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            waiting += node.orelse
            continue
        waiting += ast.iter_child_nodes(node)
        names = []
        if isinstance(node, ast.Import):
            names = [each.name for each in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno} imports by dots"
            names = [f"{node.module}.{each.name}" for each in node.names]
        for name in names:
            if name.startswith("lamina."):
                yield node.lineno, name.split(".")[1]


def allowed(part: str) -> set[str]:
    """The parts that a part may import."""
    if part in STAGES:
        return {*STAGES[: STAGES.index(part) + 1], *COMMON}
    return COMMON if part in COMMON else {*STAGES, *COMMON, *AROUND, "__version__"}


def test_every_module_has_its_place():
    parts = {part_of(path) for path in modules()}
    assert parts <= {*STAGES, *COMMON, *AROUND, "__init__", "__main__"}


def test_imports_follow_the_data():
    wrong = [
        f"{path.relative_to(PACKAGE)}:{line} imports {part}"
        for path in modules()
        for line, part in imported(path)
        if part not in allowed(part_of(path))
    ]
    assert not wrong, "\n".join(wrong)


def test_the_check_of_imports_sees_them(tmp_path: Path):
    path = tmp_path / "some.py"
    path.write_text(
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from lamina.model import Model\n"
        "import lamina.store.file\ndef f():\n    from lamina import sklearn\n"
    )
    assert sorted(imported(path)) == [(4, "store"), (6, "sklearn")]


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_every_module_says_what_it_is_for(path: Path):
    text = path.read_text(encoding="utf-8")
    assert not text or ast.get_docstring(ast.parse(text))


def test_the_catalog_names_parts_that_exist():
    catalog = import_module("lamina.catalog")
    for kind in catalog.KINDS.values():
        assert catalog.part(kind.feature).kind == kind.name
        assert catalog.part(kind.input)


# -------------------------------------------------------------------------------------- pages that run


def blocks(page: str) -> Iterator[tuple[int, str, str]]:
    """First line, language and text of every fenced block."""
    language, start, body = None, 0, list[str]()
    for number, line in enumerate(page.splitlines(), 1):
        if not line.lstrip().startswith("```"):
            body.append(line)
        elif language is None:
            language, start, body = line.strip().removeprefix("```"), number + 1, []
        else:
            yield start, language, "\n".join(body) + "\n"
            language = None


def commands(block: str) -> list[str]:
    """The ``$ lamina …`` lines of a console block; what stands between them is their output."""
    lines = block.replace("\\\n", " ").splitlines()
    return [line.removeprefix("$ ") for line in lines if line.startswith("$ lamina ")]


def run_command(command: str, where: str) -> None:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    ran = subprocess.run(
        ["bash", "-c", command], env={**os.environ, "PATH": path}, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, f"{where}: {command}\n{ran.stdout}{ran.stderr}"


def run_python(block: str, names: dict[str, object], where: str) -> None:
    if ">>> " not in block:
        exec(compile(block, where, "exec"), names)
        return
    test = doctest.DocTestParser().get_doctest(block, names, where, where, 0)
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    said: list[str] = []
    assert runner.run(test, out=said.append, clear_globs=False).failed == 0, "".join(said)
    names.update(test.globs)


GUIDES = [pytest.param(path, marks=pytest.mark.slow) for path in sorted((ROOT / "docs").glob("*.md"))]


@pytest.mark.parametrize("page", [ROOT / "README.md", *GUIDES], ids=lambda path: path.name)
def test_the_page_runs(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    found = list(blocks(page.read_text(encoding="utf-8")))
    write_churn(tmp_path)
    write_digits(tmp_path / "digits")
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {"__name__": "__main__"}
    for line, language, text in found:
        where = f"{page.name}:{line}"
        if language == "python":
            run_python(text, names, where)
        elif language == "console":
            for command in commands(text):
                run_command(command, where)
