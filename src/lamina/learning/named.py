"""Which rows an event learnt: their hashes, and those of their ids."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import polars as pl

from lamina.data.conform import conform
from lamina.data.table import Table
from lamina.learning.hashing import row_ids
from lamina.records import Field, Schema
from lamina.store.hashes import Hashes
from lamina.store.opened import Opened

KEY: Final = "_lamina.key"  # a column of ids beside those that the schema knows


def hashes(opened: Opened, table: Table, schema: Schema) -> bytes:
    """The names of the rows of a table as a schema reads them, beside those of their ids."""
    return rows_named(table, schema, opened.log.setting("id"), opened.folder.about.id).packed()


def rows_named(table: Table, schema: Schema, column: str | None, salt: str) -> Hashes:
    """The hashes of the rows that have an answer, and of their ids where a column holds them."""
    frame, fields = table.frame, schema.fields
    if column is not None and column in frame.columns:
        frame = frame.with_columns(frame[column].cast(pl.String).alias(KEY))
        fields = (*fields, Field(name=KEY, kind="category", role="group", why="the rows' ids"))
    lacking = [each.name for each in schema.with_role("input") if each.name not in frame.columns]
    frame = frame.with_columns(pl.lit(None).alias(name) for name in lacking)  # learnt by force, as missing
    read, _ = conform(replace(table, frame=frame), Schema(fields), need_target=True)
    ids = read[KEY].to_list() if KEY in read.columns else None
    return Hashes.of(row_ids(read, schema), ids, salt)
