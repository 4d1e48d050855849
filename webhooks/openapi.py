"""The description of the API for programs (OpenAPI 3.1), generated from the operations and their
models, so that it is always up to date.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from core.platform.schemas import Error
from core.platform.settings import settings
from webhooks.endpoint import Endpoint, Operation

Json = dict[str, Any]
ERRORS = {
    400: "The request makes no sense",
    401: "No valid token",
    403: "Not allowed",
    404: "Nothing there",
    408: "The request was not whole in time",
    409: "Not possible now",
    413: "More than 1 MiB",
    422: "A value is wrong; field names it",
    429: "Too many requests; wait Retry-After seconds",
    500: "A defect on our side",
    503: "The database is away; try again",
}
COMMON = (400, 401, 403, 413, 422, 429, 500, 503)  # what every endpoint may return
RATE: Json = {
    name: {"description": text, "schema": {"type": "integer", "minimum": 0}}
    for name, text in (
        ("X-RateLimit-Limit", "Requests that the organisation's plan allows in an hour"),
        ("X-RateLimit-Remaining", "How many are left in this one"),
        ("X-RateLimit-Reset", "When the next begins, in seconds since 1970"),
    )
}
WAIT: Json = {
    "Retry-After": {"description": "Seconds to wait", "schema": {"type": "integer", "minimum": 1}}
}
WITH_WAIT = (408, 429, 503)
# returned before the request was counted, or instead of counting it
UNCOUNTED = (401, 413, 500, 503)
TEMPLATE = "#/components/schemas/{model}"


@cache
def describe(operations: tuple[Operation, ...]) -> Json:
    """The whole description of ``operations``."""
    references, schemas = _schemas(operations)
    paths: Json = {}
    for each in operations:
        paths.setdefault(each.path, {})[each.method.lower()] = _operation(each, references)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Sales operations",
            "version": "1",
            "description": "Days are the organisation's, ends exclusive.",
        },
        "servers": [{"url": settings().webhook_public_url}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": schemas,
        },
    }


def _schemas(operations: Iterable[Operation]) -> tuple[dict[Any, Json], Json]:
    """How to refer to each model, and the definitions that the references point to."""
    models: dict[tuple[type[BaseModel], JsonSchemaMode], None] = {(Error, "serialization"): None}
    for each in operations:
        if each.request:
            models[each.request, "validation"] = None
        if each.response:
            models[each.response, "serialization"] = None
        models |= dict.fromkeys((model, "serialization") for model in each.refusals.values())
    references, whole = models_json_schema(list(models), ref_template=TEMPLATE)
    return {model: schema for (model, _), schema in references.items()}, whole["$defs"]


def _operation(each: Operation, references: dict[Any, Json]) -> Json:
    made: Json = {"summary": each.summary, "parameters": _parameters(each)}
    if each.method == "POST":
        body = references[each.request] if each.request else {"type": "object"}
        made["requestBody"] = {"required": bool(each.request), "content": _content(body)}
    answer = references[each.response] if each.response else {"type": "object"}
    content = {kind: {"schema": {"type": "string"}} for kind in each.content} or _content(answer)
    made["responses"] = {
        str(status): {"description": each.summary, "content": content} for status in each.statuses
    }
    counted = isinstance(each, Endpoint)
    for status in sorted({*each.errors, *(COMMON if counted else ())}):
        refused = {
            "description": ERRORS[status],
            "content": _content(references[each.refusals.get(status, Error)]),
        }
        made["responses"][str(status)] = refused
    _add_headers(made["responses"], counted=counted)
    return made if counted else made | {"security": []}


def _add_headers(answers: Json, *, counted: bool) -> None:
    for status, answer in answers.items():
        headers = RATE if counted and int(status) not in UNCOUNTED else {}
        headers = headers | (WAIT if int(status) in WITH_WAIT else {})
        if headers:
            answer["headers"] = headers


def _parameters(each: Operation) -> list[Json]:
    """The parameters of the path, which are ids unless stated otherwise, and those of the query's
    model.
    """
    in_path = [
        {"name": name, "in": "path", "required": True, "schema": _path_schema(name)}
        for name in re.findall(r"{(\w+)}", each.path)
    ]
    if each.query is None:
        return in_path
    schema = each.query.model_json_schema()
    required = schema.get("required", ())
    return in_path + [
        _parameter(name, part, required=name in required)
        for name, part in schema["properties"].items()
    ]


def _path_schema(name: str) -> Json:
    is_id = name == "id" or name.endswith("_id")
    return {"type": "string", "format": "uuid"} if is_id else {"type": "string"}


def _parameter(name: str, schema: Json, *, required: bool) -> Json:
    described = {key: schema[key] for key in ("description",) if key in schema}
    shown = {key: value for key, value in schema.items() if key not in ("title", "description")}
    if shown.get("default") in (None, "", [], False):
        shown.pop("default", None)
    return {"name": name, "in": "query", "required": required, "schema": shown} | described


def _content(schema: Json) -> Json:
    return {"application/json": {"schema": schema}}
