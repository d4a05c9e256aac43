"""Numbers as people read them."""

from __future__ import annotations

from math import floor, isfinite, log10
from typing import Final

SIGN: Final = "\u00a0%"  # kept on the line of its number


def number(value: float, digits: int = 3) -> str:
    """With so many digits that matter, and thousands set apart.

    >>> number(0.012345), number(1234.5), number(2.0), number(-0.5), number(3e-12), number(4.2e9)
    ('0.0123', '1,234', '2', '-0.5', '3e-12', '4.2e+09')
    >>> number(0.9997)
    '0.9997'
    """
    if not isfinite(value):
        return "–"
    if value == 0:
        return "0"
    size = floor(log10(abs(value)))
    if 0.995 < abs(value) < 1:  # nearly 1 is not 1
        digits += 2
    if size < -4 or size >= 9:
        return f"{value:.{digits}g}"
    told = f"{value:,.{max(0, digits - 1 - size)}f}"
    return told.rstrip("0").rstrip(".") if "." in told else told


def percent(share: float, digits: int = 1) -> str:
    r"""A share as percent.

    >>> percent(0.8512), percent(float("nan"))
    ('85.1\xa0%', '–')
    """
    return f"{100 * share:.{digits}f}{SIGN}" if isfinite(share) else "–"


def chance(share: float) -> str:
    r"""A probability; what is nearly sure is not called sure.

    >>> chance(0.99997), chance(0.00001), chance(0.5)
    ('>\xa099.9\xa0%', '<\xa00.1\xa0%', '50.0\xa0%')
    """
    if 0.9995 < share < 1:
        return f">\u00a099.9{SIGN}"
    return f"<\u00a00.1{SIGN}" if 0 < share < 0.0005 else percent(share)


def short(source: str) -> str:
    """Where data came from, without the folders above it.

    >>> short("/home/ann/data/test.csv"), short("3 files")
    ('test.csv', '3 files')
    """
    return source.rstrip("/\\").replace("\\", "/").rpartition("/")[2] or source


def between(bounds: tuple[float, float] | None, share: bool = False, digits: int = 1) -> str:
    r"""An interval.

    >>> between((0.1, 0.25), share=True), between(None)
    ('10.0 to 25.0\xa0%', '–')
    """
    if bounds is None or not all(map(isfinite, bounds)):
        return "–"
    if share:
        return f"{100 * bounds[0]:.{digits}f} to {100 * bounds[1]:.{digits}f}{SIGN}"
    return f"{number(bounds[0])} to {number(bounds[1])}"


def size(count: int) -> str:
    """Bytes.

    >>> size(1_300_000)
    '1.3 MB'
    """
    if count < 1000:
        return f"{count} bytes"
    return f"{count / 1e3:.0f} kB" if count < 1e6 else f"{count / 1e6:.1f} MB"


def listed(names: list[str], most: int = 8) -> str:
    """Names with commas between.

    >>> listed(["a", "b", "c"], most=2)
    'a, b and 1 more'
    """
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
