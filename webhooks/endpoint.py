"""An endpoint of the API as data: where it is, what it takes and answers, and for whom it is.

Routes, the API description and docs/roles.md are made from these.
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
    """What a signed-in program asks for, already read and checked."""

    caller: Caller
    http: requests.Request
    query: QueryT
    body: BodyT

    @property
    def id(self) -> UUID:
        """The id in the path. Raises NotFound for one that cannot be any."""
        try:
            return UUID(self.http.path_params["id"])
        except ValueError as error:
            raise NotFound("There is nothing with this id.") from error


Answer = Response | tuple[Response, int] | responses.Response


@dataclass(frozen=True)
class Operation:
    """What answers at one address to one method; this one to anybody, by a handler of Starlette's
    own kind.

    The first of ``statuses`` is the usual one. ``content`` names the types of an answer that is no
    JSON; ``errors`` are the statuses of refusals, and ``refusals`` the models of those that say
    more than an ``Error``.
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
    """One thing that a signed-in program may ask for; its handler takes an ``ApiRequest`` and gives
    an ``Answer``.

    ``access`` says for whom it is: a person's token needs one of the roles, a key the scope, the
    organisation the module. ``errors`` are those that are not common to all endpoints.
    """

    access: Access = field(kw_only=True)

    def read(self, caller: Caller, http: requests.Request, body: bytes) -> ApiRequest[Any, Any]:
        """The request with its parameters and body as models. Raises InvalidInput."""
        query = self.query.read(http.query_params) if self.query else None
        return ApiRequest(caller, http, query, self.request.read(body) if self.request else None)
