"""A program that uses the API: every answer must match the API description."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Mapping
from functools import cache
from typing import Any
from uuid import UUID

import httpx
from jsonschema import Draft202012Validator, FormatChecker

from core.platform import database
from core.platform.database import as_system
from core.tenancy.access.api_access import issue_token
from core.tenancy.access.api_keys import create_api_key
from core.tenancy.access.viewers import Viewer
from webhooks.api import document
from webhooks.app import app

ADDRESS = "127.0.0.1"


def request(
    method: str, path: str, token: str | None = None, *, address: str = ADDRESS, **more: Any
) -> httpx.Response:
    """The answer of the real application to a caller at the network ``address``, checked against
    the API description.
    """
    if token is not None:
        more["headers"] = {"Authorization": f"Bearer {token}"} | more.get("headers", {})

    async def conversation() -> httpx.Response:
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=False, client=(address, 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://receiver") as client:
            return await client.request(method, path, **more)

    answer = asyncio.run(conversation())
    check(answer)
    return answer


def get(path: str, token: str | None = None, **params: Any) -> httpx.Response:
    return request("GET", path, token, params=params)


def post(
    path: str, token: str | None = None, body: Mapping[str, Any] | None = None, **more: Any
) -> httpx.Response:
    return request("POST", path, token, json=body or {}, **more)


def token_of(viewer: Viewer) -> str:
    return issue_token(viewer)


def key_of(org: UUID, *scopes: str) -> str:
    with as_system(org) as db:
        return create_api_key(db, "Test", scopes or ["all"]).key


def refused(answer: httpx.Response) -> tuple[int, str, str | None]:
    """Status, code and field of a refusal."""
    error = answer.json()["error"]
    return answer.status_code, error["code"], error.get("field")


def forget_engines() -> None:
    """Forget the open connections, so that changed settings take effect."""
    for role in (database.APP_ROLE, database.WORKER_ROLE):
        database.engine(role).dispose()
    database.engine.cache_clear()


def check(answer: httpx.Response) -> None:
    """Check that the description lists this answer for its route, and that answer and request have
    exactly the declared shape.
    """
    operation = operation_of(answer.request.method, answer.request.url.path)
    kind = answer.headers.get("content-type", "")
    if operation is None:
        declared: Any = {"$ref": "#/components/schemas/Error"}
    else:
        contents = operation["responses"][str(answer.status_code)]["content"]
        declared = next(
            content["schema"]
            for name, content in contents.items()
            if kind.startswith(name.partition(";")[0])
        )
    if kind.startswith("application/json"):
        validator(declared).validate(answer.json())
    if answer.is_success and operation and "requestBody" in operation:
        taken = operation["requestBody"]["content"]["application/json"]["schema"]
        validator(taken).validate(json.loads(answer.request.content))


def operation_of(method: str, path: str) -> Any:
    """The description of the operation that a request reaches; None where there is none."""
    for template, operations in described()["paths"].items():
        if re.fullmatch(re.sub(r"{\w+}", "[^/]+", template) + "/?", path):
            return operations.get(method.lower())
    return None


def schema_of(reference: Any, among: Any) -> Any:
    """The schema that a reference in the description points to."""
    return among["components"]["schemas"][reference["$ref"].rpartition("/")[2]]


def validator(schema: Any) -> Draft202012Validator:
    whole = schema | {"components": described()["components"]}
    return Draft202012Validator(whole, format_checker=FormatChecker(["uuid", "date"]))


@cache
def described() -> Any:
    """The schema, changed so that objects may have no properties other than the declared ones."""
    return closed(document())


def closed(part: Any) -> Any:
    if isinstance(part, list):
        return [closed(each) for each in part]
    if not isinstance(part, dict):
        return part
    made = {name: closed(each) for name, each in part.items()}
    is_schema = made.get("type") == "object" and isinstance(made.get("properties"), dict)
    return made | ({"additionalProperties": False} if is_schema else {})


ASKED = {
    "/api/metrics": {"start": "2026-11-01", "end": "2026-12-01"},
    "/api/export": {"table": "events"},
}
PAYOUT = {"name": "November", "period_start": "2026-11-01", "period_end": "2026-12-01"}
NO_ID = "00000000-0000-4000-8000-000000000000"
