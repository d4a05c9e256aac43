"""What the processor is good at: the device, and how many bits the products are computed in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import msgspec
import torch

from lamina.errors import UsageError
from lamina.records import Choice

CPUINFO = Path("/proc/cpuinfo")  # Linux only; elsewhere nothing is known of the processor

Precision = Literal["auto", "bf16", "fp32"]


class Machine(msgspec.Struct, frozen=True, kw_only=True):
    """Where and how to compute: what varies by machine, not by task.

    ``device`` is "auto", "cpu" or a torch device such as "cuda:0"; ``threads`` the processor threads
    (``None``: as torch finds them); ``checkpoint`` a file in which a long training keeps its state after
    every epoch, so that the same call continues it after a crash; ``progress`` shows a bar when the
    output is a terminal.
    """

    device: str = "auto"
    precision: Precision = "auto"
    threads: int | None = None
    checkpoint: str | None = None
    progress: bool = True


def choose_device(machine: Machine) -> torch.device:
    """The device to train on: CUDA where there is one, else the processor."""
    if machine.threads is not None and machine.threads < 1:
        raise UsageError(
            f"{machine.threads} processor threads cannot compute.",
            "Name one or more, or leave `threads` away.",
            threads=machine.threads,
        )
    if machine.device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(machine.device)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        raise UsageError(
            f"The device {machine.device!r} cannot be used: {str(error).splitlines()[0]}",
            "Leave `device` away, or name one that torch finds here.",
            device=machine.device,
        ) from error
    return device


def choose_precision(machine: Machine, device: torch.device) -> Choice:
    """bf16 products where the hardware has units for them, fp32 elsewhere."""
    if machine.precision != "auto":
        return Choice(what="precision", value=machine.precision, why="as asked")
    if device.type == "cuda":
        if torch.cuda.is_bf16_supported():
            name = torch.cuda.get_device_name(device)
            return Choice(what="precision", value="bf16", why=f"{name} multiplies bf16 natively")
        return Choice(what="precision", value="fp32", why="this GPU has no bf16 units")
    units = _processor_units()
    if units:
        return Choice(what="precision", value="bf16", why=f"the processor has {units} for bf16")
    return Choice(what="precision", value="fp32", why="the processor has no bf16 units")


def _processor_units() -> str:
    """The processor's bf16 units in words, empty where there are none."""
    flags = _processor_flags()
    if "amx_bf16" in flags:
        return "AMX matrix units"
    if "avx512_bf16" in flags:
        return "AVX-512 dot products"
    return "matrix instructions" if {"bf16", "svebf16"} & flags else ""


def _processor_flags() -> frozenset[str]:
    if not CPUINFO.exists():
        return frozenset()
    with CPUINFO.open(encoding="utf-8") as file:
        for line in file:
            if line.lower().startswith(("flags", "features")):
                return frozenset(line.split(":", 1)[1].split())
    return frozenset()


@contextmanager
def computing(precision: str, device: torch.device, threads: int | None = None) -> Iterator[None]:
    """Products in bf16 inside this block when asked for; thread count set and given back."""
    before = torch.get_num_threads()
    if threads is not None:
        torch.set_num_threads(threads)
    try:
        # Without the cache: it would keep the first step's weights for as long as the block is open
        with torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16", cache_enabled=False):
            yield
    finally:
        if threads is not None:
            torch.set_num_threads(before)
