"""Access logs in S3: objects listed page by page, and read as a stream."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from typing import Any

from perfctl.cdn.logs.locations import LogSource
from perfctl.cdn.services import Services
from perfctl.errors import ServiceError, UsageError


def objects(place: str, services: Services, since: datetime | None = None) -> Iterator[LogSource]:
    """The objects under `s3://bucket/prefix` by name, but those last written before `since`.

    Called in a thread: it waits for S3. UsageError where nothing lies there.
    """
    bucket, _, prefix = place.removeprefix("s3://").partition("/")
    if not bucket:
        raise UsageError(f"{place}: no bucket is named", hint="write s3://bucket/prefix")
    number = 0
    for row in _listed(services, place, bucket, prefix):
        number += 1
        if since is None or row["LastModified"] >= since:
            yield _source(services, bucket, row["Key"], row["Size"])
    if not number:
        raise UsageError(f"{place}: no object is there", hint="look at the prefix, or where the logs are delivered to")


def _listed(services: Services, place: str, bucket: str, prefix: str) -> Iterator[dict[str, Any]]:
    asked, more = f"s3 list-objects at {place}", dict[str, str]()
    while True:
        try:
            page = services.answer("s3", asked, lambda client: _page(client, bucket, prefix, more))  # noqa: B023 - at once
        except ServiceError as error:
            if "NoSuchBucket" in error.message:
                error.hint = "is the name right? `perfctl cdn doctor --for logs` says where the logs go"
            raise
        yield from (row for row in page[0] if row["Size"])
        if page[1] is None:
            return
        more = {"ContinuationToken": page[1]}


def _page(client: Any, bucket: str, prefix: str, more: dict[str, str]) -> tuple[list[dict[str, Any]], str | None]:
    answer = client.list_objects_v2(Bucket=bucket, Prefix=prefix, **more)
    rows = [{name: row[name] for name in ("Key", "Size", "LastModified")} for row in answer.get("Contents", ())]
    return rows, answer.get("NextContinuationToken") if answer.get("IsTruncated") else None


class _Body:
    """An object's bytes as they come; an error of the connection is one of perfctl's."""

    def __init__(self, services: Services, bucket: str, key: str) -> None:
        self._services = services
        self._asked = f"s3 get-object at s3://{bucket}/{key}"
        self._body = services.answer(
            "s3", self._asked, lambda client: client.get_object(Bucket=bucket, Key=key)["Body"]
        )

    def read(self, size: int, /) -> bytes:
        """Some bytes; none at the end."""
        read: bytes = self._services.answer("s3", self._asked, lambda _: self._body.read(size))
        return read

    def close(self) -> None:
        """Let go of the connection."""
        self._body.close()


def _source(services: Services, bucket: str, key: str, size: int) -> LogSource:
    return LogSource(f"s3://{bucket}/{key}", size, lambda: closing(_Body(services, bucket, key)))
