"""How good numbers are: errors, deviances, quantiles."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lamina.scores.ranking import Scores


def number_scores(values: np.ndarray, answers: np.ndarray) -> Scores:
    """RMSE, MAE and R² in the user's unit, ``(rows,)`` each."""
    error = values - answers
    scores = {
        "rmse": float(np.sqrt(np.mean(error**2))),
        "mae": float(np.mean(np.abs(error))),
    }
    variance = float(np.var(answers))
    if variance > 0:
        scores["r2"] = float(1 - np.mean(error**2) / variance)
    return scores


def count_scores(means: np.ndarray, answers: np.ndarray) -> Scores:
    """Of expected counts ``(rows,)``: Poisson deviance, errors, and total predicted per total that came."""
    return {
        "deviance": poisson_deviance(means, answers),
        **number_scores(means, answers),
        **_bias(means, answers),
    }


def amount_scores(means: np.ndarray, answers: np.ndarray) -> Scores:
    """Of expected amounts ``(rows,)``: gamma deviance, errors, and total predicted per total that came."""
    return {
        "deviance": gamma_deviance(means, answers),
        **number_scores(means, answers),
        **_bias(means, answers),
    }


def poisson_deviance(means: np.ndarray, answers: np.ndarray) -> float:
    """Mean of ``2 (y log(y / μ) - y + μ)``, μ > 0 (McCullagh and Nelder 1989)."""
    logs = np.where(answers > 0, answers * np.log(np.where(answers > 0, answers, 1) / means), 0.0)
    return float(2 * np.mean(logs - answers + means))


def gamma_deviance(means: np.ndarray, answers: np.ndarray) -> float:
    """Mean of ``2 (y / μ - 1 - log(y / μ))`` over answers above zero (McCullagh and Nelder 1989)."""
    ratio = answers[answers > 0] / means[answers > 0]
    return float(2 * np.mean(ratio - 1 - np.log(ratio))) if len(ratio) else float("nan")


def pinball(quantiles: np.ndarray, answers: np.ndarray, levels: Sequence[float]) -> float:
    """Mean pinball loss over rows and levels, ``quantiles`` ``(rows, level)`` (Koenker and Bassett 1978)."""
    above = answers[:, None] - quantiles
    share = np.asarray(levels)
    return float(np.maximum(share * above, (share - 1) * above).mean())


def quantile_scores(quantiles: np.ndarray, answers: np.ndarray, levels: Sequence[float]) -> Scores:
    """Pinball loss, the mean error of the level nearest to the median, and for each level the share of
    answers that lie at or below it, which should be the level itself."""
    scores = {"pinball": pinball(quantiles, answers, levels)}
    middle = int(np.argmin(np.abs(np.asarray(levels) - 0.5)))
    scores["mae"] = float(np.abs(quantiles[:, middle] - answers).mean())
    below = (answers[:, None] <= quantiles).mean(0)
    return scores | {f"coverage_{100 * level:g}": float(b) for level, b in zip(levels, below, strict=True)}


def _bias(means: np.ndarray, answers: np.ndarray) -> Scores:
    total = float(answers.sum())
    return {"total_ratio": float(means.sum()) / total} if total > 0 else {}
