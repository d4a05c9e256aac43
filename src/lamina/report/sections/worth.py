"""What deciding by these answers is worth."""

from __future__ import annotations

from lamina.decisions.worth import Policy
from lamina.report.facts import Facts
from lamina.report.figures.lines import curve
from lamina.report.figures.span import scale_of, span
from lamina.report.html import Html, data, joined, paragraph, table, tag
from lamina.report.money import THRESHOLDS, MoneyFacts
from lamina.report.sections.section import Section
from lamina.report.svg import figure
from lamina.report.words import number


def worth(facts: Facts) -> Section | None:
    """Money beside other ways to decide, over thresholds and over single costs."""
    found = facts.money
    if found is None:
        return None
    money = found.money
    actions = ", ".join(f"{name} {count:,}" for name, count in money.actions.items())
    lead = (
        f"Deciding by expected value would have made {_amount(money.made)} on {money.rows:,} rows "
        f"(95 % interval {_amount(money.low)} to {_amount(money.high)})."
    )
    left = (
        f" {found.left_out:,} rows whose answer the model does not know are left out."
        if found.left_out
        else ""
    )
    body = [
        paragraph(lead, class_="lead"),
        paragraph("Actions: ", data(actions, 400), f". Amounts are money made: minus what it costs.{left}"),
        _policies(found),
        tag("div", *_figures(found), class_="figures"),
        tag("h3", "The costs"),
        _costs(found),
    ]
    return Section("money", "What it is worth", joined(body))


def _policies(found: MoneyFacts) -> Html:
    made, rows_ = found.money.made, max(found.money.rows, 1)
    own = Policy(name="by expected value", made=made, per_row=made / rows_, ahead=0.0, low=0.0, high=0.0)
    scale = scale_of([own.made, *(each.made for each in found.money.policies)], from_zero=True)
    rows = [
        (
            data(each.name),
            span(each.made, None, scale, zero=0.0, strong=each is own),
            _amount(each.made),
            number(each.per_row),
            "–" if each is own else f"{_amount(each.ahead)} ({_amount(each.low)} to {_amount(each.high)})",
        )
        for each in (own, *found.money.policies)
    ]
    heads = ("way to decide", "money made", "", "per row", "more by expected value (95 % interval)")
    return table(heads, rows, numbers=(2, 3, 4), caption="Money made by each way to decide")


def _figures(found: MoneyFacts) -> list[Html]:
    figures = []
    if found.curve:
        best = int(max(range(len(found.curve)), key=found.curve.__getitem__))
        drawn = curve(
            THRESHOLDS.tolist(), list(found.curve), title="Money made over the threshold", x_name="threshold",
            y_name="money made", level=(found.money.made, "by expected value"),
        )  # fmt: skip
        words = (
            f"One threshold for all rows: the best on these rows, {THRESHOLDS[best]:.2f}, makes "
            f"{_amount(found.curve[best])}; it was chosen on the rows that judge it, so it flatters itself."
        )
        figures.append(figure(drawn, words))
    for each in found.varied:
        drawn = curve(
            each.amounts, list(each.made), title=f"Money made over the cost of {each.action} at {each.name}",
            x_name=f"cost of {each.action[:24]}, {each.name[:16]}", y_name="money made", at=each.amount,
        )  # fmt: skip
        figures.append(
            figure(drawn, f"What deciding makes if that cost is another; now it is {number(each.amount)}.")
        )
    return figures


def _costs(found: MoneyFacts) -> Html:
    classes = found.costs.classes
    rows = [
        (data(action, 60), *(data(row[name], 80) for name in classes))
        for action, row in found.costs.table.items()
    ]
    if found.costs.ask is not None:
        rows.append((data("ask a person"), *(data(found.costs.ask, 80) for _ in classes)))
    return table(("action", *(data(name, 40) for name in classes)), rows, numbers=range(1, 1 + len(classes)),
                 caption="What every action costs under every class")  # fmt: skip


def _amount(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else number(value)
