"""How the product talks to a provider: with time-outs, a few tries, and errors that a person can
read.

The secret stands in no error, no log line and no repr: whatever a provider says is cleared of it
first. Redirects are not followed, so a key goes to nobody but the address of the settings.
"""

from __future__ import annotations

import random
import re
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from types import TracebackType
from typing import Any, NoReturn, Self
from urllib.parse import quote

import httpx

from core.platform.errors import (
    AuthenticationFailed,
    OutcomeUnknown,
    PermissionMissing,
    ProviderError,
    ProviderUnavailable,
    RateLimited,
    UnexpectedAnswer,
    UnknownToProvider,
)
from core.platform.log import logger
from core.providers.retry_after import pause_s, retry_after_s_or_none

log = logger("provider")
REPEATABLE = {"GET", "HEAD"}
UNREADABLE = (ValueError, RecursionError)
LONGEST_WORDS = 160
CODE = re.compile(r"\d{1,6}")  # a longer one may be something else, and a key is never that short
SHOWN_OF_A_SECRET = 8  # a provider that repeats the beginning of a key repeats the key


@dataclass(frozen=True)
class RetryPolicy:
    """How long one request may take. Asked for a pause above ``longest_pause_s``, the client gives
    up and says so.
    """

    timeout_s: float = 15.0
    tries: int = 4
    first_pause_s: float = 0.5
    longest_pause_s: float = 20.0


Shown = Callable[[str], str]
Refusal = Callable[[httpx.Response, Shown], ProviderError | None]


class _Later(Exception):
    """Worth another try, after ``asked_s`` if the provider named a pause."""

    def __init__(self, error: ProviderError, asked_s: float | None = None) -> None:
        super().__init__()
        self.error, self.asked_s = error, asked_s


@cache
def trusted() -> ssl.SSLContext:
    """Whom a connection trusts. Reading the authorities takes forty times as long as a request."""
    return httpx.create_ssl_context()


