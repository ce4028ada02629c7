"""Does the origin answer, and how long do certificates last that viewers and the CDN see."""

from __future__ import annotations

import asyncio
import http.client
import math
import socket
import ssl
import time
from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import urlsplit

from perfctl.config.settings import is_local
from perfctl.diagnosis import Check, Status

LIMIT_SECONDS = 4.0
WARN_DAYS, FAIL_DAYS = 21.0, 3.0
_DAY_SECONDS = 86_400.0
_RENEW = "renew it: in ACM, is its DNS validation record still there? elsewhere run its client, such as certbot renew"


class Place(NamedTuple):
    """Where something answers."""

    scheme: str
    host: str
    port: int

    def __str__(self) -> str:
        usual = {"https": 443, "http": 80}[self.scheme]
        return f"{self.scheme}://{self.host}" + ("" if self.port == usual else f":{self.port}")


def place_of(text: str) -> Place | None:
    """A URL, or a domain: that is asked over HTTPS, but on this machine; None where it is neither.

    >>> place_of("origin.example.com"), place_of("127.0.0.1:8080")
    (Place(scheme='https', host='origin.example.com', port=443), Place(scheme='http', host='127.0.0.1', port=8080))
    """
    try:
        parts = urlsplit(text if "://" in text else f"//{text}", "https")
        port = parts.port
    except ValueError:
        return None
    if "://" not in text and is_local(parts.hostname):
        parts = parts._replace(scheme="http")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return None
    return Place(parts.scheme, parts.hostname, port or (443 if parts.scheme == "https" else 80))


async def origin_checks(origin: str | None) -> list[Check]:
    """Whether the origin answers, and its certificate; nothing where none is configured. Never raises."""
    place = place_of(origin) if origin else None
    if origin is None or origin == "":
        return []
    if place is None:
        return [Check("cdn.origin", "reachable", "fail", f"{origin} is no host", "correct cdn.origin_domain")]
    answered, certificates = await asyncio.gather(
        asyncio.to_thread(_asked, place), certificate_checks("cdn.origin", str(place))
    )
    return [answered, *certificates]


async def certificate_checks(component: str, url: str | None) -> list[Check]:
    """How many days the certificate of an HTTPS address lasts; nothing for another one. Never raises."""
    place = place_of(url) if url else None
    if place is None or place.scheme != "https":
        return []
    return [await asyncio.to_thread(_certificate, component, place)]


def _asked(place: Place) -> Check:
    """Any answer proves it reachable; its own failures (5xx) count against it."""
    started = time.perf_counter()
    kind: Callable[..., http.client.HTTPConnection] = http.client.HTTPConnection
    if place.scheme == "https":
        kind = http.client.HTTPSConnection
    connection = kind(place.host, place.port, timeout=LIMIT_SECONDS)
    try:
        connection.request("GET", "/", headers={"User-Agent": "perfctl", "Connection": "close"})
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        fix = "is it up, and does it let this host in? else correct cdn.origin_domain"
        return Check("cdn.origin", "reachable", "fail", f"{place}: {_reason(error)}", fix)
    finally:
        connection.close()
    took_ms = round((time.perf_counter() - started) * 1000, 3)
    if status >= 500:
        return Check("cdn.origin", "reachable", "fail", f"{place}: {status}", "look at the origin's log", took_ms)
    return Check("cdn.origin", "reachable", "pass", f"{place}: {status}", took_ms=took_ms)


def _certificate(component: str, place: Place) -> Check:
    try:
        ends = _ends(place)
    except ssl.SSLCertVerificationError as error:
        return Check(component, "certificate", "fail", f"{place}: {error.verify_message}", _RENEW)
    except (OSError, ValueError) as error:
        return Check(component, "certificate", "fail", f"{place}: {_reason(error)}", "is it up, and does it speak TLS?")
    return judged(component, place.host, (ends - time.time()) / _DAY_SECONDS)


def judged(component: str, host: str, days: float) -> Check:
    """What so many days are: three weeks are enough for a renewal that fails once."""
    status: Status = "fail" if days < FAIL_DAYS else "warn" if days < WARN_DAYS else "pass"
    return Check(
        component,
        "certificate",
        status,
        f"{host}: {math.floor(days)} days left",
        None if status == "pass" else _RENEW,
        value=round(days, 1),
        unit="days",
        threshold=FAIL_DAYS if status == "fail" else WARN_DAYS,
    )


def _ends(place: Place) -> float:
    """When the certificate ends, in seconds since 1970; it is verified, as viewers do."""
    context = ssl.create_default_context()
    with (
        socket.create_connection((place.host, place.port), timeout=LIMIT_SECONDS) as plain,
        context.wrap_socket(plain, server_hostname=place.host) as secured,
    ):
        found = secured.getpeercert() or {}
    return float(ssl.cert_time_to_seconds(str(found["notAfter"])))


def _reason(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return f"no answer within {LIMIT_SECONDS:g} s"
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
