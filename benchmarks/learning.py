"""``python -m benchmarks.learning --data FOLDER --what months``: the learning loop beside never updating,
training anew on everything, and learning on blindly.

Every method answers the next block before it is given it. ``digits`` and ``intents``: classes that come one
after the other; ``months``: tables cut by time; ``category``: a new value that decides the answer; ``gate``:
what is promoted when new rows are harmless, helpful, mislabelled, shifted or broken.
"""

from __future__ import annotations

import argparse
import json
import os
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import torch

import lamina
from benchmarks.worlds import category_months, drifting_months, gate_updates
from lamina.data.conform import conform
from lamina.data.read import read
from lamina.data.split import kept_apart, split
from lamina.learning.candidate import learn, lesson
from lamina.learning.encoded_rows import encoded_rows
from lamina.learning.losses import row_losses_for
from lamina.learning.memory import BOOKKEEPING, Memory, MemoryLimits
from lamina.learning.plan import Plan
from lamina.learning.records import LearnSettings
from lamina.learning.replay import kept
from lamina.learning.trained import Trained
from lamina.learning.update import update
from lamina.predictions.answers import answers_for
from lamina.training.encode import validation_share
from lamina.training.fitted import Fitted

NOW = datetime(2026, 1, 1)
BLIND = Plan(rate=1.0, passes=4, old_per_new=0.0, hold=0.0, why="blindly")


@dataclass
class Costed:
    """Something that learns, and the processor seconds it has taken for it."""

    seconds: float = 0.0

    def timed(self, work: Callable[[], Any]) -> Any:
        began = time.process_time()
        found = work()
        self.seconds += time.process_time() - began
        return found


def fitted_on(frame: pl.DataFrame, options: argparse.Namespace, target: str, **further: Any) -> Trained:
    on = lamina.Machine(threads=options.threads, progress=False)
    model = lamina.fit(frame, target, quality=options.quality, seed=options.seed, on=on, **further)
    return Trained(model.fitted, model.baseline, model.validation)


def first_memory(fitted: Fitted, rows: pl.DataFrame, limits: MemoryLimits) -> Memory:
    """What the network learnt from, parted as its training parted it."""
    frame, _ = conform(read(rows), fitted.schema, need_target=True)
    settings, schema = fitted.settings, fitted.schema
    share = validation_share(frame.height, schema, settings)
    parts = split(frame, schema, answer=schema.with_role("target")[0].answer, share=share, seed=settings.seed)
    apart = kept_apart(parts, settings.seed)
    judge = np.zeros(frame.height, bool)
    judge[apart if fitted.network.hidden.first is not None or len(apart) else parts.validation] = True
    losses = row_losses_for(fitted, frame).loss
    memory = Memory.empty(limits).with_rows(frame, schema, judge=judge, losses=losses, when=NOW, update=0)
    return encoded_rows(kept(memory, fitted.target.targets[0]), fitted)


def scores(fitted: Fitted, rows: pl.DataFrame) -> dict[str, float]:
    frame, _ = conform(read(rows), fitted.schema, need_target=True)
    return fitted.target.judge(answers_for(fitted, frame), fitted.target.encode(frame))


# ------------------------------------------------------------------------------------------ in blocks


def in_blocks(
    blocks: list[pl.DataFrame], target: str, score: str, options: argparse.Namespace, **further: Any
) -> dict[str, Any]:
    """Mean score on the next block, and processor seconds of learning, by method."""
    first = fitted_on(blocks[0], options, target, **further)
    limits = MemoryLimits(learn=options.memory, judge=5_000, mode=options.mode)
    memory, loop, anew, blind = first_memory(first.fitted, blocks[0], limits), first, first, first.fitted
    costs = {name: Costed() for name in ("anew", "loop", "blind")}
    found: dict[str, list[float]] = {name: [] for name in ("never", "anew", "loop", "blind")}
    outcomes = []
    for number, block in enumerate(blocks[1:], 1):
        for name, network in (
            ("never", first.fitted),
            ("anew", anew.fitted),
            ("loop", loop.fitted),
            ("blind", blind),
        ):
            found[name].append(scores(network, block)[score])
        if number == len(blocks) - 1:
            break
        table = read(block)
        done = costs["loop"].timed(
            partial(update, loop, table, memory, LearnSettings(seed=options.seed), when=NOW)
        )
        memory, verdict = done.memory, done.report.verdict
        loop = done.candidate if verdict.outcome == "promoted" else loop
        outcomes.append({"outcome": verdict.outcome, "followed": verdict.followed, "why": verdict.why,
                         "seconds": done.report.seconds})  # fmt: skip
        if options.refit:
            everything = pl.concat(blocks[: number + 1], how="vertical_relaxed")
            anew = costs["anew"].timed(partial(fitted_on, everything, options, target, **further))
        blind = costs["blind"].timed(partial(on_and_on, blind, block, options))
        print(json.dumps({"block": number, **{n: round(v[-1], 4) for n, v in found.items()},
                          **outcomes[-1]}), flush=True)  # fmt: skip
    return {
        "score": score,
        "mean": {name: float(np.mean(values)) for name, values in found.items()},
        "seconds": {name: each.seconds for name, each in costs.items()},
        "promoted": sum(each["outcome"] == "promoted" for each in outcomes),
        "followed": sum(each["followed"] for each in outcomes),
        "updates": len(outcomes),
        "blocks": found,
    }


