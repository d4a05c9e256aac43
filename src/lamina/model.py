"""The door: fit, predict, evaluate, explain, report, inspect, save, load. It delegates and holds no logic."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from numbers import Integral
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from lamina.data.conform import conform
from lamina.data.fingerprint import fingerprint
from lamina.data.frames import like
from lamina.data.groups import grouping, with_groups
from lamina.data.infer import infer
from lamina.data.read import read
from lamina.errors import UsageError, need_torch
from lamina.predictions.baseline import Baseline
from lamina.predictions.one_row import OneRow, UnusualError, cells_of, in_kind
from lamina.predictions.predict import InParts, predict
from lamina.progress import Bar
from lamina.records import Evaluation, Finding, Quality, Schema
from lamina.settings import settings_from
from lamina.store import model_file
from lamina.tasks import Task, as_task
from lamina.training.fitted import Fitted
from lamina.training.sample import Sample
from lamina.version import __version__
from lamina.warned import warn_of

if TYPE_CHECKING:
    from lamina.decisions.costs import Costs
    from lamina.decisions.limits import Limit
    from lamina.decisions.of_model import Rows
    from lamina.decisions.worth import Money
    from lamina.learning.memory import Memory
    from lamina.network.graph import Graph
    from lamina.predictions.explain.records import Counterfactual, Explanation
    from lamina.predictions.inspect import LayerInfo, Trace
    from lamina.predictions.judged import Judge
    from lamina.store.engines import Wanted
    from lamina.training.encode import Encoded
    from lamina.training.precision import Machine

MORE: Final = "What was asked for is more than answers: it"


class Model:
    """One trained network: what it understood, how good it is, and its verbs.

    ``sample`` are some of the rows it was trained on, where it comes straight from ``fit``: a store goes on
    learning with them. No file holds them.
    """

    def __init__(
        self, fitted: Fitted, baseline: Baseline, validation: Evaluation, sample: Sample | None = None
    ) -> None:
        self.fitted = fitted
        self.baseline = baseline
        self.validation = validation
        self.sample = sample
        self._one_row: OneRow | None = None

    @property
    def parts(self) -> tuple[Fitted, Baseline, Evaluation]:
        """What a model file holds."""
        return self.fitted, self.baseline, self.validation

    @property
    def kept(self) -> Memory | None:
        """The sample as a memory to go on learning with; None for a model that was loaded from a file."""
        from lamina.learning.first import first_memory

        return None if self.sample is None else first_memory(self.fitted, self.sample)

    @property
    def schema(self) -> Schema:
        """All fields of the training table: kind, role, and why."""
        return self.fitted.schema

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What was noticed in the training data."""
        return self.fitted.findings

    def predict(self, data: Any, *, probabilities: bool | None = None, coverage: float | None = None) -> Any:
        """Answers for the rows of ``data`` (a file, a folder, or a frame), one row each, in order.

        The answer is of the frame type that came in (polars for files): ``predicted_<target>``, for classes
        also ``probability`` of that class and ``probability_<class>`` of each one (up to 20 classes unless
        ``probabilities`` says otherwise) and the ``prediction_set`` of classes that cannot be ruled out, for
        numbers ``<target>_low`` and ``<target>_high``, for quantiles ``<target>_q10`` … ``novelty`` is how
        unlike the training rows a row is, 0 to 1; ``abstain`` says where not to rely on the answer, and
        ``abstain_reason`` why. What cannot be read is answered as missing and warned of."""
        quick = self._quickly(data, probabilities, coverage)
        if quick is not None:
            return quick
        table = read(data, part="all")
        if table.large:
            parts = InParts(self.fitted, table, probabilities=probabilities, coverage=coverage)
            answers = pl.concat([answers for _, answers in parts])
            warn_of(parts.findings)
            return answers
        frame, findings = conform(table, self.schema, need_target=False)
        with Bar("predicting", frame.height) as bar:
            answers, unreadable = predict(
                self.fitted, frame, probabilities=probabilities, coverage=coverage, watch=bar.at
            )
        warn_of((*table.findings, *findings, *unreadable))
        return like(answers, data)

    def _quickly(self, data: Any, probabilities: bool | None, coverage: float | None) -> Any:
        """The answer for a single row of plain cells; None for everything else."""
        cells = cells_of(data)
        if cells is None:
            return None
        if self._one_row is None:
            self._one_row = OneRow(self.fitted)
        try:
            told = self._one_row.answer(cells, probabilities=probabilities, coverage=coverage)
        except UnusualError:
            return None
        return in_kind(told, data)

    def evaluate(self, data: Any, *, by: str | Sequence[str] = ()) -> Evaluation:
        """Scores on rows with known answers, with 95 % intervals, beside the baselines.

        ``by`` names columns of the data: the rows are judged in groups of each, too, and groups that fare
        clearly worse are named. A source in parts (``train/`` and ``test/`` folders, idx files) is read by
        its test part.
        """
        need_torch(MORE)
        from lamina.predictions.evaluate import evaluate

        table = read(data, part="test")
        columns = [by] if isinstance(by, str) else list(dict.fromkeys(by))
        schema = with_groups(self.schema, table, columns)
        frame, findings = conform(table, schema, need_target=True)
        groups = [grouping(frame, schema[name]) for name in columns]
        with Bar("evaluating", frame.height) as bar:
            scored = evaluate(self.fitted, self.baseline, frame, on=table.source, by=groups, watch=bar.at)
        warn_of((*table.findings, *findings))
        return scored

    def explain(
        self,
        data: Any,
        *,
        rows: int | Sequence[int] | None = None,
        what: str | Sequence[str] = "columns",
        of: str | Sequence[str] | None = None,
        background: Any = None,
        seed: int = 0,
        pictures: str | Path | None = None,
    ) -> Explanation:
        """Why the rows of ``data`` are answered as they are.

        ``what``: "columns" (how far each column moved each answer), "inside" (which words of a text, pixels
        of a picture, moments of a recording did) or "importance" (which columns matter over all rows; with
        known answers also what is lost without them), or several. ``rows``: their
        numbers from 0, by default all. ``of``: the class or label, or of several targets the column; by
        default the answered class, of two classes always the second. ``background``: rows to compare with,
        by default ``data`` itself; a model holds no rows of its training. The same ``seed`` gives the same
        answers. ``pictures``: a folder to which what is inside pictures, clips and recordings is written as
        PNG files.

        Raises UsageError for masks and transcripts, for rows that are not there, and where there is
        nothing to compare with.
        """
        need_torch(MORE)
        from lamina.predictions.explain.explain import explain
        from lamina.predictions.explain.overlay import write_overlays

        frame = self._inputs(data)
        found = explain(
            self.fitted,
            frame,
            rows=[int(rows)] if isinstance(rows, int | Integral) else rows,
            what=[what] if isinstance(what, str) else what,
            of=of,
            background=None if background is None else self._inputs(background),
            seed=seed,
        )
        if pictures is not None:
            write_overlays(self.fitted, frame, found.inside, pictures)
        return found

    def counterfactual(
        self,
        data: Any,
        *,
        changeable: Mapping[str, Any] | Sequence[str],
        row: int = 0,
        wanted: Any = None,
        of: str | None = None,
    ) -> Counterfactual:
        """The least change of a row of ``data`` after which it is answered as ``wanted``.

        ``changeable`` names the columns that may change, or says how: {"charge": "down", "months": (12, 36),
        "plan": ["plus", "pro"], "joined": "up", "city": "any"}. ``wanted``: a class or a label; of a number
        bounds, (None, 100) for at most 100; by default any other class. ``of``: of several targets, the
        column. As few columns as possible are changed, and these as little as possible; numbers and dates
        stay within the range of training, categories are those of training.

        Raises UsageError for columns that cannot change and answers that cannot be wanted.
        """
        need_torch(MORE)
        from lamina.predictions.explain.change import counterfactual

        frame = self._inputs(data)
        self._check_row(frame, row)
        return counterfactual(self.fitted, frame, row, changeable=changeable, wanted=wanted, of=of)

    def similar(
        self, data: Any, *, among: Any, count: int = 5, rows: int | Sequence[int] | None = None
    ) -> Any:
        """For the rows of ``data`` the most alike rows ``among`` others, by what the network sees in them.

        A line for each: ``row`` and ``similar_row``, numbers from 0, the ``similarity``, at most 1, and the
        columns of that row; most alike first; the frame type that came in as ``data``. A model file holds no
        rows, so bring those to search, such as the training table. ``rows``: by default all of ``data``.

        Raises UsageError for rows that are not there.
        """
        need_torch(MORE)
        from lamina.predictions.explain.explain import chosen_rows
        from lamina.predictions.similar import most_similar, similar_frame

        frame, others = self._inputs(data), self._rows(among)
        chosen = chosen_rows(frame, [int(rows)] if isinstance(rows, int | Integral) else rows)
        alike = most_similar(self.fitted, frame[chosen], others.conformed, count)
        return like(similar_frame(alike, chosen, others.raw), data)

    def _inputs(self, data: Any) -> pl.DataFrame:
        """The conformed rows; what cannot be read is warned of."""
        table = read(data, part="all")
        frame, findings = conform(table, self.schema, need_target=False)
        warn_of((*table.findings, *findings))
        return frame

    def report(
        self,
        data: Any,
        path: str | Path,
        *,
        costs: Costs | None = None,
        by: str | Sequence[str] = (),
        examples: int = 12,
    ) -> Path:
        """Writes one HTML page, which needs nothing else, on rows with known answers: how good the answers
        are beside baselines, where they err, how far to trust them, which columns matter, and the model card.

        ``costs``: also what deciding by them is worth; ``by``: also how groups of these columns fare;
        ``examples``: how many rows of each target, answered worst, the page shows of ``data`` (0 to 50).
        """
        need_torch(MORE)
        from lamina.report.report import write_report

        columns = [by] if isinstance(by, str) else list(dict.fromkeys(by))
        facts = write_report(self, data, path, costs=costs, by=columns, examples=examples)
        warn_of(facts.findings)
        return Path(path)

    def decide(self, data: Any, costs: Costs, *, limits: Sequence[Limit] = ()) -> Any:
        """The action with the best expected value for every row: ``action``, ``expected_value`` (money made:
        minus the cost), ``runner_up`` and its value, and the ``reason``; the frame type that came in.

        ``limits`` on how often actions are taken, or on what they spend, are obeyed exactly.
        """
        from lamina.decisions.of_model import decide

        return like(decide(self.fitted, self._rows(data), costs, limits).frame, data)

    def worth(self, data: Any, costs: Costs, *, limits: Sequence[Limit] = (), trained: Any = None) -> Money:
        """The money that ``decide`` would have made on rows with known answers, beside doing nothing, always
        the same action, and thresholds; ``trained`` are rows on which the best threshold is chosen."""
        from lamina.decisions.of_model import judge

        known = None if trained is None else self._rows(trained, need_target=True)
        return judge(self.fitted, self._rows(data, need_target=True), costs, limits, known)

    def what_if(
        self,
        data: Any,
        costs: Costs,
        entry: tuple[str, str],
        amounts: Iterable[float],
        *,
        limits: Sequence[Limit] = (),
    ) -> pl.DataFrame:
        """Expected value as the amount at ``entry`` (action, class) takes each of ``amounts``; with known
        answers also what was really made."""
        from lamina.decisions.of_model import what_if

        return what_if(self.fitted, self._rows(data), costs, entry, amounts, limits)

    def order(
        self,
        data: Any,
        *,
        too_much: str | float,
        too_little: str | float,
        stock: str | float = 0.0,
        pack: float = 1.0,
        minimum: float = 0.0,
        service: float | None = None,
    ) -> Any:
        """How much to order for every row, by the quantiles of what is needed: ``order``, ``expected_cost``,
        and the ``service`` level reached.

        ``too_much`` and ``too_little`` are costs per unit left or missing, ``stock`` what is there (numbers
        or formulas of columns); orders are multiples of ``pack``, nothing or at least ``minimum``, and
        enough with the probability ``service`` where it is given. For several periods of delivery time,
        predict what is needed in all of them."""
        from lamina.decisions.of_model import order

        told = order(
            self.fitted, self._rows(data), too_much=too_much, too_little=too_little, stock=stock,
            pack=pack, minimum=minimum, service=service,
        )  # fmt: skip
        return like(told, data)

    def _rows(self, data: Any, *, need_target: bool = False) -> Rows:
        from lamina.decisions.of_model import rows_of

        return rows_of(self.fitted, read(data, part="test" if need_target else "all"), need_target)

    def inspect(self, data: Any = None, *, row: int = 0) -> str:
        """The layers, neurons and weights; with ``data`` the way of one row from raw value to answer."""
        need_torch(MORE)
        from lamina.predictions.inspect import describe_network, trace_row

        if data is None:
            return describe_network(self.fitted)
        return trace_row(self.fitted, self._row(data, row))

    def layers(self) -> list[LayerInfo]:
        """The layers in the order in which data passes through them."""
        need_torch(MORE)
        from lamina.predictions.inspect import layers_of

        return layers_of(self.fitted)

    def trace(self, data: Any, row: int = 0) -> Trace:
        """What one row makes of every layer, as a record."""
        need_torch(MORE)
        from lamina.predictions.inspect import trace

        return trace(self.fitted, self._row(data, row))

    def _row(self, data: Any, row: int) -> pl.DataFrame:
        frame, _ = conform(read(data), self.schema, need_target=False)
        self._check_row(frame, row)
        return frame[row]

    def _check_row(self, frame: pl.DataFrame, row: int) -> None:
        if not 0 <= row < frame.height:
            raise UsageError(
                f"There is no row {row}: the table has {frame.height:,} rows.",
                f"Name a row from 0 to {frame.height - 1}.",
                row=row,
            )

    def save(self, path: str | Path) -> Path:
        """Writes one ``.lamina`` file, whole or not at all."""
        return model_file.save(path, *self.parts, __version__)

    def export(self, path: str | Path, data: Any = None, *, int8: bool = False) -> Graph:
        """Writes a model file that holds the network as an ONNX graph, too, so that it answers without torch:
        ``lamina.load(path, engine="onnx")``. Later calls of ``save`` keep it.

        The graph is held against torch on rows of ``data``, by default those kept from ``fit``, or else made
        ones. Returns what was found: the largest difference (``gap``), on how many rows, and whose.

        ``int8`` gives large matrices weights of 8 bits, as of encoders of texts: faster and smaller, with
        answers of their own; ``data`` must then have known answers, by which it is judged (``scores``).

        Raises ExportError where no graph can be made or it answers otherwise (with ``int8``: clearly worse),
        MissingExtraError without the extra ``onnx``.
        """
        from lamina.predictions.exported import as_int8, as_onnx

        frame, on = None, ""
        if data is not None:
            table = read(data, part="test" if int8 else "all")
            frame, on = conform(table, self.schema, need_target=int8)[0], table.source
        elif int8:
            raise UsageError(
                "Weights of 8 bits are judged on rows with known answers, and none were named.",
                "Name some that were not learnt from, such as test.csv.",
            )
        elif self.sample is not None:
            frame, on = self.sample.frame, "training rows"
        onnx = as_onnx(self.fitted, frame, on)
        if int8 and frame is not None:
            onnx = as_int8(self.fitted, onnx, frame, on)
        self.fitted = replace(self.fitted, onnx=onnx)
        self.save(path)
        return onnx.graph

    def __str__(self) -> str:
        from lamina.predictions.summary import summary

        return summary(self.fitted, self.validation)

    __repr__ = __str__


