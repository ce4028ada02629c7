"""Trouble on request: throttling, errors, delay, denied rights, lost and cut answers, an origin that is down."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass, fields
from typing import Any, Literal

from perfctl.sandbox.edge.clock import Clock
from perfctl.sandbox.edge.fetch import OriginError
from perfctl.sandbox.edge.problems import ServiceProblem


@dataclass(frozen=True, slots=True)
class Faults:
    """Shares are probabilities of 0..1; all off by default."""

    throttle: float = 0.0
    """Share of the control plane's calls answered `Throttling: Rate exceeded`."""
    throttle_rate: float = 0.0
    """Calls a second that changing calls may reach before they are throttled; 0 = no limit."""
    throttle_burst: int = 5
    error_5xx: float = 0.0
    """Share of the control plane's calls answered ServiceUnavailable before they do anything."""
    lose_answer: float = 0.0
    """Share of the control plane's calls that are carried out, and whose answer never comes."""
    latency_ms: float = 0.0
    """Delay of every call of the control plane."""
    deny: tuple[str, ...] = ()
    """Actions, such as `cloudfront:CreateInvalidation`, that answer AccessDenied."""
    origin_down: bool = False
    """The edge cannot reach an origin."""
    origin_latency_ms: float = 0.0
    """Delay of every fetch from an origin."""
    origin_5xx: float = 0.0
    """Share of the fetches that the origin answers 503."""
    origin_cut: float = 0.0
    """Share of the fetches whose connection the origin resets amid its answer."""
    origins: tuple[str, ...] = ()
    """The ids of the origins that these faults strike; none: all of them."""
    edge_5xx: float = 0.0
    """Share of the viewers' requests that the edge itself answers 503."""
    edge_reset: float = 0.0
    """Share of the viewers' requests that are closed without an answer."""
    edge_cut: float = 0.0
    """Share of the edge's answers that end amid the body."""
    lambda_pending_seconds: float = 0.0
    """For how long a function of Lambda is not active after a change."""
    seed: int | None = None
    """Makes the dice repeatable."""


def read_faults(body: dict[str, Any]) -> Faults:
    """The faults that a JSON object names; ValueError for an unknown name or a value of the wrong kind."""
    known = {field.name: field for field in fields(Faults)}
    if unknown := sorted(body.keys() - known.keys()):
        raise ValueError(f"unknown fault {unknown[0]!r}; known are {', '.join(known)}")
    values: dict[str, Any] = {}
    for name, value in body.items():
        values[name] = _read(name, value)
    return Faults(**values)


def _read(name: str, value: object) -> object:
    if name in ("deny", "origins"):
        if isinstance(value, list) and all(isinstance(item, str) for item in value):
            return tuple(value)
        raise ValueError(f"{name} is a list of {'actions' if name == 'deny' else 'ids'}")
    if name == "origin_down":
        return bool(value)
    if name == "seed" and value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e9:
        raise ValueError(f"{name} is a number of 0 or more and below 10^9, not {value!r}")
    return int(value) if name in ("seed", "throttle_burst") else float(value)


class Dice:
    """Decides, call by call, which fault strikes."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.faults = Faults()
        self._random = random.Random()  # noqa: S311 - dice, no secret
        self._tokens = 0.0
        self._filled_at = clock.now()

    def set(self, faults: Faults) -> None:
        self.faults = faults
        self._random = random.Random(faults.seed)  # noqa: S311 - dice, no secret
        self._tokens, self._filled_at = float(faults.throttle_burst), self._clock.now()

    def strike(self, action: str, *, changes: bool) -> None:
        """Raise the ServiceProblem that this call meets, if any."""
        faults = self.faults
        if action in faults.deny:
            raise ServiceProblem("AccessDenied", f"User is not authorized to perform: {action}")
        if self._falls(faults.throttle) or (changes and not self._has_token()):
            raise ServiceProblem("Throttling", "Rate exceeded")
        if self._falls(faults.error_5xx):
            raise ServiceProblem("ServiceUnavailable", "Service is unavailable. Please try again shortly.")

    async def strike_origin(self, identity: str) -> None:
        """Wait as long as a fetch is delayed; raise the OriginError that it meets, if any."""
        faults = self.faults
        if faults.origins and identity not in faults.origins:
            return
        if faults.origin_latency_ms:
            await asyncio.sleep(faults.origin_latency_ms / 1000)
        if faults.origin_down:
            raise OriginError(502, "OriginConnectError")
        if self._falls(faults.origin_cut):
            raise OriginError(502, "OriginCommError")

    def origin_fails(self, identity: str) -> bool:
        """Whether the origin answers 503 in place of what it would."""
        faults = self.faults
        return (not faults.origins or identity in faults.origins) and self._falls(faults.origin_5xx)

    def edge_fault(self) -> Literal["5xx", "reset", "cut"] | None:
        """What befalls a viewer's request."""
        faults = self.faults
        if self._falls(faults.edge_reset):
            return "reset"
        if self._falls(faults.edge_5xx):
            return "5xx"
        return "cut" if self._falls(faults.edge_cut) else None

    def loses_answer(self) -> bool:
        return self._falls(self.faults.lose_answer)

    def _falls(self, share: float) -> bool:
        return share > 0 and self._random.random() < share

    def _has_token(self) -> bool:
        faults, now = self.faults, self._clock.now()
        if faults.throttle_rate <= 0:
            return True
        self._tokens = min(faults.throttle_burst, self._tokens + (now - self._filled_at) * faults.throttle_rate)
        self._filled_at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True