def on_and_on(fitted: Fitted, block: pl.DataFrame, options: argparse.Namespace) -> Fitted:
    """Learning on from the new rows alone, as it comes: no memory, no gate."""
    from lamina.learning.grow import grow

    frame, _ = conform(read(block), fitted.schema, need_target=True)
    grown, _ = grow(fitted, frame)
    on = lamina.Machine(threads=options.threads, progress=False)
    what = lesson(grown, frame, pl.DataFrame(schema=BOOKKEEPING), on)
    return learn(grown, what, replace_seed(BLIND, options.seed), on)


def replace_seed(plan: Plan, seed: int) -> Plan:
    import msgspec

    return msgspec.structs.replace(plan, seed=seed)


# ------------------------------------------------------------------------------------------- the sets


def months(options: argparse.Namespace) -> None:
    """Tables in the order of time."""
    sets: dict[str, tuple[Callable[[Path], list[pl.DataFrame]], str, str]] = {
        "bank": (lambda folder: cut(bank(folder), 12), "deposit", "auroc"),
        "elec2": (lambda f: cut(pl.read_csv(f / "streams/elec2.csv.gz"), 20), "class", "accuracy"),
        "sea": (lambda f: cut(pl.read_csv(f / "streams/sea_stream.csv.gz"), 20), "class", "accuracy"),
        "cards": (cards, "TX_FRAUD", "auroc"),
        "walmart": (walmart, "Weekly_Sales", "mae"),
        "drifting": (lambda _: drifting_months(options.seed), "answer", "auroc"),
    }
    for name in options.sets.split(","):
        load, target, score = sets[name]
        told(f"months {name}", in_blocks(load(Path(options.data)), target, score, options), options)


def cut(frame: pl.DataFrame, count: int) -> list[pl.DataFrame]:
    """Consecutive parts of the same length."""
    cuts = np.linspace(0, frame.height, count + 1).astype(int)
    return [frame[a:b] for a, b in pairwise(cuts)]


def bank(folder: Path) -> pl.DataFrame:
    """The file is in the order of time; how long the call took is known only after it."""
    return pl.read_csv(folder / "tabular/bank_marketing.csv.gz").drop("duration")


def cards(folder: Path) -> list[pl.DataFrame]:
    """One in eight customers, seven weeks; what their payments were like in the week before, computed from
    the past alone."""
    frame = pl.read_parquet(folder / "streams/card_transactions_simulated.parquet")
    frame = frame.filter(pl.col("CUSTOMER_ID").cast(pl.Int64) % 8 == 0).sort("TX_DATETIME")
    when, amount = pl.col("TX_DATETIME"), pl.col("TX_AMOUNT")
    windows = {
        f"{name}_{days}": rolling("TX_DATETIME", f"{days}d", closed="left")
        for days in (1, 7)
        for name, rolling in (("mean", amount.rolling_mean_by), ("sum", amount.rolling_sum_by))
    }
    weeks = (frame["TX_DATETIME"] - frame["TX_DATETIME"][0]).dt.total_days() // 7
    rows = frame.select(
        amount,
        when.dt.hour().alias("hour"),
        when.dt.weekday().alias("weekday"),
        *(past.over("CUSTOMER_ID").alias(name) for name, past in windows.items()),
        pl.col("TX_FRAUD").cast(pl.String),
    )
    return [rows.filter(weeks == week) for week in range(7)]


