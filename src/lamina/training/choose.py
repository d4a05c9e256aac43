"""How the network is trained: chosen from the data, each choice with its reason."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from lamina.features.features import Features
from lamina.features.image import ImageFeature
from lamina.features.targets.base import Target
from lamina.features.video import VideoFeature
from lamina.network.inputs.base import layer_class
from lamina.network.inputs.image import LARGE
from lamina.records import Choice
from lamina.settings import Settings
from lamina.training.recipe import Recipe

MANY_ROWS = 1_000_000  # of a table, beyond which not every row need be seen several times
LEAST_STEPS = 300  # a table of a few rows needs many passes to make as many steps


def choose_recipe(
    features: Features, target: Target, rows: int, settings: Settings
) -> tuple[Recipe, tuple[Choice, ...]]:
    """Steps, batch, rates for ``rows`` training rows; what the user set stays as set."""
    recipe, passes = RECIPES[hardest(features)](features, target, rows, settings)
    given = {
        name: value
        for name in ("batch", "rate", "decay", "time_limit", "seed")
        if (value := getattr(settings, name)) is not None
    }
    recipe = msgspec.structs.replace(recipe, **given)
    per_pass = max(1, rows // min(recipe.batch, rows))
    passes = settings.epochs or max(passes, LEAST_STEPS // per_pass)
    steps = max(1, round(passes * per_pass))
    recipe = msgspec.structs.replace(
        recipe, steps=steps, warmup=min(recipe.warmup, steps // 4), least=min(recipe.least, steps // 2)
    )
    if settings.refit is False:
        recipe = msgspec.structs.replace(recipe, anneal=0.0, spare=False)
    return recipe, (Choice(what="passes at most", value=round(passes, 2), why=_words(recipe)),)


def _words(recipe: Recipe) -> str:
    words = f"{recipe.batch} rows a step, learning rate {recipe.rate:g}"
    if recipe.patience:
        words += f", stopped after {recipe.patience} passes that bring nothing"
    if recipe.anneal:
        words += ", then a last part on all rows with the rate falling to zero"
    return words


def hardest(features: Features) -> str:
    """The name of the recipe: of a mixed table that of the kind that is hardest to train."""
    wanted = {layer_class(each).recipe for each in features}
    return next(name for name in RECIPES if name in wanted)


def _for_tables(features: Features, target: Target, rows: int, settings: Settings) -> tuple[Recipe, float]:
    """Constant rate and averaged weights until validation stops improving, then annealed on all rows.

    Found by experiment on eight tables; ``docs/log.md`` tells what was tried.
    """
    two = target.binary
    seen = {"fast": 400_000, "good": 1_000_000, "best": 4_000_000}[settings.quality]
    patience = {"fast": (2, 3), "good": (4, 8), "best": (4, 8)}[settings.quality]
    recipe = Recipe(
        steps=1,
        batch=max(32, rows // 16) if rows < 4000 else 256 if rows < 100_000 else 1024,
        rate=1e-2 if rows >= 8000 else 3e-3,
        decay=1e-2,
        warmup=100,
        cooldown=0.0,
        least=150,
        patience=patience[0] if two else patience[1],
        average=0.998,
        anneal=0.25 if two else 0.5,
        anneal_rate=0.3 if two else 1.0,
        anneal_averaged=two,
    )
    if rows > MANY_ROWS:  # a part of them, each once, tells as much as all of them
        return recipe, {"fast": 4e6, "good": 10e6, "best": 40e6}[settings.quality] / rows
    return recipe, max(4, min(100, seen // max(rows, 1)))


def _for_pictures(features: Features, target: Target, rows: int, settings: Settings) -> tuple[Recipe, int]:
    """A fixed number of passes with the rate falling to zero: validation rows only judge the result.

    Small sets get more passes, though fewer pictures in all.
    """
    seen = [each for each in features if isinstance(each, ImageFeature | VideoFeature)]
    grey = all(each.channels == 1 for each in seen)
    large = any(isinstance(each, ImageFeature) and max(each.height, each.width) > LARGE for each in seen)
    passes = {"fast": (1, 3, 3), "good": (7, 14, 9.5), "best": (12, 24, 20)}[settings.quality][
        0 if grey else 2 if large else 1
    ]
    batch = 256
    while batch > 64 and rows / batch < 24:
        batch //= 2
    share = (batch / 2000) ** 0.5
    recipe = Recipe(
        steps=1,
        batch=batch,
        rate=0.02,
        decay=1e-2,
        optimizer="muon",
        convolution_rate=0.36 * share,
        clip=0.0,
    )
    return recipe, max(1, round(passes * max(1.0, (20_000 / max(rows, 1)) ** 0.75)))


def _for_texts(features: Features, target: Target, rows: int, settings: Settings) -> tuple[Recipe, int]:
    """Few passes, constant rate and averaged weights until validation stops improving, then all rows.

    Texts are learnt by heart within a few passes: what is left out at random decides, not their number.
    """
    recipe = Recipe(
        steps=1,
        batch=32 if rows < 1500 else 128 if rows < 50_000 else 512,
        rate=5e-3,
        decay=1e-2,
        warmup=50,
        cooldown=0.0,
        least=50,
        patience=3,
        average=0.99,
        anneal=0.5,
        anneal_rate=0.6,
        anneal_averaged=True,
    )
    return recipe, {"fast": 8, "good": 20, "best": 30}[settings.quality]


def _for_encoders(features: Features, target: Target, rows: int, settings: Settings) -> tuple[Recipe, int]:
    """Few passes with the rate falling to zero, for layers that have learnt much before."""
    recipe = Recipe(steps=1, batch=32, rate=3e-3, decay=1e-2, warmup=60, cooldown=0.9, spare=True)
    return recipe, 2


def _for_recordings(features: Features, target: Target, rows: int, settings: Settings) -> tuple[Recipe, int]:
    """As for pictures, with more passes: every pass hears other speakers and rooms."""
    recipe, _ = _for_pictures(features, target, rows, settings)
    if target.frames:
        return _for_transcripts(recipe, rows, settings)
    passes = {"fast": 3, "good": 6, "best": 16}[settings.quality]
    return recipe, max(1, round(passes * max(1.0, (10_000 / max(rows, 1)) ** 0.75)))


def _for_transcripts(recipe: Recipe, rows: int, settings: Settings) -> tuple[Recipe, int]:
    """Steps enough for the alignment to be found, which comes all of a sudden, and to be used."""
    batch = 32
    steps = {"fast": 250, "good": 400, "best": 1200}[settings.quality]
    recipe = msgspec.structs.replace(
        recipe, batch=batch, warmup=20, convolution_rate=0.36 * (batch / 2000) ** 0.5
    )
    return recipe, max(4, -(-steps * batch // max(rows, 1)))


# From the hardest to train to the easiest: (features, target, rows, settings) → recipe, passes at most.
RECIPES: dict[str, Callable[[Features, Target, int, Settings], tuple[Recipe, float]]] = {
    "recordings": _for_recordings,
    "pictures": _for_pictures,
    "encoders": _for_encoders,
    "texts": _for_texts,
    "tables": _for_tables,
}
