"""How the network is trained: chosen from the data, each choice with its reason."""

from __future__ import annotations

import msgspec

from lamina.features.features import Features
from lamina.features.image import ImageFeature
from lamina.records import Choice
from lamina.training.recipe import Recipe
from lamina.training.settings import Settings


def choose_recipe(
    features: Features, rows: int, settings: Settings
) -> tuple[Recipe, tuple[Choice, ...]]:
    """Steps, batch, rates for ``rows`` training rows; what the user set stays as set."""
    pictures = any(isinstance(each, ImageFeature) for each in features)
    recipe, passes = _for_pictures(rows, settings) if pictures else _for_tables(rows, settings)
    given = {
        name: value
        for name in ("batch", "rate", "decay", "time_limit", "seed")
        if (value := getattr(settings, name)) is not None
    }
    recipe = msgspec.structs.replace(recipe, **given)
    passes = settings.epochs or passes
    steps = passes * max(1, rows // min(recipe.batch, rows))
    recipe = msgspec.structs.replace(recipe, steps=steps)
    if settings.refit is False:
        recipe = msgspec.structs.replace(recipe, anneal=0.0)
    return recipe, (Choice(what="passes", value=passes, why=_words(recipe)),)


def _words(recipe: Recipe) -> str:
    words = f"{recipe.batch} rows a step, learning rate {recipe.rate:g}"
    if recipe.patience:
        words += f", stopped after {recipe.patience} passes that bring nothing"
    if recipe.anneal:
        words += ", then a last part on all rows with the rate falling to zero"
    return words


def _for_tables(rows: int, settings: Settings) -> tuple[Recipe, int]:
    """Constant rate and averaged weights until validation stops improving, then annealed on all rows."""
    batch = max(32, rows // 16) if rows < 4000 else 256 if rows < 100_000 else 1024
    fast = settings.quality == "fast"
    recipe = Recipe(
        steps=1,
        batch=batch,
        rate=1e-2 if rows >= 8000 else 3e-3,
        decay=1e-2,
        warmup=100,
        cooldown=0.0,
        patience=2 if fast else 5,
        average=0.99 if fast else 0.998,
        anneal=0.25,
    )
    return recipe, max(1, {"fast": 12, "good": 60, "best": 200}[settings.quality])


def _for_pictures(rows: int, settings: Settings) -> tuple[Recipe, int]:
    """A fixed number of passes with the rate falling to zero: validation rows only judge the result."""
    passes = {"fast": 1, "good": 4, "best": 16}[settings.quality]
    batch = 512 if rows >= 20_000 else 128 if rows >= 5000 else 64
    share = (batch / 2000) ** 0.5
    recipe = Recipe(
        steps=1,
        batch=batch,
        rate=0.02,
        decay=1e-2,
        optimizer="muon",
        convolution_rate=0.24 * share,
        clip=0.0,
    )
    return recipe, max(passes, round(400 * batch / max(rows, 1)))
