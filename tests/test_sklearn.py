from sklearn.utils.estimator_checks import parametrize_with_checks

from lamina.sklearn import LaminaClassifier, LaminaRegressor


@parametrize_with_checks([LaminaClassifier(), LaminaRegressor()])
def test_scikit_learn_contract(estimator, check):
    check(estimator)
