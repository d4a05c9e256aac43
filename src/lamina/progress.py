"""What a person sees during long work: a bar with time left, loss and score; nothing in a pipe."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Any, Self


class Bar:
    """A progress bar on standard error, silent unless that is a terminal.

    Used as a context manager; ``at`` moves it, ``say`` changes the words behind it. Work that is done
    within ``after`` seconds shows none.
    """

    def __init__(self, title: str, total: int, *, shown: bool = True, after: float = 0.0) -> None:
        self.title, self.total = title, total
        self.shown = shown and sys.stderr.isatty()
        self._due = time.monotonic() + after
        self._bar: Any = None
        self._task: Any = None

    def __enter__(self) -> Self:
        self._start()
        return self

    def _start(self) -> None:
        if self.shown and self._bar is None and time.monotonic() >= self._due:
            from rich.console import Console
            from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

            self._bar = Progress(
                TextColumn("{task.description}"),
                BarColumn(),
                TextColumn("{task.percentage:>3.0f} %"),
                TimeRemainingColumn(),
                TextColumn("{task.fields[words]}"),
                console=Console(stderr=True),
                transient=True,
            )
            self._bar.start()
            self._task = self._bar.add_task(self.title, total=self.total, words="")

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def at(self, done: float) -> None:
        """Moves the bar to ``done`` of ``total``."""
        self._start()
        if self._bar is not None:
            self._bar.update(self._task, completed=done)

    def say(self, words: str) -> None:
        if self._bar is not None:
            self._bar.update(self._task, words=words)
