"""Which requests share a cached answer: the cache key of CloudFront's cache policies."""

from __future__ import annotations

import re
from dataclasses import dataclass

from perfctl.cdn.delivery.headers import Headers, tokens
from perfctl.cdn.delivery.policies import CachePolicy, Selection

_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_PLAIN = re.compile(r"[!-$&-~]*")
_HEX = frozenset("0123456789abcdefABCDEF")


@dataclass(frozen=True, slots=True)
class CacheKey:
    """What two requests must have in common; `query` holds only the parameters that count."""

    distribution_id: str
    path: str
    query: str = ""
    headers: tuple[tuple[str, str | None], ...] = ()
    cookies: tuple[tuple[str, str], ...] = ()
    encodings: tuple[str, ...] = ()

    @property
    def url(self) -> str:
        """The name by which an invalidation finds it."""
        return f"{self.path}?{self.query}" if self.query else self.path


def key_of(distribution_id: str, path: str, query: str, headers: Headers, policy: CachePolicy) -> CacheKey:
    """The key of a request under a policy."""
    return CacheKey(
        distribution_id=distribution_id,
        path=canonical(path),
        query=chosen_query(query, policy.queries),
        headers=_chosen_headers(headers, policy),
        cookies=tuple(pair for pair in cookies_of(headers) if policy.cookies.picks(pair[0])),
        encodings=normalised_encodings(headers.get("accept-encoding"), policy),
    )


def canonical(path: str) -> str:
    """One spelling of a path: escapes of unreserved characters undone, all others in upper case; nothing else.

    >>> canonical("/%7Euser/%c3%a9/a%2fb"), canonical("/é")
    ('/~user/%C3%A9/a%2Fb', '/%C3%A9')
    """
    if _PLAIN.fullmatch(path):
        return path
    parts = path.encode().decode("latin-1").split("%")
    return "".join((_escaped(parts[0]), *(_unescaped(part) for part in parts[1:])))


def _escaped(text: str) -> str:
    return "".join(letter if " " < letter < "\x7f" else f"%{ord(letter):02X}" for letter in text)


def _unescaped(part: str) -> str:
    code, rest = part[:2], part[2:]
    if len(code) < 2 or not _HEX.issuperset(code):
        return "%" + _escaped(part)
    letter = chr(int(code, 16))
    return (letter if letter in _UNRESERVED else f"%{code.upper()}") + _escaped(rest)


def chosen_query(query: str, chosen: Selection) -> str:
    """The parameters that count, in the order in which they were sent: another order is another key."""
    if chosen.mode == "none" or not query:
        return ""
    return canonical("&".join(part for part in query.split("&") if chosen.picks(part.partition("=")[0])))


def cookies_of(headers: Headers) -> tuple[tuple[str, str], ...]:
    pairs = (part.strip().partition("=") for part in ";".join(headers.all("cookie")).split(";"))
    return tuple(sorted((name, value) for name, _, value in pairs if name))


def _chosen_headers(headers: Headers, policy: CachePolicy) -> tuple[tuple[str, str | None], ...]:
    if policy.headers.mode == "all":
        return tuple(sorted((name.lower(), value) for name, value in headers))
    return tuple((name, headers.get(name)) for name in sorted(policy.headers.names))


def normalised_encodings(accepted: str | None, policy: CachePolicy) -> tuple[str, ...]:
    """`Accept-Encoding` reduced to what the policy lets the edge serve: of `br` and `gzip`, brotli first.

    >>> normalised_encodings("gzip, deflate, br;q=0.1, zstd", CachePolicy(gzip=True, brotli=True))
    ('br', 'gzip')
    """
    wanted = {token.partition(";")[0].strip() for token in tokens(accepted) if not _is_refused(token)}
    return tuple(
        coding for coding, enabled in (("br", policy.brotli), ("gzip", policy.gzip)) if enabled and coding in wanted
    )


def _is_refused(token: str) -> bool:
    quality = token.partition(";")[2].replace(" ", "")
    return quality.startswith("q=") and not quality[2:].strip("0.")
