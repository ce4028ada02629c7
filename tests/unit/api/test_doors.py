"""Ways around the door: a root that is none, too many clients, an audit that cannot be written, endless bodies."""

from __future__ import annotations

import asyncio
import inspect
import json
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from perfctl.api import limits, reading, serving
from perfctl.api.faults import TooManyError
from perfctl.api.limits import RateLimit
from perfctl.api.routes import ROUTES
from perfctl.api.snapshot import Part, Snapshot
from perfctl.config.settings import ApiConfig, Settings
from tests.api_client import BEARER, TOKEN, Api

POSTS = [route.path for route in ROUTES if route.method == "POST"]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(api=ApiConfig(token=TOKEN, requests_per_minute=0, audit_file=str(tmp_path / "audit")))


@pytest.mark.parametrize("root", ["/p", "/", "/performance", "/performance/cache", "/perf", "/x/"])
@pytest.mark.parametrize("prefix", ["", "/p", "/x", "/performance"])
def test_no_root_and_no_prefix_opens_a_post(settings: Settings, root: str, prefix: str) -> None:
    """A server may say a root that the path does not have, or begins with by chance."""
    with Api(settings) as api:

        async def rooted(scope: Any, receive: Any, send: Any) -> None:
            await api.app({**scope, "root_path": root}, receive, send)

        async def asked() -> set[int]:
            async with httpx.AsyncClient(transport=httpx.ASGITransport(rooted), base_url="http://127.0.0.1") as client:
                return {(await client.post(prefix + path, json={})).status_code for path in POSTS}

        assert api.run(asked()) <= {401, 404}


@pytest.mark.parametrize("header", ["x-forwarded-for", "x-forwarded-proto", "forwarded", "via", "x-real-ip"])
def test_what_only_a_proxy_says_closes_the_reads(settings: Settings, header: str) -> None:
    with Api(settings) as api:
        assert api.get("/performance/metrics", headers={header: "1.1 proxy"}).status_code == 401


def test_a_page_under_a_name_bent_to_here_reads_no_figure(settings: Settings) -> None:
    """A browser says Sec-Fetch-Site only to where it trusts, and a bent name over http is not that."""
    with Api(settings) as api:
        bent = {"host": "evil.example:8080", "accept-language": "en"}
        assert api.get("/metrics", headers=bent).status_code == 421
        assert api.get("/metrics", headers={"host": "pod-7"}).status_code == 200


def test_clients_beyond_those_that_are_remembered_share_one_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "_MOST_CLIENTS", 10)
    limit = RateLimit(3, clock=lambda: 60.0)
    refused = 0
    for number in range(100):
        try:
            limit.take(f"2001:db8::{number}")
        except TooManyError:
            refused += 1
    assert refused == 100 - 10 - 3
    limit.take("2001:db8::1")
    assert limit.retry_after("2001:db8::99") >= 1
    assert len(limit._now) == 11


def test_an_audit_that_cannot_be_written_takes_no_reply_away(
    settings: Settings, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with Api(settings) as api:
        (tmp_path / "audit").unlink()
        (tmp_path / "audit").mkdir()
        assert api.post("/performance/cache/clear", {}).status_code == 409  # no Redis to clear
        assert api.post("/performance/cache/clear", {}, headers={}).status_code == 401
    told = [record.getMessage() for record in caplog.records if record.name == "perfctl.api.audit"]
    assert len(told) == 2
    assert "/performance/cache/clear" in told[0]


def test_a_body_that_does_not_end_is_given_up(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "BODY_SECONDS", 0.05)

    async def slowly() -> AsyncIterator[bytes]:
        yield b'{"namespace": '
        await asyncio.Event().wait()

    with Api(settings) as api:
        request = SimpleNamespace(headers={"content-type": "application/json"}, stream=slowly)
        with pytest.raises(Exception, match="did not arrive") as caught:
            api.run(reading.body_of(request, ROUTES[-1].body, at_most=1000))  # type: ignore[arg-type]
    assert caught.value.http_status == 408  # type: ignore[attr-defined]


def test_a_question_that_is_cancelled_from_within_ends_no_asking() -> None:
    asked: list[int] = []

    async def broken() -> object:
        asked.append(1)
        raise asyncio.CancelledError

    async def watched() -> bool:
        snapshot = Snapshot([Part("broken", broken)], refresh_seconds=0.01)
        snapshot.start()
        for _ in range(500):
            if len(asked) >= 3:
                break
            await asyncio.sleep(0.01)
        known = snapshot.latest("broken")
        await snapshot.close()
        return known.error is not None and "cancelled" in known.error.message

    assert asyncio.run(watched())
    assert len(asked) >= 3


def test_a_server_that_others_reach_is_called_by_its_address(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`serve --host 0.0.0.0`: the names that are taken are of where it listens, not of what the file says."""
    made: list[Settings] = []
    told: dict[str, Any] = dict.fromkeys(inspect.signature(serving.serve).parameters, print)

    def made_of(given: Settings, **_rest: object) -> None:
        made.append(given)
        raise InterruptedError

    monkeypatch.setattr(serving, "application", made_of)
    monkeypatch.setattr(serving, "listen", lambda host, port: None)
    with pytest.raises(InterruptedError):
        asyncio.run(serving.serve(**{**told, "settings": settings, "host": "0.0.0.0", "port": 0}))
    with Api(made[0], address="192.0.2.7") as api:
        assert api.get("/performance/metrics", headers={**BEARER, "host": "192.0.2.1:80"}).status_code == 200
        assert api.get("/performance/metrics", headers={**BEARER, "host": "evil.example"}).status_code == 421


@pytest.mark.parametrize("key", ["", "two words", "x" * 201, "\x7f", "schlüssel".encode()])
def test_a_key_that_the_document_does_not_describe_is_refused(settings: Settings, key: str | bytes) -> None:
    with Api(settings) as api:
        reply = api.post("/performance/cache/clear", {}, headers={**BEARER, "idempotency-key": key})
        assert (reply.status_code, "Idempotency-Key" in reply.text) == (400, True)


@pytest.mark.parametrize("since", ["0", "0s", "0ms"])
def test_a_window_without_a_length_is_refused(settings: Settings, since: str) -> None:
    with Api(settings) as api:
        reply = api.get(f"/performance/metrics?since={since}")
        assert (reply.status_code, reply.json()["error"]["where"]) == (400, "since")


@pytest.mark.parametrize(
    "query", ["min_mean_ms=nan", "min_mean_ms=inf", "min_mean_ms=1e999", "limit=1.5", "limit=null", "since=%00"]
)
def test_figures_that_are_none_are_refused(settings: Settings, query: str) -> None:
    with Api(settings) as api:
        reply = api.get(f"/performance/database/slow-queries?{query}")
        assert reply.status_code == 400, reply.text
        json.loads(reply.text)
