"""The product's errors, as one small tree:

SalesOpsError               a sentence for a person; nothing was changed
├── NotAllowed              the caller may not do this
├── NotFound                it does not exist, or the caller may not see it
├── InvalidInput            a value is wrong; ``field`` names it
├── Conflict                the object is not in a state that allows this
├── TooManyRequests         wait ``retry_after_s`` seconds
├── Misconfigured           a setting is missing or unsafe; the text says how to fix it
└── ProviderError           an outside system
    ├── AuthenticationFailed
    │   └── PermissionMissing
    ├── UnknownToProvider
    ├── RateLimited
    ├── ProviderUnavailable
    ├── OutcomeUnknown
    └── UnexpectedAnswer
"""

from __future__ import annotations


class SalesOpsError(Exception):
    """An error whose text is for people: what happened, what was saved, and what to do now."""

    code = "error"

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class NotAllowed(SalesOpsError):
    """The caller may not do this."""

    code = "not_allowed"


class NotFound(SalesOpsError):
    """It does not exist, or the caller may not see it; the error does not reveal which."""

    code = "not_found"


class InvalidInput(SalesOpsError):
    """A value is wrong; ``field`` names it as the caller does."""

    code = "invalid_input"

    def __init__(self, message: str, *, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field


class Conflict(SalesOpsError):
    """The object is not in a state that allows this; ``field`` names the value that says so, where
    it is one.
    """

    code = "conflict"

    def __init__(self, message: str, *, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field


class TooManyRequests(SalesOpsError):
    """The caller must wait ``retry_after_s`` seconds."""

    code = "too_many_requests"

    def __init__(self, message: str, *, retry_after_s: int) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class Misconfigured(SalesOpsError):
    """A setting is missing or unsafe; the text says how to fix it."""

    code = "misconfigured"


class ProviderError(SalesOpsError):
    """An outside system did not do what it was asked; never carries a secret."""

    code = "provider_error"


class AuthenticationFailed(ProviderError):
    """The provider refused the key."""


class PermissionMissing(AuthenticationFailed):
    """The provider knows the key, but does not let it do this."""


class UnknownToProvider(ProviderError):
    """The object does not exist at the provider, or the key may not see it."""


class RateLimited(ProviderError):
    """The provider asks for a pause of ``retry_after_s`` seconds."""

    def __init__(self, message: str, *, retry_after_s: float) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class ProviderUnavailable(ProviderError):
    """The provider could not be reached or failed on its side; trying again is safe."""


class OutcomeUnknown(ProviderError):
    """The connection broke after the whole request was sent. The provider may have carried it out,
    so it is not repeated without asking somebody.
    """


class UnexpectedAnswer(ProviderError):
    """The provider answered in a way that its documentation does not describe, or refused for a
    reason of its own.

    ``provider_code`` is the provider's code for that reason, where it gives one.
    """

    def __init__(self, message: str, *, provider_code: str | None = None) -> None:
        super().__init__(message)
        self.provider_code = provider_code
