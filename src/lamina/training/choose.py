"""How the network is trained: chosen from the data, each choice with its reason."""

from __future__ import annotations

from lamina.features.features import Features
from lamina.features.image import ImageFeature
from lamina.records import Choice
from lamina.training.recipe import Recipe
from lamina.training.settings import Settings


def choose_recipe(
    features: Features, rows: int, settings: Settings
) -> tuple[Recipe, tuple[Choice, ...]]:
    """Passes, batch, rates for ``rows`` training rows; what the user set stays as set."""
    pictures = any(isinstance(each, ImageFeature) for each in features)
    recipe = _for_pictures(rows, settings) if pictures else _for_tables(rows, settings)
    given = {
        name: value
        for name in ("epochs", "batch", "rate", "decay", "time_limit", "seed")
        if (value := getattr(settings, name)) is not None
    }
    recipe = Recipe(**{name: given.get(name, getattr(recipe, name)) for name in recipe.__struct_fields__})
    words = f"{recipe.batch} rows a step, learning rate {recipe.rate:g}, {recipe.optimizer}"
    return recipe, (Choice(what="passes", value=recipe.epochs, why=words),)


def _for_tables(rows: int, settings: Settings) -> Recipe:
    batch = max(32, min(1024, 2 ** round((rows / 100) ** 0.5 / 2).bit_length()))
    epochs = {"fast": 10, "good": 30, "best": 60}[settings.quality]
    return Recipe(epochs=epochs, batch=batch, rate=5e-3, decay=1e-2, patience=10)


def _for_pictures(rows: int, settings: Settings) -> Recipe:
    epochs = {"fast": 1, "good": 6, "best": 20}[settings.quality]
    steps = max(epochs * rows // 256, 300)
    batch = 256 if rows >= 5000 else 64
    return Recipe(
        epochs=max(epochs, round(steps * batch / max(rows, 1))),
        batch=batch,
        rate=0.02,
        decay=1e-3,
        optimizer="muon",
        clip=0.0,
    )
