"""Virtual environments for peers that bring their own releases of everything."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

ENVIRONMENTS = {
    "autogluon": (
        "autogluon.tabular[lightgbm,catboost,xgboost,fastai]==1.6.3",
        "polars>=1.20",
    ),
}
DEFAULT = Path.home() / ".cache" / "lamina-benchmarks"


class CannotMakeError(Exception):
    """An environment that could not be made, with what pip said."""


def python_of(name: str, folder: Path) -> Path:
    """The interpreter of the environment, which is made where it is missing or asked for otherwise.

    pip's own settings hold (for torch without CUDA: ``PIP_EXTRA_INDEX_URL``).
    """
    wanted = ENVIRONMENTS[name]
    place, mark = folder / name, hashlib.sha256("\n".join(wanted).encode()).hexdigest()
    python, ready = place / "bin" / "python", place / "ready"
    if ready.exists() and ready.read_text(encoding="utf-8") == mark:
        return python
    print(f"making the environment {name} in {place} …", file=sys.stderr, flush=True)
    _do([sys.executable, "-m", "venv", str(place)])
    _do([str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *wanted])
    ready.write_text(mark, encoding="utf-8")
    return python


def _do(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if not line.startswith("WARNING")]
        raise CannotMakeError(said[-1] if said else f"{command[0]} ended with {done.returncode}")
