"""How cells name or hold media: paths, addresses, and what the first bytes say."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from PIL import Image

import lamina
from lamina.data.media_cells import as_paths, kind_of_bytes
from lamina.data.read import read
from lamina.errors import ColumnError


@pytest.mark.parametrize(
    ("start", "kind"),
    [
        (b"\x89PNG\r\n\x1a\n\0\0\0\r", "image"),
        (b"RIFF\0\0\0\0WEBP", "image"),
        (b"\0\0\0\x20ftypavif", "image"),
        (b"RIFF\0\0\0\0WAVE", "audio"),
        (b"FORM\0\0\0\0AIFF", "audio"),
        (b"\0\0\0\x20ftypM4A ", "audio"),
        (b"ID3\x04\0\0\0\0\0\0\0\0", "audio"),
        (b"RIFF\0\0\0\0AVI ", "video"),
        (b"\0\0\0\x20ftypisom", "video"),
        (b"\x1aE\xdf\xa3\0\0\0\0\0\0\0\0", "video"),
        (b"hello world!", None),
        (b"", None),
    ],
)
def test_first_bytes_tell_the_kind(start: bytes, kind: str | None) -> None:
    assert kind_of_bytes(start) == kind


def test_addresses_of_files_become_paths() -> None:
    cells = pl.Series("p", [" a.png ", "file:///x/my%20cat.png", "FILE://localhost/y.png", "", None])
    assert as_paths(cells).to_list() == ["a.png", "/x/my cat.png", "/y.png", None, None]
    assert as_paths(cells).name == "p"


def write(path: Path, shade: int) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((6, 6), shade, np.uint8)).save(path)
    return str(path)


def dark_and_light(folder: Path) -> list[str]:
    """Paths relative to the folder, of forty pictures."""
    for number in range(40):
        write(folder / f"photos/{number}.png", 20 * (number % 2) + number)
    return [f"photos/{number}.png" for number in range(40)]


def test_paths_are_relative_to_the_file_that_names_them(tmp_path: Path) -> None:
    names = dark_and_light(tmp_path / "x")
    rows = "".join(f"{name},{'yes' if n % 2 else 'no'}\n" for n, name in enumerate(names))
    (tmp_path / "x" / "y.csv").write_text(f"photo,light\n{rows}")
    assert read(tmp_path / "x" / "y.csv").frame["photo"][0] == str((tmp_path / "x/photos/0.png").resolve())
    model = lamina.fit(tmp_path / "x" / "y.csv", "light", quality="fast", epochs=1)
    assert model.schema["photo"].kind == "image"
    assert model.predict(tmp_path / "x" / "y.csv")["predicted_light"].null_count() == 0


def test_absolute_paths_working_folder_and_addresses_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = dark_and_light(tmp_path)
    light = ["yes" if number % 2 else "no" for number in range(40)]
    model = lamina.fit({"p": [str(tmp_path / name) for name in names], "light": light}, "light", epochs=1)
    monkeypatch.chdir(tmp_path)
    wanted = model.predict({"p": names})
    assert model.predict({"p": [(tmp_path / name).as_uri() for name in names]}) == wanted
    assert None not in wanted["predicted_light"]


def test_addresses_in_a_network_are_refused(tmp_path: Path) -> None:
    cells = ["https://example.com/a.png", "http://example.com/b.png"] * 10
    with pytest.raises(ColumnError, match="fetches nothing from a network") as refused:
        lamina.fit({"p": cells, "y": ["a", "b"] * 10}, "y")
    assert "Bring the files" in str(refused.value)
    assert "'p': 'ignored'" in str(refused.value)


def moving(frames: int) -> bytes:
    file = io.BytesIO()
    pictures = [Image.fromarray(np.full((6, 6), 40 * n, np.uint8)) for n in range(frames)]
    pictures[0].save(file, "GIF", save_all=True, append_images=pictures[1:])
    return file.getvalue()


def test_moving_gifs_are_clips_and_still_ones_pictures(tmp_path: Path) -> None:
    for frames, kind in ((1, "image"), (4, "video")):
        cells = [moving(frames)] * 30
        assert lamina.schema({"g": cells, "n": range(30)})["g"].kind == kind
        (tmp_path / "a.gif").write_bytes(cells[0])
        paths = [str(tmp_path / "a.gif")] * 30
        assert lamina.schema({"g": paths, "n": range(30)})["g"].kind == kind
