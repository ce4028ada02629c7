"""Bodies: every fault is an error of the client that names the field."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from perfctl.api.replies import failure
from perfctl.aws import ThrottledError
from perfctl.cdn.cloudfront import TooManyInProgressError
from perfctl.config.settings import ApiConfig, Settings
from perfctl.errors import ServiceError
from tests.api_client import BEARER, TOKEN, Api

OPERATION = "/performance/cache/operation"
JSON = {**BEARER, "content-type": "application/json"}


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    audit = str(tmp_path_factory.mktemp("api") / "audit")
    with Api(Settings(api=ApiConfig(token=TOKEN, requests_per_minute=0, audit_file=audit))) as api:
        yield api


@pytest.mark.parametrize(
    ("content", "status", "said"),
    [
        (b"", 415, "Content-Type says 'nothing'"),
        (b"{", 400, "line 1, column 2"),
        (b"\xff", 400, "not UTF-8"),
        (b"[" * 100_000, 400, "nests deeper"),
        (b'{"operation": "set", "key": "k", "value": ' + b"[" * 150 + b"]" * 150 + b"}", 400, "nests deeper"),
        (b'{"operation": "set", "key": "k", "value": NaN}', 400, "NaN"),
        (b'{"operation": "set", "key": "k", "value": 1e999}', 400, "beyond what a number holds"),
        (b'{"operation": "set", "key": "\\ud800", "value": 1}', 400, "half of a character"),
        (b"[]", 422, "Expected `object`"),
        (b"{}", 422, "operation"),
        (b'{"operation": "drop"}', 422, "the field operation"),
        (b'{"operation": "get", "key": 7}', 422, "the field key"),
        (b'{"operation": "get"}', 422, "the field key is missing"),
        (b'{"operation": "set", "key": "k"}', 422, "the field value is missing"),
        (b'{"operation": "clear", "key": "k"}', 422, "the field key"),
        (b'{"operation": "get", "key": "k", "colour": 1}', 422, "colour"),
        (b'{"operation": "get", "operation": "clear"}', 422, "named twice"),
        (b'{"operation": "set", "key": "k", "value": 1, "ttl": "soon"}', 400, "ttl"),
        (b'{"operation": "set", "key": "k", "value": 1, "ttl": -1}', 400, "ttl"),
    ],
)
def test_a_body_that_cannot_be_used_says_why(api: Api, content: bytes, status: int, said: str) -> None:
    reply = api.post(OPERATION, content=content, headers=JSON if content else BEARER)
    assert reply.status_code == status
    assert said in reply.json()["error"]["message"]


@pytest.mark.parametrize(
    ("path", "content", "where", "hint"),
    [
        (OPERATION, b'{"operation": "drop"}', "operation", "one of clear, delete, get, set"),
        (OPERATION, b'{"operation": 7}', "operation", "one of clear, delete, get, set"),
        ("/performance/cdn/preload", b'{"paths": ["/"], "encodings": ["zip"]}', "encodings[0]", "one of br, gzip"),
        ("/performance/metrics?by=colour", None, "by", "one of fingerprint, namespace, route, tier"),
        ("/performance/database/slow-queries?by=colour", None, "by", "one of calls, io, mean, rows, temp, total, wal"),
    ],
)
def test_a_word_that_is_none_of_those_that_are_taken_names_them(
    api: Api, path: str, content: bytes | None, where: str, hint: str
) -> None:
    reply = api.get(path) if content is None else api.post(path, content=content, headers=JSON)
    error = reply.json()["error"]
    assert reply.status_code == (400 if content is None else 422)
    assert error["where"] == where
    assert error["hint"].startswith(hint)


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin-1"]
)
def test_a_body_is_json_and_says_so(api: Api, kind: str) -> None:
    content = b'{"operation": "get", "key": "k"}'
    assert api.post(OPERATION, content=content, headers={**BEARER, "content-type": kind}).status_code == 415


def test_a_body_that_is_too_large_is_not_read(api: Api) -> None:
    def endless() -> Iterator[bytes]:
        while True:
            yield b" " * 65536

    async def chunks():  # type: ignore[no-untyped-def]
        for chunk in endless():
            yield chunk

    assert api.post(OPERATION, content=b" " * 1_000_001, headers=JSON).status_code == 413
    assert api.post(OPERATION, content=chunks(), headers=JSON).status_code == 413  # type: ignore[no-untyped-call]


def test_a_body_may_be_left_out_where_every_field_may(api: Api) -> None:
    assert api.post("/performance/optimize", headers=BEARER).status_code == 200


@pytest.mark.parametrize("error", [TooManyInProgressError("15 wildcards are in progress"), ThrottledError("slower")])
def test_what_aws_takes_later_is_asked_for_later(error: ServiceError) -> None:
    reply = failure(error)
    assert (reply.status_code, reply.headers["retry-after"]) == (429, "60")
