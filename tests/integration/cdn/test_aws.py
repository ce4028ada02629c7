"""Profiles, roles, secrets and tokens against a look-alike of AWS that runs on this machine."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from perfctl import aws
from perfctl.aws import AwsAccess
from perfctl.errors import AuthError, ConfigError, PerfctlError, ServiceError, TimedOutError, UnreachableError

ACCESS = AwsAccess(
    region="us-east-1", access_key_id="test", secret_access_key="canary-of-aws", timeout_seconds=10, attempts=2
)


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("ministack")
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    settings = {
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "IOT_MTLS_ENABLED": "0",
        "STATE_DIR": str(folder / "state"),
        "S3_DATA_DIR": str(folder / "s3"),
        "TMPDIR": str(folder),
        "HOME": str(folder),
        "DOCKER_HOST": f"unix://{folder}/no-docker.sock",
    }
    process = subprocess.Popen(
        [str(Path(sys.executable).with_name("ministack"))],
        env={**os.environ, **settings},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait(f"http://127.0.0.1:{port}", process)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait(timeout=10)


def _wait(url: str, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.1)
    raise AssertionError("ministack did not start")


@pytest.fixture(autouse=True)
def environment(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No credentials but those of the test, and no way out to AWS."""
    for name in list(os.environ):
        if name.startswith("AWS_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "canary-of-aws")
    if "endpoint" in request.fixturenames:
        monkeypatch.setenv("AWS_ENDPOINT_URL", request.getfixturevalue("endpoint"))


def test_the_caller_is_known(endpoint: str) -> None:
    assert aws.caller_identity(ACCESS).account == "000000000000"


def test_a_role_is_taken_on(endpoint: str) -> None:
    access = replace(ACCESS, role_arn="arn:aws:iam::000000000000:role/deploy")
    assert aws.caller_identity(access).arn == "arn:aws:sts::000000000000:assumed-role/deploy/perfctl"


def test_a_profile_of_the_users_file_is_used(endpoint: str, tmp_path: Path) -> None:
    folder = tmp_path / ".aws"
    folder.mkdir()
    (folder / "config").write_text("[profile prod]\nregion = eu-west-1\n")
    (folder / "credentials").write_text("[prod]\naws_access_key_id = other\naws_secret_access_key = x\n")
    made = aws.client("sts", AwsAccess(profile="prod"))
    assert made.meta.region_name == "eu-west-1"
    assert made._request_signer._credentials.access_key == "other"


def test_a_secret_is_read_whole_or_by_key(endpoint: str) -> None:
    made = aws.client("secretsmanager", ACCESS).create_secret(Name="db", SecretString='{"password": "p", "port": 5432}')
    assert aws.secret_value(made["ARN"]) == '{"password": "p", "port": 5432}'
    assert aws.secret_value(made["ARN"], key="password") == "p"
    with pytest.raises(ConfigError, match="has no key 'nope'"):
        aws.secret_value(made["ARN"], key="nope")


def test_a_secret_that_does_not_exist_is_a_configuration_error(endpoint: str) -> None:
    with pytest.raises(ConfigError, match="ResourceNotFoundException"):
        aws.secret_value("arn:aws:secretsmanager:eu-west-1:000000000000:secret:none")


def test_a_database_token_is_signed_for_the_region_of_the_host() -> None:
    token = aws.rds_token("db.abc.eu-west-1.rds.amazonaws.com", 5432, "app")
    fields = parse_qs(urlsplit("https://" + token).query)
    assert token.startswith("db.abc.eu-west-1.rds.amazonaws.com:5432/?")
    assert (fields["Action"], fields["DBUser"]) == (["connect"], ["app"])
    assert "/eu-west-1/rds-db/" in fields["X-Amz-Credential"][0]


def test_a_cache_token_names_the_cache_and_the_user() -> None:
    token = aws.elasticache_token("quotes", "app user", serverless=True, region="eu-west-1")
    fields = parse_qs(urlsplit("http://" + token).query)
    assert token.startswith("quotes/?")
    assert (fields["User"], fields["ResourceType"]) == (["app user"], ["ServerlessCache"])
    assert fields["X-Amz-Expires"] == ["900"]
    assert "ResourceType" not in aws.elasticache_token("quotes", "app", region="eu-west-1")


def test_without_credentials_it_says_how_to_give_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(AuthError) as caught:
        aws.caller_identity(AwsAccess(region="us-east-1"))
    assert "AWS_ACCESS_KEY_ID" in str(caught.value.hint)


def test_an_unknown_profile_is_a_configuration_error() -> None:
    with pytest.raises(ConfigError, match="nope"):
        aws.caller_identity(AwsAccess(profile="nope"))


def test_an_endpoint_that_is_not_there_is_unreachable() -> None:
    with pytest.raises(UnreachableError):
        aws.caller_identity(replace(ACCESS, attempts=1), endpoint_url="http://127.0.0.1:1")


def test_an_endpoint_that_says_nothing_times_out() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        with pytest.raises(TimedOutError):
            aws.caller_identity(replace(ACCESS, attempts=1, timeout_seconds=0.2), endpoint_url=url)


@pytest.mark.parametrize(
    ("code", "status", "kind", "exit_code"),
    [
        ("AccessDenied", 403, AuthError, 4),
        ("ExpiredToken", 400, AuthError, 4),
        ("SignatureDoesNotMatch", 403, AuthError, 4),
        ("Whatever", 403, AuthError, 4),
        ("Throttling", 400, aws.ThrottledError, 9),
        ("Whatever", 429, aws.ThrottledError, 9),
        ("InternalError", 500, aws.UnavailableError, 9),
        ("InvalidArgument", 400, ServiceError, 9),
    ],
)
def test_each_answer_of_aws_has_its_kind(code: str, status: int, kind: type[PerfctlError], exit_code: int) -> None:
    from botocore.exceptions import ClientError

    meta = {"HTTPStatusCode": status, "RequestId": "r-1"}
    answer = {"Error": {"Code": code, "Message": "no"}, "ResponseMetadata": meta}
    with pytest.raises(kind) as caught, aws.translated("cloudfront get-distribution"):
        raise ClientError(answer, "GetDistribution")  # type: ignore[arg-type]
    assert caught.value.exit_code == exit_code
    assert caught.value.message == f"cloudfront get-distribution: {code}: no (request r-1)"


def test_the_secret_key_shows_itself_to_nobody() -> None:
    assert "canary-of-aws" not in repr(ACCESS)
