"""CloudFront Functions and their two stages over boto3; the only file that knows the shapes of these calls."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from perfctl.cdn.services import Services

T = TypeVar("T")

_NOT_THERE = ("NoSuchFunctionExists", "NoSuchResource")
_SERVICE = "cloudfront"


@dataclass(frozen=True, slots=True)
class StageContent:
    """What a stage of a function holds, or is to hold."""

    code: bytes
    runtime: str
    comment: str
    stores: tuple[str, ...] = ()
    """The ARNs of its key value stores."""

    @property
    def version(self) -> str:
        """Its name here: CloudFront has no numbers for it."""
        return hashlib.sha256(self.code).hexdigest()[:12]

    def is_same(self, other: StageContent | None) -> bool:
        """Whether it does the same; the comment does nothing."""
        wanted = (self.code, self.runtime, self.stores)
        return other is not None and wanted == (other.code, other.runtime, other.stores)


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage as it is."""

    etag: str
    arn: str
    content: StageContent


@dataclass(frozen=True, slots=True)
class Stages:
    """A function as it is; without a development stage there is none of that name."""

    development: Stage | None
    live: Stage | None


@dataclass(frozen=True, slots=True)
class StageTest:
    """What CloudFront's own test of one event said."""

    error: str | None
    output: str
    """JSON: `{"request": ...}` or `{"response": ...}`."""
    utilization: int | None
    logs: tuple[str, ...]


class StagesAtCloudFront:
    """The calls, each made once; errors are perfctl's."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def read(self, name: str) -> Stages:
        """Both stages, with their code."""
        return Stages(await self._stage(name, "DEVELOPMENT"), await self._stage(name, "LIVE"))

    async def create(self, name: str, content: StageContent) -> None:
        await self._ask(
            f"create-function {name}",
            lambda client: client.create_function(
                Name=name, FunctionConfig=_config(content), FunctionCode=content.code
            ),
        )

    async def update(self, name: str, content: StageContent, etag: str) -> None:
        await self._ask(
            f"update-function {name}",
            lambda client: client.update_function(
                Name=name, IfMatch=etag, FunctionConfig=_config(content), FunctionCode=content.code
            ),
        )

    async def test(self, name: str, etag: str, event: bytes) -> StageTest:
        """One event in the development stage."""

        def test(client: Any) -> StageTest:
            answer = client.test_function(Name=name, IfMatch=etag, Stage="DEVELOPMENT", EventObject=event)
            result = answer["TestResult"]
            used = str(result.get("ComputeUtilization") or "")
            return StageTest(
                error=result.get("FunctionErrorMessage") or None,
                output=str(result.get("FunctionOutput") or ""),
                utilization=int(used) if used.isdecimal() else None,
                logs=tuple(result.get("FunctionExecutionLogs") or ()),
            )

        return await self._ask(f"test-function {name}", test)

    async def publish(self, name: str, etag: str) -> None:
        """The development stage becomes what viewers meet."""
        await self._ask(f"publish-function {name}", lambda client: client.publish_function(Name=name, IfMatch=etag))

    async def _stage(self, name: str, stage: str) -> Stage | None:
        def read(client: Any) -> Stage | None:
            try:
                told = client.describe_function(Name=name, Stage=stage)
                code = client.get_function(Name=name, Stage=stage)["FunctionCode"].read()
            except client.exceptions.ClientError as error:
                if error.response.get("Error", {}).get("Code") in _NOT_THERE:
                    return None
                raise
            return _stage(told, code)

        return await self._ask(f"describe-function {name} --stage {stage}", read)

    async def _ask(self, asked: str, call: Callable[[Any], T]) -> T:
        return await self._services.ask(_SERVICE, f"{_SERVICE} {asked}", call)


def _stage(told: Any, code: bytes) -> Stage:
    summary = told["FunctionSummary"]
    config = summary["FunctionConfig"]
    stores = config.get("KeyValueStoreAssociations", {}).get("Items", [])
    return Stage(
        etag=told["ETag"],
        arn=summary["FunctionMetadata"]["FunctionARN"],
        content=StageContent(
            code=code,
            runtime=config["Runtime"],
            comment=config.get("Comment") or "",
            stores=tuple(item["KeyValueStoreARN"] for item in stores),
        ),
    )


def _config(content: StageContent) -> dict[str, Any]:
    config: dict[str, Any] = {"Comment": content.comment, "Runtime": content.runtime}
    if content.stores:
        items = [{"KeyValueStoreARN": arn} for arn in content.stores]
        config["KeyValueStoreAssociations"] = {"Quantity": len(items), "Items": items}
    return config
