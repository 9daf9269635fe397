"""The OpenAPI document of the control port, made from the very table its routes are made from.

Answers are msgspec structs and bodies pydantic models; both give JSON Schema 2020-12, which is what OpenAPI 3.1 uses.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import msgspec

import simulator

if TYPE_CHECKING:
    from simulator.fleet.control import Operation

_REF = "#/components/schemas/{name}"
_PYDANTIC_REF = "#/components/schemas/{model}"
_ABOUT = {"id": "id of the station"}


def document(rows: Iterable[Operation]) -> dict[str, Any]:
    """The document for ``rows``; plain data."""
    shown = [row for row in rows if not row.hidden]
    kinds: list[type] = list(dict.fromkeys(row.answer for row in shown if isinstance(row.answer, type)))
    refs, schemas = msgspec.json.schema_components(kinds, ref_template=_REF)
    answers = dict(zip(kinds, refs, strict=True))
    components: dict[str, Any] = dict(schemas)
    components["Problem"] = {
        "title": "Problem",
        "description": "Why not.",
        "type": "object",
        "properties": {"error": {"type": "string"}},
        "required": ["error"],
    }
    paths: dict[str, Any] = {}
    for row in shown:
        paths.setdefault(row.path, {})[row.method.lower()] = _operation(row, answers, components)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "cpfarm control port",
            "version": simulator.__version__,
            "description": "What can be done to the stations of a running farm. Everything is an input of the station; "
            "an answer says what changed, or why nothing did.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer", "description": "needed when the run was given one"}
            },
        },
        "security": [{}, {"token": []}],
    }


def _operation(row: Operation, answers: dict[type, dict[str, Any]], components: dict[str, Any]) -> dict[str, Any]:
    in_path = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}, "description": _ABOUT[name]}
        for name in re.findall(r"\{(\w+)\}", row.path)
    ]
    in_query = [{"name": q.name, "in": "query", "schema": q.schema, "description": q.text} for q in row.query]
    if isinstance(row.answer, str):
        content: dict[str, Any] = {row.answer: {"schema": {"type": "string"}}}
    else:
        content = {"application/json": {"schema": answers[row.answer]}}
    problem = {"application/json": {"schema": {"$ref": _REF.format(name="Problem")}}}
    refusals = {
        str(status): {"description": text, "content": content if row.path == "/readyz" else problem}
        for status, text in sorted(row.refusals.items())
    }
    said: dict[str, Any] = {
        "operationId": row.name,
        "summary": row.summary,
        "parameters": [*in_path, *in_query],
        "responses": {"200": {"description": row.summary, "content": content}, **refusals},
    }
    if row.act is not None:
        schema = row.act.model.model_json_schema(ref_template=_PYDANTIC_REF)
        components.update(schema.pop("$defs", {}))
        name = f"{row.act.model.__name__}Body"
        components[name] = schema
        needed = bool(schema.get("required"))
        said["requestBody"] = {
            "required": needed,
            "content": {"application/json": {"schema": {"$ref": _REF.format(name=name)}}},
        }
    return said
