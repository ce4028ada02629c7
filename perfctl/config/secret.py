"""A secret as it stands in the configuration, and what keeps its value out of every output."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal

SecretKind = Literal["literal", "env", "file", "command", "aws_secret", "rds_iam", "elasticache_iam"]
KINDS: tuple[SecretKind, ...] = ("env", "file", "command", "aws_secret", "rds_iam", "elasticache_iam")
"""The kinds of reference; `literal` is what stands in the file itself."""

HIDDEN = "***"
_REMEMBERED_AT_MOST = 1000
_SHORT = 4
_TOO_SHORT = 3
"""One or two characters are in every text; to blank them would hide the text, not the secret."""
_IN_TEXT = r"(?i)([a-z][a-z0-9+.\-]*://)([^\s/?#'\"@:]*):([^\s]*)@"
_PARAMETER = r"(?i)\b((?:ssl)?(?:password|passwd|pwd|token|secret))=('[^']*'|[^&\s'\"]+)"

_remembered: dict[str, None] = {}
_pattern: re.Pattern[str] | None = None


@dataclass(frozen=True, slots=True)
class Secret:
    """Where a secret comes from; `perfctl.credentials` turns it into its value at each new connection."""

    kind: SecretKind
    target: str | tuple[str, ...] = field(repr=False)
    """The variable, path, command line, ARN or (literal) the value itself."""
    where: str | None = None

    def __post_init__(self) -> None:
        if self.kind == "literal" and isinstance(self.target, str):
            remember(self.target)

    def __str__(self) -> str:
        return HIDDEN


def remember(value: str) -> None:
    """Blank this value, and its quoted forms, in every later `redacted` text of the process."""
    global _pattern
    if len(value) < _TOO_SHORT or value in _remembered:
        return
    if len(_remembered) >= _REMEMBERED_AT_MOST:
        del _remembered[next(iter(_remembered))]
    _remembered[value] = None
    _pattern = None


def redacted(text: str) -> str:
    """The text without the secrets that this process has seen, nor passwords inside URLs.

    >>> redacted("cannot reach redis://app:hunter2@cache.internal")
    'cannot reach redis://app:***@cache.internal'
    """
    global _pattern
    if _remembered and _pattern is None:
        _pattern = re.compile("|".join(_forms()))
    blanked = _pattern.sub(HIDDEN, text) if _remembered and _pattern else text
    return re.sub(_PARAMETER, rf"\1={HIDDEN}", re.sub(_IN_TEXT, rf"\1\2:{HIDDEN}@", blanked))


def redact_url(url: str) -> str:
    """A URL that may be shown: its password, also one with `@`, `/` or blanks in it, is blanked.

    >>> redact_url("postgresql://app:p@ss/word@db.internal/app?sslpassword=x")
    'postgresql://app:***@db.internal/app?sslpassword=***'
    >>> redact_url("redis//app:word@cache.internal")
    'redis//***@cache.internal'
    """
    scheme, separator, rest = url.rpartition("://") if "://" not in url else url.partition("://")
    userinfo, at, address = rest.rpartition("@")
    if at and not separator and "//" in userinfo:
        url = f"{userinfo.partition('//')[0]}//{HIDDEN}@{address}"  # a scheme that lost its colon
    elif at and ":" in userinfo:
        url = f"{scheme}{separator}{userinfo.partition(':')[0]}:{HIDDEN}@{address}"
    return re.sub(_PARAMETER, rf"\1={HIDDEN}", url)


def split_password(url: str) -> tuple[str, str | None]:
    """The URL without its password, and the password, decoded; None where it has none.

    >>> split_password("redis://app:p%40ss@cache.internal:6379/0")
    ('redis://app@cache.internal:6379/0', 'p@ss')
    """
    from urllib.parse import unquote

    scheme, separator, rest = url.partition("://")
    userinfo, at, address = rest.rpartition("@") if separator else ("", "", "")
    user, colon, password = userinfo.partition(":")
    if not at or not colon:
        return url, None
    plain = f"{scheme}://{user}@{address}" if user else f"{scheme}://{address}"
    return plain, unquote(password) or None


def has_password(url: str) -> bool:
    """Whether a URL (or a libpq connection string) holds a password."""
    return split_password(url)[1] is not None or bool(re.search(_PARAMETER, url))


def _forms() -> list[str]:
    """The expressions for every form of every value, the longest first; a short value only as a whole word."""
    forms = {form for value in _remembered for form in _forms_of(value)}
    return [
        re.escape(form) if len(form) >= _SHORT else rf"(?<!\w){re.escape(form)}(?!\w)"
        for form in sorted(forms, key=len, reverse=True)
    ]


def _forms_of(value: str) -> set[str]:
    import json
    from urllib.parse import quote, quote_plus

    forms = {value, value.strip(), quote(value, safe=""), quote(value), quote_plus(value)}
    forms |= {json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1], repr(value)[1:-1]}
    return {form for form in forms if form}
