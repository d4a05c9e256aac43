"""What a person reads first about a model: what it understood, how good it is, what was decided."""

from __future__ import annotations

from lamina.features.target import ClassTarget
from lamina.records import Evaluation, Schema
from lamina.training.fitted import Fitted

# What each score means in words, in the order in which they are shown
SHOWN = {
    "accuracy": "answers that are right",
    "balanced_accuracy": "the same, every class counting alike",
    "auroc": "right order of a random pair",
    "average_precision": "precision over all thresholds",
    "f1": "precision and recall together, mean of the classes",
    "log_loss": "price of confident errors; less is better",
    "ece": "gap between confidence and accuracy; less is better",
    "rmse": "typical error, large ones counting more; less is better",
    "mae": "mean error; less is better",
    "r2": "share of the variation explained",
}
MOST_COLUMNS = 8


def summary(fitted: Fitted, validation: Evaluation) -> str:
    """Several lines of plain text."""
    target = fitted.target
    if isinstance(target, ClassTarget):
        asked = f"predicts {target.column!r}, one of {len(target.labels)} classes"
    else:
        asked = f"predicts the number {target.column!r}"
    lines = [f"Lamina model: {asked}", "", *understood(fitted.schema), ""]
    lines += [f"  {each.what}: {each.value} ({each.why})" for each in fitted.choices]
    weights = f"{fitted.network.weights:,} weights"
    lines += [f"  trained: {len(fitted.epochs)} passes, {weights}, {fitted.stopped}", ""]
    return "\n".join(lines + score_lines(validation))


def understood(schema: Schema) -> list[str]:
    """The columns by kind, and those that are not used with the reason."""
    by_kind: dict[str, list[str]] = {}
    for field in schema.with_role("input"):
        by_kind.setdefault(field.kind, []).append(field.name)
    lines = [f"  {kind}: {_some(names)}" for kind, names in by_kind.items()]
    return lines + [f"  not used: {f.name} ({f.why})" for f in schema.with_role("ignored")]


def score_lines(evaluation: Evaluation) -> list[str]:
    """A small table: every score, its interval, and the baselines beside it."""
    names = list(evaluation.baseline)
    lines = [f"On {evaluation.rows:,} rows ({evaluation.on}):"]
    lines.append(
        f"  {'score':<18}{'network':>12}  {'95 % interval':<22}" + "".join(f"{n:>12}" for n in names)
    )
    for score, words in SHOWN.items():
        if score in evaluation.scores:
            low, high = evaluation.intervals.get(score, (float("nan"),) * 2)
            between = f"{_number(low)} to {_number(high)}"
            others = "".join(f"{_number(evaluation.baseline[n].get(score, float('nan'))):>12}" for n in names)
            value = _number(evaluation.scores[score])
            lines.append(f"  {score:<18}{value:>12}  {between:<22}{others}  {words}")
    return lines


def _number(value: float) -> str:
    return f"{value:.4f}" if abs(value) < 100 else f"{value:,.1f}" if abs(value) < 1e5 else f"{value:,.0f}"


def _some(names: list[str]) -> str:
    more = f" and {len(names) - MOST_COLUMNS} more" if len(names) > MOST_COLUMNS else ""
    return ", ".join(names[:MOST_COLUMNS]) + more
