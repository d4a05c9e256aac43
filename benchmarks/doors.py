"""The same answers through every door: Python, HTTP in every form, both clients, the command line; torch and
ONNX Runtime.

    python -m benchmarks.doors DATA [--rows 200]

DATA is the folder of data sets. A line for each network and door: the largest difference of a number from
what ``Model.predict`` says in torch (against 1 or the number's own size), how many other cells differ, and by
how many ranks the novelty, which is a rank.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import io
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple

import httpx2 as httpx
import numpy as np
import polars as pl

import lamina
from lamina.data.write import flat
from lamina.model import Model

CLOSE: Final = 1e-5
FEW: Final = 20  # rows that are asked one by one
ARROW: Final = "application/vnd.apache.arrow.file"
FORMS: Final[dict[str, tuple[str, Callable[[pl.DataFrame], bytes]]]] = {
    "CSV": ("text/csv", lambda rows: rows.write_csv().encode()),
    "lines of JSON": ("application/x-ndjson", lambda rows: rows.write_ndjson().encode()),
    "Arrow": (ARROW, lambda rows: _written(rows.write_ipc)),
    "Parquet": ("application/vnd.apache.parquet", lambda rows: _written(rows.write_parquet)),
}


class Gap(NamedTuple):
    """How far answers are from those wanted: the largest difference of a number, cells that are not numbers
    and differ, and ranks of the novelty."""

    numbers: float
    others: int
    ranks: float

    @property
    def same(self) -> bool:
        return self.numbers <= CLOSE and not self.others and self.ranks <= 1.01


def through_every_door(model: Model, rows: pl.DataFrame, folder: Path) -> Iterator[tuple[str, pl.DataFrame]]:
    """The door and the answers that come out of it, for all rows or the first ``FEW``.

    Columns of media hold encoded files; ``folder`` takes what must lie in files."""
    plain, exported = folder / "torch.lamina", folder / "onnx.lamina"
    model.save(plain)
    lamina.load(plain).export(exported, rows)
    light, few = lamina.load(exported, engine="onnx"), rows[:FEW].to_dicts()
    yield "Model.predict, ONNX Runtime", light.predict(rows)
    yield "one row at a time, torch", _rows(model.predict([row]) for row in few)
    yield "one row at a time, ONNX Runtime", _rows(light.predict([row]) for row in few)
    yield from _commands(plain, exported, rows, folder)
    with served(plain, exported) as url:
        for name in ("torch", "onnx"):
            address = f"{url}/v1/models/{name}"
            for door, answers in _over_http(address, rows):
                yield f"HTTP, {door}, {name}", answers
            yield f"Client, {name}", _client(address, rows)
            yield f"AsyncClient, {name}", asyncio.run(_async_client(address, rows))


def apart(wanted: pl.DataFrame, answers: pl.DataFrame, kept: int) -> Gap:
    """The first answers beside those wanted; ``kept`` is how many rows the novelty was judged by."""
    wanted, answers = flat(wanted[: answers.height]), flat(answers)
    numbers, others, ranks = 0.0, 0, 0.0
    for column in wanted:
        other = answers[column.name]
        if column.dtype.is_float():
            one, two = column.cast(pl.Float64).to_numpy(), other.cast(pl.Float64).to_numpy()
            if not np.array_equal(np.isnan(one), np.isnan(two)):
                others += int((np.isnan(one) != np.isnan(two)).sum())
            gap = np.nan_to_num(np.abs(one - two) / np.maximum(1, np.abs(one)))
            if column.name == "novelty":
                ranks = float(gap.max(initial=0.0)) * (kept + 1)
            else:
                numbers = max(numbers, float(gap.max(initial=0.0)))
        else:
            others += sum(_plain(a) != _plain(b) for a, b in zip(column, other, strict=True))
    return Gap(numbers, others, ranks)


def _plain(cell: Any) -> Any:
    """A cell as text, whatever the form it came in did to its type."""
    return None if cell is None else str(cell).lower()


def _rows(answers: Iterator[list[dict[str, Any]]]) -> pl.DataFrame:
    return pl.DataFrame([row for each in answers for row in each], infer_schema_length=None)


# ------------------------------------------------------------------------------------- the command line


def _commands(
    plain: Path, exported: Path, rows: pl.DataFrame, folder: Path
) -> Iterator[tuple[str, pl.DataFrame]]:
    files = pl.Binary in rows.dtypes  # no text file holds these
    for model, engine, source, told in (
        (plain, "torch", "rows.parquet" if files else "rows.csv", "a.csv"),
        (exported, "onnx", "rows.parquet", "b.parquet"),
    ):
        place = folder / source
        place.write_bytes(FORMS["CSV" if source.endswith("csv") else "Parquet"][1](rows))
        asked = ["predict", str(model), str(place), "-o", str(folder / told), "--engine", engine]
        command = [sys.executable, "-m", "lamina.cli.main", *asked, "--only-answers"]
        subprocess.run(command, check=True, capture_output=True)
        found = folder / told
        answers = pl.read_csv(found, infer_schema_length=None) if told == "a.csv" else pl.read_parquet(found)
        yield f"lamina predict, {source.partition('.')[2]} to {told.partition('.')[2]}, {engine}", answers


# ------------------------------------------------------------------------------------------------ HTTP


@contextmanager
def served(*models: Path) -> Iterator[str]:
    """A server over these files, in a process of its own."""
    command = [sys.executable, "-m", "lamina.cli.main", "serve", *map(str, models), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            yield server.stdout.readline().split(" at ")[1].strip().removesuffix("/docs")
        finally:
            server.terminate()


def _over_http(address: str, rows: pl.DataFrame) -> Iterator[tuple[str, pl.DataFrame]]:
    """Every form of rows, answered as JSON; Arrow also as Arrow."""
    dicts = [{name: _as_json(cell) for name, cell in row.items()} for row in rows.to_dicts()]
    with httpx.Client(timeout=60) as client:

        def ask(**body: Any) -> list[dict[str, Any]]:
            answer = client.post(f"{address}/predict", **body)
            answer.raise_for_status()
            return answer.json()["answers"]

        yield "JSON", _rows(iter([ask(json={"rows": dicts})]))
        yield "JSON, one row", _rows(ask(json=row) for row in dicts[:FEW])
        for name, (kind, written) in FORMS.items():
            if pl.Binary not in rows.dtypes or name in ("Arrow", "Parquet"):
                answers = ask(content=written(rows), headers={"Content-Type": kind})
                yield name, _rows(iter([answers]))
        yield "a form", _rows(ask(**_form(row)) for row in rows[:FEW].to_dicts())
        headers = {"Content-Type": ARROW, "Accept": ARROW}
        answer = client.post(f"{address}/predict", content=FORMS["Arrow"][1](rows), headers=headers)
        yield "Arrow to Arrow", pl.read_ipc(io.BytesIO(answer.content))


def _form(row: Mapping[str, Any]) -> dict[str, Any]:
    """multipart/form-data, whether there are files or not."""
    files = {
        name: ("file", cell) if isinstance(cell, bytes) else (None, "" if cell is None else str(cell))
        for name, cell in row.items()
    }
    return {"files": files}


def _as_json(cell: Any) -> Any:
    if isinstance(cell, bytes):
        return base64.b64encode(cell).decode()
    return cell.isoformat() if isinstance(cell, date | datetime) else cell


def _client(address: str, rows: pl.DataFrame) -> pl.DataFrame:
    with lamina.Client(address) as client:
        answers: pl.DataFrame = client.predict(rows)
        return answers


async def _async_client(address: str, rows: pl.DataFrame) -> pl.DataFrame:
    async with lamina.AsyncClient(address) as client:
        answers: pl.DataFrame = await client.predict(rows)
        return answers


def _written(write: Callable[[Any], Any]) -> bytes:
    buffer = io.BytesIO()
    write(buffer)
    return buffer.getvalue()


# ------------------------------------------------------------------------------------------- the table


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.doors", description=__doc__.partition("\n")[0]
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("--rows", type=int, default=200)
    parser.add_argument("--only", type=lambda text: text.split(","), help="only these networks")
    options = parser.parse_args()
    print(f"load before {os.getloadavg()[0]:.1f}; numbers against 1 or their own size")
    for name, fitted in networks(options.data).items():
        if options.only and name not in options.only:
            continue
        model, rows = fitted()
        rows = rows[: options.rows]
        wanted = model.predict(rows)
        novelty = model.fitted.novelty
        kept = 0 if novelty is None else len(novelty.sums)
        print(f"{name}: {rows.height} rows, {len(wanted.columns)} columns of answers", flush=True)
        with tempfile.TemporaryDirectory() as folder:
            for door, answers in through_every_door(model, rows, Path(folder)):
                gap = apart(wanted, answers, kept)
                told = f"{gap.numbers:.1e}, {gap.others} others, {gap.ranks:.0f} ranks"
                print(f"  {door:<44} {answers.height:>4} rows  {told}  {'' if gap.same else 'DIFFERS'}")


def networks(data: Path) -> dict[str, Callable[[], tuple[Model, pl.DataFrame]]]:
    """Networks of several kinds and answers, and the test rows that are asked."""
    from benchmarks.sets import SETS
    from lamina.data.read import read

    def table(name: str, **settings: Any) -> tuple[Model, pl.DataFrame]:
        train, test = SETS[name].load(data)
        target = SETS[name].target
        assert target is not None
        return lamina.fit(train, target, quality="fast", **settings), test.drop(target)

    def pictures() -> tuple[Model, pl.DataFrame]:
        from PIL import Image

        train, test = SETS["mnist"].load(data)
        files = []
        for each in read(test, part="test").frame["image"][:1000].to_numpy():
            buffer = io.BytesIO()
            Image.fromarray(each).save(buffer, "png")
            files.append(buffer.getvalue())
        return lamina.fit(train, quality="fast"), pl.DataFrame({"image": files})

    return {
        "telco: classes": partial(table, "telco_churn"),
        "bike sharing: a number and dates": partial(table, "bike_sharing_hour"),
        "California housing: a number, places": partial(table, "california_housing"),
        "wine reviews: a number, texts beside": partial(table, "wine_reviews", pretrained=False),
        "banking77: texts, MiniLM as it is": partial(table, "banking77", pretrained=True),
        "MNIST: pictures": pictures,
    }


if __name__ == "__main__":
    main()
