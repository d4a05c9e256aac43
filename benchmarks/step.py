"""``python -m benchmarks.step``: what share of the machine's matrix rate a training step reaches, and where
the rest of its time goes.

A made table of the size and kinds of adult (six numbers, eight categories, 27,600 rows to learn from),
trained as ``lamina.fit`` trains. Times are processor time of the calling thread where there is one thread, so
other work on the machine disturbs little; else by the clock. Every figure is the least of several rounds.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np
import polars as pl
import torch
import torch.nn.functional as F

from lamina.data.table import Table
from lamina.network.network import build
from lamina.network.sizes import choose_architecture
from lamina.settings import settings_from
from lamina.tasks import Predict
from lamina.training.choose import choose_recipe
from lamina.training.encode import encode
from lamina.training.examples import Examples
from lamina.training.loop import Training, batches, set_rate, train_step
from lamina.training.precision import Machine, choose_precision, computing
from lamina.training.prepare import prepare

ROWS, NUMBERS, CATEGORIES, VALUES = 32_561, 6, 8, 14
SIDE = 2048  # of the square matrices by which the machine's rate is measured
CPU = torch.device("cpu")


def main() -> None:
    options = _options()
    torch.set_num_threads(options.threads)
    clock = time.thread_time if options.threads == 1 else time.perf_counter
    precision = str(choose_precision(Machine(precision=options.precision), CPU).value)
    training = made(options.members, options.width)
    with computing(precision, CPU, options.threads):
        parts = breakdown(training, clock, options.rounds)
        parts["bare products"] = products(training, clock, options.rounds)
        rate = matrix_rate(precision, clock, options.rounds)
    operations = operations_of(training)
    step = parts["step"]
    print(f"{options.threads} threads, {precision}, torch {torch.__version__}")
    print(
        f"{training.network.architecture.members} members × {training.network.hidden.widest}, "
        f"{training.batch} rows a step, {operations / 1e9:.2f} GFLOP a step in products"
    )
    print(f"matrix rate ({SIDE}³)        {rate / 1e9:8.0f} GFLOP/s")
    print(
        f"a step reaches            {operations / step / 1e9:8.0f} GFLOP/s = {operations / step / rate:.0%}"
    )
    print(f"largest that is possible  {operations / parts['bare products'] / rate:16.0%}  (bare products)")
    for name, seconds in parts.items():
        print(f"  {name:<24}{1000 * seconds:8.2f} ms  {seconds / step:4.0%}")


def made(members: int, width: int, rows: int = ROWS) -> Training:
    """A training that is about to begin, of the default recipe at quality "good"."""
    rng = np.random.default_rng(0)
    columns = {f"n{i}": rng.normal(size=rows) for i in range(NUMBERS)}
    words = np.array([f"w{i}" for i in range(VALUES)])
    columns |= {f"c{i}": words[rng.integers(0, VALUES, rows)] for i in range(CATEGORIES)}
    columns["y"] = np.where(columns["n0"] + rng.normal(size=rows) > 0, "yes", "no")
    settings = settings_from({"members": members, "hidden": (width,) * 3})
    encoded = encode(Table(pl.DataFrame(columns), "made"), Predict("y"), settings, {}, {})
    learnt = torch.from_numpy(encoded.split.train)
    architecture, _ = choose_architecture(encoded.features, encoded.target, len(learnt), settings)
    recipe, _ = choose_recipe(encoded.features, encoded.target, len(learnt), settings)
    examples = Examples.of(encoded.arrays, encoded.answers)
    network = build(architecture, encoded.features, 0)
    prepare(network, examples, learnt)
    return Training(network, examples, learnt, recipe)


def breakdown(training: Training, clock: Callable[[], float], rounds: int) -> dict[str, float]:
    """Seconds of a whole step, and of its parts by themselves, forward and backward."""
    network, average = training.network.train(), training.average
    batch = next(batches(training))
    read = [layer(batch.arrays) for layer in network.input_layers()]
    errors = [torch.randn_like(each) for each in read]
    x = network.joined([each.to(network.hidden_dtype) for each in read]).detach().requires_grad_()
    hidden = network.hidden(x).detach().requires_grad_()
    error = torch.randn_like(hidden)

    def whole() -> None:
        set_rate(training)
        train_step(training, training.examples.take(training.rows[: training.batch]))

    def inputs() -> None:
        read = [layer(batch.arrays) for layer in network.input_layers()]
        torch.autograd.backward(read, errors)

    def hidden_layers() -> None:
        x.grad = None
        network.hidden(x).backward(error)

    def output() -> None:
        hidden.grad = None
        network.output.loss(network.output(hidden), batch.answers, None).backward()

    def adjust() -> None:
        torch.nn.utils.clip_grad_norm_(network.parameters(), training.recipe.clip)
        for optimizer in training.optimizers:
            optimizer.step()
        average.update()

    parts = {
        "step": whole,
        "taking the rows": lambda: training.examples.take(training.rows[: training.batch]),
        "input layers": inputs,
        "hidden layers": hidden_layers,
        "output and loss": output,
        "clip, AdamW, average": adjust,
    }
    least = dict.fromkeys(parts, float("inf"))
    for _ in range(rounds):  # in turn, so that a disturbance falls on all
        for name, part in parts.items():
            network.zero_grad()
            if name == "clip, AdamW, average":
                network.loss(batch.arrays, batch.answers).backward()
            least[name] = min(least[name], seconds(part, clock))
    return least


def products(training: Training, clock: Callable[[], float], rounds: int) -> float:
    """Seconds of the hidden layers' matrix products alone: forward, to the inputs, to the weights."""
    kind, total = training.network.hidden_dtype, 0.0
    for rows, inputs, neurons in sizes_of(training):
        x, error = torch.randn(rows, inputs).to(kind), torch.randn(rows, neurons).to(kind)
        weight = torch.randn(neurons, inputs).to(kind)

        def all_three(
            x: torch.Tensor = x, weight: torch.Tensor = weight, error: torch.Tensor = error
        ) -> None:
            F.linear(x, weight)
            error @ weight
            error.t() @ x

        total += min(seconds(all_three, clock) for _ in range(rounds))
    return total


