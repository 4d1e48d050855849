"""The one error body that every route of this server uses."""

from __future__ import annotations

from starlette.responses import JSONResponse


def refusal(
    status: int,
    code: str,
    message: str,
    *,
    field: str | None = None,
    retry_after_s: int | None = None,
) -> JSONResponse:
    """``{"error": {"code", "message", "field"?}}`` with an optional ``Retry-After``."""
    error = {"code": code, "message": message} | ({"field": field} if field else {})
    headers = {"Retry-After": str(retry_after_s)} if retry_after_s else None
    return JSONResponse({"error": error}, status, headers)