def walmart(folder: Path) -> list[pl.DataFrame]:
    """Every eighth pair of store and department, in blocks of eleven weeks; known beside the calendar, the
    weather and the store are the sales of twelve weeks before, when a block begins."""
    place = folder / "timeseries/walmart"
    frame = pl.read_parquet(place / "train.parquet").with_columns(pl.col("Date").dt.date())
    beside = pl.read_csv(place / "features.csv.gz", try_parse_dates=True, null_values="NA")
    frame = frame.filter((pl.col("Store") * 100 + pl.col("Dept")) % 8 == 0).sort("Store", "Dept", "Date")
    frame = frame.join(beside.drop("IsHoliday"), on=["Store", "Date"], how="left")
    frame = frame.join(pl.read_csv(place / "stores.csv"), on="Store", how="left")
    before = frame.select("Store", "Dept", pl.col("Date").dt.offset_by("12w"), before="Weekly_Sales")
    frame = frame.join(before, on=["Store", "Dept", "Date"], how="left").sort("Date", "Store", "Dept")
    weeks = (frame["Date"] - frame["Date"][0]).dt.total_days() // 7
    rows = frame.with_columns(
        pl.format("s{}", "Store").alias("Store"),
        pl.format("d{}", "Dept").alias("Dept"),
        pl.col("Date").dt.week().alias("week"),
    ).drop("Date")
    return [rows.filter(weeks // 11 == block) for block in range(13)]


def digits(options: argparse.Namespace) -> None:
    """0 to 4 first, then one digit after the other; a memory of 2,000 pictures."""
    folder = Path(options.data) / "images/mnist"
    parts = {}
    for part in ("train", "test"):
        table = read(folder, part=part)
        label = str(table.label)
        parts[part] = table.frame.rename({label: "digit"}).with_columns(pl.col("digit").cast(pl.String))
    train, test = parts["train"][: options.rows], parts["test"]
    steps = [["0", "1", "2", "3", "4"], *([str(d)] for d in range(5, 10))]
    in_steps("digits", train, test, "digit", steps, MemoryLimits(learn=2_000, judge=2_000), options)


def intents(options: argparse.Namespace) -> None:
    """40 intents first, then 37 in four steps, in the order of the alphabet."""
    folder = Path(options.data) / "text/banking77"
    train, test = (pl.read_csv(folder / f"{part}.csv.gz") for part in ("train", "test"))
    names = sorted(train["category"].unique())
    cuts = [0, 40, 49, 58, 67, 77]
    steps = [names[a:b] for a, b in pairwise(cuts)]
    limits = MemoryLimits(learn=20_000, judge=5_000)
    in_steps("intents", train, test, "category", steps, limits, options, pretrained=options.pretrained)


def in_steps(
    name: str, train: pl.DataFrame, test: pl.DataFrame, target: str, steps: list[list[str]],
    limits: MemoryLimits, options: argparse.Namespace, **further: Any,
) -> None:  # fmt: skip
    """Classes come in steps; after each one: accuracy on the test rows of all classes so far, and of those of
    the first step, which is what may be forgotten."""
    whole = Costed()
    joint = whole.timed(lambda: fitted_on(train, options, target, **further))
    found: dict[str, Any] = {"joint": scores(joint.fitted, test)["accuracy"], "joint_seconds": whole.seconds}
    print(json.dumps(found), flush=True)
    start = Costed()
    rows = train.filter(pl.col(target).is_in(steps[0]))
    loop = start.timed(lambda: fitted_on(rows, options, target, **further))
    blind, memory = loop.fitted, first_memory(loop.fitted, rows, limits)
    rounds: list[dict[str, Any]] = []
    for number, step in enumerate(steps):
        known = [each for before in steps[: number + 1] for each in before]
        said: dict[str, Any] = {"classes": len(known)}
        if number:
            rows, loop_cost, blind_cost = train.filter(pl.col(target).is_in(step)), Costed(), Costed()
            table = read(rows)
            done = loop_cost.timed(
                partial(update, loop, table, memory, LearnSettings(seed=options.seed), when=NOW)
            )
            memory, verdict = done.memory, done.report.verdict
            loop = done.candidate if verdict.outcome == "promoted" else loop
            blind = blind_cost.timed(partial(on_and_on, blind, rows, options))
            said |= {"outcome": verdict.outcome, "why": verdict.why, "seconds": loop_cost.seconds,
                     "share_of_refit": loop_cost.seconds / whole.seconds,
                     "remembered": memory.to_learn().height, "steps": done.report.seconds}  # fmt: skip
        now, first = test.filter(pl.col(target).is_in(known)), test.filter(pl.col(target).is_in(steps[0]))
        for method, network in (("loop", loop.fitted), ("blind", blind)):
            said[method] = scores(network, now)["accuracy"]
            said[f"{method} on the first"] = scores(network, first)["accuracy"]
        rounds.append(said)
        print(json.dumps(said), flush=True)
    told(name, {**found, "start_seconds": start.seconds, "rounds": rounds}, options)


def category(options: argparse.Namespace) -> None:
    """In month 4 a value appears that decides the answer; how the next month's rows with it are answered."""
    found: dict[str, list[float]] = {}
    for seed in range(options.seeds):
        blocks = category_months(seed)
        first = fitted_on(blocks[0], options, "answer")
        loop, memory = first, first_memory(first.fitted, blocks[0], MemoryLimits())
        outcomes = []
        for block in blocks[1:-1]:
            done = update(loop, read(block), memory, LearnSettings(seed=seed), when=NOW)
            memory, outcome = done.memory, done.report.verdict.outcome
            loop = done.candidate if outcome == "promoted" else loop
            outcomes.append(outcome)
        last = blocks[-1].filter(pl.col("plan") == "new")
        usual = blocks[0]["plan"].mode()[0]
        found.setdefault("loop", []).append(scores(loop.fitted, last)["accuracy"])
        found.setdefault("as unseen", []).append(scores(first.fitted, last)["accuracy"])
        as_usual = last.with_columns(pl.lit(usual).alias("plan"))
        found.setdefault("as the most frequent", []).append(scores(first.fitted, as_usual)["accuracy"])
        found.setdefault("refused", []).append(0.0)
        print(json.dumps({"seed": seed, "outcomes": outcomes}), flush=True)
    told("category", {name: [float(np.mean(v)), float(np.std(v))] for name, v in found.items()}, options)


def gate(options: argparse.Namespace) -> None:
    """What is promoted, and how often the true loss on old rows rose by more than the margin."""
    found: dict[str, list[tuple[str, float, float]]] = {}
    for number in range(options.updates):
        kind, first_rows, judged_rows, new_rows, truth = gate_updates(number)
        champion = fitted_on(first_rows, options, "answer", hidden=(32,), members=4, epochs=15)
        memory = gate_memory(champion.fitted, first_rows, judged_rows)
        done = update(champion, read(new_rows), memory, LearnSettings(seed=number), when=NOW)
        outcome = done.report.verdict.outcome
        rise = 0.0
        if done.candidate is not None:
            frame, _ = conform(read(truth), champion.fitted.schema, need_target=True)
            before, after = (
                row_losses_for(f, frame).loss.mean() for f in (champion.fitted, done.candidate.fitted)
            )
            rise = float(after / before - 1)
        found.setdefault(kind, []).append((outcome, rise, float(done.report.verdict.followed)))
        if number % 20 == 19:
            print(json.dumps({"done": number + 1, "kinds": counted(found)}), flush=True)
    told("gate", counted(found), options)


def gate_memory(fitted: Fitted, learnt: pl.DataFrame, judged: pl.DataFrame) -> Memory:
    memory = Memory.empty()
    for rows, judge in ((learnt, False), (judged, True)):
        frame, _ = conform(read(rows), fitted.schema, need_target=True)
        memory = memory.with_rows(
            frame, fitted.schema, judge=np.full(frame.height, judge),
            losses=row_losses_for(fitted, frame).loss, when=NOW, update=0,
        )  # fmt: skip
    return memory


def counted(found: dict[str, list[tuple[str, float, float]]]) -> dict[str, Any]:
    margin = LearnSettings().margin
    return {
        kind: {
            "updates": len(each),
            **{o: sum(one[0] == o for one in each) for o in ("promoted", "kept", "refused")},
            "followed": sum(one[2] for one in each),
            "harmed": sum(one[0] == "promoted" and one[1] > margin for one in each),
            "rise if promoted": float(np.mean([one[1] for one in each if one[0] == "promoted"] or [0])),
        }
        for kind, each in found.items()
    }


def told(name: str, found: dict[str, Any], options: argparse.Namespace) -> None:
    line = json.dumps({"what": name, "quality": options.quality, "seed": options.seed, **found})
    print(line, flush=True)
    if options.output:
        with open(options.output, "a", encoding="utf-8") as file:
            file.write(line + "\n")


def main() -> None:
    options = _options()
    torch.set_num_threads(options.threads)
    warnings.simplefilter("ignore", lamina.LaminaWarning)
    {"months": months, "digits": digits, "intents": intents, "category": category, "gate": gate}[
        options.what
    ](options)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.learning", description=__doc__)
    parser.add_argument("--data", default="", help="the folder with the data sets")
    parser.add_argument("--what", required=True, choices=["digits", "intents", "months", "gate", "category"])
    parser.add_argument("--sets", default="bank,elec2,sea,cards,walmart", help="of months")
    parser.add_argument("--quality", default="fast", choices=["fast", "good", "best"])
    parser.add_argument("--memory", type=int, default=20_000)
    parser.add_argument("--mode", default="rows", choices=["rows", "features"], help="memory, of months")
    parser.add_argument("--rows", type=int, default=60_000, help="of digits, to learn from in all")
    parser.add_argument("--updates", type=int, default=200, help="of gate")
    parser.add_argument("--seeds", type=int, default=5, help="of category")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--refit", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--pretrained", action=argparse.BooleanOptionalAction, default=False)
    parser.add_argument("--output", default="")
    return parser.parse_args()


if __name__ == "__main__":
    main()
