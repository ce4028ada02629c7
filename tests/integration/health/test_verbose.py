"""`-v` says whom a run asks, `-vv` every call; neither shows a password."""

from __future__ import annotations

import pytest

from tests.conftest import RunningSandbox

pytestmark = pytest.mark.servers

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
