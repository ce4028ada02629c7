"""Who gets in: tokens and scopes, the name that was called, how often; and that every refusal has one form."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from perfctl.api.dashboard import OPEN_PATHS
from perfctl.api.routes import ROUTES
from perfctl.config.settings import ApiConfig, ApiToken, Settings
from tests.api_client import BEARER, TOKEN, Api

POSTS = [route for route in ROUTES if route.method == "POST"]
GETS = [route for route in ROUTES if route.method == "GET"]
READER = {"authorization": "Bearer reads-only-0123456789"}
OPERATOR = {"authorization": "Bearer operates-0123456789"}
TOKENS = (
    ApiToken(name="grafana", token="reads-only-0123456789"),
    ApiToken(name="deploy", token="operates-0123456789", scopes=("read", "operate")),
)


def settings(audit: Path | None = None, **given: object) -> Settings:
    config = ApiConfig(token=TOKEN, tokens=TOKENS, audit_file=str(audit) if audit else None, **given)  # type: ignore[arg-type]
    return Settings(api=config)


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    with Api(settings(tmp_path_factory.mktemp("api") / "audit", requests_per_minute=0)) as api:
        yield api


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """The same, asked from another machine."""
    given = settings(tmp_path_factory.mktemp("api") / "audit", requests_per_minute=0)
    with Api(given, address="192.0.2.7") as api:
        yield api


def test_no_post_is_reachable_without_a_token(api: Api) -> None:
    reached = []
    for route in POSTS:
        for headers in ({}, {"authorization": "Bearer wrong"}, {"authorization": "Basic eDp5"}, READER):
            reply = api.post(route.path, json.loads(route.example), headers=headers)
            if reply.status_code not in (401, 403):
                reached.append((route.path, headers, reply.status_code))
    assert reached == []


def test_no_post_is_reachable_where_no_token_is_set() -> None:
    with Api(Settings(api=ApiConfig(requests_per_minute=0))) as api:
        assert {
            api.post(route.path, {}, headers=headers).status_code for route in POSTS for headers in ({}, BEARER)
        } == {401}


def test_every_figure_wants_a_token_from_another_machine(stranger: Api) -> None:
    paths = [route.path for route in GETS] + ["/metrics", "/performance/events", "/performance/jobs/x"]
    assert {path: stranger.get(path).status_code for path in paths} == dict.fromkeys(paths, 401)
    assert stranger.get("/performance/metrics", headers=READER).status_code == 200


def test_what_holds_no_figure_is_shown_to_all(stranger: Api) -> None:
    paths = [path for path in OPEN_PATHS if not path.endswith("static/")] + ["/livez", "/docs/performance/openapi.json"]
    assert {stranger.get(path).status_code for path in paths} <= {200, 308}


def test_a_proxy_on_this_machine_speaks_for_others(api: Api) -> None:
    assert api.get("/performance/metrics").status_code == 200
    assert api.get("/performance/metrics", headers={"x-forwarded-for": "192.0.2.7"}).status_code == 401


def test_reads_may_be_closed_on_this_machine_too() -> None:
    with Api(settings(open_reads=False)) as api:
        assert api.get("/performance/metrics").status_code == 401
        assert api.get("/performance/metrics", headers=READER).status_code == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:8080", "", "10.0.0.1"]
)
def test_another_name_is_not_answered(api: Api, host: str) -> None:
    reply = api.get("/performance/metrics", headers={"host": host})
    assert (reply.status_code, reply.json()["error"]["kind"]) == (421, "refused")
    assert api.post("/performance/cache/clear", {}, headers={**BEARER, "host": host}).status_code == 421


@pytest.mark.parametrize("host", ["localhost:8080", "127.0.0.1:1", "[::1]:8080", "LOCALHOST"])
def test_a_name_of_this_machine_is_answered(api: Api, host: str) -> None:
    assert api.get("/performance/metrics", headers={"host": host}).status_code == 200


def test_probes_have_no_name_of_ours_and_browsers_may_not_pose_as_one(api: Api) -> None:
    assert [api.get(path, headers={"host": "pod-7"}).status_code for path in ("/livez", "/metrics")] == [200, 200]
    assert api.get("/metrics", headers={"host": "evil.example", "sec-fetch-site": "same-origin"}).status_code == 421


def test_a_client_that_asks_too_often_is_told_when_to_come_again() -> None:
    with Api(settings(requests_per_minute=5)) as api:
        replies = [api.get("/performance/metrics") for _ in range(8)]
        assert [reply.status_code for reply in replies] == [200] * 5 + [429] * 3
        assert 1 <= int(replies[-1].headers["retry-after"]) <= 62
        assert replies[-1].json()["error"]["kind"] == "refused"
        assert api.get("/livez").status_code == 200
        assert api.get("/performance/metrics", headers=READER).status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nothing", 404),
        ("GET", "/performance/metrics/", 404),
        ("GET", "/performance/cache/", 404),
        ("DELETE", "/performance/metrics", 405),
        ("PUT", "/performance/cache/clear", 405),
        ("OPTIONS", "/performance/metrics", 405),
        ("GET", "/performance/cache/clear", 405),
        ("POST", "/performance/metrics", 405),
        ("GET", "/performance/jobs/never-was", 404),
        ("GET", "/performance/metrics?colour=red", 400),
        ("GET", "/performance/database/slow-queries?limit=-1", 400),
        ("GET", "/performance/database/slow-queries?by=beauty", 400),
        ("GET", "/performance/database/slow-queries?limit=1&limit=2", 400),
    ],
)
def test_every_refusal_has_the_form_of_an_error(api: Api, method: str, path: str, status: int) -> None:
    reply = api.ask(method, path)
    assert reply.status_code == status
    assert set(reply.json()["error"]) == {"code", "kind", "message", "hint", "where"}
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert "access-control-allow-origin" not in reply.headers
    if status == 405:
        assert reply.headers["allow"]


def test_head_has_the_head_of_get_and_no_body(api: Api) -> None:
    api.get("/performance/metrics")
    head = api.ask("HEAD", "/performance/metrics")
    assert (head.status_code, head.content) == (200, b"")
    assert int(head.headers["content-length"]) > 100


def test_a_browser_gets_the_page_and_everybody_else_the_document(api: Api) -> None:
    browser = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
    led = api.get("/performance/metrics/cache", headers=browser)
    assert (led.status_code, led.headers["location"]) == (303, "/performance/#cache")
    assert api.get("/performance/cache/", headers=browser).headers["location"] == "/docs/performance#cache"
    assert api.get("/docs/performance", headers=browser).headers["content-type"].startswith("text/html")
    for accept in ("*/*", "application/json", "text/html;q=0.1, application/json"):
        assert (
            api.get("/performance/metrics/cache", headers={"accept": accept}).json()["schema"]
            == "perfctl.cache.stats/1"
        )


def test_tokens_and_values_stand_in_no_line_of_the_audit(tmp_path: Path) -> None:
    with Api(settings(tmp_path / "audit")) as api:
        secret = {"operation": "set", "key": "user:7", "value": "a very private value"}
        api.post("/performance/cache/operation", secret)
        api.post("/performance/cache/operation", secret, headers={"authorization": "Bearer a-wrong-token-0123456789"})
        api.post("/performance/database/optimize-query", {"query": "SELECT 'private literal'"})
    lines = [json.loads(line) for line in (tmp_path / "audit").read_text().splitlines()]
    assert [(line["who"], line["outcome"], line["status"]) for line in lines] == [
        ("api.token", "failed", 409),
        ("-", "refused", 401),
        ("api.token", "failed", 409),
    ]
    assert "private" not in str(lines)
    assert TOKEN not in str(lines)
    assert "wrong" not in str(lines)
    assert (tmp_path / "audit").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("route", POSTS, ids=lambda route: route.path)
def test_a_read_only_context_changes_nothing(tmp_path: Path, route: object) -> None:
    given = Settings(context="prod", read_only=True, api=ApiConfig(token=TOKEN, audit_file=str(tmp_path / "audit")))
    with Api(given) as api:
        body = json.loads(route.example)  # type: ignore[attr-defined]
        reply = api.post(route.path, {**body, "apply": True} if "apply" in body else body)  # type: ignore[attr-defined]
        looks = route.words in (("db", "analyze"), ("cdn", "preload"))  # type: ignore[attr-defined]
        assert reply.status_code == (409 if looks else 403)


def test_what_destroys_in_a_protected_context_wants_a_named_token_and_the_name(tmp_path: Path) -> None:
    config = ApiConfig(token=TOKEN, tokens=TOKENS, audit_file=str(tmp_path / "audit"))
    with Api(Settings(context="prod", protected=True, api=config)) as api:
        clear = "/performance/cache/clear"
        assert api.post(clear, {"confirm": "prod"}).status_code == 403
        assert api.post(clear, {}, headers=OPERATOR).json()["error"]["where"] == "confirm"
        assert api.post(clear, {"confirm": "staging"}, headers=OPERATOR).status_code == 403
        assert api.post(clear, {"confirm": "prod"}, headers=OPERATOR).status_code == 409  # no Redis to clear
        assert api.post(clear, {"dry_run": True}).status_code == 409
