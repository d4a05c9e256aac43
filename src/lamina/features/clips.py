"""Video files → small frames, evenly spaced over the whole clip: PyAV for films, Pillow for moving GIF files.

Nothing in a file is trusted. Only formats that name no other files are opened, by what their first bytes say;
size, pixels and frames are bounded before and while they are decoded.
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import IO, Any, Final

import numpy as np
from PIL import Image

from lamina.errors import MissingExtraError
from lamina.features.image import MOST_PIXELS, upright

MOST_BYTES: Final = 4 * 2**30  # of one file
MOST_DECODED: Final = 20_000  # frames of one file
LONG: Final = 512  # frames; longer films are not read through but looked at in places
SEARCHED: Final = 600  # frames decoded from a key frame to the place that is looked for
GIF: Final = "gif"
_FORMATS: Final = {  # the first bytes → the demuxer's name
    b"\x1aE\xdf\xa3": "matroska",
    b"RIFF": "avi",
    b"GIF8": GIF,
    b"\x00\x00\x01\xba": "mpeg",
    b"\x00\x00\x01\xb3": "mpegvideo",
    b"0&\xb2u": "asf",
    b"FLV\x01": "flv",
}

# original height and width → height and width to reduce to
Size = Callable[[int, int], tuple[int, int]]


@dataclass(frozen=True)
class Clip:
    """``frames`` uint8 ``(count, height, width, 3)``; the height, width and number of frames of the file."""

    frames: np.ndarray
    height: int
    width: int
    length: int


def read_clip(cell: Any, count: int, size: Size) -> Clip | None:
    """``count`` frames of a file (path or bytes), the first and the last among them; None where it is broken.

    A clip with fewer frames shows some of them twice. Raises ``MissingExtraError`` for films without PyAV.
    """
    try:
        with _file(cell) as file:
            form = _form(file.read(12))
            file.seek(0)
            if form is None or _size(file) > MOST_BYTES:
                return None
            return _read_gif(file, count, size) if form == GIF else _read_film(file, form, count, size)
    except MissingExtraError:
        raise
    except Exception:  # a hostile or broken file can raise nearly anything from a decoder
        return None


def _file(cell: Any) -> IO[bytes]:
    return io.BytesIO(cell) if isinstance(cell, bytes) else open(cell, "rb")


def _size(file: IO[bytes]) -> int:
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    return size


def _form(start: bytes) -> str | None:
    """The format by the first bytes; those that may name other files (playlists) are not among them."""
    if start[4:8] in (b"ftyp", b"moov", b"mdat", b"wide", b"free"):
        return "mov"
    return _FORMATS.get(start[:4])


@dataclass
class Thinned:
    """Frames as they come, every second one dropped whenever there are twice as many as ``LONG``."""

    kept: list[np.ndarray] = field(default_factory=list)
    step: int = 1
    seen: int = 0

    def read(self, frames: Iterable[Any], reduce: Callable[[Any], np.ndarray]) -> None:
        for frame in frames:
            if self.seen % self.step == 0:
                self.kept.append(reduce(frame))
            self.seen += 1
            if len(self.kept) >= 2 * LONG:
                self.kept, self.step = self.kept[::2], 2 * self.step
            if self.seen >= MOST_DECODED:
                break

    def evenly(self, count: int) -> np.ndarray:
        """``(count, height, width, 3)``; raises ValueError without any frame."""
        if not self.kept:
            raise ValueError("no frame")
        return np.stack([self.kept[n] for n in np.linspace(0, len(self.kept) - 1, count).round().astype(int)])


# ------------------------------------------------------------------------------------------- films


def _read_film(file: IO[bytes], form: str, count: int, size: Size) -> Clip | None:
    if find_spec("av") is None:
        raise MissingExtraError("Reading video files", "video")
    import av

    open_film: Any = av.open
    with open_film(file, format=form, metadata_errors="ignore", io_open=_open_nothing) as film:
        stream = film.streams.video[0]
        if stream.width * stream.height > MOST_PIXELS:
            return None
        stream.codec_context.thread_count = 1  # clips are read side by side
        look = _Look(size)
        length = _length(stream)
        if length > LONG:
            return _clip(np.stack(list(_looked_at(film, stream, count, look))), look, length)
        frames = Thinned()
        frames.read(film.decode(stream), look)
        return _clip(frames.evenly(count), look, frames.seen)


def _open_nothing(*what: Any) -> None:
    """No file may open another one."""
    raise PermissionError("a video file names another file")


def _length(stream: Any) -> int:
    """Frames that the file claims to hold, 0 where it does not say."""
    if stream.frames:
        return int(stream.frames)
    if stream.duration and stream.time_base and stream.average_rate:
        return int(stream.duration * stream.time_base * stream.average_rate)
    return 0


class _Look:
    """A decoded frame → uint8 ``(height, width, 3)``, upright; keeps the size of the last one."""

    def __init__(self, size: Size) -> None:
        self.size, self.height, self.width = size, 0, 0

    def __call__(self, frame: Any) -> np.ndarray:
        turns = round(getattr(frame, "rotation", 0) / 90) % 4
        lying = turns % 2 == 1
        if frame.width * frame.height > MOST_PIXELS:  # a stream may change its size on the way
            raise ValueError("too many pixels")
        self.height, self.width = (frame.width, frame.height) if lying else (frame.height, frame.width)
        height, width = self.size(self.height, self.width)
        across, down = (height, width) if lying else (width, height)
        small = frame.reformat(width=across, height=down, format="rgb24", interpolation="AREA")
        return np.rot90(small.to_ndarray(), turns)


def _looked_at(film: Any, stream: Any, count: int, look: _Look) -> Iterator[np.ndarray]:
    """A long film's frames at evenly spaced times: each by a jump to the key frame before it."""
    begin = stream.start_time or 0
    last = None
    for time in np.linspace(0, int(stream.duration), count, endpoint=False).astype(int):
        film.seek(begin + int(time), stream=stream)
        for searched, frame in enumerate(film.decode(stream)):
            last = frame
            if frame.pts is None or frame.pts >= begin + time or searched >= SEARCHED:
                break
        yield look(last)


def _clip(frames: np.ndarray, look: _Look, length: int) -> Clip:
    return Clip(frames, look.height, look.width, length)


# ---------------------------------------------------------------------------------------- GIF files


def _read_gif(file: IO[bytes], count: int, size: Size) -> Clip | None:
    with Image.open(file, formats=("GIF",)) as image:
        if image.width * image.height > MOST_PIXELS:
            return None
        height, width = size(image.height, image.width)

        def reduce(frame: Image.Image) -> np.ndarray:
            opaque = upright(frame).convert("RGB")
            return np.asarray(opaque.resize((width, height), Image.Resampling.BICUBIC))

        frames = Thinned()
        frames.read(_pictures(image), reduce)
        return Clip(frames.evenly(count), image.height, image.width, frames.seen)


def _pictures(image: Image.Image) -> Iterator[Image.Image]:
    for number in range(MOST_DECODED):
        try:
            image.seek(number)
        except EOFError:
            return
        yield image.copy()
