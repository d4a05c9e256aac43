"""``python -m benchmarks.mnist_script FOLDER``: a plain PyTorch script for digits, as a beginner finds it.

The classic small network (two convolutions of 32 and 64, max pooling, dropout, 128 neurons), Adadelta with
rate 1, rate × 0.7 after every pass, batches of 64. After every pass it prints seconds since the process
began and the accuracy on the test rows.
"""

from __future__ import annotations

import argparse
import gzip
import json
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

BEGIN = time.perf_counter() - time.process_time()  # about when the process began


class ConvNet(nn.Module):
    """**Shape**: ``(batch, 1, 28, 28)`` → ``(batch, 10)``, log-probabilities."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(1, 32, 3)
        self.second = nn.Conv2d(32, 64, 3)
        self.few = nn.Dropout(0.25)
        self.hidden = nn.Linear(64 * 12 * 12, 128)
        self.less = nn.Dropout(0.5)
        self.out = nn.Linear(128, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = F.max_pool2d(F.relu(self.second(F.relu(self.first(x)))), 2)
        x = F.relu(self.hidden(self.few(x).flatten(1)))
        return F.log_softmax(self.out(self.less(x)), 1)


def pixels(folder: Path, part: str) -> tuple[Tensor, Tensor]:
    """Pictures ``(n, 1, 28, 28)`` with mean 0 and deviation 1, and labels, of the part "train" or "t10k"."""
    pictures = _idx(folder, f"{part}-images-idx3-ubyte").reshape(-1, 1, 28, 28)
    labels = _idx(folder, f"{part}-labels-idx1-ubyte")
    return normalised(pictures), torch.tensor(labels, dtype=torch.long)


def normalised(pictures: np.ndarray) -> Tensor:
    return (torch.tensor(pictures, dtype=torch.float32) / 255 - 0.1307) / 0.3081


def train(x: Tensor, y: Tensor, passes: int, seed: int, after: Callable[[int, ConvNet], bool]) -> ConvNet:
    """``after`` every pass is told its number and the network; True ends the training."""
    torch.manual_seed(seed)
    net = ConvNet()
    optimizer = torch.optim.Adadelta(net.parameters(), lr=1.0)
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, 1, gamma=0.7)
    for number in range(1, passes + 1):
        net.train()
        for rows in torch.randperm(len(x)).split(64):
            optimizer.zero_grad()
            F.nll_loss(net(x[rows]), y[rows]).backward()
            optimizer.step()
        schedule.step()
        if after(number, net):
            break
    return net


@torch.no_grad()
def scores(net: ConvNet, x: Tensor) -> Tensor:
    net.eval()
    return torch.cat([net(rows) for rows in x.split(1000)])


def _idx(folder: Path, name: str) -> np.ndarray:
    """The bytes of an idx file after its header."""
    path = next(each for each in sorted(folder.iterdir()) if each.name.startswith(name))
    raw = path.read_bytes()
    raw = gzip.decompress(raw) if path.suffix == ".gz" else raw
    return np.frombuffer(raw, np.uint8, offset=4 + 4 * raw[3])


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.mnist_script", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--passes", type=int, default=14)
    parser.add_argument("--until", type=float, default=1.0, help="stop at this test accuracy")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    x, y = pixels(options.folder, "train")
    x_test, y_test = pixels(options.folder, "t10k")

    def after(number: int, net: ConvNet) -> bool:
        right = float((scores(net, x_test).argmax(1) == y_test).float().mean())
        told = {"pass": number, "seconds": time.perf_counter() - BEGIN, "accuracy": right}
        print(json.dumps({**told, "processor_seconds": time.process_time()}), flush=True)
        return right >= options.until

    train(x, y, options.passes, options.seed, after)


if __name__ == "__main__":
    main()
