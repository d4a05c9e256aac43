"""The one JSON file with all that was measured. It is added to row by row, so that a run can go on."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

Row = dict[str, Any]
KEY = ("suite", "set", "peer", "seed")


class Results:
    """``rows``, one per suite, set, peer and seed; ``machines`` by name. Several runs may add at once."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> dict[str, Any]:
        if not self.path.exists():
            return {"format": 1, "machines": {}, "rows": []}
        return json.loads(self.path.read_text(encoding="utf-8"))

    def rows(self) -> list[Row]:
        return self.read()["rows"]

    def done(self, key: tuple[Any, ...]) -> bool:
        """Whether it has been measured or has failed; a peer that was absent may have come."""
        return any(key_of(row) == key and "absent" not in row for row in self.rows())

    def add(self, row: Row) -> None:
        """In place of the row with the same key."""
        with self._changed() as held:
            kept = [each for each in held["rows"] if key_of(each) != key_of(row)]
            held["rows"] = sorted([*kept, row], key=lambda each: [str(part) for part in key_of(each)])

    def add_machine(self, name: str, facts: Row) -> None:
        """The best rates that were ever measured stay: other work on the machine only lowers them."""
        with self._changed() as held:
            old = held["machines"].get(name, {})
            rates = {each: max(facts[each], old.get(each, 0)) for each in facts if each.endswith("_gflops")}
            held["machines"][name] = {**old, **facts, **rates}

    @contextmanager
    def _changed(self) -> Iterator[dict[str, Any]]:
        """The file is locked, read, and written whole or not at all."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with open(self.path.with_suffix(".lock"), "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            held = self.read()
            yield held
            fresh = self.path.with_suffix(".new")
            fresh.write_text(_text(held), encoding="utf-8")
            os.replace(fresh, self.path)


def key_of(row: Row) -> tuple[Any, ...]:
    return tuple(row[part] for part in KEY)


def _text(held: dict[str, Any]) -> str:
    """A line per row, so that changes can be read."""
    rows = ",\n  ".join(json.dumps(_short(row), ensure_ascii=False) for row in held["rows"])
    head = {name: value for name, value in held.items() if name != "rows"}
    told = json.dumps(head, indent=1, ensure_ascii=False).removesuffix("\n}")
    return f'{told},\n "rows": [\n  {rows}\n ]\n}}\n'


def _short(value: Any) -> Any:
    """Six digits are enough."""
    if isinstance(value, float):
        return float(f"{value:.6g}")
    if isinstance(value, dict):
        return {name: _short(each) for name, each in value.items()}
    return [_short(each) for each in value] if isinstance(value, list) else value
