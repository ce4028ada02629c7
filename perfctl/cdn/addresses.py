"""Which address a name has: asked once, judged, and held to, so that a name cannot become another machine meanwhile."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable, Sequence
from threading import Lock

from perfctl.errors import RefusedError, UnreachableError

Resolve = Callable[[str, int], Sequence[str]]
"""The addresses of a host, for a port; OSError where it has none."""

_NOT_PUBLIC = tuple(
    ipaddress.ip_network(text)
    for text in (
        "100.64.0.0/10",  # shared by a carrier's customers
        "192.0.0.0/24",  # special purposes
        "192.88.99.0/24",  # relays to IPv6
        "::/96",  # IPv4 within IPv6, in its old form
        "::ffff:0:0/96",  # IPv4 mapped
        "64:ff9b::/96",  # IPv4 behind NAT64
        "64:ff9b:1::/48",
        "2001::/32",  # Teredo: IPv4 within
        "2002::/16",  # 6to4: IPv4 within
        "fec0::/10",  # site-local
    )
)
"""Beside what the registries call private, loopback, link-local, reserved or multicast."""


class Pins:
    """The addresses of the names that were asked for. Safe for threads."""

    def __init__(self, resolve: Resolve | None = None) -> None:
        self._resolve = resolve or resolved
        self._known: dict[str, tuple[str, ...]] = {}
        self._lock = Lock()

    def of(self, host: str, port: int, *, public_only: bool) -> tuple[str, ...]:
        """The host's addresses, the same ones each time.

        RefusedError where only public ones will do and one of them is not; UnreachableError where there is none.
        """
        with self._lock:
            if host not in self._known:
                self._known[host] = self._asked(host, port)
            addresses = self._known[host]
        stranger = next((address for address in addresses if public_only and not is_public(address)), None)
        if stranger is not None:
            raise RefusedError(
                f"{host} has the address {stranger}, which is not a public one: nothing was sent",
                hint="where that is your own edge, name it: cdn.edge_url",
            )
        return addresses

    def _asked(self, host: str, port: int) -> tuple[str, ...]:
        try:
            addresses = tuple(dict.fromkeys(self._resolve(host, port)))
        except (OSError, UnicodeError):
            addresses = ()
        if not addresses:
            raise UnreachableError(f"{host}: the name has no address", hint="check the name and the DNS")
        return addresses


def resolved(host: str, port: int) -> list[str]:
    """What the system's resolver says, the address to try first first."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]


def is_public(address: str) -> bool:
    """Whether an address lies in the open internet, and holds no other address within.

    >>> is_public("18.66.1.2"), is_public("169.254.169.254"), is_public("::ffff:18.66.1.2")
    (True, False, False)
    """
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    if not parsed.is_global or parsed.is_multicast or parsed.is_reserved or getattr(parsed, "scope_id", None):
        return False
    return not any(parsed.version == network.version and parsed in network for network in _NOT_PUBLIC)
