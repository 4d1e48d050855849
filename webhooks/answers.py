"""HTTP responses of this server: models as JSON, and one form of error body for every route."""

from __future__ import annotations

from starlette import responses

from core.platform.schemas import Error, Problem, Response

JSON = "application/json"


def as_json(answer: Response, status: int = 200) -> responses.Response:
    """The model as JSON."""
    return responses.Response(answer.model_dump_json(), status, media_type=JSON)


def refusal(
    status: int,
    code: str,
    message: str,
    *,
    field: str | None = None,
    retry_after_s: int | None = None,
) -> responses.Response:
    """``{"error": {"code", "message", "field"?}}`` with an optional ``Retry-After``."""
    error = Error(error=Problem(code=code, message=message, field=field))
    headers = {"Retry-After": str(retry_after_s)} if retry_after_s else None
    body = error.model_dump_json(exclude_none=True)
    return responses.Response(body, status, headers, media_type=JSON)
