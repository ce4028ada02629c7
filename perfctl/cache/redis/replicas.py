"""Reading from a replica what its primary would answer at this moment, and nothing older.

A replica lags. A process that heard of a write and then read the old value from a replica would keep it in its own
tier, and nobody would tell it again. So the primary is asked how far its replication stream has come (ROLE), at the
same time as the replica is asked how far it has come and, behind that, for the values: these count only if the
replica was as far as the primary. The primary then sends a hundred bytes in place of all the values, which is why
few names are not worth it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Protocol

from redis.exceptions import RedisError

from perfctl.cache.redis.channel import packed
from perfctl.errors import PerfctlError

WORTHWHILE = 16
"""Names of one tick below which the primary answers itself."""
REST_SECONDS = 0.5
"""How long replicas are left alone after one lagged, failed or was not allowed to say how far it is."""

_PATIENCE_SECONDS = 0.05
_ROLE = packed("ROLE")


class Asks(Protocol):
    """A node."""

    async def ask_all(self, commands: Sequence[bytes]) -> list[Any]: ...


async def read(primary: Asks, replica: Asks, names: Sequence[bytes]) -> list[bytes | None] | None:
    """The blobs under names as the primary has them, from its replica; None where that cannot be had."""
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            (ahead,), (behind, blobs) = await asyncio.gather(
                primary.ask_all([_ROLE]), replica.ask_all([_ROLE, packed("MGET", *names)])
            )
    except (RedisError, PerfctlError, OSError):
        return None
    return blobs if isinstance(blobs, list) and _is_as_far(ahead, behind) else None


def _is_as_far(ahead: Any, behind: Any) -> bool:
    """Whether a replica had all that its primary had when that was asked.

    >>> _is_as_far([b"master", 120, []], [b"slave", b"h", 1, b"connected", 120])
    True
    >>> _is_as_far([b"master", 121, []], [b"slave", b"h", 1, b"connected", 120])
    False
    """
    if not isinstance(ahead, list) or not isinstance(behind, list):
        return False
    is_pair = ahead[0] == b"master" and behind[0] == b"slave" and behind[3] == b"connected"
    return is_pair and int(behind[4]) >= int(ahead[1])
