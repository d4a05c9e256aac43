"""What a person sees while a network trains: a bar with time left, loss and score; nothing in a pipe."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import Any, Self


class Bar:
    """A progress bar on standard error, silent unless that is a terminal.

    Used as a context manager; ``step`` moves it, ``say`` changes the words behind it.
    """

    def __init__(self, title: str, total: int, *, shown: bool = True) -> None:
        self.title, self.total = title, total
        self.shown = shown and sys.stderr.isatty()
        self._bar: Any = None
        self._task: Any = None

    def __enter__(self) -> Self:
        if self.shown:
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
        return self

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
        if self._bar is not None:
            self._bar.update(self._task, completed=done)

    def say(self, words: str) -> None:
        if self._bar is not None:
            self._bar.update(self._task, words=words)
