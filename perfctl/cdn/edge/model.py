"""An edge function, what one call of it gave, and the requests and responses that travel through it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from perfctl.errors import PerfctlError

Runtime = Literal["cloudfront-js-1.0", "cloudfront-js-2.0", "nodejs", "python"]
Trigger = Literal["viewer-request", "viewer-response", "origin-request", "origin-response"]
Fault = Literal["execution", "limit", "validation"]

RUNTIMES: tuple[Runtime, ...] = get_args(Runtime)
TRIGGERS: tuple[Trigger, ...] = get_args(Trigger)

Event = dict[str, Any]
"""The documented JSON that a function is called with; its shape is the service's, not ours."""
Pairs = tuple[tuple[str, str], ...]
"""Header names as they stand on the wire, and values; a name may come twice."""


@dataclass(frozen=True, slots=True)
class EdgeFunction:
    """One function at one trigger."""

    name: str
    runtime: Runtime
    trigger: Trigger
    source: Path | bytes
    """A file; for Lambda@Edge a folder, too; or the source text itself."""
    handler: str = ""
    """The name of the function in the source, `file.name` in a folder; without, the runtime's usual one."""
    memory_mb: int = 128
    """What Lambda@Edge gives it; at viewer triggers always 128. CloudFront Functions have 2 MB."""
    store: Path | None = None
    """The key value store of a CloudFront Function: a JSON file of `{key: value}`, or as CloudFront imports it."""

    @property
    def is_lambda(self) -> bool:
        """Whether it runs as Lambda@Edge; otherwise it is a CloudFront Function."""
        return self.runtime in ("nodejs", "python")

    @property
    def is_for_requests(self) -> bool:
        return self.trigger.endswith("-request")


@dataclass(frozen=True, slots=True)
class Called:
    """What one call returned, before any rule looked at it."""

    result: Any
    """JSON; a dict, unless the function is wrong."""
    took_us: float
    """From the event's text to the result's, without the way to the runner."""
    compute_utilization: int | None
    """0 to 100, an estimate from the time taken here; CloudFront tells its own. None for Lambda@Edge."""
    logs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EdgeRequest:
    """A request on its way through the edge."""

    method: str = "GET"
    uri: str = "/"
    """The path, as it was sent."""
    querystring: str = ""
    """Without the question mark, as it was sent."""
    headers: Pairs = ()
    client_ip: str = "198.51.100.11"
    body: bytes | None = None
    """What a Lambda@Edge function with `include body` sees; None: it does not."""
    origin: Event | None = None
    """`{"custom": {...}}` or `{"s3": {...}}`, in origin-request events alone."""


@dataclass(frozen=True, slots=True)
class EdgeResponse:
    """A response on its way through the edge, or one that a function made."""

    status: int = 200
    description: str = "OK"
    headers: Pairs = ()
    body: bytes | None = None
    """None: the body is as it was. A function is never given it."""


@dataclass(frozen=True, slots=True)
class EventContext:
    """Which distribution and which request an event is about."""

    distribution_domain: str = "d111111abcdef8.cloudfront.net"
    distribution_id: str = "EDFDVBD6EXAMPLE"
    request_id: str = "EXAMPLEntjQpEXAMPLE_SG5Z-EXAMPLEPmPfEXAMPLEu3EqEXAMPLE=="


class EdgeFunctionError(PerfctlError):
    """The function failed, or returned what CloudFront does not take: the viewer gets `status` in its place.

    `fault` says which: it did not end well (503), it reached a limit (503), or what it returned is not valid (502).
    """

    kind = "edge_function"
    exit_code = 1
    http_status = 502

    def __init__(
        self,
        function: EdgeFunction,
        reason: str,
        *,
        fault: Fault,
        hint: str | None = None,
        where: str | None = None,
        logs: tuple[str, ...] = (),
        reasons: tuple[str, ...] = (),
    ) -> None:
        self.status = 502 if fault == "validation" else 503
        super().__init__(f"{function.name}: {reason}; CloudFront answers {self.status}", hint=hint, where=where)
        self.reason = reason
        self.reasons = reasons or (reason,)
        """Each rule that is broken, where it is about rules."""
        self.fault = fault
        self.logs = logs
        self.is_lambda = function.is_lambda

    @property
    def result_type(self) -> str:
        """What stands in `X-Cache` before `from cloudfront`, and in the access log: `FunctionExecutionError`."""
        what = "Lambda" if self.is_lambda else "Function"
        return f"{what}{'ValidationError' if self.fault == 'validation' else 'ExecutionError'}"
