"""The training loop: reproducible, interruptible, resumable to the same weights, stopped by the clock."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch

import lamina
from lamina.errors import TrainingError
from lamina.features.features import Features
from lamina.network.architecture import Architecture
from lamina.network.network import Network, build
from lamina.records import Field, Schema
from lamina.training import run as phases
from lamina.training.checkpoint import Checkpoint
from lamina.training.examples import Examples
from lamina.training.loop import Training, train
from lamina.training.precision import Machine
from lamina.training.recipe import Recipe, annealing, rate_at
from lamina.training.validation import Validation

ROWS = 96
RECIPE = Recipe(
    steps=60, batch=16, rate=1e-2, decay=1e-2, warmup=3, cooldown=0.0, patience=4, average=0.9, anneal=0.5
)


def data(seed: int = 0) -> tuple[Features, Examples]:
    rng = np.random.default_rng(seed)
    frame = pl.DataFrame({"x": rng.normal(size=ROWS), "c": rng.choice(["a", "b"], ROWS)})
    kinds = {"x": "number", "c": "category"}
    schema = Schema(tuple(Field(name=n, kind=k, role="input", why="") for n, k in kinds.items()))
    features = Features.fit(frame, schema)
    answers = ((frame["x"].to_numpy() > 0) ^ (frame["c"].to_numpy() == "a")).astype(np.int64)
    return features, Examples.of(features.transform(frame), answers)


def network_for(features: Features, dropout: float = 0.1) -> Network:
    sizes = {"number": {"size": 4}, "category": {"size": 4}}
    architecture = Architecture(
        inputs=sizes,
        hidden=(16, 16),
        activation="relu",
        members=2,
        output="classes",
        scores=2,
        dropout=dropout,
    )
    return build(architecture, features, seed=1)


def training(recipe: Recipe = RECIPE, checkpoint: Checkpoint | None = None, seed: int = 0) -> Training:
    features, examples = data(seed)
    network = network_for(features)
    network.prepare(examples.arrays)
    rows = torch.arange(ROWS)
    validation = Validation(examples, rows[64:], "log_loss")
    return Training(network, examples, rows[:64], recipe, validation, checkpoint)


def same(one: Network, two: Network) -> bool:
    states = one.state_dict(), two.state_dict()
    return all(torch.equal(states[0][name], states[1][name]) for name in states[0])


def test_the_rate_rises_holds_and_falls() -> None:
    recipe = Recipe(steps=100, batch=1, rate=1.0, decay=0.0, warmup=10, cooldown=0.2)
    shares = [rate_at(step, step / 100, recipe) for step in range(101)]
    assert shares[:10] == pytest.approx(np.linspace(0.1, 1, 10))
    assert shares[10:81] == pytest.approx([1.0] * 71)
    assert shares[80:] == pytest.approx(np.linspace(1, 0, 21), abs=1e-12)
    assert min(shares) == 0
    level = Recipe(steps=1, batch=1, rate=1.0, decay=0.0, cooldown=0.0)
    assert [rate_at(0, done, level) for done in (0.0, 0.5, 1.0)] == [1, 1, 1]


def test_annealing_takes_its_share_of_the_steps_and_ends_at_zero() -> None:
    last = annealing(RECIPE, 40, 3.0)
    assert (last.steps, last.patience, last.average, last.anneal, last.time_limit) == (20, 0, 0, 0, 3.0)
    assert rate_at(0, 0.0, last) == 1.0
    assert rate_at(20, 1.0, last) == 0.0


def test_training_learns_and_the_same_seed_gives_the_same_weights() -> None:
    one, two = train(training()), train(training())
    assert same(one.network, two.network)
    assert one.epochs == two.epochs
    assert one.epochs[-1].loss < 0.6 * one.epochs[0].loss
    other = train(
        training(Recipe(**{**{f: getattr(RECIPE, f) for f in RECIPE.__struct_fields__}, "seed": 1}))
    )
    assert not same(one.network, other.network)


class CrashError(Exception):
    """What a power cut looks like to the loop."""


def crash_at(step: int):
    def watch(now: Training) -> None:
        if now.step == step:
            raise CrashError

    return watch


@pytest.mark.parametrize("step", [1, 4, 9, 30, 47])
def test_a_crashed_training_goes_on_to_the_same_weights(step: int, tmp_path: Path) -> None:
    whole = train(training())
    checkpoint = Checkpoint(tmp_path / "deep" / "state", "this training")
    with pytest.raises(CrashError):
        train(training(checkpoint=checkpoint), crash_at(step))
    torch.manual_seed(99)  # other random state must not matter
    resumed = train(training(checkpoint=checkpoint))
    assert same(whole.network, resumed.network)
    assert resumed.epochs == whole.epochs
    assert (resumed.best_epoch, resumed.best_score) == (whole.best_epoch, whole.best_score)
    assert not list(checkpoint.path.parent.glob("*.tmp"))


def run(checkpoint: Checkpoint | None) -> tuple[Network, Training]:
    """Both phases, as ``lamina.fit`` runs them."""
    features, examples = data()
    network = network_for(features)
    parts = phases.Parts(torch.arange(64), torch.arange(64, ROWS), torch.arange(0))
    training, before = phases.run(network, phases.Lesson(examples, parts, RECIPE, "log_loss", checkpoint))
    assert before is not None
    return network, training


@pytest.mark.parametrize(("phase", "step"), [("learn", 14), ("anneal", 8), ("anneal", 13)])
def test_a_crash_in_either_phase_ends_in_the_same_weights(
    phase: str, step: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, history = run(None)
    checkpoint = Checkpoint(tmp_path / "state", "this training")

    def crashing(bar: object, metric: str):
        def watch(now: Training) -> None:
            if (now.phase, now.step) == (phase, step):
                raise CrashError

        return watch

    with monkeypatch.context() as patch:
        patch.setattr(phases, "_on", crashing)
        with pytest.raises(CrashError):
            run(checkpoint)
    resumed, again = run(checkpoint)
    assert same(whole, resumed)
    assert again.epochs == history.epochs


def test_a_checkpoint_of_another_training_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "state"
    with pytest.raises(CrashError):
        train(training(checkpoint=Checkpoint(path, "one")), crash_at(9))
    with pytest.raises(TrainingError, match="belongs to another training"):
        train(training(checkpoint=Checkpoint(path, "two")))
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(TrainingError, match="cannot be read"):
        train(training(checkpoint=Checkpoint(path, "one")))


def table(rows: int = 80, seed: int = 0) -> pl.DataFrame:
    x = np.random.default_rng(seed).normal(size=rows)
    return pl.DataFrame({"x": x, "y": np.where(x > 0, "yes", "no")})


def test_the_checkpoint_of_other_data_is_refused_by_fit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = str(tmp_path / "state")
    few = {"quality": "fast", "hidden": (8,), "members": 1, "epochs": 3, "on": Machine(checkpoint=path)}

    def crashing(bar: object, metric: str):
        return lambda now: crash_at(now.recipe.steps - 1)(now)

    with monkeypatch.context() as patch:
        patch.setattr(phases, "_on", crashing)
        with pytest.raises(CrashError):
            lamina.fit(table(), "y", **few)
    for other in (
        lambda: lamina.fit(table(seed=1), "y", **few),
        lambda: lamina.fit(table(), "y", rate=0.1, **few),
    ):
        with pytest.raises(TrainingError, match="belongs to another"):
            other()
    lamina.fit(table(), "y", **few)
    assert not (tmp_path / "state").exists(), "complete: nothing is left behind"


def test_ctrl_c_keeps_the_best_so_far() -> None:
    kept = {}

    def interrupt(now: Training) -> None:
        if now.best is not None:
            kept["best"] = now.best
        if now.step == 15:
            raise KeyboardInterrupt

    stopped = train(training(), interrupt)
    assert stopped.stopped == "interrupted in pass 4"
    assert not stopped.network.training
    state = stopped.network.state_dict()
    for name, each in {**kept["best"].weights, **kept["best"].averaged}.items():
        assert torch.equal(state[name], each)


def test_ctrl_c_before_the_first_pass_is_done_keeps_what_there_is() -> None:
    def interrupt(now: Training) -> None:
        raise KeyboardInterrupt

    stopped = train(training(), interrupt)
    assert stopped.stopped == "interrupted in pass 1"
    assert all(torch.isfinite(each).all() for each in stopped.network.state_dict().values())


def test_a_loss_that_is_not_finite_from_the_start_is_an_error() -> None:
    broken = training()
    with torch.no_grad():
        broken.network.output.bias.fill_(float("nan"))
    with pytest.raises(TrainingError, match="smaller `rate`"):
        train(broken)


def test_a_loss_that_stops_being_finite_keeps_the_best() -> None:
    def poison(now: Training) -> None:
        if now.step == 10:
            with torch.no_grad():
                now.network.output.bias.fill_(float("nan"))

    ended = train(training(), poison)
    assert "stopped being finite" in ended.stopped
    assert all(torch.isfinite(each).all() for each in ended.network.state_dict().values())


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        self.now += 0.01
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    found = Clock()
    monkeypatch.setattr(time, "monotonic", found)
    return found


def timed(limit: float, **changes: object) -> Recipe:
    plain = {"steps": 10**6, "batch": 16, "rate": 1e-3, "decay": 0.0, "cooldown": 0.5}
    return Recipe(**{**plain, "time_limit": limit, **changes})


def test_the_time_limit_ends_training_within_a_step(clock: Clock) -> None:
    ended = train(training(timed(2.0)))
    assert 2.0 <= ended.seconds < 2.2
    assert ended.step < 200
    assert ended.epochs[-1].rate < 0.1 * 1e-3, "the rate fell to zero by the clock"


def test_both_phases_share_the_time_limit(clock: Clock) -> None:
    features, examples = data()
    parts = phases.Parts(torch.arange(64), torch.arange(64, ROWS), torch.arange(0))
    began = clock.now
    recipe = timed(3.0, patience=10**6, anneal=0.5)
    phases.run(network_for(features), phases.Lesson(examples, parts, recipe, "log_loss"))
    assert 2.5 < clock.now - began < 3.6


def test_patience_ends_training_and_the_best_stays() -> None:
    import msgspec

    long = train(training(msgspec.structs.replace(RECIPE, steps=4000, rate=0.05, patience=3)))
    after = long.epochs[long.best_epoch :]
    assert f"no better validation score for {len(after)} passes" in long.stopped
    assert sum(each.score is not None for each in after) == 3
    scores = [each.score for each in long.epochs if each.score is not None]
    assert min(scores) == long.best_score == long.epochs[long.best_epoch - 1].score
    assert long.validation.score(long.network) == pytest.approx(long.best_score, rel=1e-6)


def test_averaged_weights_are_the_average() -> None:
    from lamina.training.average import Average

    layer = torch.nn.Linear(1, 1)
    average = Average(layer, 0.5)
    expected = layer.weight.detach().clone()
    for step in range(1, 5):
        with torch.no_grad():
            layer.weight.add_(1.0)
        average.update()
        beta = min(0.5, (1 + step) / (10 + step))
        expected = beta * expected + (1 - beta) * layer.weight.detach()
    own = layer.weight.detach().clone()
    with average.applied(layer):
        torch.testing.assert_close(layer.weight.detach(), expected)
    assert torch.equal(layer.weight, own)
    average.settle(layer)
    torch.testing.assert_close(layer.weight.detach(), expected)


def test_a_code_that_is_rare_in_training_keeps_its_learnt_vector() -> None:
    """One missing value among 20,000 rows is met, so what was learnt of it is not overwritten."""
    import polars as pl

    from lamina.features.category import MISSING, CategoryFeature
    from lamina.features.features import Features
    from lamina.network.architecture import Architecture
    from lamina.network.network import build
    from lamina.training.examples import Examples
    from lamina.training.prepare import prepare

    words = ["a", "b"] * 10_000
    words[12_345] = None
    frame = pl.DataFrame({"c": words})
    features = Features((CategoryFeature.fit("category", frame, ["c"]),))
    shape = Architecture(
        inputs={"category": {"size": 4}}, hidden=(4,), activation="relu", members=1, output="number", scores=1
    )
    network = build(shape, features, 0)
    examples = Examples.of(features.transform(frame), np.zeros(len(words), np.float32))
    prepare(network, examples, torch.arange(len(words)))
    (layer,) = network.input_layers()
    before = layer.table.weight[MISSING].clone()
    network.settle()
    assert torch.equal(layer.table.weight[MISSING], before)
