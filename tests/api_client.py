"""The HTTP API in this process, asked as over a wire: one event loop, no socket."""

from __future__ import annotations

import asyncio
from functools import cache
from types import TracebackType
from typing import Any, Self

import httpx
from jsonschema import Draft202012Validator

from perfctl.api.app import application
from perfctl.api.openapi import openapi
from perfctl.api.service import Service
from perfctl.config.settings import Settings
from perfctl.optimizer import PerformanceOptimizer

TOKEN = "a-token-of-the-tests-with-both-scopes"
BEARER = {"authorization": f"Bearer {TOKEN}"}


@cache
def described_reply(method: str, path: str, status: int) -> Draft202012Validator:
    """What checks a reply against the OpenAPI document. KeyError where the document has no such reply."""
    replies = openapi()["paths"][path][method.lower()]["responses"]
    schema = replies[str(status)]["content"]["application/json"]["schema"]
    return Draft202012Validator({**schema, "components": openapi()["components"]})


class Api:
    """An application of its own; `with Api(settings) as api: api.get("/livez")`."""

    def __init__(
        self, settings: Settings, *, optimizer: PerformanceOptimizer | None = None, address: str = "127.0.0.1"
    ) -> None:
        self._loop = asyncio.new_event_loop()
        self.app = application(settings, optimizer=optimizer)
        self.service: Service = self.app.state.service
        transport = httpx.ASGITransport(self.app, client=(address, 50000))
        self._client = httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1", timeout=60)

    def get(self, path: str, **given: Any) -> httpx.Response:
        return self.ask("GET", path, **given)

    def post(self, path: str, body: Any = None, **given: Any) -> httpx.Response:
        """With a token of both scopes, unless `headers` are given."""
        return self.ask("POST", path, json=body, **{"headers": BEARER, **given})

    def ask(self, method: str, path: str, **given: Any) -> httpx.Response:
        return self._loop.run_until_complete(self._client.request(method, path, **given))

    def run(self, work: Any) -> Any:
        """A coroutine on the application's loop."""
        return self._loop.run_until_complete(work)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._loop.run_until_complete(self._client.aclose())
        self._loop.run_until_complete(self.service.close())
        self._loop.run_until_complete(self._loop.shutdown_default_executor())
        self._loop.close()
