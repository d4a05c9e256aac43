"""What was found in data, as Python warnings."""

from __future__ import annotations

import warnings
from collections.abc import Iterable

from lamina.errors import LaminaWarning
from lamina.records import Finding


def warn_of(findings: Iterable[Finding]) -> None:
    """One Python warning per finding that a user should know of."""
    for each in findings:
        if each.severity != "note":
            warnings.warn(f"{each.message} {each.remedy}".strip(), LaminaWarning, stacklevel=3)
