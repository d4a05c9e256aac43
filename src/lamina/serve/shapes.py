"""Shapes of the OpenAPI document that are the same for every model."""

from __future__ import annotations

from typing import Final

from lamina.serve.bodies import JSON

_PROBLEM: Final = {
    "type": "object",
    "description": "RFC 9457: what is wrong, which field, and what to do",
    "properties": {
        "type": {"type": "string", "format": "uri-reference"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "remedy": {"type": "string"},
        "field": {"type": "string"},
    },
    "required": ["type", "title", "status", "detail"],
}
_ANSWERS: Final = {
    "type": "object",
    "properties": {
        "id": {"type": "string", "description": "Of this request: feedback names it with the row's number"},
        "model": {"type": "string"},
        "version": {"type": ["string", "integer"]},
        "answers": {"type": "array", "items": {"type": "object"}},
        "warnings": {"type": "array", "items": {"type": "string"}},
    },
    "required": ["id", "model", "answers"],
}
_COSTS: Final = {
    "type": "object",
    "description": "What an action costs under a class; gains are negative. The first is doing nothing",
    "properties": {
        "table": {
            "type": "object",
            "minProperties": 1,
            "maxProperties": 50,
            "additionalProperties": {
                "type": "object",
                "additionalProperties": {
                    "type": ["number", "string"],
                    "description": "Or a formula of columns",
                },
            },
        },
        "ask": {"type": ["number", "string", "null"], "description": "What asking a person costs"},
        "ask_right": {"type": "number", "description": "How often the person finds the truth"},
    },
    "required": ["table"],
    "additionalProperties": False,
}
_LIMIT: Final = {
    "type": "object",
    "description": "How often an action is taken at most or at least, in all rows or per group of a column",
    "properties": {
        "action": {"type": "string"},
        "most": {"type": "number", "minimum": 0},
        "least": {"type": "number", "minimum": 0},
        "per": {"type": "string"},
        "spend": {"type": "object", "additionalProperties": {"type": "number"}},
    },
}
_ROLLBACK: Final = {"type": "object", "properties": {"to": {"type": ["integer", "string", "null"]}}}
SHARED: Final = {
    "Problem": _PROBLEM,
    "Answers": _ANSWERS,
    "Costs": _COSTS,
    "Limit": _LIMIT,
    "RollbackTo": _ROLLBACK,
}
_ANSWERED: Final = {
    "description": "One answer for each row, in order",
    "content": {JSON: {"schema": {"$ref": "#/components/schemas/Answers"}}},
}
JSON_ANSWER: Final = {"description": "As JSON", "content": {JSON: {"schema": {}}}}
ANSWERS_OF: Final = {"predict": _ANSWERED, "decide": _ANSWERED}
_PROBLEM_ANSWER: Final = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
REFUSED: Final = {
    str(status): {"description": what, "content": _PROBLEM_ANSWER}
    for status, what in (
        (400, "The body cannot be read"),
        (401, "No key, or one that is not known"),
        (403, "The key may not do that"),
        (404, "No such model"),
        (408, "The body came too slowly"),
        (409, "That cannot be done now, or not with a model that is a file"),
        (413, "Too large"),
        (415, "A kind of body that is not read"),
        (422, "Rows that cannot be answered"),
        (501, "A part is not installed"),
        (429, "Too many requests"),
        (503, "Busy: try again"),
    )
}