def fit(
    data: Any,
    target: str | Sequence[str] | Task | None = None,
    *,
    quality: Quality = "good",
    kinds: Mapping[str, str] | None = None,
    roles: Mapping[str, str] | None = None,
    on: Machine | None = None,
    **settings: Any,
) -> Model:
    """Trains a network on raw data.

    ``data`` is a file, several files, a folder, an archive or a frame; ``target`` the column to predict
    or several (or a task, ``lamina.Predict`` or ``lamina.Transcribe``; a folder of class folders names its
    own). ``quality`` is the one dial: fast, good or best. ``kinds`` and ``roles`` correct the schema by
    column name; ``on`` says where to compute; every further setting is one of ``lamina.Settings``
    (hidden=(256, 128), members=8, seed=1).

    >>> import lamina
    >>> rows = {"height": [1.5, 1.6, 1.7, 1.8] * 25, "tall": ["no", "no", "yes", "yes"] * 25}
    >>> model = lamina.fit(rows, "tall", quality="fast")
    >>> model.predict({"height": [1.55, 1.75]})["predicted_tall"]
    ['no', 'yes']
    """
    need_torch("Training")
    from lamina.training.deadline import Deadline
    from lamina.training.encode import encode
    from lamina.training.fit import train_network
    from lamina.training.precision import Machine

    chosen = settings_from({"quality": quality, **settings})
    deadline = None if chosen.time_limit is None else Deadline(chosen.time_limit)
    table = read(data, part="train")
    machine = on or Machine()
    source, task, own = table.source, as_task(target, table.columns, table.label), fingerprint(data, table)
    encoded = encode(table, task, chosen, kinds or {}, roles or {})
    warn_of(
        f for f in encoded.findings if f.code == "leak" and encoded.schema[str(f.column)].role == "ignored"
    )
    del table  # the arrays are enough from here on, and a large table is large
    judge = _judge(encoded, source)
    fitted, unseen = train_network(encoded, task, chosen, machine, deadline, judge.rehearse)
    fitted.data = own
    warn_of(f for f in fitted.findings if f.code == "time-limit")
    return Model(*judge(fitted, unseen), unseen.sample(encoded))


