"""What goes to a worker and what comes back: one line of JSON each."""

from __future__ import annotations

from typing import Any

import msgspec

from perfctl.cdn.edge.model import EdgeFunction, EdgeFunctionError
from perfctl.errors import UsageError

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode


def encoded(message: object) -> bytes:
    """A message as JSON. UsageError where its event cannot be: too deep, or not Unicode."""
    try:
        return _encode(message)
    except (RecursionError, UnicodeEncodeError, TypeError) as error:
        reason = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise UsageError(f"the event cannot be written as JSON: {reason}", hint="give the documented JSON") from error


def decoded(function: EdgeFunction, reply: bytes) -> dict[str, Any]:
    """A worker's reply. EdgeFunctionError where the function returned what it cannot hold."""
    try:
        answer: dict[str, Any] = _decode(reply)
    except RecursionError:
        raise EdgeFunctionError(function, "what it returned is nested too deeply", fault="validation") from None
    except msgspec.DecodeError:
        reason = "what it returned or logged is not Unicode: it holds half of a surrogate pair"
        raise EdgeFunctionError(function, reason, fault="validation") from None
    return answer
