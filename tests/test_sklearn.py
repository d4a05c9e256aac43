import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_iris
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

import lamina
from lamina.errors import TableError, TargetError
from lamina.sklearn import LaminaClassifier, LaminaRegressor

QUICK = {"hidden": (32,), "members": 2, "rate": 0.03}
CONTRACT = {**QUICK, "epochs": 30}
ROWS = 60
X = np.random.default_rng(0).normal(size=(ROWS, 2))
CLASSES = np.where(X[:, 0] > 0, "up", "down")


def mixed():
    """Raw columns of four kinds; the town decides."""
    rng = np.random.default_rng(1)
    return pd.DataFrame(
        {
            "age": rng.integers(20, 60, ROWS),
            "town": rng.choice(["Ulm", "Bonn"], ROWS),
            "since": pd.date_range("2024-01-01", periods=ROWS),
            "member": rng.integers(0, 2, ROWS).astype(bool),
        }
    )


# The small network keeps a hundred fits short; the defaults are tested further down.
@parametrize_with_checks([LaminaClassifier(**CONTRACT), LaminaRegressor(**CONTRACT)])
def test_scikit_learn_contract(estimator, check):
    check(estimator)


def test_defaults_learn_in_pipeline_and_cross_validation():
    flowers, kinds = load_iris(return_X_y=True)
    pipeline = make_pipeline(StandardScaler(), LaminaClassifier())
    assert cross_val_score(pipeline, flowers, kinds, cv=3).mean() > 0.92


def test_regressor_beats_the_mean_on_a_real_table():
    patients, progress = load_diabetes(return_X_y=True, as_frame=True)
    assert cross_val_score(LaminaRegressor(), patients, progress, cv=2).mean() > 0.35


def test_grid_search_over_settings():
    grid = {"members": np.array([1, 2]), "hidden": [(4,), (16, 8)]}
    search = GridSearchCV(LaminaClassifier(epochs=20, rate=0.03), grid, cv=2).fit(X, CLASSES)
    assert search.best_score_ > 0.8
    assert search.best_estimator_.model_.fitted.settings.hidden == search.best_params_["hidden"]


def test_clone_has_the_parameters_and_no_model():
    fitted = LaminaClassifier(**QUICK, kinds={"x0": "number"}).fit(X, CLASSES)
    copy = clone(fitted)
    assert copy.get_params() == fitted.get_params()
    with pytest.raises(NotFittedError):
        copy.predict(X)


def test_pickle_holds_the_model_file_and_no_torch_module():
    fitted = LaminaClassifier(**QUICK).fit(mixed(), mixed()["town"])
    content = pickle.dumps(fitted)
    assert b"ctorch" not in content
    assert b"_rebuild" not in content
    assert b"weights.safetensors" in content
    back = pickle.loads(content)
    assert np.array_equal(back.predict_proba(mixed()), fitted.predict_proba(mixed()))
    assert isinstance(back.model_, lamina.Model)


def test_random_state_is_the_seed():
    def answers(state):
        return LaminaRegressor(**CONTRACT, random_state=state).fit(X, X[:, 0]).predict(X)

    assert np.array_equal(answers(3), answers(3))
    assert not np.array_equal(answers(3), answers(4))
    assert np.array_equal(answers(np.random.RandomState(5)), answers(np.random.RandomState(5)))


@pytest.mark.parametrize("brought", [lambda f: f, pl.from_pandas], ids=["pandas", "polars"])
def test_frames_keep_names_and_kinds(brought):
    frame = mixed()
    fitted = LaminaClassifier(**QUICK).fit(brought(frame), frame["town"].rename("home"))
    kinds = {field.name: field.kind for field in fitted.model_.schema.with_role("input")}
    assert kinds == {"age": "number", "town": "category", "since": "date", "member": "flag"}
    assert list(fitted.feature_names_in_) == [*frame.columns]
    assert fitted.model_.schema["home"].role == "target"
    assert fitted.score(brought(frame), frame["town"]) > 0.9
    gone = frame.assign(town=None, age=np.nan)
    assert len(fitted.predict(brought(gone))) == ROWS


def test_target_never_takes_the_name_of_an_input():
    frame = mixed().rename(columns={"age": "y"})
    fitted = LaminaClassifier(**CONTRACT).fit(frame, frame["town"])
    assert [f.name for f in fitted.model_.schema.with_role("target")] == ["town_"]
    assert LaminaClassifier(**CONTRACT).fit(frame, list(frame["town"])).model_.schema["y_"].role == "target"