def load(path: str | Path, *, device: str = "cpu", engine: Wanted = "torch") -> Model:
    """Reads a model file. ``device`` is where torch will compute ("cpu", "cuda", "auto").

    ``engine``: what answers, "torch", or "onnx" for a file that was exported: ONNX Runtime, on the processor,
    without torch; "auto" is that where it can be. What is more than answers (explanations, learning) loads
    torch when it is asked for.

    Raises ModelFileError for a file that is cut, altered, newer than this Lamina, or hostile, UsageError for
    an engine that the file is not ready for.
    """
    fitted, baseline, validation = model_file.load(path, engine)
    if fitted.engine.kind == "torch":
        from lamina.training.precision import Machine, choose_device

        fitted.network.to(choose_device(Machine(device=device)))
    elif device not in ("cpu", "auto"):
        raise UsageError(f"ONNX Runtime answers on the processor, not on {device!r}.", "Choose torch.")
    return Model(fitted, baseline, validation)


def schema(
    data: Any,
    target: str | Sequence[str] | Task | None = None,
    *,
    kinds: Mapping[str, str] | None = None,
    roles: Mapping[str, str] | None = None,
) -> Schema:
    """How Lamina understands a table: for each column its kind, its role, and why."""
    table = read(data, part="train")
    task = None if target is None and table.label is None else as_task(target, table.columns, table.label)
    return infer(table, task=task, kinds=kinds, roles=roles)


def _judge(encoded: Encoded, source: str) -> Judge:
    """What finds confidence, baselines fitted on the training rows, and the scores on the validation rows."""
    from lamina.predictions.judged import Judge

    return Judge(encoded, source)
