"""The OpenAPI document: its schemas are schemas, and hold where nothing is known yet."""

from __future__ import annotations

import json

import pytest
from jsonschema import Draft202012Validator

from perfctl.api.openapi import openapi
from perfctl.api.routes import ROUTES, Route
from perfctl.api.shown import written
from perfctl.api.snapshot import Known
from perfctl.errors import UnreachableError

READS = [route for route in ROUTES if route.method == "GET" and route.part]


@pytest.mark.parametrize("name", sorted(openapi()["components"]["schemas"]))
def test_every_schema_is_one(name: str) -> None:
    Draft202012Validator.check_schema(openapi()["components"]["schemas"][name])


@pytest.mark.parametrize("route", READS, ids=lambda route: route.path)
@pytest.mark.parametrize(
    "known", [Known(), Known(error=UnreachableError("it is down"), since=1.0)], ids=["yet", "ever"]
)
def test_what_nothing_is_known_of_is_described(route: Route, known: Known) -> None:
    described = openapi()
    replies = described["paths"][route.path]["get"]["responses"]
    schema = replies["200"]["content"]["application/json"]["schema"]
    answer = json.loads(written(route, known, context="sandbox"))
    Draft202012Validator({**schema, "components": described["components"]}).validate(answer)
