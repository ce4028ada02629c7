"""What can go wrong, as the caller meets it: a message, a next step, an exit code and an HTTP status."""

from __future__ import annotations

from typing import ClassVar


class PerfctlError(Exception):
    """The base of every error that perfctl raises on purpose.

    `message` says what failed, with which value; `where` says where that value was set
    (`file:line:col`, a variable or a flag); `hint` says what to try next.
    """

    kind: ClassVar[str] = "bug"
    exit_code: ClassVar[int] = 70
    http_status: ClassVar[int] = 500
    retryable: ClassVar[bool] = False

    def __init__(self, message: str, *, hint: str | None = None, where: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.where = where


class UsageError(PerfctlError):
    """The call itself is wrong: an unknown flag, unusable input."""

    kind = "usage"
    exit_code = 2
    http_status = 400


class MissingExtraError(UsageError):
    """An optional dependency is not installed."""

    kind = "missing_extra"
    http_status = 501

    def __init__(self, extra: str, *, needed_for: str) -> None:
        super().__init__(
            f"{needed_for} needs the extra {extra!r}, which is not installed",
            hint=f"pip install 'perfctl[{extra}]'",
        )
        self.extra = extra


class ConfigError(PerfctlError):
    """The configuration or a secret is invalid."""

    kind = "config"
    exit_code = 3


class NotConfiguredError(ConfigError):
    """The configuration is valid, and names no server of the kind that is asked."""

    http_status = 409


class AuthError(PerfctlError):
    """The service does not know us, or does not let us."""

    kind = "auth"
    exit_code = 4
    http_status = 403


class UnreachableError(PerfctlError):
    """The service does not answer."""

    kind = "unreachable"
    exit_code = 5
    http_status = 503
    retryable = True


class TimedOutError(UnreachableError):
    """The service, or the whole run, took longer than it may."""

    kind = "timeout"
    http_status = 504


class RefusedError(PerfctlError):
    """perfctl itself refuses: confirmation missing, protected context, a statement that is not safe."""

    kind = "refused"
    exit_code = 7
    http_status = 403


class LockedError(PerfctlError):
    """Another run holds the lock."""

    kind = "locked"
    exit_code = 8
    http_status = 409
    retryable = True


class ServiceError(PerfctlError):
    """The service answered, and refused: a quota, a read-only server, an SQL error."""

    kind = "service"
    exit_code = 9
    http_status = 502