def sizes_of(training: Training) -> list[tuple[int, int, int]]:
    """Rows, inputs and neurons of every layer's product; of the first the neurons of all members."""
    layers = training.network.hidden
    assert layers.first is not None
    neurons, inputs = layers.first.weight.shape
    found = [(training.batch, inputs, neurons * layers.members)]
    for layer in layers.rest:
        neurons, inputs = layer.weight.shape
        found.append((training.batch * layers.members, inputs, neurons))
    return found


def operations_of(training: Training) -> float:
    """Multiplications and additions of a step in the hidden layers, three products each."""
    return float(sum(3 * 2 * rows * inputs * neurons for rows, inputs, neurons in sizes_of(training)))


def matrix_rate(precision: str, clock: Callable[[], float], rounds: int) -> float:
    """Operations per second of a product of square matrices."""
    kind = torch.bfloat16 if precision == "bf16" else torch.float32
    a, b = torch.randn(2, SIDE, SIDE).to(kind)
    return 2 * SIDE**3 / min(seconds(lambda: a @ b, clock, 2) for _ in range(rounds))


def seconds(work: Callable[[], object], clock: Callable[[], float], times: int = 3) -> float:
    begin = clock()
    for _ in range(times):
        work()
    return (clock() - begin) / times


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.step", description=__doc__)
    parser.add_argument("--members", type=int, default=16)
    parser.add_argument("--width", type=int, default=256, help="neurons of each of three hidden layers")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--precision", default="auto", choices=["auto", "bf16", "fp32"])
    parser.add_argument("--rounds", type=int, default=8)
    return parser.parse_args()


if __name__ == "__main__":
    main()
