"""Sends a queue once, and kills itself with SIGKILL at the N-th thing that it does; a child for each N.

`python -m tests.queue_killed QUEUE CONTROL_URL LAST` queues some items before each child, and prints how each child
ended. The things are every commit of the file, and each call to CloudFront before it is made and after it was answered.
"""

from __future__ import annotations

import asyncio
import importlib
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

from perfctl.aws import AwsAccess
from perfctl.cdn.clock import Time
from perfctl.cdn.cloudfront import CloudFront
from perfctl.cdn.paths import Items, plan
from perfctl.cdn.queue.limits import QueueLimits
from perfctl.cdn.queue.queue import InvalidationQueue
from tests.cdn_edge import ACCESS_KEY_ID, DISTRIBUTION_ID, SECRET_ACCESS_KEY

NEVER = 10**9


class Fuse:
    """Burns down by one at each thing, and kills the process at its end."""

    def __init__(self, length: int) -> None:
        self._left = length

    def burn(self) -> None:
        self._left -= 1
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


class Fused(CloudFront):
    """CloudFront, asked by a process that may die before a call or after it."""

    def __init__(self, access: AwsAccess, endpoint_url: str, fuse: Fuse) -> None:
        super().__init__(access, endpoint_url=endpoint_url)
        self._fuse = fuse

    async def _ask(self, asked: str, call: Any) -> Any:
        self._fuse.burn()
        answer = await super()._ask(asked, call)
        self._fuse.burn()
        return answer


def queue_of(file: str, control_url: str, fuse: Fuse) -> InvalidationQueue:
    """The queue in a file, with a window that is over at once."""
    access = AwsAccess(region="us-east-1", access_key_id=ACCESS_KEY_ID, secret_access_key=SECRET_ACCESS_KEY)

    async def control() -> Fused:
        return Fused(access, control_url, fuse)

    limits = QueueLimits(window_seconds=0.0)
    return InvalidationQueue(Path(file), control, Time(now=time.time), limits, on_commit=fuse.burn)


def killed_at(number: int, file: str, control_url: str) -> int:
    """How a child that dies at its N-th thing ended: 0 where it was done before."""
    child = os.fork()
    if child == 0:
        asyncio.run(queue_of(file, control_url, Fuse(number)).run())
        os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)


def items_of(number: int) -> Items:
    """What is queued before the N-th child: a wildcard, a path under it, another one and a tag."""
    return plan([f"/{number}/*", f"/{number}/a", f"/page/{number}"], [f"tag-{number}"])


def main(file: str, control_url: str, last: int) -> None:
    """Add, fork and wait, for each N."""
    importlib.import_module("botocore.session")  # so that each child has it
    for number in range(1, last + 1):
        queue = queue_of(file, control_url, Fuse(NEVER))
        queue.add(DISTRIBUTION_ID, items_of(number))
        queue.close()
        print(killed_at(number, file, control_url), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
