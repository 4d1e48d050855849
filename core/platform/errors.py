"""The product's errors, as one small tree:

SalesOpsError               a sentence for a person; nothing was changed
├── NotAllowed              the caller may not do this
├── NotFound                no such thing, or none that the caller may see
├── InvalidInput            a value is wrong; ``field`` names it
├── Conflict                the thing is not in a state that allows this
├── TooManyRequests         wait ``retry_after_s`` seconds
├── Misconfigured           a setting is missing or unsafe; the text says how to mend it
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
    """A sentence for a person: what happened, what was kept, what to do."""

    code = "error"

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class NotAllowed(SalesOpsError):
    """The caller may not do this."""

    code = "not_allowed"


class NotFound(SalesOpsError):
    """There is no such thing, or none that the caller may see; the two are not told apart."""

    code = "not_found"


class InvalidInput(SalesOpsError):
    """A value is wrong; ``field`` names it in the caller's own words."""

    code = "invalid_input"

    def __init__(self, message: str, *, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field


class Conflict(SalesOpsError):
    """The thing is not in a state that allows this."""

    code = "conflict"


class TooManyRequests(SalesOpsError):
    """The caller must wait ``retry_after_s`` seconds."""

    code = "too_many_requests"

    def __init__(self, message: str, *, retry_after_s: int) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class Misconfigured(SalesOpsError):
    """A setting is missing or unsafe; the text says how to mend it."""

    code = "misconfigured"


class ProviderError(SalesOpsError):
    """An outside system did not do what it was asked; never carries a secret."""

    code = "provider_error"


class AuthenticationFailed(ProviderError):
    """The provider refused the key."""


class PermissionMissing(AuthenticationFailed):
    """The provider knows the key, but does not let it do this."""


class UnknownToProvider(ProviderError):
    """The provider has no such thing, or none that the key may see."""


class RateLimited(ProviderError):
    """The provider asks for a pause of ``retry_after_s`` seconds."""

    def __init__(self, message: str, *, retry_after_s: float) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class ProviderUnavailable(ProviderError):
    """The provider could not be reached or failed on its side; trying again is safe."""


class OutcomeUnknown(ProviderError):
    """The line broke after everything was said: it may have been done, so it is not repeated
    without asking.
    """


class UnexpectedAnswer(ProviderError):
    """The provider answered with something its documentation does not know, or refused for a reason
    of its own.

    ``provider_code`` is the number that it gives the reason, where it gives one.
    """

    def __init__(self, message: str, *, provider_code: str | None = None) -> None:
        super().__init__(message)
        self.provider_code = provider_code
