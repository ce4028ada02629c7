"""The process in which CloudFront Functions run: lines of JSON in, lines of JSON out."""

from __future__ import annotations

import json
import os
import signal
import sys

from perfctl.cdn.edge.running.javascript import JavaScript

PR_SET_PDEATHSIG = 1
"""Of prctl(2)."""


def end_with_parent() -> None:
    """On Linux, be killed when who started us ends: a function that hangs does not see its stdin close."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def main() -> None:
    """The first line is what to load, each further one a call."""
    end_with_parent()
    replies = os.fdopen(int(os.environ.pop("REPLY_FD")), "wb", buffering=0)
    first = json.loads(sys.stdin.buffer.readline())
    engine = JavaScript(
        first["source"],
        handler=first["handler"],
        version=first["version"],
        store=first["store"],
        limit_ms=first["limit_ms"],
    )
    replies.write(b"0 " + json.dumps(engine.load()).encode() + b"\n")
    for line in sys.stdin.buffer:
        now, _, event = line.decode().partition(" ")
        text, took_us = engine.call(event, now_ms=float(now))
        replies.write(f"{took_us:.0f} {text}\n".encode())
