"""Each route answers what its command answers, on the same servers. A route without a row fails the suite."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from perfctl.api.routes import ROUTES
from perfctl.config import load_settings
from perfctl.config.settings import ApiConfig, Settings
from tests.api_client import TOKEN, Api, described_reply
from tests.conftest import RunningSandbox

pytestmark = [pytest.mark.servers, pytest.mark.xdist_group("seeded")]

LOG = "#Fields: date time x-edge-location sc-bytes cs-method cs-uri-stem sc-status x-edge-result-type\n" + "".join(
    f"2026-05-01\t10:00:0{second}\tFRA56-P3\t900\tGET\t/a.css\t200\t{result}\n"
    for second, result in enumerate(("Miss", "Hit", "Hit", "Error"))
)
PLAN = "/performance/database/plan"
QUERY = "SELECT symbol FROM stocks WHERE sector = $1"


@dataclass(frozen=True, slots=True)
class Row:
    """A request, and the command line that asks the same; `|` stands for a blank within a word."""

    line: str
    path: str
    body: Any = None
    exits: tuple[int, ...] = (0,)
    stdin: str | None = None
    before: str = ""
    """A command that has to have run."""
    is_exact: bool = False
    """Whether nothing of the answer depends on the moment."""


ROWS: tuple[Row, ...] = (
    Row("metrics show", "/performance/metrics"),
    Row("metrics show --since 1h --by namespace", "/performance/metrics?since=1h&by=namespace"),
    Row("cache stats", "/performance/metrics/cache"),
    Row("cache stats -n contract", "/performance/metrics/cache?namespace=contract"),
    Row("cdn stats access.log", "/performance/metrics/cdn", is_exact=True),
    Row("cdn stats access.log --status 5xx", "/performance/metrics/cdn?status=5xx", is_exact=True),
    Row("db stats", "/performance/metrics/database"),
    Row("health", "/performance/health", exits=(0, 1)),
    Row("db slow", "/performance/database/slow-queries"),
    Row("db slow --by mean --limit 3", "/performance/database/slow-queries?by=mean&limit=3"),
    Row("db stats --by query", "/performance/database/query-metrics"),
    Row(
        'cache set user:1 {"name":|"Ada"} --json --ttl 10m -n contract',
        "/performance/cache/operation",
        {"operation": "set", "key": "user:1", "value": {"name": "Ada"}, "ttl": "10m", "namespace": "contract"},
        is_exact=True,
    ),
    Row(
        "cache get user:1 -n contract",
        "/performance/cache/operation",
        {"operation": "get", "key": "user:1", "namespace": "contract"},
        before='cache set user:1 {"name":|"Ada"} --json -n contract',
    ),
    Row(
        "cache get absent -n contract",
        "/performance/cache/operation",
        {"operation": "get", "key": "absent", "namespace": "contract"},
        exits=(1,),
        is_exact=True,
    ),
    Row(
        "cache delete absent -n contract",
        "/performance/cache/operation",
        {"operation": "delete", "key": "absent", "namespace": "contract"},
        is_exact=True,
    ),
    Row(
        "cache clear contract --yes",
        "/performance/cache/operation",
        {"operation": "clear", "namespace": "contract"},
    ),
    Row("cache clear contract --dry-run", "/performance/cache/clear", {"namespace": "contract", "dry_run": True}),
    Row("cache clear --tag a -n contract --yes", "/performance/cache/clear", {"namespace": "contract", "tag": "a"}),
    Row(
        "cache preload - -n contract",
        "/performance/cache/preload",
        {"namespace": "contract", "entries": [{"key": "a", "value": 1}, {"key": "b"}]},
        exits=(6,),
        stdin='{"key": "a", "value": 1}\n{"key": "b"}\n',
    ),
    Row("cdn invalidate /img/* --yes", "/performance/cdn/invalidate", {"paths": ["/img/*"]}),
    Row("cdn invalidate /img/* --dry-run", "/performance/cdn/invalidate", {"paths": ["/img/*"], "dry_run": True}),
    Row("cdn preload /", "/performance/cdn/preload", {"paths": ["/"]}, exits=(0, 6)),
    Row(
        f"db analyze {QUERY.replace(' ', '|')} --param energy",
        "/performance/database/optimize-query",
        {"query": QUERY, "params": ["energy"]},
    ),
    Row("optimize", "/performance/optimize", {"apply": False}, exits=(0, 6)),
)


@pytest.fixture(scope="module")
def stack(seeded_sandbox: RunningSandbox, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """The sandbox's settings, with an access log."""
    home = Path(seeded_sandbox.home["HOME"])
    (home / "access.log").write_text(LOG)
    given = load_settings(context=seeded_sandbox.name, environ=seeded_sandbox.home, folder=home)
    audit = str(tmp_path_factory.mktemp("api") / "audit")
    config = ApiConfig(token=TOKEN, requests_per_minute=0, refresh_seconds=0.5, audit_file=audit, job_after_seconds=60)
    return replace(given, cdn=replace(given.cdn, logs=(str(home / "access.log"),)), api=config)


@pytest.fixture(scope="module")
def api(stack: Settings, seeded_sandbox: RunningSandbox) -> Iterator[Api]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", seeded_sandbox.home["XDG_STATE_HOME"])
        with Api(stack) as api:
            yield api


def test_every_route_has_a_row() -> None:
    assert {row.path.partition("?")[0] for row in ROWS} == {route.path for route in ROUTES}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.line[:40])
