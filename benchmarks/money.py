"""``python -m benchmarks.money --data FOLDER``: past fraud in money, beside thresholds.

Card payments (simulated, the split of the handbook they come from): learnt on 25 to 31 July, judged on 8 to
14 August, with what was known of customer and terminal before each payment (a fraud is known a week later). A
fraud that passes costs its amount, a review costs 3 and stops it, at most 100 reviews a day. Vehicle
insurance: claims of 1994 to 1995 and of 1996; paying a fraudulent claim costs 8,000, investigating one 400.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import polars as pl

import lamina
from lamina.decisions.worth import lines

DELAY = timedelta(days=7)
WINDOWS = (1, 7, 30)


def main() -> None:
    options = _options()
    on = lamina.Machine(threads=options.threads, progress=False)
    for name in options.sets.split(","):
        train, test, target, ignored, costs, limits = CASES[name](Path(options.data))
        roles = dict.fromkeys(ignored, "ignored")
        model = lamina.fit(train, target, roles=roles, quality=options.quality, seed=options.seed, on=on)
        scores = model.evaluate(test).scores
        told = {key: round(scores[key], 4) for key in ("auroc", "average_precision", "ece")}
        print(f"\n{name}, seed {options.seed}, quality {options.quality}: {told}")
        for limit in ((), limits) if limits else ((),):
            print("with at most 100 reviews a day" if limit else "without limits")
            print("\n".join(lines(model.worth(test, costs, limits=limit, trained=train))), flush=True)


Case = tuple[pl.DataFrame, pl.DataFrame, str, list[str], lamina.Costs, list[lamina.Limit]]


def card_transactions(folder: Path) -> Case:
    """Payments with what was known of customer and terminal at that moment."""
    frame = pl.read_parquet(next(folder.rglob("card_transactions_simulated.parquet"))).sort("TX_DATETIME")
    frame = frame.with_columns(
        day=pl.col("TX_DATETIME").dt.date(),
        weekend=pl.col("TX_DATETIME").dt.weekday() > 5,
        night=pl.col("TX_DATETIME").dt.hour() <= 6,
    )
    for days in WINDOWS:
        own = {"period": f"{days}d", "group_by": "CUSTOMER_ID"}
        rolled = frame.rolling("TX_DATETIME", **own).agg(
            pl.col("TRANSACTION_ID").last(),
            pl.len().alias(f"customer_payments_{days}"),
            pl.col("TX_AMOUNT").mean().alias(f"customer_amount_{days}"),
        )
        frame = frame.join(
            rolled.drop("CUSTOMER_ID", "TX_DATETIME"), on="TRANSACTION_ID", maintain_order="left"
        )
        rolled = frame.rolling(
            "TX_DATETIME", period=f"{days}d", offset=f"-{days + DELAY.days}d", group_by="TERMINAL_ID"
        ).agg(
            pl.len().alias(f"terminal_payments_{days}"),
            pl.col("TX_FRAUD").cast(pl.Float64).mean().fill_null(0).alias(f"terminal_risk_{days}"),
        )
        rolled = rolled.unique(["TERMINAL_ID", "TX_DATETIME"], keep="any")
        frame = frame.join(rolled, on=["TERMINAL_ID", "TX_DATETIME"], how="left", maintain_order="left")
    train = frame.filter(pl.col("day").is_between(date(2018, 7, 25), date(2018, 7, 31)))
    test = frame.filter(pl.col("day").is_between(date(2018, 8, 8), date(2018, 8, 14)))
    # customers known as defrauded by the end of the training week are out of the game, as in the handbook
    caught = train.filter(pl.col("TX_FRAUD") == 1)["CUSTOMER_ID"].unique()
    test = test.filter(~pl.col("CUSTOMER_ID").is_in(caught.implode()))
    ignored = ["TRANSACTION_ID", "TX_DATETIME", "CUSTOMER_ID", "TERMINAL_ID", "TX_FRAUD_SCENARIO", "day"]
    ignored += [name for name in ("TX_TIME_SECONDS", "TX_TIME_DAYS") if name in frame.columns]
    costs = lamina.Costs({"let pass": {"0": 0, "1": "TX_AMOUNT"}, "review": {"0": 3, "1": 3}})
    return train, test, "TX_FRAUD", ignored, costs, [lamina.Limit(action="review", most=100, per="day")]


def vehicle_insurance(folder: Path) -> Case:
    """Claims of 1994 and 1995, then those of 1996."""
    frame = pl.read_csv(next(folder.rglob("vehicle_insurance_fraud.csv.gz")))
    train, test = frame.filter(pl.col("Year") < 1996), frame.filter(pl.col("Year") == 1996)
    costs = lamina.Costs({"pay": {"0": 0, "1": 8000}, "investigate": {"0": 400, "1": 400}})
    return train, test, "FraudFound_P", ["PolicyNumber", "Year"], costs, []


CASES: dict[str, Callable[[Path], Case]] = {
    "card_transactions": card_transactions,
    "vehicle_insurance": vehicle_insurance,
}


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.money", description=__doc__)
    parser.add_argument("--data", required=True, help="the folder with the data sets")
    parser.add_argument("--sets", default=",".join(CASES))
    parser.add_argument("--quality", default="good", choices=["fast", "good", "best"])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    return parser.parse_args()


if __name__ == "__main__":
    main()
