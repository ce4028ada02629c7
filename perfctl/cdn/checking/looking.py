"""Looking at one URL through the edge, with the configuration beside it where that may be read."""

from __future__ import annotations

import re
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from perfctl.cdn.checking.explaining.explain import explain
from perfctl.cdn.checking.reading import read_setup
from perfctl.cdn.checking.setup import Setup
from perfctl.cdn.cloudfront import ControlPlane
from perfctl.cdn.delivery.headers import Headers
from perfctl.cdn.distributions import Distributions
from perfctl.cdn.model.checks import CacheExplanation
from perfctl.cdn.viewer import Viewer
from perfctl.errors import PerfctlError, UsageError

_FIELD = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([!-~][ -~]*|)")
_OURS = frozenset(("host", "connection", "accept-encoding", "content-length", "transfer-encoding"))


@dataclass(frozen=True, slots=True)
class Known:
    """A distribution's configuration, or why it is not known."""

    setup: Setup | None
    reason: str | None = None


async def known_setup(
    distributions: Distributions, connect: Callable[[], Awaitable[ControlPlane]], named: str | None
) -> Known:
    """The configuration of the distribution that is meant. Never raises what the control plane answers: it is told."""
    try:
        control = await connect()
        target = (await distributions.ids((named,) if named else ()))[0]
        return Known(await read_setup(control, target))
    except UsageError:
        raise
    except PerfctlError as error:
        return Known(None, error.message)


async def explained(
    viewer: Viewer, url: str, *, accept_encoding: str, headers: Mapping[str, str], known: Callable[[], Awaitable[Known]]
) -> CacheExplanation:
    """GET the URL once through the edge, and say which rule led to what came."""
    answer, _ = await viewer.read(url, accept_encoding=accept_encoding, headers=headers, keep_bytes=0)
    found = await known()
    host = viewer.target(url).url.split("/")[2]
    sent = {"Host": host, "Accept-Encoding": accept_encoding, "User-Agent": "perfctl", **headers}
    return explain(answer, Headers(tuple(sent.items())), found.setup, now=time.time(), unknown=found.reason)


def request_headers(given: tuple[str, ...] | list[str]) -> dict[str, str]:
    """`Name: value` as fields of a request. UsageError for what cannot be one, and for those that are ours to set."""
    fields: dict[str, str] = {}
    for text in given:
        match = _FIELD.fullmatch(text.strip())
        if match is None:
            raise UsageError(
                f"--header: {text!r} is not 'Name: value'", hint="write -H 'Cookie: a=1'", where="--header"
            )
        if match[1].lower() in _OURS:
            raise UsageError(f"--header: {match[1]} is set by perfctl", hint="see --accept-encoding", where="--header")
        fields[match[1]] = match[2]
    return fields
