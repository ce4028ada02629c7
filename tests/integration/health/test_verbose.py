"""`-v` says whom a run asks, `-vv` every call; neither shows a password."""

from __future__ import annotations

import pytest

from tests.conftest import RunningSandbox

pytestmark = pytest.mark.servers

UNREACHABLE = "  try:    is it running there? perfctl config show --origin says where its address was set"


def test_a_server_that_refuses_is_named_once_and_says_where_its_address_is_from(sandbox: RunningSandbox) -> None:
    said = sandbox.perfctl("-q", "cache", "stats", env={"REDIS_PORT": "1"})
    assert said.stderr.splitlines() == ["error: cannot reach Redis at 127.0.0.1:1: connection refused", UNREACHABLE]
    said = sandbox.perfctl("-q", "db", "slow", env={"DB_PORT": "1"})
    assert said.stderr.splitlines()[1] == UNREACHABLE


def test_the_minor_version_is_the_servers(sandbox: RunningSandbox) -> None:
    version = sandbox.perfctl("db", "doctor", "-o", "json").stdout.partition('"PostgreSQL ')[2].partition(" ")[0]
    assert f"asking PostgreSQL {version} at" in sandbox.perfctl("-v", "db", "slow").stderr


CALLS = {
    ("cache", "stats"): ("asking Redis at", "SCAN ("),
    ("db", "slow"): ("asking PostgreSQL", "pg_stat_statements"),
    ("cdn", "status"): ("asking CloudFront at", "cloudfront list-invalidations at"),
    ("cdn", "headers", "/"): ("context", "edge: GET http"),
}


@pytest.mark.parametrize("words", CALLS)
def test_more_is_said_with_v_and_every_call_with_vv(sandbox: RunningSandbox, words: tuple[str, ...]) -> None:
    whom, call = CALLS[words]
    once, twice = sandbox.perfctl("-v", *words).stderr, sandbox.perfctl("-vv", *words, "-o", "json").stderr
    assert whom in once
    assert call not in once
    assert whom in twice
    assert call in twice
    secrets = [value for name, value in sandbox.environment.items() if "PASSWORD" in name or "SECRET" in name]
    assert secrets
    assert not [secret for secret in secrets if secret in once + twice]
