"""What a person reads first about a model: what it understood, how good it is, what was decided."""

from __future__ import annotations

from collections.abc import Iterable

from lamina.predictions.row_losses import WORDS
from lamina.records import Evaluation, Group, Schema, Worse
from lamina.scores.worse import FALSE_ALARMS
from lamina.training.fitted import Fitted

# What each score means in words, in the order in which they are shown
SHOWN = {
    "joint": "errors beside those of a constant answer, mean of the targets; less is better",
    "accuracy": "answers that are right",
    "balanced_accuracy": "the same, every class counting alike",
    "auroc": "right order of a random pair",
    "average_precision": "precision over all thresholds",
    "f1": "precision and recall together, mean of the classes",
    "log_loss": "price of confident errors; less is better",
    "ece": "gap between confidence and accuracy; less is better",
    "ece_noise": "the same for honest probabilities, by chance alone",
    "rmse": "typical error, large ones counting more; less is better",
    "mae": "mean error; less is better",
    "r2": "share of the variation explained",
    "kappa": "agreement beyond chance, far misses counting more",
    "mae_steps": "mean distance in steps; less is better",
    "micro_f1": "precision and recall together, of all labels",
    "macro_f1": "the same, mean of the labels",
    "jaccard": "labels right per label told or come",
    "deviance": "distance from the answers, in proportion; less is better",
    "total_ratio": "total predicted per total that came",
    "wer": "wrong words per word that was said; less is better",
    "cer": "wrong characters per character that was said; less is better",
    "exact": "transcripts that are right throughout",
    "iou": "pixels both told and true, per pixel told or true",
    "pixel_accuracy": "share of pixels that are right",
    "pinball": "error of the quantiles; less is better",
    "coverage": "sets or intervals that hold the true answer",
    "set_size": "classes in a set, mean",
    "width": "width of an interval, mean",
}
ORDER = {name: place for place, name in enumerate(SHOWN)}
COVERAGE = "coverage_"
MOST_COLUMNS = 8
MOST_SCORES = 5  # of every group


def summary(fitted: Fitted, validation: Evaluation) -> str:
    """Several lines of plain text."""
    lines = [f"Lamina model: predicts {fitted.target.describe()}", "", *understood(fitted.schema), ""]
    lines += [f"  {each.what}: {each.value} ({each.why})" for each in fitted.choices]
    weights = f"{fitted.engine.weights:,} weights"
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
    wide = max(18, *(len(name) + 2 for name, _ in shown(evaluation.scores)), 0)
    lines = [f"On {evaluation.rows:,} rows ({evaluation.on}):"]
    lines.append(
        f"  {'score':<{wide}}{'network':>12}  {'95 % interval':<22}" + "".join(f"{n:>12}" for n in names)
    )
    for score, words in shown(evaluation.scores):
        low, high = evaluation.intervals.get(score, (float("nan"),) * 2)
        between = f"{_number(low)} to {_number(high)}"
        others = "".join(f"{_number(evaluation.baseline[n].get(score, float('nan'))):>12}" for n in names)
        value = _number(evaluation.scores[score])
        lines.append(f"  {score:<{wide}}{value:>12}  {between:<22}{others}  {words}")
    return lines


def group_lines(evaluation: Evaluation) -> list[str]:
    """For every column of groups a small table, then the groups that fare clearly worse."""
    lines = []
    for each in evaluation.groups:
        names = [name for name, _ in shown(evaluation.scores) if any(name in g.scores for g in each.groups)]
        wide = max(len(group.name) for group in each.groups) + 2
        lines += ["", f"By {each.column} ({each.how}):"]
        names = names[:MOST_SCORES] + [name for name in names[MOST_SCORES:] if name.endswith("coverage")]
        lines.append(f"  {'':<{wide}}{'rows':>8}" + "".join(f"{name:>28}" for name in names))
        for group in each.groups:
            cells = "".join(f"{_with_interval(group, name):>28}" for name in names)
            lines.append(f"  {group.name:<{wide}}{group.rows:>8,}{cells}")
    if evaluation.groups:
        lines += ["", *_worse_lines(evaluation)]
    return lines


def _with_interval(group: Group, name: str) -> str:
    low, high = group.intervals.get(name, (float("nan"),) * 2)
    if name not in group.scores:
        return "-"
    return f"{_number(group.scores[name])} ({_number(low)} to {_number(high)})"


def _worse_lines(evaluation: Evaluation) -> list[str]:
    worse = [one for each in evaluation.groups for one in each.worse]
    if not worse:
        return ["No group fares clearly worse than the other rows."]
    how = f"clear beyond chance: at most {FALSE_ALARMS:.0%} of such tables name any group by mistake"
    return [f"Groups that fare worse ({how}):", *(f"  {worse_words(one)}" for one in worse)]


def worse_words(worse: Worse) -> str:
    """In what a group fares worse, and by how much."""
    target, _, measure = worse.measure.rpartition(".")
    told = f"{worse.column} = {worse.group} ({worse.rows:,} rows): "
    told += f"{target}: " if target else ""
    inside, outside, least = (
        f"{100 * each:.1f} %" if worse.share else _number(each)
        for each in (worse.inside, worse.outside, worse.least)
    )
    words = WORDS.get(measure, f"{measure} is larger")
    return told + f"{words} ({inside}, elsewhere {outside}; at least {least} more)"


def shown(scores: Iterable[str]) -> list[tuple[str, str]]:
    """The scores that have words, target by target (``price.rmse``), each with its words in a fixed order."""
    targets: dict[str, list[tuple[int, str, str]]] = {}
    for name in scores:
        target, plain = _parts(name)
        if plain in SHOWN:
            targets.setdefault(target, []).append((ORDER[plain], name, SHOWN[plain]))
        elif plain.startswith(COVERAGE):
            share = plain.removeprefix(COVERAGE)
            targets.setdefault(target, []).append(
                (len(ORDER), name, f"share of answers at or below; {float(share) / 100:g} is right")
            )
    return [
        (name, words)
        for found in targets.values()
        for _, name, words in sorted(found, key=lambda each: each[0])
    ]


def _parts(name: str) -> tuple[str, str]:
    """``price.rmse`` → price, rmse; the target is "" where there is only one."""
    head, mark, level = name.rpartition(COVERAGE)
    if mark:
        return head.removesuffix("."), mark + level
    target, _, plain = name.rpartition(".")
    return target, plain


def _number(value: float) -> str:
    return f"{value:.4f}" if abs(value) < 100 else f"{value:,.1f}" if abs(value) < 1e5 else f"{value:,.0f}"


def _some(names: list[str]) -> str:
    more = f" and {len(names) - MOST_COLUMNS} more" if len(names) > MOST_COLUMNS else ""
    return ", ".join(names[:MOST_COLUMNS]) + more
