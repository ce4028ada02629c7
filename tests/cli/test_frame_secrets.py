"""Twenty kinds of secret, given in every way that perfctl takes one: not a byte of them in any output."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.cli.conftest import Started
from tests.cli.frame import invoke

SECRETS = {
    "DB_PASSWORD": "canary-db-password-1",
    "REDIS_PASSWORD": "canary redis pass word 2",
    "PGPASSWORD": "canary'quote\"3",
    "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG/canary4",
    "AWS_SESSION_TOKEN": "IQoJb3JpZ2luX2VjECanary5==",
    "PERFCTL_API_TOKEN": "canary-api-token-6",
    "DATABASE_URL": "postgresql://app:canary-url-7@127.0.0.1:1/app",
    "REDIS_URL": "redis://:canary-url-8@127.0.0.1:1/0",
    "PERFCTL_CACHE__ENCRYPTION_KEY": "canary-key-9",
    "PERFCTL_DATABASE__PASSWORD": "canary-nested-10",
}
"""In the environment; a URL's secret is its password."""

ON_THE_LINE = {
    "--dsn": (
        "postgresql://app:canary-dsn-11@127.0.0.1:1/app",
        "host=db password=canary-dsn-12",
        "postgresql://u@h/db?password=canary-13",
    ),
    "--redis-url": ("redis://:canary-redis-14@h", "rediss://app:canary-redis-15@h:6380/0"),
    "--context": ("redis://:canary-context-16@h",),
    "--lock": ("redis://:canary-lock-17@h",),
    "--config": ("redis://:canary-config-18@h",),
}
"""Given by mistake where everybody can read them: refused, or used, but never repeated."""

IN_A_BUG = ("redis://app:canary-bug-19@h", "connection to host=h password=canary-bug-20 failed")

LINES = [
    ("health",),
    ("db", "slow"),
    ("db", "doctor"),
    ("cache", "stats"),
    ("cache", "doctor"),
    ("config", "show"),
    ("config", "validate"),
    ("metrics", "show"),
    ("frame", "crash", "boom"),
    ("nonsense",),
]


def canaries() -> list[str]:
    """Each secret, and the forms in which it may be quoted."""
    from json import dumps
    from urllib.parse import quote

    bare = [_password(value) for value in SECRETS.values()]
    return [form for value in bare for form in {value, quote(value, safe=""), dumps(value)[1:-1], repr(value)[1:-1]}]


def _password(value: str) -> str:
    return value.partition("://")[2].partition("@")[0].rpartition(":")[2] if "://" in value else value


def everything(state: Path) -> str:
    """What all crash files say."""
    return "".join(file.read_text() for file in state.rglob("*") if file.is_file())


FLAGS = (
    [(), ("--debug",), ("-vv", "-o", "json"), ("--cron",)] if os.environ.get("PERFCTL_SOAK") else [("-vv", "--debug")]
)


@pytest.mark.parametrize("flags", FLAGS, ids=" ".join)
@pytest.mark.parametrize("words", LINES, ids=" ".join)
def test_no_secret_of_the_environment_is_in_any_output(
    words: tuple[str, ...], flags: tuple[str, ...], start: Started, tmp_path: Path
) -> None:
    environ = {**SECRETS, "DB_HOST": "127.0.0.1", "DB_PORT": "1", "REDIS_HOST": "127.0.0.1", "REDIS_PORT": "1"}
    run = start(*words, *flags, "--timeout", "500ms", "--deadline", "20s", env=environ)
    said = "".join(run.communicate(timeout=60)) + everything(tmp_path / "state")
    assert [canary for canary in canaries() if canary in said] == []


@pytest.mark.parametrize("flag", ON_THE_LINE)
@pytest.mark.parametrize("more", [(), ("--debug",), ("-o", "json"), ("--limt",)], ids=" ".join)
def test_no_secret_of_the_line_is_repeated(
    flag: str, more: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PERFCTL_STATE_DIR", str(tmp_path / "state"))
    for value in ON_THE_LINE[flag]:
        for line in ((flag, value), (f"{flag}={value}",), (value,)):
            outcome = invoke("frame", "rows", "1", *line, *more)
            said = outcome.out + outcome.err + everything(tmp_path / "state")
            assert "canary" not in said, (line, said)


def test_a_password_is_blanked_even_where_a_message_quotes_its_url_in_another_form() -> None:
    outcome = invoke("frame", "fail", "UsageError", "redis://u:canary@h")
    assert "canary" not in outcome.err
    outcome = invoke("cache", "preload", "redis://u:canary@h", "--redis-url", "redis://127.0.0.1:1")
    assert outcome.err.startswith("error: cannot read redis:/u:***@h")


@pytest.mark.parametrize("message", IN_A_BUG)
@pytest.mark.parametrize("flags", [(), ("--debug",), ("-o", "json")], ids=" ".join)
def test_no_secret_of_a_bug_is_in_an_output_or_a_crash_file(
    message: str, flags: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PERFCTL_STATE_DIR", str(tmp_path / "state"))
    outcome = invoke("frame", "crash", message, *flags)
    assert outcome.code == 70
    assert "canary" not in outcome.out + outcome.err + everything(tmp_path / "state")


def test_there_are_twenty_kinds() -> None:
    assert len(SECRETS) + sum(map(len, ON_THE_LINE.values())) + len(IN_A_BUG) == 20
