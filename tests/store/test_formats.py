"""Model files of every format that was ever written stay readable, and answer as they did.

``formats/NAME.lamina`` is such a file, ``formats/NAME.json`` rows and what the network answered to them when
it was written: ``{"rows": [...], "answers": [...]}``. A new format adds a pair; none is ever written anew."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import lamina

FORMATS = Path(__file__).with_name("formats")
NAMES = sorted(each.stem for each in FORMATS.glob("*.lamina"))


def test_there_are_some():
    assert {"1-before-bounds", "1-with-novelty"} <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_an_old_file_answers_as_it_did(name: str, tmp_path: Path):
    told = json.loads((FORMATS / f"{name}.json").read_text(encoding="utf-8"))
    model = lamina.load(FORMATS / f"{name}.lamina")
    model.save(tmp_path / "again.lamina")
    for each in (model, lamina.load(tmp_path / "again.lamina")):
        found = each.predict(told["rows"])
        assert len(found) == len(told["answers"])
        for now, then in zip(found, told["answers"], strict=True):
            for key, told_then in then.items():
                number = isinstance(told_then, float)
                assert now[key] == (pytest.approx(told_then, abs=1e-5) if number else told_then)
