"""The figures one by one: what stands where, and that nothing breaks on odd numbers."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from page_reader import Page

from lamina.report.figures.confusion import UNSEEN, confusion, counted, found_least
from lamina.report.figures.histogram import BARS, counts_plot, histogram
from lamina.report.figures.lines import curve
from lamina.report.figures.reliability import level_plot, reliability_plot
from lamina.report.figures.scatter import MOST_POINTS, truth_plot
from lamina.report.figures.span import scale_of, span
from lamina.report.figures.sparkline import sparkline
from lamina.report.figures.wilson import wilson
from lamina.report.html import data, table, tag, text
from lamina.report.svg import Plot, mark, spread, ticks
from lamina.report.words import between, chance, listed, number, short, size
from lamina.scores.calibration import binned

numbers = st.floats(-1e12, 1e12)


def drawn(figure: str) -> Page:
    assert "nan" not in figure
    assert "inf" not in figure
    return Page(figure)


# --------------------------------------------------------------------------------------------- HTML


@given(st.text(max_size=60))
def test_any_text_comes_back_as_it_was_and_is_no_markup(words: str) -> None:
    page = Page(tag("p", words, class_=words))
    assert page.seen == {"p": 1}
    plain = re.sub("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]", "\ufffd", words)
    assert "".join(page.words) == plain.replace("\r\n", "\n").replace("\r", "\n") or "\r" in words


def test_hostile_words_stay_words() -> None:
    hostile = '"><img src=x onerror=alert(1)></p><script>alert(1)</script>'
    whole = table((hostile, "b"), [(hostile, data(hostile))], caption=hostile)
    page = Page(whole)
    assert "script" not in page.seen
    assert "img" not in page.seen
    assert page.text.count("<script>alert(1)</script>") == 4
    assert text("a\x00b\x1b") == "a\ufffdb\ufffd"


def test_long_words_are_cut_and_marked() -> None:
    assert len(Page(data("x" * 5000, 80)).text) == 80
    assert Page(data("median_age")).words == ["median_age"]
    assert 'class="long"' in data("x" * 40)
    assert 'class="long"' not in data("a word or two")


# -------------------------------------------------------------------------------------------- numbers


@given(st.floats(-1e300, 1e300) | st.sampled_from([float("nan"), float("inf")]))
def test_numbers_keep_their_size_in_words(value: float) -> None:
    told = number(value)
    if np.isfinite(value) and value:
        assert float(told.replace(",", "")) == pytest.approx(value, rel=0.006)
    elif not np.isfinite(value):
        assert told == "–"


def test_other_words() -> None:
    assert (chance(1.0), chance(0.9999), chance(0.0)) == ("100.0\xa0%", ">\xa099.9\xa0%", "0.0\xa0%")
    assert between((float("nan"), 1)) == "–"
    assert listed(["a", "b", "c"]) == "a, b, c"
    assert (size(10), size(2_000), size(3_400_000)) == ("10 bytes", "2 kB", "3.4 MB")
    assert (short("C:\\data\\a.csv"), short("/a/b/"), short("a frame")) == ("a.csv", "b", "a frame")


@given(numbers, st.floats(1e-6, 1e9))
def test_ticks_are_few_and_inside(low: float, width: float) -> None:
    high = low + width
    if not high > low:
        return
    found = ticks(low, high)
    assert 1 <= len(found) <= 12
    assert all(low - 1e-6 * width <= each <= high + 1e-6 * width for each in found) or width < 1e-7 * abs(low)


def test_marks_are_short() -> None:
    assert [mark(each) for each in (0, 0.25, 999, 25_000, 1e6, -3e9)] == [
        *("0", "0.25", "999", "25k", "1M", "-3G")
    ]


def test_places_on_the_paper() -> None:
    plot = Plot((0, 10), (0, 1), width=168, height=150)
    assert (plot.across(0), plot.across(10)) == (56, 156)
    assert (plot.down(0), plot.down(1)) == (110, 10)
    assert plot.across(99) == 156  # what lies beyond is drawn at the edge
    assert plot.line((0, 5, 10), (0, float("nan"), 1), "curve").count("M") == 2


def test_bounds_hold_all_numbers_and_ignore_none() -> None:
    assert spread([]) == (0.0, 1.0)
    assert spread([float("nan"), 2.0]) == (1.8, 2.2)
    low, high = spread([0.0, 10.0])
    assert low < 0 < 10 < high


@pytest.mark.parametrize(("share", "rows"), [(0.0, 5), (1.0, 5), (0.5, 1), (0.9, 10_000), (0.3, 0)])
def test_wilson_intervals_lie_between_0_and_1_and_hold_the_share(share: float, rows: int) -> None:
    low, high = wilson(share, rows)
    assert 0 <= low <= share + 1e-12
    assert share - 1e-12 <= high <= 1


def test_wilson_against_a_second_implementation() -> None:
    from scipy.stats import binomtest

    for right, rows in ((0, 7), (3, 7), (80, 100), (999, 1000)):
        wanted = binomtest(right, rows).proportion_ci(0.95, "wilson")
        assert wilson(right / rows, rows) == pytest.approx((wanted.low, wanted.high), abs=1e-6)


# -------------------------------------------------------------------------------------------- figures


def test_a_span_lies_where_its_value_does() -> None:
    told = span(5.0, (2.5, 7.5), (0.0, 10.0))
    assert 'x1="25.00" x2="75.00"' in told
    assert 'x1="50.00" x2="50.00"' in told
    assert 'x="50.00" width="25.00"' in span(7.5, None, (0.0, 10.0), zero=5.0)
    assert scale_of([]) == (0.0, 1.0)
    low, high = scale_of([2.0, 4.0], from_zero=True)
    assert low == 0
    assert high > 4


def test_reliability_of_probabilities_that_are_honest() -> None:
    rng = np.random.default_rng(0)
    given = rng.uniform(0.5, 1, 2000)
    bins = binned(given, rng.random(2000) < given)
    page = drawn(reliability_plot(bins, "Reliability", x_name="confidence", y_name="right"))
    assert page.words[0] == "Reliability"
    assert page.seen["line"] > len(bins)
    assert drawn(reliability_plot([], "None", x_name="", y_name="")).seen["svg"] == 1


def test_levels_have_a_dot_each() -> None:
    assert level_plot((0.1, 0.5, 0.9), (0.12, 0.5, 0.88), 100, "Levels").count("h0") == 3


@given(arrays(np.float64, st.integers(1, 200), elements=numbers), st.randoms())
def test_numbers_of_any_kind_are_drawn(values: np.ndarray, random: object) -> None:
    drawn(histogram(values, "Rows", x_name="x", at=0.0))
    drawn(truth_plot(values, values[::-1], "True"))
    drawn(sparkline(values, "Series"))
    if len(values) > 1:
        drawn(curve(list(range(len(values))), values.tolist(), title="c", x_name="x", y_name="y"))


def test_a_histogram_has_all_rows_and_few_bars() -> None:
    page = drawn(histogram(np.random.default_rng(0).normal(size=5000), "Rows", x_name="x"))
    assert page.seen["rect"] <= BARS
    assert drawn(counts_plot({0: 1, 3: 9}, "Rows", x_name="n")).seen["rect"] == 2


def test_a_scatter_is_bounded() -> None:
    told = np.random.default_rng(0).normal(size=100_000)
    figure = truth_plot(told, told, "True")
    assert figure.count("h0") == MOST_POINTS + 10
    assert len(figure) < 50_000


def test_a_curve_leaves_out_what_is_not_known() -> None:
    page = drawn(
        curve(
            [1, 2, 3],
            [1.0, None, float("nan")],
            title="c",
            x_name="x",
            y_name="y",
            at=2,
            level=(0.5, "level"),
        )
    )
    assert "level" in page.words


# ------------------------------------------------------------------------------------------ confusion


def test_confusion_by_hand() -> None:
    told, came = np.array([0, 1, 1, 0]), np.array([0, 0, 1, -1])
    counts = counted(told, came, 2)
    assert counts.tolist() == [[1, 1], [0, 1], [1, 0]]
    page = drawn(confusion(counts, ("no", "yes")))
    assert UNSEEN in page.text
    assert page.seen["tr"] == 4
    assert found_least(counts, ("no", "yes")) == [("no", 2, 0.5), ("yes", 1, 1.0)]


def test_of_many_classes_the_worst_pairs_are_told() -> None:
    names = [f"class {k}" for k in range(30)]
    came = np.repeat(np.arange(30), 10)
    told = came.copy()
    told[10:16], told[50:53] = 2, 7
    page = drawn(confusion(counted(told, came, 30), names))
    assert page.text.index("class 1 class 2 6 60.0 %") < page.text.index("class 5 class 7 3 30.0 %")
    assert page.seen["tr"] == 3
    assert "No class was taken for another" in confusion(counted(came, came, 30), names)
