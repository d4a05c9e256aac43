"""Texts: words of any language, weights by hand, and nothing that breaks on what people paste."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lamina.features.ngrams import hashed, pieces, words_of
from lamina.features.text import FIRST, MISSING, UNSEEN, TextFeature

TEXTS = ["cold tea", "cold tea again", "hot coffee", "hot coffee", None]


def fitted(texts: list[str | None], **options: bool) -> TextFeature:
    return TextFeature.fit("text:t", frame(texts), ["t"], **options)


def frame(texts: list[str | None]) -> pl.DataFrame:
    return pl.DataFrame({"t": texts}, schema={"t": pl.String})


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Don't STOP", ["don", "'", "t", "stop"]),
        ("12.5 % naïve ﬁne", ["12", ".", "5", "%", "naïve", "fine"]),
        ("中文 ok日本", ["中", "文", "ok", "日", "本"]),
        ("हिन्दी टेस्ट", ["हिन्दी", "टेस्ट"]),
        ("Привет, мир", ["привет", ",", "мир"]),
        ("🙂", ["🙂"]),
        (" \u202e\x00 ", []),
    ],
)
def test_words_of_any_language(text: str, words: list[str]) -> None:
    read = words_of(pl.Series([text]), markup=False)
    found = [read.distinct[number] for number in read.number]
    assert [each for each in found if each.isprintable()] == words


def test_tags_part_words_and_go() -> None:
    read = words_of(pl.Series(["<p class='x'>one<br/>two</p>&amp;"]), markup=True)
    assert read.distinct == ["one", "two", "&"]
    assert fitted(["<b>yes</b> or no"] * 5 + ["plain"] * 3).markup
    assert not fitted(["1 < 2 and 3 > 2"] * 5).markup


def test_what_is_learnt_is_what_occurs_twice() -> None:
    feature = fitted(TEXTS)
    assert feature.words == ("coffee", "cold", "hot", "tea")
    assert [tuple(feature.words[c - FIRST] for c in pair) for pair in feature.pairs] == [
        ("cold", "tea"), ("hot", "coffee"),
    ]  # fmt: skip
    assert "again" not in json.dumps(feature.to_json())
    assert " tea " in feature.parts
    assert set(feature.parts) >= set(pieces("cold"))


def test_weights_are_tf_idf() -> None:
    feature = fitted(["red red blue", "blue", "red blue", "blue green"])
    arrays = feature.transform(frame(["red red blue"]))
    weights = dict(zip(arrays["text:t"][0].tolist(), arrays["text:t.weights"][0].tolist(), strict=True))
    red, blue = (FIRST + feature.words.index(word) for word in ("red", "blue"))
    idf = {"red": 1 + np.log(5 / 3), "blue": 1.0}
    assert weights[red] / weights[blue] == pytest.approx((1 + np.log(2)) * idf["red"] / idf["blue"], rel=2e-3)
    assert sum(each**2 for code, each in weights.items() if code) == pytest.approx(1, rel=5e-3)


def test_missing_and_unseen_have_codes_of_their_own() -> None:
    codes = fitted(TEXTS).transform(frame([None, "", "zzz qqq", "tea"]))["text:t"]
    assert codes[:3, 0].tolist() == [MISSING, UNSEEN, UNSEEN]
    assert codes[3, 0] >= FIRST


def test_a_new_word_is_read_by_its_pieces() -> None:
    feature = fitted(TEXTS)
    codes = feature.transform(frame(["coffees"]))["text:t"][0]
    start = FIRST + len(feature.words) + len(feature.pairs)
    assert (codes[codes > 0] >= start).all()
    assert (codes > 0).sum() > 5


def test_rarer_words_and_pairs_fall_into_buckets() -> None:
    feature = replace(fitted(TEXTS, rare=True), longest=40)
    assert feature.buckets == 64
    arrays = feature.transform(frame(["cold coffee zzz zzz", "hot coffee", "zzz"]))
    rare = arrays["text:t"] >= feature.size
    assert rare.sum(1).tolist() == [4, 0, 1]  # "zzz", and "cold coffee", "coffee zzz", "zzz zzz"
    assert arrays["text:t"].max() < feature.size + feature.buckets
    assert arrays["text:t"][2, 0] == UNSEEN
    squares = np.where(rare, arrays["text:t.weights"].astype(np.float64) ** 2, 0).sum(1)
    assert squares == pytest.approx([1, 0, 1], abs=5e-3)
    assert "zzz" not in json.dumps(fitted([*TEXTS, "zzz"], rare=True).to_json())


def test_a_bucket_is_the_same_on_every_machine() -> None:
    row, place, keys = hashed(words_of(pl.Series(["tea for two", "tea"]), markup=False))
    assert row.tolist() == [0, 0, 0, 1, 0, 0]
    assert place.tolist() == [0, 1, 2, 3, 4, 5]
    assert keys[0] == keys[3] == 0x8E86D7B2
    assert keys[4] == 0xD4DD4C56  # computed with whole numbers of Python


def test_very_long_cells_are_bounded() -> None:
    feature = fitted([*TEXTS, *(["cold tea " * 40_000] * 2)])
    arrays = feature.transform(frame(["hot coffee " * 100_000]))
    assert arrays["text:t"].shape == (1, feature.longest)
    assert feature.longest <= 1024


@settings(max_examples=60, deadline=None)
@given(st.lists(st.none() | st.text(max_size=60), min_size=1, max_size=6))
def test_any_text_alone_as_among_others(texts: list[str | None]) -> None:
    feature = fitted([*texts, *texts, "a b"], rare=True)
    again = TextFeature.from_json(json.loads(json.dumps(feature.to_json())))
    assert again == feature
    whole = feature.transform(frame(texts))
    for row, text in enumerate(texts):
        alone = again.transform(frame([text]))
        assert all(np.array_equal(alone[name][0], whole[name][row]) for name in whole)
    assert (whole["text:t"][:, 0] > 0).all()
    assert np.isfinite(whole["text:t.weights"]).all()


def test_a_state_that_does_not_fit_is_refused() -> None:
    state = fitted(TEXTS).to_json()
    for change in ({"frequencies": [1]}, {"longest": 10**9}, {"tokens": -1}, {"frequencies": [0] * 99}):
        with pytest.raises(ValueError, match="n-grams"):
            TextFeature.from_json({**state, **change})
