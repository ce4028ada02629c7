"""Free TCP ports of 127.0.0.1, chosen once and kept."""

from __future__ import annotations

import random
import socket
from collections.abc import Collection, Iterable, Mapping

from perfctl.errors import UnreachableError

HOST = "127.0.0.1"

_CHOICE = range(20_000, 32_000)
"""Below the range from which Linux takes the ports of outgoing connections (32768-60999)."""


def is_free(port: int) -> bool:
    """Whether a server could listen there now; connections that are just closing do not count."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((HOST, port))
            listener.listen(1)
        except OSError:
            return False
    return True


def is_listening(port: int) -> bool:
    """Whether somebody accepts connections there."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as client:
        client.settimeout(1.0)
        return client.connect_ex((HOST, port)) == 0


def settle(known: Mapping[str, int], roles: Iterable[str], avoid: Collection[int] = ()) -> dict[str, int]:
    """A port for every role: the known one where it is still free, else a new one that nobody has."""
    settled = dict(known)
    for role in roles:
        if role not in settled or not is_free(settled[role]):
            settled[role] = _choose({*settled.values(), *avoid})
    return settled


def _choose(taken: Collection[int]) -> int:
    chooser = random.SystemRandom()
    for _ in range(500):
        port = chooser.choice(_CHOICE)
        if port not in taken and is_free(port):
            return port
    raise UnreachableError(
        f"no free port on {HOST} between {_CHOICE.start} and {_CHOICE.stop - 1}",
        hint="see what listens there: ss -ltn",
    )
