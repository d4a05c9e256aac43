"""Nothing that is computed on a GPU is given tensors of the processor, and the other way round."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from pretend_gpu import WrongDeviceError, pretend_gpu

import lamina

ROWS = 240
rng = np.random.default_rng(0)
x = rng.normal(size=(ROWS, 2))
COLUMNS: dict[str, Any] = {
    "a": x[:, 0],
    "b": [None if i % 9 == 0 else v for i, v in enumerate(x[:, 1].tolist())],
    "group": rng.choice(list("abc"), ROWS),
    "day": [f"2026-0{1 + i % 9}-11" for i in range(ROWS)],
}
WORDS = ["fine good glad", "poor bad sad"]


def picture(light: int) -> bytes:
    pixels = rng.integers(0, 80, (8, 8)).astype(np.uint8)
    pixels[4 * light : 4 * light + 4] += 150
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


HALF = [int(v > 0) for v in x[:, 0]]
NAMES = [("no", "yes")[k] for k in HALF]
AMOUNT = x[:, 0] * 2 + rng.normal(size=ROWS)
TABLES: dict[str, tuple[dict[str, Any], Any]] = {
    "classes": ({**COLUMNS, "y": NAMES}, "y"),
    "number": ({**COLUMNS, "y": AMOUNT}, "y"),
    "quantiles": ({**COLUMNS, "y": AMOUNT}, lamina.Predict("y", quantiles=(0.1, 0.5, 0.9))),
    "several": ({**COLUMNS, "y": NAMES, "z": AMOUNT}, ["y", "z"]),
    "labels": ({**COLUMNS, "y": [["u", "v"] if k else ["u"] for k in HALF]}, "y"),
    "text": ({"text": [f"it was {WORDS[k]} {i % 7}" for i, k in enumerate(HALF)], "y": NAMES}, "y"),
    "set": ({"tags": [["p", "q"] if k else ["q"] for k in HALF], "y": NAMES}, "y"),
    "series": (
        {"values": [[k, i % 5, 2.0, k, k, 1.0, 2.0, 3.0] for i, k in enumerate(HALF)], "y": NAMES},
        "y",
    ),
    "pictures": ({"picture": [picture(k) for k in HALF], "y": NAMES}, "y"),
}


@pytest.mark.parametrize("name", TABLES)
def test_a_network_learns_on_one_device(name: str) -> None:
    rows, target = TABLES[name]
    on = lamina.Machine(device="cuda", progress=False, threads=1)
    settings: dict[str, Any] = {"pretrained": False} if name == "text" else {}
    with pretend_gpu():
        model = lamina.fit(rows, target, quality="fast", epochs=2, on=on, **settings)
        assert next(model.fitted.network.parameters()).device.type == "cpu"
    assert len(model.predict(rows)) > 0


def test_the_pretended_gpu_refuses_what_cuda_refuses() -> None:
    with pretend_gpu():
        there, here = torch.ones(3).to("cuda"), torch.ones(3)
        assert (there.device.type, here.device.type, (there * 2).device.type) == ("cuda", "cpu", "cuda")
        assert torch.equal((there + there).cpu(), here + here)
        with pytest.raises(WrongDeviceError):
            there + here
        with pytest.raises(WrongDeviceError):
            there.numpy()
        with pytest.raises(WrongDeviceError):
            torch.rand(3, device="cuda", generator=torch.Generator())
