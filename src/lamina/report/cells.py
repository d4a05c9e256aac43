"""Cells of the data as a person wants to see them: words cut short, pictures small, recordings playable.

Media are decoded and encoded anew, so that nothing of a hostile file reaches the page, and together they take
at most ``MOST_MEDIA`` of it.
"""

from __future__ import annotations

import io
import wave
from base64 import b64encode
from typing import Any, Final

import numpy as np
import polars as pl
from PIL import Image

from lamina.errors import MissingExtraError
from lamina.features.clips import read_clip
from lamina.features.image import open_picture
from lamina.features.recordings import decode
from lamina.records import Field
from lamina.report.figures.sparkline import sparkline
from lamina.report.html import Html, data, joined, tag
from lamina.report.words import number

MOST_MEDIA: Final = 4_000_000  # characters of the page, all media together
SIDE: Final = 176  # pixels of the longer side of a picture, twice what is shown
SMALL: Final = 48  # pixels up to which a picture is kept as it is, and shown with hard edges
RATE: Final = 16_000
SECONDS: Final = 6  # of a recording
FRAMES: Final = 4  # of a clip
LONGEST: Final = {"text": 400}  # characters of a cell by kind
USUAL: Final = 80
COLOURS: Final = np.array(
    [[238, 238, 240], [31, 111, 178], [214, 110, 30], [60, 140, 70], [150, 80, 170], [200, 60, 80],
     [110, 110, 60], [40, 150, 160]], np.uint8,
)  # fmt: skip
NOTHING: Final = tag("span", "–", class_="none", title="missing")


class Cells:
    """Shows cells until there is no more room for media; then says that there is none."""

    def __init__(self, room: int = MOST_MEDIA) -> None:
        self.room = room

    def show(self, value: Any, field: Field) -> Html:
        """A raw cell of this field."""
        if value is None:
            return NOTHING
        if field.kind == "image":
            return self.picture(open_picture(value), field.name)
        if field.kind == "audio":
            return self._recording(value, field.name)
        if field.kind == "video":
            return self._clip(value, field.name)
        if field.kind == "series":
            return _series(value, field.name)
        if isinstance(value, pl.Series | list):
            return data(", ".join(str(each) for each in list(value)[:20]), USUAL)
        if isinstance(value, float):
            return data(number(value, 6))
        if isinstance(value, bytes):
            return data(f"{len(value):,} bytes")
        return data(value, LONGEST.get(field.kind, USUAL))

    def picture(self, image: Image.Image | None, name: str) -> Html:
        """A thumbnail."""
        if image is None:
            return tag("span", "cannot be read", class_="none")
        small = max(image.size) <= SMALL
        file = io.BytesIO()
        if small:
            image.save(file, "PNG")
        else:
            image.thumbnail((SIDE, SIDE))
            image.convert("RGB").save(file, "JPEG", quality=82)
        address = self._address("image/png" if small else "image/jpeg", file.getvalue())
        if address is None:
            return tag("span", "no room for more pictures", class_="none")
        return tag("img", src=address, alt=name, class_="thumb small" if small else "thumb", loading="lazy")

    def mask(self, codes: np.ndarray, name: str) -> Html:
        """A mask in colours, ``codes`` ``(height, width)``; what is not known is black."""
        colours = np.concatenate([COLOURS, np.zeros((1, 3), np.uint8)])
        places = np.where(codes < 255, codes % len(COLOURS), len(COLOURS)).astype(np.int64)
        image = Image.fromarray(colours[places])
        image.thumbnail((SIDE, SIDE), Image.Resampling.NEAREST)
        file = io.BytesIO()
        image.save(file, "PNG")
        address = self._address("image/png", file.getvalue())
        if address is None:
            return tag("span", "no room for more masks", class_="none")
        return tag("img", src=address, alt=name, class_="thumb small", loading="lazy")

    def _recording(self, value: Any, name: str) -> Html:
        try:
            samples = decode(value, RATE)
        except MissingExtraError:
            return tag("span", "needs the extra: audio", class_="none")
        if samples is None:
            return tag("span", "cannot be read", class_="none")
        cut = samples[: RATE * SECONDS]
        file = io.BytesIO()
        with wave.open(file, "wb") as out:
            out.setnchannels(1)
            out.setsampwidth(2)
            out.setframerate(RATE)
            out.writeframes((np.clip(cut, -1, 1) * 32767).astype("<i2").tobytes())
        address = self._address("audio/wav", file.getvalue())
        if address is None:
            return tag("span", "no room for more recordings", class_="none")
        length = f"{len(samples) / RATE:.1f} s"
        more = f"{length}, the first {SECONDS} s here" if len(samples) > len(cut) else length
        player = tag("audio", controls="", preload="none", src=address, aria_label=f"{name}, {length}")
        return joined([player, tag("span", more, class_="note")])

    def _clip(self, value: Any, name: str) -> Html:
        try:
            clip = read_clip(value, FRAMES, lambda height, width: _fitted(height, width, SIDE // 2))
        except MissingExtraError:
            return tag("span", "needs the extra: video", class_="none")
        if clip is None:
            return tag("span", "cannot be read", class_="none")
        return joined(self.picture(Image.fromarray(each), name) for each in clip.frames)

    def _address(self, kind: str, content: bytes) -> str | None:
        """The content as a ``data:`` address, None where there is no room left for it."""
        address = f"data:{kind};base64,{b64encode(content).decode('ascii')}"
        if len(address) > self.room:
            return None
        self.room -= len(address)
        return address


def _series(value: Any, name: str) -> Html:
    """Numbers in their order; text that holds them as text."""
    if isinstance(value, str):
        return data(value, USUAL)
    values = np.array([np.nan if each is None else float(each) for each in value])
    return sparkline(values, f"{name}: {len(values):,} values") if len(values) else NOTHING


def _fitted(height: int, width: int, side: int) -> tuple[int, int]:
    scale = min(1.0, side / max(height, width))
    return max(1, round(height * scale)), max(1, round(width * scale))
