"""Amounts of money that depend on the row: ``0.02 * amount + 5``, read without running any code.

Numbers, column names (in backquotes where they are no single word), ``+ - * /``, brackets, ``min`` and
``max``: nothing else is understood.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import reduce
from typing import Any, Final

import numpy as np

from lamina.errors import UsageError, nearest

LONGEST: Final = 500  # characters
DEEPEST: Final = 30  # brackets in brackets

_TWO: Final[dict[type[ast.operator], Callable[[Any, Any], Any]]] = {
    ast.Add: np.add, ast.Sub: np.subtract, ast.Mult: np.multiply, ast.Div: np.divide,
}  # fmt: skip
_MANY: Final[dict[str, Callable[[Any, Any], Any]]] = {"min": np.minimum, "max": np.maximum}


@dataclass(frozen=True)
class Formula:
    """A checked formula: its ``text`` and the ``columns`` it needs."""

    text: str
    columns: tuple[str, ...]
    _tree: ast.expr
    _quoted: tuple[str, ...]

    @classmethod
    def of(cls, content: str | float) -> Formula:
        """From what a user wrote. Raises UsageError for anything that is no formula.

        >>> Formula.of("0.02 * amount + 5").columns
        ('amount',)
        """
        text = str(content).strip()
        if len(text) > LONGEST:
            raise _wrong(text[:40] + "…", f"is longer than {LONGEST} characters")
        quoted: list[str] = []

        def kept(found: re.Match[str]) -> str:
            quoted.append(found[1])
            return f"quoted_{len(quoted) - 1}_"

        plain = re.sub(r"`([^`]+)`", kept, text)
        try:
            tree = ast.parse(plain, mode="eval").body
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            raise _wrong(text, "cannot be read") from error
        columns: dict[str, None] = {}
        _check(tree, text, tuple(quoted), columns, 0)
        return cls(text, tuple(columns), tree, tuple(quoted))

    def __call__(self, rows: Mapping[str, np.ndarray], count: int) -> np.ndarray:
        """The amount in every row, float64 ``(count,)``."""
        with np.errstate(all="ignore"):
            value = _value(self._tree, rows, self._quoted)
        return np.broadcast_to(np.asarray(value, np.float64), (count,))


def _check(node: ast.expr, text: str, quoted: tuple[str, ...], columns: dict[str, None], depth: int) -> None:
    """Raises UsageError for everything that is not on the list; notes the columns."""
    if depth > DEEPEST:
        raise _wrong(text, "has too many brackets in brackets")
    if isinstance(node, ast.Constant):
        if isinstance(node.value, bool) or not isinstance(node.value, int | float):
            raise _wrong(text, f"holds {node.value!r}, which is no number")
        if abs(node.value) > sys.float_info.max:
            raise _wrong(text, "holds a number that is too large")
        return
    if isinstance(node, ast.Name):
        columns[_named(node.id, quoted)] = None
        return
    parts: list[ast.expr] = []
    if isinstance(node, ast.BinOp) and type(node.op) in _TWO:
        parts = [node.left, node.right]
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
        parts = [node.operand]
    elif (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in _MANY
        and len(node.args) > 1
        and not node.keywords
    ):
        parts = node.args
    else:
        raise _wrong(text, f"holds {ast.unparse(node)[:40]!r}, which is not understood")
    for each in parts:
        _check(each, text, quoted, columns, depth + 1)


def _value(node: ast.expr, rows: Mapping[str, np.ndarray], quoted: tuple[str, ...]) -> Any:
    if isinstance(node, ast.Constant):
        return float(node.value)  # type: ignore[arg-type]
    if isinstance(node, ast.Name):
        return rows[_named(node.id, quoted)]
    if isinstance(node, ast.BinOp):
        return _TWO[type(node.op)](_value(node.left, rows, quoted), _value(node.right, rows, quoted))
    if isinstance(node, ast.UnaryOp):
        value = _value(node.operand, rows, quoted)
        return -value if isinstance(node.op, ast.USub) else value
    assert isinstance(node, ast.Call)
    assert isinstance(node.func, ast.Name)
    return reduce(_MANY[node.func.id], (_value(each, rows, quoted) for each in node.args))


def _named(name: str, quoted: tuple[str, ...]) -> str:
    found = re.fullmatch(r"quoted_(\d+)_", name)
    return quoted[int(found[1])] if found and int(found[1]) < len(quoted) else name


def _wrong(text: str, why: str) -> UsageError:
    return UsageError(
        f"The amount {text!r} {why}.",
        "Write a number, or a formula of columns such as 0.02 * amount + 5, min(amount, 500) or "
        "`Order total` / 2.",
        formula=text,
    )


def check_columns(formulas: list[Formula], columns: list[str]) -> None:
    """Raises UsageError where a formula names a column that is not there."""
    for formula in formulas:
        for name in formula.columns:
            if name not in columns:
                raise UsageError(
                    f"The amount {formula.text!r} names {name!r}, which is no column of the data.",
                    nearest(name, columns),
                    formula=formula.text,
                    column=name,
                )
