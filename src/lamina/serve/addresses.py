"""The addresses of every model, in one table: from it the routes are made, and the OpenAPI document."""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

from lamina.serve.guard import Verb
from lamina.serve.keys import Scope
from lamina.serve.verbs.about import model, schema, shadow
from lamina.serve.verbs.decide import decide
from lamina.serve.verbs.explain import explain
from lamina.serve.verbs.learning import feedback, history, learn, lesson, rollback
from lamina.serve.verbs.predict import predict


class Address(NamedTuple):
    """``path`` under the model's own; ``scope``: what a key must allow; ``brings``: what the body holds."""

    path: str
    method: Literal["GET", "POST"]
    scope: Scope
    verb: Verb
    what: str
    brings: Literal["rows", "decide", "explain", "feedback", "rollback", "nothing"] = "nothing"
    status: int = 200

    @property
    def name(self) -> str:
        """In the measures: the path without what varies."""
        return self.path.partition("/")[0]


STARTS: Final = ("/v1", "/v1/models/{model}")  # the first is short for the only model
ADDRESSES: Final = (
    Address("predict", "POST", "predict", predict, "Answers for rows", "rows"),
    Address("decide", "POST", "predict", decide, "The best action for each row, by costs", "decide"),
    Address("explain", "POST", "predict", explain, "How far each column moved an answer", "explain"),
    Address("schema", "GET", "predict", schema, "The columns that are read"),
    Address("model", "GET", "predict", model, "What the model is"),
    Address("shadow", "GET", "predict", shadow, "How a candidate compares with the champion"),
    Address("feedback", "POST", "feedback", feedback, "What really happened, by id (stores)", "feedback"),
    Address("learn", "POST", "learn", learn, "Learn from rows with answers (stores)", "rows", 202),
    Address("learn/{job}", "GET", "learn", lesson, "How far a lesson is (stores)"),
    Address("rollback", "POST", "admin", rollback, "An earlier version answers (stores)", "rollback"),
    Address("history", "GET", "predict", history, "The life of the network (stores)"),
)