def test_columns_of_a_frame_must_be_those_of_fit():
    frame = mixed()
    fitted = LaminaClassifier(**QUICK).fit(frame, frame["town"])
    with pytest.raises(ValueError, match="missing:\n- age"):
        fitted.predict(frame.drop(columns="age"))
    with pytest.raises(ValueError, match="same order"):
        fitted.predict(frame[frame.columns[::-1]])


def test_frame_with_numbered_columns_and_array_are_the_same_table():
    fitted = LaminaClassifier(**QUICK).fit(pd.DataFrame(X), CLASSES)
    assert np.array_equal(fitted.predict(pd.DataFrame(X)), fitted.predict(X))


def test_every_array_column_is_a_number_input():
    table = np.c_[np.arange(ROWS), np.ones(ROWS), np.full(ROWS, np.nan), X[:, :1]]
    fitted = LaminaRegressor(**QUICK).fit(table, X[:, 0])
    assert [f.name for f in fitted.model_.schema.of_kind("number")] == ["x0", "x1", "x2", "x3"]
    assert np.isfinite(fitted.predict(np.full((2, 4), np.nan))).all()


def test_kinds_correct_an_array():
    codes = np.random.default_rng(0).integers(0, 3, (ROWS, 2))
    fitted = LaminaClassifier(**QUICK, kinds={"x0": "category"}).fit(codes, codes[:, 0])
    assert fitted.model_.schema["x0"].kind == "category"
    assert fitted.score(codes, codes[:, 0]) == 1.0


@pytest.mark.parametrize(
    "classes",
    [np.array([3, 1] * 30), np.array([True, False] * 30), pl.Series(["b", "a"] * 30), [2.0, -1.0] * 30],
    ids=["integer", "boolean", "polars", "float"],
)
def test_classes_are_sorted_and_keep_their_type(classes):
    fitted = LaminaClassifier(**QUICK).fit(X, classes)
    assert np.array_equal(fitted.classes_, np.unique(np.asarray(classes)))
    assert fitted.predict(X).dtype == fitted.classes_.dtype
    assert np.allclose(fitted.predict_proba(X).sum(1), 1, atol=1e-12)


@pytest.mark.parametrize("rows", [2, 3, 7])
def test_tiny_tables_fit(rows):
    classifier = LaminaClassifier(**QUICK).fit(X[:rows, :1], [*range(rows)])
    assert classifier.predict_proba(X[:rows, :1]).shape == (rows, rows)
    assert np.isfinite(LaminaRegressor(**QUICK).fit(X[:rows, :1], X[:rows, 0]).predict(X[:1, :1])).all()


def test_answers_without_difference_are_refused():
    with pytest.raises(TargetError, match="one class only, 'a'"):
        LaminaClassifier().fit(X, ["a"] * ROWS)
    with pytest.raises(TargetError, match="always 1"):
        LaminaRegressor().fit(X, np.ones(ROWS))


def test_tables_without_rows_or_columns_are_refused():
    with pytest.raises(TableError, match="1 rows and 4 columns"):
        LaminaClassifier().fit(mixed()[:1], ["a"])
    with pytest.raises(TableError, match="60 rows and 0 columns"):
        LaminaClassifier().fit(pd.DataFrame(index=range(ROWS)), CLASSES)


def test_missing_answers_are_refused():
    for table in (X, pd.DataFrame(X)):
        with pytest.raises(ValueError, match="y contains NaN"):
            LaminaRegressor().fit(table, np.full(ROWS, np.nan))


def test_impossible_settings_are_named():
    with pytest.raises(lamina.LaminaError, match=r"'swift'.*hidden=\(0,\)"):
        LaminaClassifier(quality="swift", hidden=(0,)).fit(X, CLASSES)


def test_a_regressor_of_several_targets():
    y = np.column_stack([X[:, 0], X[:, 1] - X[:, 0], np.ones(ROWS) * X[:, 1]])
    model = LaminaRegressor(**QUICK, epochs=60).fit(X, y)
    told = model.predict(X)
    assert told.shape == y.shape
    assert model.score(X, y) > 0.8
    assert np.array_equal(pickle.loads(pickle.dumps(model)).predict(X), told)
    named = LaminaRegressor(**QUICK, epochs=2).fit(mixed(), pd.DataFrame(y, columns=["a", "b", "age"]))
    assert named.model_.fitted.target.targets == ("a", "b", "age_")
