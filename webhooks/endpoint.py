"""An endpoint of the API as data: its address, what it takes and returns, and who may use it.

Routes, the API description and docs/roles.md are generated from these.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar
from uuid import UUID

from starlette import requests, responses

from core.platform.errors import NotFound
from core.platform.schemas import Body, Query, Response
from core.tenancy.access.api_access import Caller
from core.tenancy.access.authorization import Access

QueryT = TypeVar("QueryT", bound=Query | None)
BodyT = TypeVar("BodyT", bound=Body | None)


@dataclass(frozen=True)
class ApiRequest(Generic[QueryT, BodyT]):
    """The request of a signed-in program, already read and checked."""

    caller: Caller
    http: requests.Request
    query: QueryT
    body: BodyT

    @property
    def id(self) -> UUID:
        """The id in the path. Raises NotFound for text that cannot be an id."""
        try:
            return UUID(self.http.path_params["id"])
        except ValueError as error:
            raise NotFound("There is nothing with this id.") from error


Answer = Response | tuple[Response, int] | responses.Response


@dataclass(frozen=True)
class Operation:
    """The handler for one address and method. This kind is open to everybody, with a handler as
    Starlette defines it.

    The first of ``statuses`` is the usual one. ``content`` names the media types of a response that
    is not JSON; ``errors`` are the statuses of refusals, and ``refusals`` the models of those that
    say more than an ``Error``.
    """

    method: str
    path: str
    handler: Callable[..., Any]
    request: type[Body] | None = None
    query: type[Query] | None = None
    response: type[Response] | None = None
    statuses: tuple[int, ...] = (200,)
    content: tuple[str, ...] = ()
    errors: tuple[int, ...] = ()
    refusals: Mapping[int, type[Response]] = field(default_factory=dict, hash=False)

    @property
    def summary(self) -> str:
        """The first sentence of the handler's docstring."""
        return " ".join((self.handler.__doc__ or "").partition(".")[0].split())


@dataclass(frozen=True)
class Endpoint(Operation):
    """One thing that a signed-in program may ask for. Its handler takes an ``ApiRequest`` and
    returns an ``Answer``.

    ``access`` says who may use it: a person's token needs one of the roles, a key the scope, and
    the organisation the module. ``errors`` are those that not all endpoints have.
    """

    access: Access = field(kw_only=True)

    def read(self, caller: Caller, http: requests.Request, body: bytes) -> ApiRequest[Any, Any]:
        """The request, with its parameters and body read into models. Raises InvalidInput."""
        query = self.query.read(http.query_params) if self.query else None
        return ApiRequest(caller, http, query, self.request.read(body) if self.request else None)