class Client:
    """Requests to one provider under one key; a context manager that closes its connections."""

    def __init__(
        self,
        provider: str,
        base_url: str,
        headers: Mapping[str, str],
        *,
        secrets: tuple[str, ...],
        retry: RetryPolicy | None = None,
        refusal: Refusal | None = None,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        """``provider`` is its name for people; ``headers`` carry the key, and ``secrets`` are what
        must never be repeated.

        ``refusal`` is what a refused request means at this provider: an error, made of the answer
        and of its words as ``shown`` clears them, or None where the status says enough.
        ``transport`` carries the requests in place of the network.
        """
        self.provider = provider
        self._retry = retry or RetryPolicy()
        self._refusal = refusal
        self._secrets = re.compile(
            "|".join(_spellings((*secrets, headers.get("Authorization", "").partition(" ")[2])))
        )
        self._http = httpx.Client(
            base_url=base_url,
            headers={"Accept": "application/json", "User-Agent": "sales-operations/1.0", **headers},
            timeout=self._retry.timeout_s,
            follow_redirects=False,
            verify=trusted(),
            transport=transport,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._http.close()

    def get(self, path: str, **params: str | int) -> Any:
        """What the provider answers, read from JSON. Raises as ``request`` does."""
        return self.request("GET", path, params=params)

    def request(
        self, method: str, path: str, *, repeatable: bool | None = None, **content: Any
    ) -> Any:
        """What ``send`` is answered, read from JSON; None for an empty answer. Raises as ``send``
        does, and UnexpectedAnswer, or OutcomeUnknown for what is not repeatable, when it is not
        JSON.
        """
        answer = self.send(method, path, repeatable=repeatable, **content)
        return self._read(answer, _may_repeat(method, repeatable))

    def send(
        self, method: str, path: str, *, repeatable: bool | None = None, **content: Any
    ) -> httpx.Response:
        """Ask, and ask again after a pause when that can do no harm; the answer to a request that
        was not refused.

        ``path`` begins with a slash and is put behind the provider's address. ``repeatable`` says
        that doing it twice is as good as once; by default only of what reads.

        Raises:
            AuthenticationFailed: the key is not accepted. PermissionMissing: it is, but may not do
            this.
            UnknownToProvider: there is no such thing.
            RateLimited: the provider asks for a longer pause than this client waits.
            ProviderUnavailable: nothing was done; it may be tried again later.
            OutcomeUnknown: it may have been done.
            UnexpectedAnswer: anything else, such as a redirect.
        """
        if not path.startswith("/"):
            raise ValueError("A path begins with a slash; the address is the settings'.")
        again, tried = _may_repeat(method, repeatable), 0
        while True:
            tried += 1
            try:
                return self._once(method, path, again, content)
            except _Later as later:
                wait_s = self._growing_pause_s(tried) if later.asked_s is None else later.asked_s
                log.warning(
                    "provider asked again",
                    provider=self.provider,
                    why=type(later.error).__name__,
                    tried=tried,
                )
                if tried >= self._retry.tries or wait_s > self._retry.longest_pause_s:
                    raise later.error from None
            time.sleep(wait_s + self._retry.first_pause_s * random.random())  # noqa: S311 - spreads, hides nothing

    def shown(self, words: str) -> str:
        """A provider's words, fit to be stored and shown: short, printable, and without the key,
        whole or begun.
        """
        printable = "".join(
            letter if letter.isprintable() else " " for letter in self._secrets.sub("…", words)
        )
        return " ".join(printable.split())[:LONGEST_WORDS]

    def _growing_pause_s(self, tried: int) -> float:
        return min(self._retry.first_pause_s * 2 ** (tried - 1), self._retry.longest_pause_s)

    def _once(
        self, method: str, path: str, again: bool, content: Mapping[str, Any]
    ) -> httpx.Response:
        try:
            answer = self._http.request(method, path, **content)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout):
            raise _Later(ProviderUnavailable(f"{self.provider} cannot be reached.")) from None
        except httpx.RequestError:
            if again:
                raise _Later(
                    ProviderUnavailable(f"{self.provider} did not answer in time.")
                ) from None
            raise OutcomeUnknown(
                f"{self.provider} did not answer; it may have done what it was asked."
            ) from None
        if not answer.is_success:
            self._refuse(answer, again)
        return answer

    def _read(self, answer: httpx.Response, again: bool) -> Any:
        if not answer.content:
            return None
        try:
            return answer.json()
        except UNREADABLE:
            kind = UnexpectedAnswer if again else OutcomeUnknown
            raise kind(f"{self.provider} answered with something that is not JSON.") from None

    def _refuse(self, answer: httpx.Response, again: bool) -> NoReturn:
        asked_s = retry_after_s_or_none(answer.headers)
        match self._refusal and self._refusal(answer, self.shown):
            case RateLimited() as error:
                raise _Later(error, error.retry_after_s)
            case ProviderUnavailable() as error:
                raise _Later(error, asked_s)
            case ProviderError() as error:
                raise error
        code, said = answer.status_code, self._words_of(answer)
        match code:
            case 401:
                raise AuthenticationFailed(f"{self.provider} does not accept the key{said}")
            case 403:
                raise PermissionMissing(f"{self.provider} does not allow this key to do that{said}")
            case 404:
                raise UnknownToProvider(f"{self.provider} does not know what was asked for{said}")
            case 429:
                raise _Later(
                    RateLimited(
                        f"{self.provider} asks for a pause.", retry_after_s=pause_s(answer.headers)
                    ),
                    asked_s,
                )
            case 408 | 503:
                raise _Later(ProviderUnavailable(f"{self.provider} answered {code}."), asked_s)
            case _ if answer.is_server_error and again:
                raise _Later(ProviderUnavailable(f"{self.provider} answered {code}."), asked_s)
            case _ if answer.is_server_error:
                raise OutcomeUnknown(
                    f"{self.provider} answered {code}; it may have done what it was asked."
                )
            case _ if answer.is_redirect:
                raise UnexpectedAnswer(
                    f"{self.provider} answered with a redirect, which is not followed."
                )
        raise UnexpectedAnswer(
            f"{self.provider} refused the request with {code}{said}", provider_code=_code_of(answer)
        )

    def _words_of(self, answer: httpx.Response) -> str:
        """``: “what the provider says”.``, or a full stop when it says nothing that a person could
        read.
        """
        try:
            words = _message_in(answer.json())
        except UNREADABLE:
            words = ""
        shown = self.shown(words)
        return f": “{shown}”." if shown else "."


def _may_repeat(method: str, repeatable: bool | None) -> bool:
    return method in REPEATABLE if repeatable is None else repeatable


def _code_of(answer: httpx.Response) -> str | None:
    """The number that the provider gives the reason of its refusal."""
    try:
        code = answer.json()["code"]
    except (*UNREADABLE, KeyError, TypeError):
        return None
    return str(code) if CODE.fullmatch(str(code)) else None


def _spellings(secrets: tuple[str, ...]) -> list[str]:
    """Patterns of the secrets as they are and as an address spells them; the longest first, so that
    nothing is left over.
    """
    told = {spelled for secret in secrets if secret for spelled in (secret, quote(secret, safe=""))}
    patterns = [
        re.escape(each[:SHOWN_OF_A_SECRET]) + r"[^\s\"'<>]*"
        for each in sorted(told, key=len, reverse=True)
    ]
    return patterns or [r"(?!)"]


def _message_in(body: Any) -> str:
    """What an error's body says: each provider has its own place for it."""
    if isinstance(body, str):
        return body
    if isinstance(body, list):
        return "; ".join(filter(None, map(_message_in, body[:3])))
    if not isinstance(body, dict):
        return ""
    places = ("message", "error", "errorMessage", "errors", "msg", "title")
    return next((words for place in places if (words := _message_in(body.get(place)))), "")
