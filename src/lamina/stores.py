"""The second door: a store, where a network lives and goes on learning. It delegates and holds no logic."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from lamina.data.frames import like
from lamina.data.read import read
from lamina.errors import UsageError
from lamina.store.calls import Joined
from lamina.store.history import history
from lamina.store.ids import ids_of, new_ids, required
from lamina.store.lock import whoever
from lamina.store.opened import Opened
from lamina.store.rollback import roll_back

if TYPE_CHECKING:
    from lamina.data.table import Table
    from lamina.decisions.costs import Costs
    from lamina.decisions.limits import Limit
    from lamina.learning.forget import Forgotten
    from lamina.learning.kept_rows import Remembered
    from lamina.learning.memory import MemoryLimits
    from lamina.learning.stored import Learnt
    from lamina.model import Model
    from lamina.network.graph import Graph
    from lamina.store.engines import Wanted
    from lamina.training.precision import Machine


class Store:
    """A folder with all versions of one network, the rows it may learn from again, and a log of its life.

    ``place`` is the folder; the first ``add`` makes it. ``log``: a PostgreSQL address
    ("postgresql://user@host/database") to keep the log in, instead of SQLite in the folder; the store
    remembers it. ``who`` stands in the log, by default user@machine. ``engine``: what answers, "torch",
    "onnx" for a store that was exported, or "auto", which is that where it can be.

    Any number of processes may read and answer while one changes the store; a second one that wants to change
    it gets a BusyError that names the first. Whatever is interrupted leaves the champion as it was.
    """

    def __init__(
        self,
        place: str | Path,
        *,
        log: str | None = None,
        who: str | None = None,
        engine: Wanted = "torch",
    ) -> None:
        self.place = Path(place).expanduser()
        self.who = who or whoever()
        self._log = log
        self._engine = engine
        self._opened: Opened | None = None
        self._models: dict[int, Model] = {}

    # --------------------------------------------------------------------------- what is in it

    @property
    def opened(self) -> Opened:
        """Folder and log. Raises StoreError where there is no store yet."""
        if self._opened is None:
            self._opened = Opened.at(self.place, self._log)
        return self._opened

    @property
    def version(self) -> int:
        """The number of the champion."""
        return self.opened.version()

    @property
    def champion(self) -> Model:
        """The network in use; looked up every time, so that a promotion elsewhere is seen at once."""
        return self.model()

    def model(self, version: int | str | None = None) -> Model:
        """A version by its number or alias ("champion", "candidate"); by default the champion."""
        return self._numbered(version)[1]

    def _numbered(self, version: int | str | None = None) -> tuple[int, Model]:
        """Loads each version once."""
        from lamina.model import Model

        number = self.opened.version(version)
        if number not in self._models:
            number, parts = self.opened.parts(version, self._engine)
            self._models = {number: Model(*parts)}
        return number, self._models[number]

    def history(self) -> pl.DataFrame:
        """The life of the network, a row per event: who, when, what came of it and why, on which data, with
        which scores."""
        return history(self.opened.log.events(), self.opened.log.versions())

    @property
    def memory(self) -> Remembered:
        """How many rows are kept to learn from again, how old they are, and the limits set."""
        from lamina.learning.kept_rows import remembered

        return remembered(self.opened)

    # --------------------------------------------------------------------------- how it changes

    def add(
        self,
        model: Model | str | Path,
        data: Any = None,
        *,
        id: str | None = None,
        note: str = "",
        champion: bool = True,
    ) -> int:
        """Puts a model into the store; the first one, and by default every later one, is the champion.

        ``data`` are the rows it was trained on: from them the memory is filled, if the model does not
        come straight from ``fit`` and holds a sample itself; and it is noted which rows were learnt.
        ``id`` names the column with the rows' ids, for all later calls. Returns the version's number.
        """
        from lamina.learning.added import add
        from lamina.model import Model, load

        self._opened = Opened.made(self.place, self._log, self.who)
        if id is not None:
            self._opened.log.set("id", id)
        if not isinstance(model, Model):
            model = load(model)
        table = None if data is None else read(data, part="train")
        return add(self._opened, model.parts, model.sample, table, who=self.who, note=note, champion=champion)

    def learn(
        self,
        data: Any,
        *,
        stream: bool = False,
        note: str = "",
        on: Machine | None = None,
        wait: float = 0.0,
        **settings: Any,
    ) -> Learnt:
        """Learns from new rows with known answers: checks them, trains a candidate, and lets it take over
        only if it is proved better. The same rows twice change nothing.

        ``stream``: each row is answered and then learnt instead, as ``lamina.Stream`` does it, and nothing is
        proved: the network as it is at the end waits as the candidate (``rollback("candidate")``). ``on``
        says where to compute; ``wait`` how many seconds to wait for somebody else who is changing the store;
        every further setting is one of ``LearnSettings`` (level=0.01, time_limit=60).
        """
        from lamina.learning.stored import by_update, learn

        by = by_update
        if stream:
            from lamina.streams import learnt_as_stream, seed_alone

            by, settings = learnt_as_stream, seed_alone(settings)
        table = read(data, part="train")
        return learn(self.opened, table, settings, who=self.who, note=note, on=on, wait=wait, by=by)

    def rollback(self, to: int | str | None = None, *, note: str = "") -> int:
        """Lets an earlier version be the champion again, by default the one before; returns its number.

        Takes milliseconds, also while somebody learns: that candidate then does not take over. What came
        after that version is not learnt from again, unless its files are given once more.
        """
        event = roll_back(self.opened, to, who=self.who, note=note)
        return self.opened.version() if event.version is None else event.version

    def forget(self, ids: Sequence[Any] | None = None, *, rows: Any = None, note: str = "") -> Forgotten:
        """Forgets rows: by their ``ids`` (of the column named as ``id``), or the ``rows`` themselves.

        They leave the memory and the log of predictions; every version that learnt from them is deleted, and
        the network trained again without them, from the last version that had not seen them; where there is
        none, from the rows that are left. Interrupted, it changes nothing.
        """
        from lamina.learning.forget import forget

        table = None if rows is None else read(rows)
        return forget(self.opened, ids, table, who=self.who, note=note)

    def set(self, *, id: str | None = None, **limits: Any) -> MemoryLimits:
        """Sets the column with the rows' ids, and what the memory may keep: ``learn`` and ``judge`` rows at
        most, ``oldest`` in days, columns ``without``, ``mode`` ("rows", "features": no
        cell, only what the network reads, or "none"). Takes effect at once."""
        from lamina.learning.kept_rows import limit

        if id is not None:
            self.opened.log.set("id", id)
        return limit(self.opened, limits, who=self.who)

    def export(self, data: Any = None) -> Graph:
        """Lets every champion from now on be written as an ONNX graph, too, so that it answers without torch
        (``Store(place, engine="onnx")``, ``lamina serve``), and the one in use at once, as a version of its
        own. The graph is held against torch on rows of ``data``, by default those kept to learn from again.

        Raises ExportError where no graph can be made, MissingExtraError without the extra ``onnx``; then
        nothing is changed. A later champion of which none can be made is warned of, and torch answers for it.
        """
        from lamina.learning.added import add_exported

        table = None if data is None else read(data, part="all")
        return add_exported(self.opened, table, who=self.who)

    # --------------------------------------------------------------------------- what it answers

    def predict(
        self,
        data: Any,
        *,
        id: str | None = None,
        log: bool = False,
        probabilities: bool | None = None,
        coverage: float | None = None,
    ) -> Any:
        """The champion's answers, as ``Model.predict`` gives them.

        With ``log`` they are kept in the log, and what really happened can be joined to them later: by the
        ids in the column ``id``, or by new ones, told in the column ``id`` of the answers.
        """
        from lamina.store.logged import remember

        table = read(data, part="all")
        version, model = self._numbered()
        answers = model.predict(table, probabilities=probabilities, coverage=coverage)
        if log:
            ids = self._ids(table, id)
            remember(self.opened, model.fitted, version, table, answers, ids, self.who, coverage)
            answers = _with_ids(answers, ids)
        return like(answers, data)

    def decide(
        self,
        data: Any,
        costs: Costs,
        *,
        limits: Sequence[Limit] = (),
        id: str | None = None,
        log: bool = False,
    ) -> Any:
        """The champion's decisions, as ``Model.decide`` gives them; ``log`` and ``id`` as in ``predict``. The
        money that they really made is in ``live``, once the answers have come."""
        from lamina.decisions.of_model import decide, rows_of
        from lamina.store.logged import remember_decisions

        table = read(data, part="all")
        version, model = self._numbered()
        made = decide(model.fitted, rows_of(model.fitted, table), costs, limits)
        told = made.frame
        if log:
            ids = self._ids(table, id)
            remember_decisions(self.opened, model.fitted, version, table, made, ids, self.who)
            told = _with_ids(told, ids)
        return like(told, data)

    def feedback(self, data: Any, *, id: str | None = None) -> Joined:
        """Takes what really happened: rows with an id and the target. Joined to the predictions logged; the
        same rows twice change nothing."""
        from lamina.store.feedback import take_feedback

        table = read(data, part="all")
        column = required(id or self.opened.log.setting("id"))
        return take_feedback(self.opened, table, column, self.who)

    def live(
        self, *, every: str = "month", target: str | None = None, by_version: bool = False
    ) -> pl.DataFrame:
        """How good the answers logged really were, a row per ``every`` (hour, day, week, month, year): for
        classes accuracy and calibration, for numbers errors and how often bounds held, for decisions money.

        Before answers arrive accuracy is estimated, from confidence; ``estimate_off`` says how wrong that
        was, on the rows whose answers have come.
        """
        from lamina.store.live import live

        schema = self.opened.schema()
        target = target or schema.with_role("target")[0].name
        if target not in [field.name for field in schema.with_role("target")]:
            raise UsageError(f"{target!r} is no target.", "Name one that the network predicts.")
        return live(self.opened.calls.frame(target), schema[target].answer, every, by_version)

    def _ids(self, table: Table, column: str | None) -> list[str]:
        """The ids of the rows: theirs where a column is known to hold them, else new ones."""
        column = column or self.opened.log.setting("id")
        return new_ids(len(table)) if column is None else ids_of(table, column)

    def __repr__(self) -> str:
        return f"Store({str(self.place)!r})"


def _with_ids(answers: pl.DataFrame, ids: Sequence[str]) -> pl.DataFrame:
    return answers.insert_column(0, pl.Series("id", ids, dtype=pl.String))
