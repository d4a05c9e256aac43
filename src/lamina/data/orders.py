"""The order of classes that have one: given, by number, or by words that everybody puts in the same order."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final

# From low to high; words of one place, with a slash between, mean the same
SCALES: Final = (
    "none/no < very low < low < medium/mid/middle/moderate/normal < high < very high < extreme/critical",
    "never < rarely/seldom < sometimes/occasionally < often/frequently < usually/mostly < always",
    "xxxs/3xs < xxs/2xs < xs < s < m < l < xl < xxl/2xl < xxxl/3xl < 4xl < 5xl",
    "extra small/tiny < small < medium/middle < large < extra large/huge",
    "strongly disagree/completely disagree < disagree < somewhat disagree/slightly disagree "
    "< neutral/neither agree nor disagree/undecided "
    "< somewhat agree/slightly agree < agree < strongly agree/completely agree",
    "very dissatisfied/very unsatisfied < dissatisfied/unsatisfied < neutral < satisfied < very satisfied",
    "very negative < negative < neutral < positive < very positive",
    "very poor/very bad/terrible < poor/bad < fair/average/ok/okay < good < very good "
    "< premium/excellent/outstanding < ideal/perfect",
    "none/no < mild/minor/slight < moderate < severe/major/serious < critical/fatal",
    "primary/elementary < secondary < bachelor/bachelors < master/masters < doctorate/phd",
    "bronze < silver < gold < platinum < diamond",
    "beginner/novice < intermediate < advanced < expert",
    "first < second < third < fourth < fifth",
    "monday < tuesday < wednesday < thursday < friday < saturday < sunday",
)


def order_of(words: Collection[str]) -> tuple[str, ...] | None:
    """The words in their order, lowest first, or ``None`` where nothing tells it.

    >>> order_of(["high", "Low", "medium"])
    ('Low', 'medium', 'high')
    >>> order_of(["10", "9", "9.5"])
    ('9', '9.5', '10')
    """
    try:
        return tuple(sorted(words, key=float))
    except ValueError:
        pass
    plain = {word: re.sub(r"[\s_-]+", " ", word.strip().lower()) for word in words}
    for scale in SCALES:
        steps = enumerate(scale.split(" < "))
        places = {word: place for place, step in steps for word in step.split("/")}
        ranks = [places.get(each) for each in plain.values()]
        if None not in ranks and len(set(ranks)) == len(ranks) > 1:
            return tuple(sorted(words, key=lambda word: places[plain[word]]))
    return None
