"""Who may do what, and how often."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from lamina.errors import UsageError
from lamina.serve.keys import Keys, add_key, remove_key
from lamina.serve.problems import Problem
from lamina.serve.rates import Rates


def test_a_key_is_shown_once_and_kept_as_a_hash(tmp_path: Path):
    path = tmp_path / "keys.json"
    shown = add_key(path, "shop", ("predict",))
    assert shown not in path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    key = Keys.read(path).check(shown, "predict")
    assert key is not None
    assert key.name == "shop"


@pytest.mark.parametrize("given", [None, "", "lk_shop_", "lk_nobody_00", "lk_shop_" + "0" * 64, "é" * 9])
def test_any_other_key_is_refused(given: str | None, tmp_path: Path):
    path = tmp_path / "keys.json"
    add_key(path, "shop", ("predict",))
    with pytest.raises(Problem) as caught:
        Keys.read(path).check(given, "predict")
    assert caught.value.status == 401
    assert caught.value.response().headers["www-authenticate"] == "Bearer"


def test_a_key_may_do_what_its_scopes_say(tmp_path: Path):
    path = tmp_path / "keys.json"
    shop, boss = add_key(path, "shop", ("predict", "feedback")), add_key(path, "boss", ("admin",))
    keys = Keys.read(path)
    assert keys.check(shop, "feedback")
    assert keys.check(boss, "learn")
    with pytest.raises(Problem) as caught:
        keys.check(shop, "learn")
    assert caught.value.status == 403
    assert "shop" in caught.value.detail


def test_without_keys_nobody_is_asked():
    assert Keys({}).check(None, "admin") is None


def test_keys_are_taken_away(tmp_path: Path):
    path = tmp_path / "keys.json"
    add_key(path, "shop", ("predict",))
    with pytest.raises(UsageError, match="already"):
        add_key(path, "shop", ("predict",))
    with pytest.raises(UsageError, match="Did you mean 'shop'"):
        remove_key(path, "shap")
    remove_key(path, "shop")
    assert Keys.read(path).keys == {}


@pytest.mark.parametrize(("name", "scope"), [("Shop!", "predict"), ("shop", "predicts")])
def test_what_cannot_be_a_key(name: str, scope: str, tmp_path: Path):
    with pytest.raises(UsageError):
        add_key(tmp_path / "keys.json", name, (scope,))
    (tmp_path / "broken.json").write_text("{")
    with pytest.raises(UsageError, match="lamina keys add"):
        Keys.read(tmp_path / "broken.json")


def test_a_bucket_fills_at_its_rate():
    now = [0.0]
    rates = Rates(rate=2.0, burst=3, clock=lambda: now[0])
    for _ in range(3):
        rates.take("a")
    rates.take("b")
    with pytest.raises(Problem) as caught:
        rates.take("a")
    assert caught.value.status == 429
    assert caught.value.response().headers["retry-after"] == "1"
    now[0] = 0.5
    rates.take("a")
    with pytest.raises(Problem):
        rates.take("a")


def test_no_rate_is_no_limit():
    rates = Rates(rate=0, burst=1)
    for _ in range(100):
        rates.take("a")
    assert not rates.buckets
