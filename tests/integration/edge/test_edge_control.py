"""What the control plane tells boto3 beyond the contract: rights, faults, versions, restarts."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ClientError, HTTPClientError

from tests.integration.edge.process import DISTRIBUTION, KEY, EdgeProcess, ask, client, running

if TYPE_CHECKING:
    from mypy_boto3_cloudfront import CloudFrontClient
    from mypy_boto3_cloudfront.type_defs import InvalidationBatchTypeDef


def batch(reference: str, *paths: str) -> InvalidationBatchTypeDef:
    return {"Paths": {"Quantity": len(paths), "Items": list(paths)}, "CallerReference": reference}


def error_of(caught: pytest.ExceptionInfo[ClientError]) -> tuple[str, int]:
    response = caught.value.response
    return response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]


def test_the_caller_is_known_by_its_access_key(edge: EdgeProcess) -> None:
    identity = client("sts", edge.endpoint).get_caller_identity()
    assert (identity["Account"], identity["Arn"]) == ("000000000000", "arn:aws:iam::000000000000:user/sandbox")


def test_the_sample_distribution_is_deployed_from_the_start(tmp_path: Path) -> None:
    with running(tmp_path) as fresh:
        found = client("cloudfront", fresh.endpoint).get_distribution(Id=DISTRIBUTION)
    assert found["Distribution"]["Status"] == "Deployed"


def test_an_unknown_access_key_is_refused(edge: EdgeProcess) -> None:
    with pytest.raises(ClientError) as caught:
        client("cloudfront", edge.endpoint, key="AKIASTRANGER").list_distributions()
    assert error_of(caught) == ("AccessDenied", 403)
    with pytest.raises(ClientError) as caught:
        client("sts", edge.endpoint, key="AKIASTRANGER").get_caller_identity()
    assert error_of(caught) == ("InvalidClientTokenId", 403)


def test_a_call_without_credentials_is_refused(edge: EdgeProcess) -> None:
    reply = ask(edge.control_port, "GET", "/2020-05-31/distribution", {})
    assert (reply.status, b"MissingAuthenticationToken" in reply.body) == (403, True)


@pytest.mark.parametrize(
    ("faults", "error"),
    [
        ({"throttle": 1}, ("Throttling", 400)),
        ({"error_5xx": 1}, ("ServiceUnavailable", 503)),
        ({"deny": ["cloudfront:CreateInvalidation"]}, ("AccessDenied", 403)),
        ({"throttle_rate": 0.001, "throttle_burst": 0}, ("Throttling", 400)),
    ],
)
def test_trouble_comes_on_request(
    edge: EdgeProcess, cloudfront: CloudFrontClient, faults: dict[str, object], error: tuple[str, int]
) -> None:
    edge.admin("POST", "faults", faults)
    with pytest.raises(ClientError) as caught:
        cloudfront.create_invalidation(DistributionId=DISTRIBUTION, InvalidationBatch=batch("trouble", "/a"))
    assert error_of(caught) == error


def test_a_burst_is_throttled_and_recovers_with_time(edge: EdgeProcess, cloudfront: CloudFrontClient) -> None:
    edge.admin("POST", "faults", {"throttle_rate": 1, "throttle_burst": 6})

    def accepted() -> int:
        taken = 0
        for number in range(10):
            with contextlib.suppress(ClientError):
                reference = f"burst-{time.monotonic_ns()}-{number}"
                cloudfront.create_invalidation(DistributionId=DISTRIBUTION, InvalidationBatch=batch(reference, "/a"))
                taken += 1
        return taken

    first = accepted()
    edge.advance(60)
    assert (first, accepted()) == (6, 6)


def test_an_answer_that_is_lost_was_carried_out_and_a_retry_finds_it(
    edge: EdgeProcess, cloudfront: CloudFrontClient
) -> None:
    edge.admin("POST", "faults", {"lose_answer": 1})
    with pytest.raises(HTTPClientError):
        cloudfront.create_invalidation(DistributionId=DISTRIBUTION, InvalidationBatch=batch("lost", "/lost"))
    edge.admin("DELETE", "faults")
    paths = edge.admin("GET", "cost")["paths"]
    made = cloudfront.create_invalidation(DistributionId=DISTRIBUTION, InvalidationBatch=batch("lost", "/lost"))
    assert (made["Invalidation"]["Status"], edge.admin("GET", "cost")["paths"]) == ("InProgress", paths)


@pytest.mark.parametrize(
    "body",
    [{"unknown": 1}, {"throttle": "much"}, {"throttle": -1}, {"deny": "all"}, {"seed": []}, {"latency_ms": True}],
)
def test_a_fault_that_is_none_is_refused(edge: EdgeProcess, body: dict[str, object]) -> None:
    with pytest.raises(AssertionError, match="error"):
        edge.admin("POST", "faults", body)


def test_the_reserved_paths_are_for_local_callers(edge: EdgeProcess) -> None:
    headers: tuple[dict[str, str], ...] = ({"Host": "evil.test"}, {"Origin": "http://evil.test"}, {})
    replies = [ask(edge.control_port, "GET", "/_perfctl/faults", fields) for fields in headers]
    assert [reply.status for reply in replies] == [403, 403, 200]


def test_a_changed_distribution_is_deployed_in_time_and_used_at_once(
    edge: EdgeProcess, cloudfront: CloudFrontClient
) -> None:
    held = cloudfront.get_distribution_config(Id=DISTRIBUTION)
    before = held["DistributionConfig"]["DefaultRootObject"]
    held["DistributionConfig"]["DefaultRootObject"] = "assets/app.js"
    changed = cloudfront.update_distribution(
        Id=DISTRIBUTION, IfMatch=held["ETag"], DistributionConfig=held["DistributionConfig"]
    )
    assert (changed["Distribution"]["Status"], edge.get("/").headers["content-type"]) == (
        "InProgress",
        "application/javascript",
    )
    held["DistributionConfig"]["DefaultRootObject"] = before
    cloudfront.update_distribution(
        Id=DISTRIBUTION, IfMatch=changed["ETag"], DistributionConfig=held["DistributionConfig"]
    )
    edge.advance(31)
    assert cloudfront.get_distribution(Id=DISTRIBUTION)["Distribution"]["Status"] == "Deployed"


def test_additional_metrics_are_switched_on_and_off(edge: EdgeProcess, cloudfront: CloudFrontClient) -> None:
    cloudfront.create_monitoring_subscription(
        DistributionId=DISTRIBUTION,
        MonitoringSubscription={"RealtimeMetricsSubscriptionConfig": {"RealtimeMetricsSubscriptionStatus": "Enabled"}},
    )
    held = cloudfront.get_monitoring_subscription(DistributionId=DISTRIBUTION)["MonitoringSubscription"]
    assert held == {"RealtimeMetricsSubscriptionConfig": {"RealtimeMetricsSubscriptionStatus": "Enabled"}}
    cloudfront.delete_monitoring_subscription(DistributionId=DISTRIBUTION)
    with pytest.raises(cloudfront.exceptions.NoSuchMonitoringSubscription):
        cloudfront.get_monitoring_subscription(DistributionId=DISTRIBUTION)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_restart_keeps_what_was_accepted(tmp_path: Path, number: signal.Signals) -> None:
    with running(tmp_path) as first:
        cloudfront = client("cloudfront", first.endpoint)
        made = cloudfront.create_invalidation(DistributionId=DISTRIBUTION, InvalidationBatch=batch("kept", "/a"))
        etag = cloudfront.get_distribution(Id=DISTRIBUTION)["ETag"]
        os.kill(first.process.pid, number)
        first.process.wait(5)
    with running(tmp_path) as second:
        cloudfront = client("cloudfront", second.endpoint)
        held = cloudfront.get_invalidation(DistributionId=DISTRIBUTION, Id=made["Invalidation"]["Id"])
        assert held["Invalidation"]["InvalidationBatch"] == batch("kept", "/a")
        assert second.get("/img/1.jpg").status == 200
        assert cloudfront.get_distribution(Id=DISTRIBUTION)["ETag"] != etag  # its origin has a new port


def test_sigterm_ends_it_with_0_while_viewers_wait(tmp_path: Path) -> None:
    with running(tmp_path) as started:
        viewer = subprocess.Popen(
            [
                sys.executable,
                "-c",
                f"import urllib.request as u; u.urlopen('http://127.0.0.1:{started.edge_port}/slow?ms=30000')",
            ],
            stderr=subprocess.DEVNULL,
        )
        started.get("/img/1.jpg")
        started.process.terminate()
        assert started.process.wait(15) == 0
        viewer.wait(15)
    assert list((tmp_path / "logs").glob("*.gz"))


def test_a_port_that_is_taken_is_one_line(edge: EdgeProcess, tmp_path: Path) -> None:
    ports = [word for name in ("control", "edge", "origin") for word in (f"--{name}-port", str(edge.control_port))]
    folders = ["--state-dir", str(tmp_path), "--log-dir", str(tmp_path)]
    words = [*ports, *folders, "--distribution-id", "E1", "--access-key", KEY]
    ended = subprocess.run(
        [sys.executable, "-m", "perfctl.sandbox.edge", *words], capture_output=True, text=True, timeout=20, check=False
    )
    assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (1, "", 1)
    assert str(edge.control_port) in ended.stderr
