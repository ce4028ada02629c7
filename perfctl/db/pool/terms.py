"""What a pool is told: how many connections, how long each, how patiently."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from perfctl.db.postgres import Session

Connect = Callable[[], Awaitable["Session"]]


@dataclass(slots=True, kw_only=True)
class Terms:
    """The pool's settings; only `keep` changes, when the pool is closed."""

    connect: Connect
    server: str = "the server"
    """`PostgreSQL at host:port/database`, for messages."""
    min_connections: int = 5
    max_connections: int = 20
    keep: bool = True
    """False: one connection for each caller, closed when it is given back."""
    idle_seconds: float = 300.0
    """How long a connection beyond the minimum may lie idle: short enough for a load balancer's usual 350 s."""
    lifetime_seconds: float = 3600.0
    """How old a connection may become; 0: any age."""
    patience_seconds: float = 5.0
    """How long a server that was just there is waited for: it may be starting anew."""
