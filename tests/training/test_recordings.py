"""From a folder of recordings to a saved network that tells them apart."""

from __future__ import annotations

import io
import zipfile
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import lamina
from lamina.data.read import read
from lamina.model import Model

pytestmark = pytest.mark.skipif(
    not (find_spec("soundfile") and find_spec("soxr")), reason='recordings need pip install "lamina[audio]"'
)
ON = lamina.Machine(threads=1)
CLASSES = {"low": 300.0, "high": 1500.0}


def sound(hertz: float, number: int) -> bytes:
    """A tone that begins somewhere, in some noise, at some loudness."""
    rng = np.random.default_rng([int(hertz), number])
    time = np.arange(1600) / 8000
    wave = np.sin(2 * np.pi * hertz * (0.95 + 0.1 * rng.random()) * time) * (time > 0.05 * rng.random())
    loud = 0.05 + 0.4 * rng.random()
    return wav(loud * (wave + 0.1 * rng.normal(size=1600)))


def wav(wave: np.ndarray) -> bytes:
    import soundfile

    file = io.BytesIO()
    soundfile.write(file, wave, 8000, format="WAV")
    return file.getvalue()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``recordings/low/0.wav`` and so on: 40 of each class."""
    root = tmp_path_factory.mktemp("sounds") / "recordings"
    for name, hertz in CLASSES.items():
        (root / name).mkdir(parents=True)
        for number in range(40):
            (root / name / f"{number}.wav").write_bytes(sound(hertz, number))
    return root


@pytest.fixture(scope="module")
def model(folder: Path) -> Model:
    return lamina.fit(folder, quality="fast", epochs=24, batch=16, on=ON)


def heard(model: Model, cells: list[object]) -> pl.DataFrame:
    return model.predict(pl.DataFrame({"audio": cells}))


def test_a_folder_of_recordings_names_its_own_answer(model: Model, folder: Path) -> None:
    field = model.schema["audio"]
    assert (field.kind, field.role) == ("audio", "input")
    new = heard(model, [sound(hertz, 100 + k) for k in range(10) for hertz in CLASSES.values()])
    assert (new["predicted_label"] == pl.Series(list(CLASSES) * 10)).mean() >= 0.9


def test_saved_and_loaded_the_answers_are_the_same(model: Model, tmp_path: Path) -> None:
    cells: list[object] = [sound(400, k) for k in range(5)]
    again = lamina.load(model.save(tmp_path / "tones.lamina"))
    assert heard(again, cells).equals(heard(model, cells))


def test_one_alone_is_answered_as_among_others(model: Model) -> None:
    cells: list[object] = [sound(300 + 100 * k, k) for k in range(12)]
    together = heard(model, cells)
    numbers = [name for name, kind in together.schema.items() if kind.is_float()]
    alone = pl.concat([heard(model, [cell]) for cell in cells])
    assert np.allclose(together[numbers].to_numpy(), alone[numbers].to_numpy(), atol=1e-5)


def test_what_cannot_be_heard_gets_no_answer(model: Model) -> None:
    with pytest.warns(lamina.LaminaWarning, match="cannot be read"):
        answers = heard(model, [sound(300, 1), b"noise", None])
    assert answers["predicted_label"].is_null().to_list() == [False, True, True]


def test_silent_and_broken_recordings_are_set_aside_and_said_so(folder: Path) -> None:
    cells = [sound(hertz, k) for k in range(12) for hertz in CLASSES.values()]
    cells[2], cells[5] = wav(np.zeros(800)), cells[5][:30]
    frame = pl.DataFrame({"sound": cells, "pitch": list(CLASSES) * 12})
    model = lamina.fit(frame, "pitch", quality="fast", epochs=1, on=ON)
    found = {each.code: each for each in model.findings}
    assert found["silent-recordings"].rows == (2,)
    assert found["broken-media"].rows == (2, 5)


def test_flat_recordings_that_a_table_names(folder: Path, tmp_path: Path) -> None:
    files = {f"{name}_{k}.wav": sound(hertz, k) for name, hertz in CLASSES.items() for k in range(3)}
    table = "file,pitch\n" + "".join(f"{name},{name.split('_')[0]}\n" for name in files)
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "names.csv").write_text(table)
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as packed:
        for name, content in (*files.items(), ("names.csv", table.encode())):
            packed.writestr(name, content)
    frames = [read(tmp_path / "names.csv").frame, read(tmp_path / "all.zip").frame]
    for frame in frames:
        schema = lamina.schema(frame, "pitch")
        assert schema["file"].kind == "audio"
        assert schema["file"].role == "input"
    assert frames[1]["file"].to_list() == list(files.values())


@pytest.mark.parametrize("form", ["WAV", "FLAC", "OGG", "MP3", "AIFF"])
def test_one_recording_is_a_table_of_one_row(form: str, tmp_path: Path) -> None:
    import soundfile

    path = tmp_path / f"a.{form.lower()}"
    soundfile.write(path, 0.3 * np.sin(np.arange(4000)), 8000, format=form)
    frame = read(path).frame
    assert frame.to_dicts() == [{"audio": str(path.resolve()), "file": path.name}]


def test_recordings_beside_other_columns() -> None:
    rng = np.random.default_rng(0)
    cells = [sound(hertz, k) for k in range(24) for hertz in CLASSES.values()]
    frame = pl.DataFrame({"sound": cells, "size": rng.normal(size=48), "pitch": list(CLASSES) * 24})
    model = lamina.fit(frame, "pitch", quality="fast", epochs=2, on=ON)
    assert {each.kind for each in model.fitted.features} == {"audio", "number"}
    assert model.predict(frame)["predicted_pitch"].null_count() == 0
