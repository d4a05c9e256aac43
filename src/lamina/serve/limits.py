"""How much of everything a request may bring: checked before anything is unpacked or decoded."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Final

import msgspec

from lamina.serve.problems import Problem


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What one request may hold.

    ``body`` bytes, those of all requests together ``bodies``; ``rows``; of a picture ``pixels``; of a
    recording or clip ``seconds``, of a clip ``frames``; ``timeout`` seconds until a body has arrived, and
    again until it is answered.
    At most ``explained`` rows are explained at once, compared with ``background`` rows, in
    ``explain_seconds``.
    """

    body: int = 32 * 2**20
    bodies: int = 256 * 2**20
    rows: int = 100_000
    pixels: int = 50_000_000
    seconds: float = 600.0
    frames: int = 20_000
    timeout: float = 30.0
    explained: int = 20
    background: int = 1000
    explain_seconds: float = 20.0


def check_rows(rows: int, limits: Limits) -> None:
    """Raises Problem 413 for more rows than allowed, 422 for none."""
    if rows > limits.rows:
        raise Problem(
            413,
            f"The request holds {rows:,} rows; {limits.rows:,} are allowed at once.",
            "Send them in several requests, or use «lamina predict» for whole files.",
        )
    if rows < 1:
        raise Problem(422, "The request holds no rows.", "Send at least one row.")


def check_media(content: bytes, kind: str, field: str, limits: Limits) -> None:
    """Looks at what a file claims to be, without decoding it.

    Raises Problem 413 where it would unfold to more than allowed. Files that cannot be read are left to the
    reader, which counts them.
    """
    try:
        size, most, what = _SIZES[kind](content, limits)
    except Exception:  # a broken file can raise nearly anything; it will be answered as one
        return
    if size > most:
        raise Problem(
            413,
            f"{field!r} holds {size:,.0f} {what}; {most:,.0f} are allowed.",
            "Send a smaller or shorter one.",
            field=field,
        )


def _picture(content: bytes, limits: Limits) -> tuple[float, float, str]:
    from PIL import Image

    with Image.open(io.BytesIO(content)) as image:
        return image.width * image.height, limits.pixels, "pixels"


def _recording(content: bytes, limits: Limits) -> tuple[float, float, str]:
    import soundfile

    told = soundfile.info(io.BytesIO(content))
    return told.frames / told.samplerate, limits.seconds, "seconds of sound"


def _clip(content: bytes, limits: Limits) -> tuple[float, float, str]:
    import av

    with av.open(io.BytesIO(content), mode="r") as container:
        stream = container.streams.video[0]
        pixels = stream.codec_context.width * stream.codec_context.height
        if pixels > limits.pixels:
            return pixels, limits.pixels, "pixels in every frame"
        if stream.frames > limits.frames:
            return stream.frames, limits.frames, "frames"
        seconds = (container.duration or 0) / av.time_base
        return seconds, limits.seconds, "seconds"


_SIZES: Final[dict[str, Callable[[bytes, Limits], tuple[float, float, str]]]] = {
    "image": _picture,
    "audio": _recording,
    "video": _clip,
}
