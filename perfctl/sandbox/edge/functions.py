"""CloudFront Functions as the control plane keeps them: code, two stages, versions."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import asdict, dataclass, replace
from typing import Literal
from xml.etree.ElementTree import Element, fromstring

from perfctl.sandbox.edge.clock import Clock
from perfctl.sandbox.edge.distributions import check_version
from perfctl.sandbox.edge.identity import short_id
from perfctl.sandbox.edge.problems import ServiceProblem
from perfctl.sandbox.edge.store import Store
from perfctl.sandbox.edge.xml import element, stored, text_of

MAX_FUNCTIONS = 100
MAX_CODE_BYTES = 10_240
RUNTIMES = ("cloudfront-js-1.0", "cloudfront-js-2.0")

Stage = Literal["DEVELOPMENT", "LIVE"]


@dataclass(frozen=True, slots=True)
class Version:
    """A function in one stage."""

    etag: str
    config: str
    code_base64: str
    created_at: float
    modified_at: float

    @property
    def config_element(self) -> Element:
        return fromstring(self.config)  # noqa: S314 - our own text, written by xml.stored

    @property
    def code(self) -> bytes:
        return base64.b64decode(self.code_base64)


class Functions:
    """Every function, kept over a restart."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._stages: dict[str, dict[str, Version]] = {
            name: {stage: Version(**body) for stage, body in stages.items()}
            for name, stages in store.all("function").items()
        }

    def create(self, request: Element) -> tuple[str, Version]:
        name = text_of(request, "Name")
        if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", name):
            raise ServiceProblem("InvalidArgument", f"{name[:80]!r} is not a function name.")
        if name in self._stages:
            raise ServiceProblem("FunctionAlreadyExists", f"A function has the name {name!r}.")
        if len(self._stages) >= MAX_FUNCTIONS:
            raise ServiceProblem("TooManyFunctions", f"An account has at most {MAX_FUNCTIONS} functions.")
        now = self._clock.now()
        version = Version(short_id("E"), *_config_and_code(request), now, now)
        self._stages[name] = {}
        self._put(name, "DEVELOPMENT", version)
        return name, version

    def get(self, name: str, stage: str = "DEVELOPMENT") -> Version:
        version = self._stages.get(name, {}).get(stage)
        if version is None:
            raise ServiceProblem("NoSuchFunctionExists", f"The function {name!r} does not exist in {stage}.")
        return version

    def all(self, stage: str | None) -> list[tuple[str, Stage, Version]]:
        wanted: tuple[Stage, ...] = ("DEVELOPMENT", "LIVE")
        return [
            (name, this, stages[this])
            for name, stages in sorted(self._stages.items())
            for this in wanted
            if this in stages and stage in (None, this)
        ]

    def update(self, name: str, request: Element, *, if_match: str | None) -> Version:
        current = self.get(name)
        check_version(current.etag, if_match)
        config, code = _config_and_code(request)
        changed = Version(short_id("E"), config, code, current.created_at, self._clock.now())
        self._put(name, "DEVELOPMENT", changed)
        return changed

    def publish(self, name: str, *, if_match: str | None) -> Version:
        current = self.get(name)
        check_version(current.etag, if_match)
        live = replace(current, modified_at=self._clock.now())
        self._put(name, "LIVE", live)
        return live

    def delete(self, name: str, *, if_match: str | None) -> None:
        check_version(self.get(name).etag, if_match)
        del self._stages[name]
        self._store.delete("function", name)

    def _put(self, name: str, stage: Stage, version: Version) -> None:
        self._stages[name][stage] = version
        self._store.put("function", name, {this: asdict(kept) for this, kept in self._stages[name].items()})


def _config_and_code(request: Element) -> tuple[str, str]:
    config = request.find("FunctionConfig")
    if config is None or text_of(config, "Runtime") not in RUNTIMES:
        raise ServiceProblem("InvalidArgument", f"FunctionConfig needs a Runtime of {', '.join(RUNTIMES)}.")
    try:
        code = base64.b64decode("".join(text_of(request, "FunctionCode").split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise ServiceProblem("InvalidArgument", f"FunctionCode is not base64: {error}.") from error
    if not code:
        raise ServiceProblem("InvalidArgument", "FunctionCode is empty.")
    if len(code) > MAX_CODE_BYTES:
        raise ServiceProblem("FunctionSizeLimitExceeded", f"The code is longer than {MAX_CODE_BYTES} bytes.")
    return stored(element("FunctionConfig", children=config)), base64.b64encode(code).decode()
