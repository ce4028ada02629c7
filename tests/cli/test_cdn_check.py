"""`perfctl cdn headers`, `check`, `diff` and `apply` as a user runs them, on the local CloudFront."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cdn_edge import DISTRIBUTION_ID, LocalEdge, local_edge
from tests.conftest import Perfctl

CHANGE = "IsIPV6Enabled: {ipv6}\nDefaultCacheBehavior:\n  ViewerProtocolPolicy: redirect-to-https\n"


@pytest.fixture(scope="module")
def shared_edge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalEdge]:
    with local_edge(tmp_path_factory.mktemp("edge")) as edge:
        yield edge


@pytest.fixture
def edge(shared_edge: LocalEdge) -> LocalEdge:
    """With nothing wrong."""
    shared_edge.set_faults()
    return shared_edge


def _data(text: str) -> dict[str, Any]:
    data: dict[str, Any] = json.loads(text)["data"]
    return data


def test_headers_spells_out_the_rules_and_then_a_hit(perfctl: Perfctl, edge: LocalEdge) -> None:
    edge.advance(100_000)
    first, second = (
        _data(perfctl("cdn", "headers", "/assets/app.js", "-o", "json", env=edge.environment).stdout) for _ in range(2)
    )
    assert (first["cache"] in ("miss", "refresh-hit"), second["cache"]) == (True, "hit")
    assert second["policy"]["name"] == "CachingOptimized"
    assert second["steps"][-1] == {"rule": "clamp(3600, min 1, max 31536000) = 3600 s", "ttl_seconds": 3600}
    assert second["is_cached"] is True
    assert second["remedies"] == []


def test_headers_of_what_is_private_says_why_it_is_not_cached(perfctl: Perfctl, edge: LocalEdge) -> None:
    result = perfctl("cdn", "headers", "/private/me", "-H", "Cookie: a=1", "-o", "json", env=edge.environment)
    data = _data(result.stdout)
    assert (data["behaviour"]["pattern"], data["is_cached"], data["ttl_seconds"]) == ("/private*", False, None)
    assert "maximum TTL is 0" in data["verdict"]


def test_headers_without_permission_tell_what_the_origin_says(perfctl: Perfctl, edge: LocalEdge) -> None:
    edge.set_faults(deny=["cloudfront:GetDistributionConfig"])
    data = _data(perfctl("cdn", "headers", "/", "-o", "json", env=edge.environment).stdout)
    assert (data["policy"]["kind"], data["is_cached"]) == ("unknown", None)
    assert "AccessDenied" in data["policy"]["reason"]
    assert data["steps"][0]["rule"] == "max-age=60 is what the origin asks for"


def test_check_judges_the_sample_and_gates(perfctl: Perfctl, edge: LocalEdge, tmp_path: Path) -> None:
    report = tmp_path / "cdn.sarif"
    result = perfctl("cdn", "check", "--ci", f"sarif:{report}", "-o", "json", env=edge.environment)
    assert result.returncode == 0, result.stderr
    rows = {(row["component"], row["check"]): row for row in _data(result.stdout)["rows"]}
    assert rows[("cdn.viewer", "https")]["status"] == "warn"
    assert rows[("cdn.ttl", "private minimum TTL")]["status"] == "pass"
    assert rows[("cdn.behaviours", "unreachable")]["status"] == "pass"
    assert not [row for row in rows.values() if row["status"] == "fail"]
    results = json.loads(report.read_text())["runs"][0]["results"]
    assert "cdn.viewer.https" in [one["ruleId"] for one in results if one["level"] == "warning"]
    assert perfctl("cdn", "check", "--fail-on", "warn", "--pages", "0", env=edge.environment).returncode == 1


def test_check_of_one_url_looks_at_its_answer_alone(perfctl: Perfctl, edge: LocalEdge) -> None:
    result = perfctl("cdn", "check", "/css/site.css", "-o", "json", env=edge.environment)
    data = _data(result.stdout)
    assert (result.returncode, data["status"]) == (0, "pass")
    assert {row["component"] for row in data["rows"]} <= {"cdn.answer", "cdn.ttl", "cdn.compression", "cdn.viewer"}


def test_check_without_permission_judges_what_it_sees(perfctl: Perfctl, edge: LocalEdge) -> None:
    edge.set_faults(deny=["cloudfront:GetDistributionConfig", "cloudfront:GetMonitoringSubscription"])
    rows = _data(perfctl("cdn", "check", "--pages", "1", "-o", "json", env=edge.environment).stdout)["rows"]
    told = {(row["component"], row["check"]): row["status"] for row in rows}
    assert told[("cdn.rights", "configuration")] == "warn"
    assert told[("cdn.answer", "status")] == "pass"
    assert ("cdn.viewer", "https") not in told


def test_a_page_of_strangers_is_not_asked_for(perfctl: Perfctl, edge: LocalEdge) -> None:
    result = perfctl("cdn", "check", "--url", "http://169.254.169.254/", env=edge.environment)
    assert (result.returncode, result.stdout) == (2, "")
    assert "not a name of the distribution" in result.stderr


def test_a_file_is_compared_applied_and_taken_back(perfctl: Perfctl, edge: LocalEdge, tmp_path: Path) -> None:
    file = tmp_path / "cdn.yaml"
    file.write_text(CHANGE.format(ipv6="true"))
    env = {**edge.environment, "PERFCTL_STATE_DIR": str(tmp_path / "state")}
    before = perfctl("cdn", "diff", str(file), "-o", "json", env=env)
    assert (before.returncode, _data(before.stdout)["is_different"]) == (1, True)
    assert perfctl("cdn", "apply", str(file), env=env).returncode == 7
    planned = perfctl("cdn", "apply", str(file), "--dry-run", "-o", "json", env=env)
    assert (planned.returncode, _data(planned.stdout)["status"]) == (0, "planned")
    applied = perfctl("cdn", "apply", str(file), "--wait", "--yes", "-o", "json", env=env)
    assert applied.returncode == 0, applied.stderr
    data = _data(applied.stdout)
    assert (data["status"], len(data["changes"])) == ("Deployed", 2)
    assert perfctl("cdn", "diff", str(file), env=env).returncode == 0
    words = data["rollback"].split()[1:]
    assert perfctl(*words, "--yes", env=env).returncode == 0
    assert perfctl("cdn", "diff", str(file), env=env).returncode == 1


def test_a_read_only_context_applies_nothing(perfctl: Perfctl, edge: LocalEdge, tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("version: 1\ncurrent: prod\ncontexts:\n  prod:\n    read_only: true\n")
    (tmp_path / "cdn.yaml").write_text("Comment: other\n")
    words = ("cdn", "apply", "cdn.yaml", "--yes", "--config", str(tmp_path / "mine.yaml"))
    assert perfctl(*words, env=edge.environment).returncode == 7


def test_a_denied_update_leaves_with_4_and_a_bad_file_with_2(perfctl: Perfctl, edge: LocalEdge) -> None:
    edge.set_faults(deny=["cloudfront:UpdateDistribution"])
    denied = perfctl("cdn", "apply", "-", "--yes", input="Comment: denied\n", env=edge.environment)
    assert (denied.returncode, denied.stdout) == (4, "")
    bad = perfctl("cdn", "diff", "-", input="Orgins: []\n", env=edge.environment)
    assert (bad.returncode, bad.stdout) == (2, "")
    assert "stdin:1:1: unknown key 'Orgins'" in bad.stderr
    assert "did you mean 'Origins'?" in bad.stderr


def test_a_distribution_that_is_named_twice_is_refused(perfctl: Perfctl, edge: LocalEdge) -> None:
    result = perfctl("cdn", "check", DISTRIBUTION_ID, "--distribution", "E2", env=edge.environment)
    assert result.returncode == 2
