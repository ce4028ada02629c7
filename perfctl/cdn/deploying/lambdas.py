"""Lambda functions and their numbered versions over boto3; the only file that knows the shapes of these calls."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from perfctl.cdn.services import Services

T = TypeVar("T")

LATEST = "$LATEST"


@dataclass(frozen=True, slots=True)
class LambdaSettings:
    """What a version has beside its code, as far as Lambda@Edge lets it have any."""

    runtime: str
    handler: str
    role: str | None
    memory_mb: int
    timeout_seconds: int


@dataclass(frozen=True, slots=True)
class LambdaWanted:
    """What is to be there. Without a role the one that it has stays."""

    package: bytes
    settings: LambdaSettings

    @property
    def sha256(self) -> str:
        """As Lambda tells it: in base64."""
        return base64.b64encode(hashlib.sha256(self.package).digest()).decode()

    def is_same_settings(self, other: LambdaSettings) -> bool:
        """Whether these hold already."""
        ours = self.settings
        return (ours.runtime, ours.handler, ours.role or other.role, ours.memory_mb, ours.timeout_seconds) == (
            *(other.runtime, other.handler, other.role, other.memory_mb, other.timeout_seconds),
        )

    def is_same(self, other: LambdaVersion) -> bool:
        return other.sha256 == self.sha256 and self.is_same_settings(other.settings)


@dataclass(frozen=True, slots=True)
class LambdaVersion:
    """A version as it is: `$LATEST`, or a number that never changes."""

    number: str
    arn: str
    sha256: str
    description: str
    settings: LambdaSettings
    is_ready: bool
    """Active, and no update of it is under way."""
    failure: str | None
    """Why it will never be."""


@dataclass(frozen=True, slots=True)
class LambdaFunction:
    """A function as it is."""

    latest: LambdaVersion
    versions: tuple[LambdaVersion, ...]
    """The numbered ones, the oldest first."""

    def version(self, number: str) -> LambdaVersion | None:
        """The version of that number."""
        return next((version for version in self.versions if version.number == number), None)


class LambdasAtAws:
    """The calls, each made once, in us-east-1: Lambda@Edge takes functions of no other region."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def read(self, name: str) -> LambdaFunction | None:
        """The function with its versions; None where there is none of that name."""

        def read(client: Any) -> LambdaFunction | None:
            try:
                latest = _version(client.get_function_configuration(FunctionName=name))
                pages = client.get_paginator("list_versions_by_function").paginate(FunctionName=name)
                listed = [_version(row) for page in pages for row in page["Versions"]]
            except client.exceptions.ResourceNotFoundException:
                return None
            numbered = sorted((row for row in listed if row.number.isdecimal()), key=lambda row: int(row.number))
            return LambdaFunction(latest, tuple(numbered))

        return await self._ask(f"get-function-configuration {name}", read)

    async def version(self, name: str, number: str) -> LambdaVersion:
        """One version, with its state."""
        return await self._ask(
            f"get-function-configuration {name}:{number}",
            lambda client: _version(client.get_function_configuration(FunctionName=name, Qualifier=number)),
        )

    async def create(self, name: str, wanted: LambdaWanted) -> None:
        await self._ask(
            f"create-function {name}",
            lambda client: client.create_function(
                FunctionName=name,
                Code={"ZipFile": wanted.package},
                Architectures=["x86_64"],
                Publish=False,
                **_sent(wanted.settings),
            ),
        )

    async def update_code(self, name: str, package: bytes) -> None:
        await self._ask(
            f"update-function-code {name}",
            lambda client: client.update_function_code(FunctionName=name, ZipFile=package, Publish=False),
        )

    async def update_settings(self, name: str, settings: LambdaSettings) -> None:
        await self._ask(
            f"update-function-configuration {name}",
            lambda client: client.update_function_configuration(FunctionName=name, **_sent(settings)),
        )

    async def publish(self, name: str, sha256: str, description: str) -> None:
        """A number for `$LATEST`, where its code is still the one of that sum."""
        await self._ask(
            f"publish-version {name}",
            lambda client: client.publish_version(FunctionName=name, CodeSha256=sha256, Description=description),
        )

    async def _ask(self, asked: str, call: Callable[[Any], T]) -> T:
        return await self._services.ask("lambda", f"lambda {asked}", call)


def _sent(settings: LambdaSettings) -> dict[str, Any]:
    role = {} if settings.role is None else {"Role": settings.role}
    return {
        "Runtime": settings.runtime,
        "Handler": settings.handler,
        "MemorySize": settings.memory_mb,
        "Timeout": settings.timeout_seconds,
        **role,
    }


def _version(row: Any) -> LambdaVersion:
    state, update = row.get("State", "Active"), row.get("LastUpdateStatus", "Successful")
    why = row.get("StateReason") if state == "Failed" else row.get("LastUpdateStatusReason")
    is_failed = "Failed" in (state, update)
    return LambdaVersion(
        number=row["Version"],
        arn=row["FunctionArn"],
        sha256=row["CodeSha256"],
        description=row.get("Description") or "",
        settings=LambdaSettings(
            runtime=row["Runtime"],
            handler=row["Handler"],
            role=row["Role"],
            memory_mb=int(row.get("MemorySize", 128)),
            timeout_seconds=int(row.get("Timeout", 3)),
        ),
        is_ready=(state, update) == ("Active", "Successful"),
        failure=(str(why or "no reason given")) if is_failed else None,
    )
