"""Lamina: raw data in; one network that predicts, decides and keeps learning out.

>>> import lamina
>>> model = lamina.fit("churn.csv", target="churned")     # doctest: +SKIP
>>> model.evaluate("test.csv")                            # doctest: +SKIP
>>> model.predict("new.csv")                              # doctest: +SKIP
>>> model.save("churn.lamina")                            # doctest: +SKIP
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from lamina.version import __version__

if TYPE_CHECKING:
    from lamina.client import AsyncClient, Client
    from lamina.data.doctor import doctor
    from lamina.decisions.costs import Costs
    from lamina.decisions.limits import Limit
    from lamina.errors import LaminaError, LaminaWarning
    from lamina.model import Model, fit, load, schema
    from lamina.records import Evaluation, Field, Schema
    from lamina.settings import Settings
    from lamina.stores import Store
    from lamina.tasks import Predict, Transcribe
    from lamina.training.precision import Machine

__all__ = [
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
    "Predict",
    "Schema",
    "Settings",
    "Store",
    "Transcribe",
    "__version__",
    "doctor",
    "fit",
    "load",
    "schema",
]

# Where each public name lives: imported when it is first used, so that `import lamina` stays light
_HOMES = {
    "AsyncClient": "lamina.client",
    "Client": "lamina.client",
    "Costs": "lamina.decisions.costs",
    "Limit": "lamina.decisions.limits",
    "Evaluation": "lamina.records",
    "Field": "lamina.records",
    "LaminaError": "lamina.errors",
    "LaminaWarning": "lamina.errors",
    "Machine": "lamina.training.precision",
    "Model": "lamina.model",
    "Predict": "lamina.tasks",
    "Schema": "lamina.records",
    "Settings": "lamina.settings",
    "Store": "lamina.stores",
    "Transcribe": "lamina.tasks",
    "doctor": "lamina.data.doctor",
    "fit": "lamina.model",
    "load": "lamina.model",
    "schema": "lamina.model",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'lamina' has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
