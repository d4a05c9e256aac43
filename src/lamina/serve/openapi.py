"""What can be asked, as an OpenAPI 3.1 document made from the schema of each model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from lamina.records import Field, Schema
from lamina.serve.bodies import FORM, JSON, TABLES
from lamina.version import __version__

MEDIA: Final = {"image": "image/png", "audio": "audio/wav", "video": "video/mp4"}
_SCALAR: Final[dict[str, list[str]]] = {
    "number": ["number", "string", "null"],
    "place": ["number", "string", "null"],
    "flag": ["boolean", "string", "number", "null"],
    "date": ["string", "null"],
    "text": ["string", "null"],
    "category": ["string", "number", "boolean", "null"],
}
_LISTS: Final = {"series": "number", "vector": "number", "set": "string"}


def document(schemas: Mapping[str, Schema], examples: Mapping[str, list[dict[str, Any]]]) -> dict[str, Any]:
    """The whole document. ``schemas`` and ``examples`` (rows that can be answered) by the name of a model."""
    names = list(schemas)
    rows = {name: _row(schema, examples.get(name, [])) for name, schema in schemas.items()}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Lamina: " + ", ".join(names),
            "version": __version__,
            "description": "Answers, decisions and learning of "
            + " and ".join(map(repr, names))
            + ". Errors are problem documents (RFC 9457) that name field and remedy.",
        },
        "paths": _paths(names),
        "components": {
            "schemas": {
                **{f"Row_{k}": row for k, row in enumerate(rows.values())},
                "Problem": _PROBLEM,
                "Answers": _ANSWERS,
            },
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{"key": []}, {}],
    }


def _row(schema: Schema, examples: list[dict[str, Any]]) -> dict[str, Any]:
    """One row as a JSON Schema."""
    fields = schema.with_role("input")
    told: dict[str, Any] = {
        "type": "object",
        "properties": {field.name: _cell(field) for field in fields},
        "required": [field.name for field in fields],
    }
    return told | ({"examples": examples} if examples else {})


def _cell(field: Field) -> dict[str, Any]:
    about = {"description": f"{field.kind}: {field.why}" + (f" ({field.unit})" if field.unit else "")}
    if field.kind in MEDIA:
        file = {"contentEncoding": "base64", "contentMediaType": MEDIA[field.kind]}
        return {"type": ["string", "null"], **file, **about}
    if field.kind in _LISTS:
        items = {"type": [_LISTS[field.kind], "null"]}
        return {"type": ["array", "string", "null"], "items": items, **about}
    return {"type": _SCALAR.get(field.kind, ["string", "number", "null"]), **about}


def _paths(names: list[str]) -> dict[str, Any]:
    """Every address under ``/v1``; with several models each one's own, with one that alone."""
    paths: dict[str, Any] = {}
    for k, name in enumerate(names):
        start = f"/v1/models/{name}"
        paths |= _of_model(start, f"Row_{k}", name)
    if len(names) == 1:
        paths |= _of_model("/v1", "Row_0", names[0])
    for address, what in (
        ("/v1/models", "The models that are served"),
        ("/healthz", "Whether the process lives"),
        ("/readyz", "Whether it answers"),
    ):
        paths[address] = {"get": {"summary": what, "responses": {"200": _JSON_ANSWER}}}
    paths["/metrics"] = {
        "get": {
            "summary": "Measures for Prometheus",
            "responses": {"200": {"description": "Text", "content": {"text/plain": {}}}},
        }
    }
    return paths


def _of_model(start: str, row: str, name: str) -> dict[str, Any]:
    mark = start.removeprefix("/v1").strip("/").replace("/", "_") or "the"
    body = _body(row)
    return {
        f"{start}/{verb}": {
            "post": {
                "operationId": f"{verb}_{mark}",
                "summary": f"{what} ({name})",
                "requestBody": body,
                "responses": {"200": _ANSWERED, **_REFUSED},
            }
        }
        for verb, what in (("predict", "Answers for rows"),)
    } | {
        f"{start}/{verb}": {
            "get": {
                "operationId": f"{verb}_{mark}",
                "summary": f"{what} ({name})",
                "responses": {"200": _JSON_ANSWER, **_REFUSED},
            }
        }
        for verb, what in (("schema", "The columns that are read"), ("model", "What the model is"))
    }


def _body(row: str) -> dict[str, Any]:
    one = {"$ref": f"#/components/schemas/{row}"}
    several = {"type": "array", "items": one, "minItems": 1}
    wrapped = {"type": "object", "properties": {"rows": several}, "required": ["rows"]}
    content: dict[str, Any] = {JSON: {"schema": {"anyOf": [wrapped, several, one]}}}
    content |= {kind: {"schema": {"type": "string"}} for kind in TABLES}
    return {"required": True, "content": {**content, FORM: {"schema": one}}}


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
_ANSWERED: Final = {
    "description": "One answer for each row, in order",
    "content": {JSON: {"schema": {"$ref": "#/components/schemas/Answers"}}},
}
_JSON_ANSWER: Final = {"description": "As JSON", "content": {JSON: {"schema": {}}}}
_PROBLEM_ANSWER: Final = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
_REFUSED: Final = {
    str(status): {"description": what, "content": _PROBLEM_ANSWER}
    for status, what in (
        (400, "The body cannot be read"),
        (401, "No key, or one that is not known"),
        (403, "The key may not do that"),
        (404, "No such model"),
        (413, "Too large"),
        (415, "A kind of body that is not read"),
        (422, "Rows that cannot be answered"),
        (429, "Too many requests"),
        (503, "Busy: try again"),
    )
}
