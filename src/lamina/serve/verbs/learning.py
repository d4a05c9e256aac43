"""What only a store can do: take feedback, learn, roll back, and tell its life."""

from __future__ import annotations

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from lamina.serve.asking import Asking
from lamina.serve.bodies import decoded
from lamina.serve.responses import json, told


class RollbackTo(msgspec.Struct):
    """Which version is to answer again; by default the one before."""

    to: int | str | None = None


async def feedback(asking: Asking) -> Response:
    """What really happened, by id: rows with the column of ids and the target."""
    living = asking.living
    frame = await asking.frame()
    column = living.store.opened.log.setting("id") or "id"
    await run_in_threadpool(living.write)
    return told(await run_in_threadpool(living.store.feedback, frame, id=column))


async def learn(asking: Asking) -> Response:
    """Begins to learn from rows with known answers, in a process of its own."""
    living = asking.living
    job = living.learn(await asking.frame())
    return told(job, 202, {"Location": f"{asking.request.url.path.rstrip('/')}/{job.id}"})


async def lesson(asking: Asking) -> Response:
    """How far a lesson is, and what came of it."""
    return told(asking.living.job(asking.request.path_params["job"]))


async def rollback(asking: Asking) -> Response:
    """Lets an earlier version answer again; where this server cannot load it, that is told, too."""
    living = asking.living
    content = await asking.body() or b"{}"
    to = decoded(content, 'Send {"to": 3}, or nothing.', RollbackTo).to
    version = await run_in_threadpool(living.store.rollback, to, note="over HTTP")
    await asking.service.look(living)
    return told({"version": version} | ({} if living.behind is None else {"behind": living.behind}))


async def history(asking: Asking) -> Response:
    """The life of the network."""
    frame = await run_in_threadpool(asking.living.store.history)
    return json(frame.write_json().encode())
