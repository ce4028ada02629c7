"""What can be wrong with a request itself: errors of perfctl, each with its HTTP status."""

from __future__ import annotations

from perfctl.errors import AuthError, PerfctlError, RefusedError, ServiceError, UsageError


class NoSuchPathError(UsageError):
    """Nothing is at this path."""

    http_status = 404


class MethodError(UsageError):
    """The path is there, and knows other methods."""

    http_status = 405


class SlowBodyError(UsageError):
    """The body does not arrive."""

    http_status = 408


class ConflictError(UsageError):
    """An Idempotency-Key that came with another request before."""

    http_status = 409


class TooLargeError(UsageError):
    """The body is over `api.max_body_bytes`."""

    http_status = 413


class MediaTypeError(UsageError):
    """The body is not said to be JSON."""

    http_status = 415


class WrongHostError(RefusedError):
    """The name that was called is not one of this server: a page elsewhere may have led the browser here."""

    http_status = 421


class FieldError(UsageError):
    """The body is JSON, and a field of it is not what the route takes."""

    http_status = 422


class StatementError(ServiceError):
    """The statement of the body, which the database does not take: the caller's fault, and not the server's."""

    http_status = 422


class TooManyError(RefusedError):
    """More requests in a minute than one client may send, or more work than is taken on at once."""

    http_status = 429
    retryable = True


class NoTokenError(AuthError):
    """A token is wanted, and there is none, or one that nobody was given."""

    http_status = 401


class ScopeError(AuthError):
    """The token is known, and may not do this."""

    http_status = 403


class BrokenError(PerfctlError):
    """A bug of perfctl, told without what it was working on."""
