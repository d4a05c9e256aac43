"""Back to an earlier version: one row in the log and a moved alias; no file is touched."""

from __future__ import annotations

from collections.abc import Sequence

from lamina.errors import UsageError
from lamina.store.files import in_use
from lamina.store.log import Event, available
from lamina.store.opened import Opened

TRIES = 5  # against somebody who moves the champion at the same moment


def roll_back(opened: Opened, to: int | str | None, *, who: str, note: str) -> Event:
    """Lets an earlier version be the champion; by default the one before. Also goes forward again.

    The memory is that of the version from then on: rows that came later are not learnt from again.
    Raises UsageError where there is no earlier version, StoreError for one whose file was removed.
    """
    for _ in range(TRIES):
        opened.version()  # there is a champion
        head = opened.log.head()
        assert head is not None
        if to is None:
            target = _before(opened.log.lineage(head))
            version = available(opened.log, in_use(target)).number
        else:
            version = opened.version(to)
            target = _state(opened.log.events(), version)
        written = opened.log.record(
            Event(
                outcome="rolled back",
                who=who,
                version=version,
                memory=head.memory,
                parent=target.id,
                why=f"from version {head.version} to version {version}",
                note=note,
            ),
            moves=True,
            head=head,
        )
        if written.outcome == "rolled back":
            return written
    raise UsageError("The champion was moved again and again by somebody else.", "Try once more.")


def _before(lineage: Sequence[Event]) -> Event:
    """The last state in which another version was in use."""
    for each in lineage[1:]:
        if each.version != lineage[0].version:
            return each
    raise UsageError(
        f"Version {lineage[0].version} is the first: there is none before it.",
        "Name a version to go to; `lamina history` shows them.",
    )


def _state(events: Sequence[Event], version: int) -> Event:
    """The last state in which this version was in use, or else the event that brought it."""
    used = [each for each in events if each.version == version]
    brought = [each for each in events if each.candidate == version]
    return (used or brought)[-1]
