"""Secrets: references are looked up when they are needed, and no value is ever shown."""

from __future__ import annotations

import asyncio
import dataclasses
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from perfctl import credentials
from perfctl.config import CacheConfig, CDNConfig, DatabaseConfig, Secret
from perfctl.config.secret import SecretKind, redact_url, redacted, remember
from perfctl.credentials import Login, database_login, resolve, resolve_sync
from perfctl.errors import ConfigError
from tests.unit.config.conftest import Place


def test_a_variable_is_looked_up_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    for value in ("one-value", "another"):
        monkeypatch.setenv("CANARY", value)
        assert resolve_sync(Secret("env", "CANARY")) == value


def test_a_file_is_read_without_its_last_line_end(tmp_path: Path) -> None:
    path = tmp_path / "pw"
    path.write_bytes(b"  with blanks \r\n")
    assert resolve_sync(Secret("file", str(path))) == "  with blanks "


def test_a_program_is_run_without_a_shell() -> None:
    words = (sys.executable, "-c", "import sys; print(sys.argv[1])", "$HOME; echo")
    assert asyncio.run(resolve(Secret("command", words))) == "$HOME; echo"


def test_texts_and_none_are_what_they_are() -> None:
    assert asyncio.run(resolve(None)) is None
    assert resolve_sync("plain") == "plain"
    assert resolve_sync(Secret("literal", "value")) == "value"


@pytest.mark.parametrize(
    ("secret", "message"),
    [
        (Secret("env", "PERFCTL_TEST_UNSET", "f:1:2"), "the secret's variable PERFCTL_TEST_UNSET is not set"),
        (
            Secret("file", "/nonexistent/pw", "f:1:2"),
            "the secret's file /nonexistent/pw is missing, empty or not readable",
        ),
        (Secret("file", "/dev/zero", "f:1:2"), "the secret's file /dev/zero is missing, empty or not readable"),
        (
            Secret("command", ("/nonexistent/x",), "f:1:2"),
            "the secret's command failed: /nonexistent/x: No such file or directory",
        ),
        (Secret("command", ("false",), "f:1:2"), "the secret's command failed: false left with exit code 1"),
        (Secret("command", ("true",), "f:1:2"), "the secret's command failed: true wrote no text"),
        (Secret("rds_iam", "", "f:1:2"), "{rds_iam: true} needs the server and the user"),
        (Secret("elasticache_iam", "", "f:1:2"), "{elasticache_iam: true} needs the cache's name and a user"),
    ],
)
def test_what_cannot_be_had_names_the_place(secret: Secret, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        resolve_sync(secret, Login())
    assert (caught.value.message, caught.value.where) == (message, "f:1:2")


def test_a_program_that_fails_says_nothing_of_what_it_wrote() -> None:
    script = "import sys; print('canary-out'); print('canary-err', file=sys.stderr); sys.exit(3)"
    with pytest.raises(ConfigError) as caught:
        resolve_sync(Secret("command", (sys.executable, "-c", script)))
    assert "canary" not in str(caught.value)


def test_a_program_that_hangs_is_ended_with_its_children(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(credentials, "COMMAND_LIMIT_SECONDS", 0.3)
    started = time.monotonic()
    with pytest.raises(ConfigError, match=r"sh took longer than 0\.3 s"):
        resolve_sync(Secret("command", ("sh", "-c", "sleep 60 & sleep 60")))
    assert time.monotonic() - started < 30


def test_aws_is_asked_with_the_login(monkeypatch: pytest.MonkeyPatch) -> None:
    from perfctl import aws

    asked: list[object] = []

    def asks(answer: str) -> Callable[..., str]:
        def ask(*words: object, **access: object) -> str:
            asked.append((words, access))
            return answer

        return ask

    for name, answer in (("secret_value", "sv"), ("rds_token", "rds"), ("elasticache_token", "ec")):
        monkeypatch.setattr(aws, name, asks(answer))
    login = Login(host="h", port=1, username="u", elasticache_name="c", region="r", profile="p", role_arn="a")
    access = {"region": "r", "profile": "p", "role_arn": "a"}
    kinds: tuple[SecretKind, ...] = ("aws_secret", "rds_iam", "elasticache_iam")
    assert [resolve_sync(Secret(kind, "arn#k"), login) for kind in kinds] == ["sv", "rds", "ec"]
    assert asked == [
        (("arn",), {"key": "k", **access}),
        (("h", 1, "u"), access),
        (("c", "u"), {"serverless": False, **access}),
    ]


@pytest.mark.parametrize(
    "config",
    [
        DatabaseConfig(host="h.rds", port=6, username="u", role_arn="a"),
        DatabaseConfig(dsn="postgresql://u@h.rds:6/x", role_arn="a"),
        DatabaseConfig(dsn="postgresql://h.rds:6,other:7/x", username="u", role_arn="a"),
    ],
)
def test_a_token_is_made_for_the_server_and_the_user(config: DatabaseConfig) -> None:
    assert database_login(config) == Login(host="h.rds", port=6, username="u", role_arn="a")


def test_what_was_resolved_is_blanked_in_every_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CANARY", "p@ss wörd/\"quoted'")
    value = str(resolve_sync(Secret("env", "CANARY")))
    texts = [value, f"x{value}y", repr(value), "p%40ss%20w%C3%B6rd%2F%22quoted%27", '"p@ss w\\u00f6rd/\\"quoted\'"']
    assert [redacted(text) for text in texts] == ["***", "x***y", "'***'", "***", '"***"']


def test_a_short_secret_is_blanked_as_a_word_only() -> None:
    remember("abc")
    assert redacted("abc abcd xabc (abc)") == "*** abcd xabc (***)"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://:canary@h", "redis://:***@h"),
        ("redis://u:can@ry/with#all?@h:1/0", "redis://u:***@h:1/0"),
        ("postgresql://h/x?password=canary&sslmode=require", "postgresql://h/x?password=***&sslmode=require"),
        ("host=h password='can ary' user=u", "host=h password=*** user=u"),
        ("u:canary@h", "u:***@h"),
        ("https://h/path", "https://h/path"),
        ("", ""),
    ],
)
def test_the_password_of_a_url_is_never_shown(url: str, shown: str) -> None:
    assert redact_url(url) == shown


