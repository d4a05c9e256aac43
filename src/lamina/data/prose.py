"""Free text as people and machines write it: with markup, or as JSON."""

from __future__ import annotations

from typing import Final

import polars as pl

TAG: Final = r"<!--[^>]{0,2000}-->|</?[a-zA-Z!][^<>]{0,2000}>"
MARKED_UP: Final = 0.2  # share of the cells with tags from which a column is markup
_ENTITIES: Final = {
    "&nbsp;": " ", "&lt;": "<", "&gt;": ">", "&quot;": '"', "&#39;": "'", "&apos;": "'", "&amp;": "&",
}  # fmt: skip


def has_markup(texts: pl.Series) -> bool:
    """Whether the cells of a text column are pieces of HTML or XML."""
    filled = texts.drop_nulls()
    return len(filled) > 0 and int(filled.str.contains(TAG).sum()) >= MARKED_UP * len(filled)


def without_markup(texts: pl.Series) -> pl.Series:
    """The text between the tags; a tag parts words, and the common entities are resolved."""
    bare = texts.str.replace_all(TAG, " ")
    return bare.str.replace_many(list(_ENTITIES), list(_ENTITIES.values()))


def is_json(texts: pl.Series) -> bool:
    """Whether nearly all cells are JSON objects or lists, by how they begin and end."""
    filled = texts.drop_nulls().head(1000)
    records = filled.str.contains(r'^\s*(\{\s*("|\})|\[\s*[\["{\d])') & filled.str.contains(r"[\]}]\s*$")
    return len(filled) > 0 and int(records.sum()) >= 0.95 * len(filled)
