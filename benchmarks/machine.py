"""Where the figures come from: processor, memory, releases, and how fast it really multiplies matrices."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

SIDE = 2048  # of the square matrices that are multiplied


def describe(threads: int) -> dict[str, Any]:
    """Facts for the results; the matrix rate is measured in a process of its own."""
    return {
        "processor": _processor(), "cores": os.cpu_count(), "threads": threads, "memory_gb": _memory(),
        "system": f"{platform.system()} {platform.machine()}", "python": platform.python_version(),
        **_rates(threads),
    }  # fmt: skip


def name_of(facts: dict[str, Any]) -> str:
    """The same machine with the same threads has the same name."""
    return f"{facts['processor']}, {facts['threads']} of {facts['cores']} cores"


def commit() -> str:
    """The commit of the working tree, with + where it has changes; empty outside a repository."""
    here = Path(__file__).parent.parent
    try:
        said = [
            subprocess.run(
                ["git", *words], cwd=here, capture_output=True, text=True, check=True
            ).stdout.strip()
            for words in (("rev-parse", "--short", "HEAD"), ("status", "--porcelain", "--", "src"))
        ]
    except (OSError, subprocess.CalledProcessError):
        return ""
    return said[0] + ("+" if said[1] else "")


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text(encoding="utf-8").splitlines() if cpuinfo.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    name = names[0] if names else platform.processor() or platform.machine()
    units = [unit for unit in ("amx_bf16", "avx512_bf16") if any(f" {unit} " in f"{line} " for line in lines)]
    return f"{name} ({', '.join(units)})" if units else name


def _memory() -> int:
    return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30)


def _rates(threads: int) -> dict[str, Any]:
    """Thousand million operations a second; nothing where torch is not installed."""
    command = [sys.executable, "-m", "benchmarks.machine", str(threads)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return json.loads(done.stdout) if done.returncode == 0 else {}


def measured(threads: int, seconds: float = 2.0) -> dict[str, Any]:
    """The best of the products that fit into the seconds, fp32 and bf16."""
    import torch

    torch.set_num_threads(threads)
    out: dict[str, Any] = {"torch": torch.__version__}
    for name, kind in (("fp32", torch.float32), ("bf16", torch.bfloat16)):
        a, b = (torch.randn(SIDE, SIDE).to(kind) for _ in range(2))
        best, end = float("inf"), time.perf_counter() + seconds
        while time.perf_counter() < end:
            begin = time.perf_counter()
            a @ b
            best = min(best, time.perf_counter() - begin)
        out[f"{name}_gflops"] = round(2 * SIDE**3 / best / 1e9)
    return out


if __name__ == "__main__":
    print(json.dumps(measured(int(sys.argv[1]))))
