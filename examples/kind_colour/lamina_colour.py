"""Colours written as "#ff8800" or "#f80": red, green, blue, hue (a point on a circle), saturation, value."""

import numpy as np
import polars as pl

from lamina.catalog import Kind
from lamina.data.columns import Column, Reading
from lamina.features.number import NumberFeature

COLOUR = Kind(
    name="colour",
    feature="lamina_colour:ColourFeature",
    input="lamina.network.inputs.number:NumberInput",
    together=True,
    what="colours such as #ff8800",
    plural="colours such as #ff8800",
    cells="category",
    detect="lamina_colour:detect",
)
WRITTEN = r"^#(?:[0-9a-fA-F]{3}|[0-9a-fA-F]{6})$"
PARTS = ("red", "green", "blue", "hue x", "hue y", "saturation", "value")


def detect(column: Column) -> Reading | None:
    """Takes a text column whose filled cells are nearly all colours."""
    if (
        not column.is_text
        or not len(column.text)
        or column.text.str.contains(WRITTEN).sum() < 0.95 * len(column.text)
    ):
        return None
    return Reading("colour", "colours written as #rrggbb")


class ColourFeature(NumberFeature):
    """Each colour column as seven numbers; what is missing or no colour is NaN."""

    kind = "colour"

    @classmethod
    def fit(cls, name, frame, columns):
        told = numbers(frame, columns)
        return super().fit(name, told, told.columns)

    def transform(self, frame):
        return super().transform(
            numbers(frame, [each.removesuffix(" red") for each in self.columns[:: len(PARTS)]])
        )


def numbers(frame: pl.DataFrame, columns) -> pl.DataFrame:
    """Red, green, blue, hue, saturation and value of every column, 0 to 1."""
    found = {}
    for column in columns:
        text = frame[column].str.extract(f"({WRITTEN})").str.strip_prefix("#")
        text = text.str.replace(r"^(.)(.)(.)$", "${1}${1}${2}${2}${3}${3}")
        rgb = [
            text.str.slice(at, 2).str.to_integer(base=16, strict=False).cast(pl.Float64) / 255
            for at in (0, 2, 4)
        ]
        red, green, blue = (each.to_numpy() for each in rgb)
        high, low = np.maximum(np.maximum(red, green), blue), np.minimum(np.minimum(red, green), blue)
        hue = np.arctan2(np.sqrt(3) * (green - blue), 2 * red - green - blue)
        saturation = np.where(high > 0, (high - low) / np.where(high > 0, high, 1), high)
        values = (red, green, blue, np.cos(hue) * saturation, np.sin(hue) * saturation, saturation, high)
        found |= {f"{column} {part}": each for part, each in zip(PARTS, values, strict=True)}
    return pl.DataFrame(found)
