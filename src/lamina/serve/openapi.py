"""What can be asked, as an OpenAPI 3.1 document made from the schema of each model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from lamina.records import Field, Schema
from lamina.serve.bodies import FORM, JSON, TABLES
from lamina.serve.examples import Example
from lamina.serve.shapes import ANSWERS_OF, JSON_ANSWER, REFUSED, SHARED
from lamina.version import __version__

if TYPE_CHECKING:
    from lamina.serve.addresses import Address

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

_BESIDE_DECISIONS: Final = {
    "costs": {"$ref": "#/components/schemas/Costs"},
    "limits": {"type": "array", "items": {"$ref": "#/components/schemas/Limit"}, "maxItems": 20},
}


def document(addresses: Sequence[Address], examples: Mapping[str, Example]) -> dict[str, Any]:
    """The whole document; ``examples`` by the name of a model."""
    names = list(examples)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Lamina: " + ", ".join(names),
            "version": __version__,
            "description": "Answers, decisions and learning of "
            + " and ".join(map(repr, names))
            + ". Errors are problem documents (RFC 9457) that name field and remedy.",
        },
        "paths": _paths(addresses, examples),
        "components": {
            "schemas": {f"Row_{k}": _row(each) for k, each in enumerate(examples.values())} | SHARED,
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{"key": []}, {}],
    }


def _row(example: Example) -> dict[str, Any]:
    """One row as a JSON Schema."""
    fields = example.schema.with_role("input")
    told: dict[str, Any] = {
        "type": "object",
        "properties": {field.name: _cell(field) for field in fields},
        "required": [field.name for field in fields],
    }
    return told | ({"examples": example.rows} if example.rows else {})


def _cell(field: Field) -> dict[str, Any]:
    about = {"description": f"{field.kind}: {field.why}" + (f" ({field.unit})" if field.unit else "")}
    if field.kind in MEDIA:
        file = {"contentEncoding": "base64", "contentMediaType": MEDIA[field.kind]}
        return {"type": ["string", "null"], **file, **about}
    if field.kind in _LISTS:
        items = {"type": [_LISTS[field.kind], "null"]}
        return {"type": ["array", "string", "null"], "items": items, **about}
    return {"type": _SCALAR.get(field.kind, ["string", "number", "null"]), **about}


def _paths(addresses: Sequence[Address], examples: Mapping[str, Example]) -> dict[str, Any]:
    """Every address under ``/v1``; with several models each one's own, with one also the short ones."""
    paths: dict[str, Any] = {}
    for k, (name, example) in enumerate(examples.items()):
        short = ["/v1"] if len(examples) == 1 else []
        for start in (f"/v1/models/{name}", *short):
            for each in addresses:
                told = _operation(each, name, start, _brought(each, f"Row_{k}", example))
                paths.setdefault(f"{start}/{each.path}", {})[each.method.lower()] = told
    for address, what in (
        ("/v1/models", "The models that are served"),
        ("/healthz", "Whether the process lives"),
        ("/readyz", "Whether it answers"),
    ):
        paths[address] = {"get": {"summary": what, "responses": {"200": JSON_ANSWER}}}
    paths["/metrics"] = {
        "get": {
            "summary": "Measures for Prometheus",
            "responses": {"200": {"description": "Text", "content": {"text/plain": {}}}},
        }
    }
    return paths


def _operation(each: Address, name: str, start: str, body: dict[str, Any] | None) -> dict[str, Any]:
    mark = start.removeprefix("/v1").strip("/").replace("/", "_") or "the"
    told: dict[str, Any] = {
        "operationId": f"{each.name}_{mark}" + ("_job" if "{" in each.path else ""),
        "summary": f"{each.what} ({name})",
        "responses": {str(each.status): ANSWERS_OF.get(each.path, JSON_ANSWER), **REFUSED},
    }
    if "{job}" in each.path:
        told["parameters"] = [
            {"name": "job", "in": "path", "required": True, "schema": {"type": "string", "maxLength": 64}}
        ]
    if each.brings == "decide":  # beside a whole table they stand in the address
        told["parameters"] = [
            {"name": name, "in": "query", "content": {JSON: {"schema": shape}}}
            for name, shape in _BESIDE_DECISIONS.items()
        ]
    return told | ({} if body is None else {"requestBody": body})


def _brought(each: Address, row: str, example: Example) -> dict[str, Any] | None:
    """What the body of an address may hold, with an example that is answered."""
    one = {"$ref": f"#/components/schemas/{row}"}
    several = {"type": "array", "items": one, "minItems": 1}
    if each.brings == "nothing":
        return None
    if each.brings == "rollback":
        return _json({"$ref": "#/components/schemas/RollbackTo"}, {"to": 1}, required=False)
    if each.brings == "feedback":
        return _json(
            {"type": "array", "items": {"type": "object"}, "minItems": 1}, [_happened(example.schema)]
        )
    beside = {
        "decide": _BESIDE_DECISIONS,
        "explain": {
            "background": several,
            "what": {"enum": ["columns", "inside", "importance"]},
            "of": {"type": "string"},
            "seed": {"type": "integer", "minimum": 0, "maximum": 2**32 - 1},
        },
    }.get(each.brings, {})
    wrapped = {"type": "object", "properties": {"rows": several, **beside}, "required": ["rows"]}
    shown: dict[str, Any] = {"rows": example.rows}
    if each.brings == "explain":
        empty = [dict.fromkeys(row) for row in example.rows]
        shown["background"] = [*example.rows, *empty]
    if each.brings == "decide":
        shown["costs"] = example.costs
        return _tables(wrapped, shown, one)
    return _tables({"anyOf": [wrapped, several, one]}, shown, one)


def _tables(schema: dict[str, Any], example: Any, one: dict[str, Any]) -> dict[str, Any]:
    """A body of rows: JSON, a whole table, or a form."""
    body = _json(schema, example)
    body["content"] |= {kind: {"schema": {"type": "string"}} for kind in TABLES} | {FORM: {"schema": one}}
    return body


def _json(schema: dict[str, Any], example: Any, *, required: bool = True) -> dict[str, Any]:
    return {"required": required, "content": {JSON: {"schema": schema, "example": example}}}


def _happened(schema: Schema) -> dict[str, Any]:
    """A row of feedback."""
    return {"id": "…"} | {field.name: "…" for field in schema.with_role("target")}