def test_a_route_answers_what_its_command_answers(api: Api, seeded_sandbox: RunningSandbox, row: Row) -> None:
    if row.before:
        assert seeded_sandbox.perfctl(*_words(row.before)).returncode == 0
    ran = seeded_sandbox.perfctl(*_words(row.line), "-o", "json", input=row.stdin)
    assert ran.returncode in row.exits, ran.stderr
    said = json.loads(ran.stdout)
    reply = api.get(row.path) if row.body is None else api.post(row.path, row.body)
    assert reply.status_code in (200, 503 if 1 in row.exits else 200), reply.text
    answered = reply.json()
    assert answered["schema"] == said["schema"]
    assert set(answered) == set(said)
    assert set(answered["meta"]) == set(said["meta"])
    assert answered["meta"]["context"] == said["meta"]["context"]
    assert answered["data"] == said["data"] if row.is_exact else _form(answered["data"]) == _form(said["data"])
    _validate(row, answered)


def _words(line: str) -> list[str]:
    return [word.replace("|", " ") for word in line.split()]


def test_the_document_describes_itself_as_openapi_does(api: Api) -> None:
    described = api.get("/docs/performance").json()
    assert described["openapi"] == "3.1.0"
    assert {path for path in described["paths"] if path.startswith("/performance/")} == {
        *(route.path for route in ROUTES),
        "/performance/jobs/{job_id}",
        PLAN,
    }


def test_a_statement_that_writes_is_refused_whoever_asks(api: Api) -> None:
    for query in ("DELETE FROM stocks", "SELECT pg_terminate_backend(1)", "SELECT 1; DROP TABLE stocks"):
        reply = api.post("/performance/database/optimize-query", {"query": query})
        assert (reply.status_code, reply.json()["error"]["kind"]) == (403, "refused"), query


def test_the_plan_of_a_counted_statement_is_what_its_command_answers(api: Api, seeded_sandbox: RunningSandbox) -> None:
    slow = api.get("/performance/database/slow-queries?by=total&limit=0").json()["data"]["rows"]
    counted = next(row["fingerprint"] for row in slow if "FROM stocks" in row["query"])
    reply = api.get(f"{PLAN}?query={counted}")
    assert reply.status_code == 200, reply.text
    described_reply("GET", PLAN, 200).validate(reply.json())
    ran = seeded_sandbox.perfctl("db", "analyze", "--query", counted, "--no-run", "-o", "json")
    assert _form(reply.json()["data"]) == _form(json.loads(ran.stdout)["data"])


@pytest.mark.parametrize("asked", ["", "?query=", "?query=absent", "?query=a&query=b", f"?query={'x' * 201}", "?q=a"])
def test_a_plan_of_what_was_not_counted_is_refused_as_it_is_described(api: Api, asked: str) -> None:
    reply = api.get(PLAN + asked)
    assert reply.status_code == 400, reply.text
    described_reply("GET", PLAN, 400).validate(reply.json())


def test_the_same_idempotency_key_does_it_once(api: Api) -> None:
    body = {"operation": "set", "key": "once", "value": 1, "namespace": "contract"}
    headers = {"authorization": f"Bearer {TOKEN}", "idempotency-key": "7"}
    path = "/performance/cache/operation"
    first, again = (api.post(path, body, headers=headers) for _ in range(2))
    assert first.json() == again.json()
    assert api.post(path, {**body, "value": 2}, headers=headers).status_code == 409


def test_what_takes_long_is_a_job(stack: Settings) -> None:
    with Api(replace(stack, api=replace(stack.api, job_after_seconds=0.0))) as api:
        accepted = api.post("/performance/cdn/preload", {"paths": ["/"]})
        assert (accepted.status_code, accepted.json()["schema"]) == (202, "perfctl.job/1")
        url = accepted.headers["location"]
        assert accepted.json()["data"]["url"] == url
        for _ in range(200):
            reply = api.get(url)
            if reply.status_code != 202:
                break
            api.run(_pause())
        assert (reply.status_code, reply.json()["schema"]) == (200, "perfctl.cdn.preload/1")


def test_dead_back_ends_neither_block_nor_fail_a_read(stack: Settings) -> None:
    dead = replace(
        stack,
        cache=replace(stack.cache, redis_url="redis://127.0.0.1:1"),
        database=replace(stack.database, dsn="postgresql://app@127.0.0.1:1/app", host=None),
    )
    with Api(dead) as api:
        for route in ROUTES:
            if route.method == "POST" or route.part == "cdn":
                continue
            reply = api.get(route.path)
            assert reply.status_code == (503 if route.part == "health" else 200), route.path
            document = reply.json()
            assert document["schema"] == f"perfctl.{'.'.join(route.words)}/1"
            if route.part in ("cache", "database", "slow-queries", "query-metrics"):
                assert document["data"]["rows"] == []
                assert document["data"]["unanswered"]
                assert 0 not in document["data"].values()
                assert "no answer since" in document["warnings"][0]
        figures = api.get("/performance/metrics").json()
        assert figures["data"]["cache_hit_rate"] is None
        assert any("Redis" in warning for warning in figures["warnings"])
        assert api.get("/metrics").status_code == 200
        assert api.get("/readyz").status_code == 503


_NAMED_BY_DATA = ("unmeasured", "sources", "settings", "trends", "budgets")


async def _pause() -> None:
    import asyncio

    await asyncio.sleep(0.05)


def _form(value: Any) -> Any:
    """The names of all fields, however deep, without those that are data themselves."""
    if isinstance(value, Mapping):
        return {name: _form(item) for name, item in value.items() if name not in _NAMED_BY_DATA}
    if isinstance(value, list):
        return "list"
    return "value"


def _validate(row: Row, answered: Any) -> None:
    """The reply is one that the OpenAPI document describes."""
    path = row.path.partition("?")[0]
    described_reply("GET" if row.body is None else "POST", path, 200).validate(answered)
