"""PostgreSQL: read through a cursor on the server in one snapshot, written by COPY."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, ClassVar, Final

import polars as pl

from lamina.data.sql.address import Address, quoted
from lamina.data.sql.database import ROWS, Database, quoted_one
from lamina.errors import MissingExtraError

WAIT: Final = 30  # seconds to be let in
# The numbers of PostgreSQL's types → ours, and how to select them; all others as text
TYPES: Final[dict[int, tuple[pl.DataType, str]]] = {
    16: (pl.Boolean(), "{}"), 17: (pl.Binary(), "{}"), 1082: (pl.Date(), "{}"),
    **dict.fromkeys((20, 21, 23, 26), (pl.Int64(), "{}::int8")),
    **dict.fromkeys((700, 701, 1700), (pl.Float64(), "{}::float8")),
    1114: (pl.Datetime("us"), "{}"), 1184: (pl.Datetime("us"), "{} AT TIME ZONE 'UTC'"),
}  # fmt: skip


class Postgres(Database):
    """``postgresql://user@host/database``; the password from ``~/.pgpass`` or ``PGPASSWORD``."""

    types: ClassVar = {
        "flag": "BOOLEAN",
        "whole": "BIGINT",
        "number": "DOUBLE PRECISION",
        "date": "DATE",
        "time": "TIMESTAMP",
    }

    def __init__(self, address: Address) -> None:
        super().__init__(address)
        try:
            import psycopg
        except ImportError as error:
            raise MissingExtraError("PostgreSQL", "postgres") from error
        self._driver = psycopg

    @property
    def errors(self) -> tuple[type[Exception], ...]:
        return (self._driver.Error,)

    def _connected(self, *, reading: bool) -> Any:
        connection = self._driver.connect(self.address.url, connect_timeout=WAIT)
        connection.read_only = reading
        if reading:
            connection.isolation_level = self._driver.IsolationLevel.REPEATABLE_READ
        return connection

    def tables(self) -> list[str]:
        asked = (
            "SELECT table_schema, table_name, table_schema = current_schema() FROM information_schema.tables "
            "WHERE table_schema NOT IN ('pg_catalog', 'information_schema') ORDER BY 1, 2"
        )
        with self._connected(reading=True) as connection:
            found = connection.execute(asked).fetchall()
        return [name if own else f"{schema}.{name}" for schema, name, own in found]

    def columns(self, query: str) -> dict[str, tuple[pl.DataType, str]]:
        with self._connected(reading=True) as connection:
            told = connection.execute(f"SELECT * FROM ({query}) AS asked LIMIT 0").description
        found = {each.name: TYPES.get(each.type_code, (pl.String(), "{}::text")) for each in told}
        return {name: (kind, select.format(quoted_one(name))) for name, (kind, select) in found.items()}

    def rows(self, query: str) -> Iterator[list[tuple[Any, ...]]]:
        with self._connected(reading=True) as connection, connection.cursor(name="lamina") as cursor:
            cursor.execute(query)
            while rows := cursor.fetchmany(ROWS):
                yield rows

    def fill(self, made: str, table: str, names: str, parts: Iterable[pl.DataFrame]) -> int:
        count = 0
        with self._connected(reading=False) as connection, connection.cursor() as cursor:
            cursor.execute(made)
            with cursor.copy(f"COPY {quoted(table)} ({names}) FROM STDIN") as copy:
                for part in parts:
                    for row in part.iter_rows():
                        copy.write_row(row)
                    count += part.height
        return count
