"""The API as its OpenAPI document describes it, asked with what a schema can think of: no server error, and no reply
that the document does not describe."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
import schemathesis
from hypothesis import given
from schemathesis import GenerationMode

from perfctl.api.openapi import openapi
from perfctl.api.routes import ROUTES
from perfctl.config import load_settings
from perfctl.config.settings import ApiConfig
from tests.api_client import BEARER, TOKEN, Api, described_reply
from tests.campaign import campaign
from tests.conftest import RunningSandbox

pytestmark = pytest.mark.servers

OPERATIONS = [*((route.method, route.path) for route in ROUTES), ("GET", "/performance/database/plan")]


@cache
def described() -> Any:
    return schemathesis.openapi.from_dict(openapi())


@pytest.fixture(scope="module")
def api(sandbox: RunningSandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    folder = tmp_path_factory.mktemp("api")
    given_settings = load_settings(context=sandbox.name, environ=sandbox.home, folder=folder)
    config = ApiConfig(token=TOKEN, requests_per_minute=0, audit_file=str(folder / "audit"), job_after_seconds=30)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(folder))
        with Api(replace(given_settings, api=config)) as api:
            yield api


@pytest.mark.parametrize(("method", "path"), OPERATIONS, ids=lambda value: value)
@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=lambda mode: mode.value)
def test_every_reply_is_one_that_is_described(api: Api, method: str, path: str, mode: GenerationMode) -> None:
    operation, is_health = described()[path][method], path.endswith("/health")

    @given(operation.as_strategy(generation_mode=mode))
    @campaign(sample=2 if path.endswith("/optimize") else 8, whole=1000)
    def asked(case: Any) -> None:
        if isinstance(case.body, dict):
            case.body.pop("apply", None)  # what optimize would change stays as it is
        sent = case.as_transport_kwargs(base_url="http://127.0.0.1")
        content = {"content": sent["data"]} if sent.get("data") is not None else {}
        sent = {name: sent[name] for name in ("params", "json") if sent.get(name) is not None}
        headers = {**dict(case.headers or {}), **BEARER}
        reply = api.ask(method, path, headers=headers, **sent, **content)
        assert reply.status_code < 500 or is_health, (case.body, reply.text)
        assert str(reply.status_code) in openapi()["paths"][path][method.lower()]["responses"], reply.text
        described_reply(method, path, reply.status_code).validate(reply.json())

    asked()