def test_no_configuration_shows_a_secret_in_its_repr() -> None:
    configs = (
        CacheConfig(
            redis_url="redis://:canary@h",
            redis_password="canary",
            encryption_key="canary",
            replica_urls=("redis://:canary@h",),
        ),
        CDNConfig(access_key_id="AK", secret_access_key="canary"),
        DatabaseConfig(
            dsn="postgresql://u:canary@h", password=Secret("literal", "canary"), replica_dsns=("x:canary@h",)
        ),
    )
    assert "canary" not in repr(configs) + str(configs)
    assert "canary" not in f"{Secret('literal', 'canary')} {Secret('literal', 'canary')!r}"


def test_a_secret_in_the_open_is_accepted_with_a_warning_that_names_its_line(place: Place) -> None:
    settings = place.user("database:\n  host: h\n  password: canary\n").load()
    assert resolve_sync(settings.database.password) == "canary"
    assert settings.warnings == (
        f"{place.user_file}:3:13: database.password holds a secret in the open;"
        " write a reference such as {env: NAME} or {file: PATH}",
    )


def test_only_the_chosen_context_warns(place: Place) -> None:
    place.user("contexts: {a: {database: {host: h, password: canary}}, b: {database: {host: h}}}")
    assert (len(place.load("a").warnings), place.load("b").warnings) == (1, ())


def test_a_secret_file_that_others_may_read_is_said(place: Place) -> None:
    path = place.home / "pw"
    path.write_text("x")
    path.chmod(0o644)
    place.user(f"database: {{host: h, password: {{file: {path}}}}}")
    assert place.load().warnings == (
        f"{place.user_file}:1:38: database.password: others may read {path}; chmod 600 {path}",
    )
    path.chmod(0o400)
    assert place.load().warnings == ()


def test_a_secret_survives_being_copied() -> None:
    secret = Secret("env", "X", "f:1:1")
    assert dataclasses.replace(secret, where=None) == Secret("env", "X")
