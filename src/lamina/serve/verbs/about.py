"""What a model is, and the columns that it reads."""

from __future__ import annotations

from starlette.responses import Response

from lamina.records import to_json
from lamina.serve.asking import Asking
from lamina.serve.problems import Problem
from lamina.serve.responses import json, told


async def schema(asking: Asking) -> Response:
    """The columns that are read, and why each is taken so."""
    return json(to_json(asking.served.schema).encode())


async def model(asking: Asking) -> Response:
    """What the model is, and how good it was on rows it had not learnt from."""
    living = asking.service.living.get(asking.served.name)
    behind = None if living is None else living.behind
    return told(asking.served.about() | ({} if behind is None else {"behind": behind}))


async def shadow(asking: Asking) -> Response:
    """How the candidate's answers compare with the champion's."""
    candidate = asking.service.candidates.get(asking.served.name)
    if candidate is None:
        raise Problem(
            404, "No candidate stands beside this model.", "Name one: lamina serve … --candidate VERSION."
        )
    return told(candidate.about(asking.served))
