"""A secret in each place where one can stand is in no output: not shown, not in an error, a warning or a repr."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from perfctl.config import load_settings
from perfctl.config.answers import effective_settings, validate
from perfctl.document.envelope import Output
from perfctl.errors import PerfctlError
from perfctl.render.show import show
from tests.conftest import Perfctl

CANARY = "c4n4ry-S3cret"
OUTPUTS: tuple[Output, ...] = ("table", "plain", "json", "ndjson", "csv")


@dataclass(frozen=True)
class Hidden:
    """Where the canary stands."""

    user: str = ""
    env: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)


KINDS = {
    "database.password in the open": Hidden("database: {host: h, password: CANARY}"),
    "redis_password in the open": Hidden("cache: {redis_host: h, redis_password: CANARY}"),
    "dsn": Hidden("database: {dsn: 'postgresql://u:CANARY@h/x'}"),
    "dsn, in its query": Hidden("database: {dsn: 'postgresql://h/x?password=CANARY'}"),
    "redis_url": Hidden("cache: {redis_url: 'redis://:CANARY@h/0'}"),
    "replica_urls": Hidden("cache: {redis_host: h, replica_urls: ['redis://u:CANARY@h']}"),
    "replica_dsns": Hidden("database: {host: h, replica_dsns: ['postgresql://u:CANARY@h/x']}"),
    "encryption_key": Hidden("cache: {encryption_key: CANARY}"),
    "secret_access_key": Hidden("cdn: {access_key_id: AK, secret_access_key: CANARY}"),
    "api.token": Hidden("api: {token: CANARY}"),
    "api.tokens": Hidden("api: {tokens: [{name: ci, token: CANARY}]}"),
    "DB_PASSWORD": Hidden(env={"DB_HOST": "h", "DB_PASSWORD": CANARY}),
    "REDIS_PASSWORD": Hidden(env={"REDIS_HOST": "h", "REDIS_PASSWORD": CANARY}),
    "PERFCTL_API_TOKEN": Hidden(env={"PERFCTL_API_TOKEN": CANARY}),
    "PERFCTL_CACHE__REDIS_URL": Hidden(env={"PERFCTL_CACHE__REDIS_URL": f"redis://:{CANARY}@h"}),
    "DATABASE_URL": Hidden(env={"DATABASE_URL": f"postgresql://u:{CANARY}@h/x"}),
    "DATABASE_URL of another server": Hidden(env={"DATABASE_URL": f"mysql://u:{CANARY}@h/x"}),
    "REDIS_URL": Hidden(env={"REDIS_URL": f"rediss://:{CANARY}@h"}),
    "REDIS_URL that is none": Hidden(env={"REDIS_URL": f"redis//:{CANARY}@h"}),
    "PGPASSWORD": Hidden(env={"PGHOST": "h", "PGPASSWORD": CANARY}),
    ".pgpass": Hidden(env={"PGHOST": "h"}, files={".pgpass": f"*:*:*:*:{CANARY}\n"}),
    "service file": Hidden(env={"PGSERVICE": "s"}, files={".pg_service.conf": f"[s]\nhost=h\npassword={CANARY}\n"}),
    "secret file": Hidden("database: {host: h, password: {file: HOME/pw}}", files={"pw": CANARY}),
    "program": Hidden("database: {host: h, password: {command: [echo, CANARY]}}"),
    "duplicate key": Hidden("database:\n  password: CANARY\n  password: CANARY"),
    "misspelt key": Hidden("database: {pasword: CANARY}"),
    "list": Hidden("database: {password: [CANARY]}"),
    "mapping": Hidden("database: {password: {CANARY: x}}"),
    "set": Hidden("database: {password: {CANARY}}"),
    "tag": Hidden("database: {password: !CANARY x}"),
    "alias": Hidden("database: {password: *CANARY}"),
    "directive": Hidden("database:\n  password: %CANARY"),
    "open quote": Hidden("database:\n  password: 'CANARY"),
    "open bracket": Hidden("database: {password: {env: CANARY"),
    "tab": Hidden("database:\n\tpassword: CANARY"),
    "host with a password": Hidden("database: {host: 'postgresql://u:CANARY@h/x'}"),
    "url with a blank": Hidden("cache: {redis_url: 'redis://:CANARY x@h'}"),
    "url with a bad port": Hidden("cache: {redis_url: 'redis://:CANARY@h:99999'}"),
    "url of another kind": Hidden("cache: {redis_url: 'memcached://u:CANARY@h'}"),
    "list in place of a url": Hidden("cache: {redis_url: ['redis://u:CANARY@h']}"),
    "endpoint": Hidden("cdn: {endpoint_url: 'http://u:CANARY@h'}"),
}


def _prepare(hidden: Hidden, home: Path) -> dict[str, str]:
    folder = home / ".config" / "perfctl"
    folder.mkdir(parents=True)
    if hidden.user:
        text = hidden.user.replace("CANARY", CANARY).replace("HOME", str(home))
        (folder / "config.yaml").write_text(text + "\n")
    for name, content in hidden.files.items():
        path = home / name
        path.write_text(content)
        path.chmod(0o600)
    return {"HOME": str(home), **hidden.env}


@pytest.mark.parametrize("kind", KINDS)
def test_a_canary_is_in_no_output(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    environ = _prepare(KINDS[kind], tmp_path / "home")
    for name in ("DATABASE_URL", "REDIS_URL", "PGPASSWORD", "PGSERVICE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    said = "\n".join(_everything_said())
    assert CANARY not in said
    assert len(said) > 50


def _everything_said() -> list[str]:
    """Every text that the configuration can produce here."""
    try:
        settings = load_settings()
        answer = effective_settings(settings, config_file=None, with_origin=True)
        checked, warnings = validate((), context=None, config_file=None)
    except PerfctlError as error:
        return [str(error), repr(error), error.message, str(error.hint), str(error.where)]
    shown = [
        show(result, words=("config", "show"), output=output, context="c", limit=None, took_ms=1.0, warnings=warnings)
        for output in OUTPUTS
        for result in (answer, checked)
    ]
    fields = [repr(getattr(settings, each.name)) for each in dataclasses.fields(settings)]
    return [*shown, repr(settings), str(settings), *fields, *settings.warnings, *warnings]


@pytest.mark.parametrize(
    "kind", ["dsn", "redis_url", "database.password in the open", "open quote", "REDIS_URL that is none"]
)
def test_a_canary_is_in_no_output_of_the_process(kind: str, tmp_path: Path, perfctl: Perfctl) -> None:
    environ = _prepare(KINDS[kind], tmp_path / "of-the-canary")
    for words in (["config", "show", "--origin"], ["config", "show", "-o", "json"], ["config", "validate", "--debug"]):
        ended = perfctl(*words, env=environ)
        assert ended.returncode in (0, 3)
        assert CANARY not in ended.stdout + ended.stderr


def test_a_password_on_the_command_line_is_refused_and_not_repeated(perfctl: Perfctl) -> None:
    for words in (["--dsn", f"postgresql://u:{CANARY}@h/x"], ["--redis-url", f"redis://:{CANARY}@h"]):
        ended = perfctl("config", "show", "-o", "json", *words)
        assert (ended.returncode, ended.stdout) == (2, "")
        assert json.loads(ended.stderr)["error"]["where"] == words[0]
        assert CANARY not in ended.stderr


def test_a_hostile_project_file_runs_nothing(tmp_path: Path, perfctl: Perfctl) -> None:
    (tmp_path / "perfctl.yaml").write_text("database: {host: h, password: {command: [touch, OWNED]}}\n")
    for words in (["config", "show"], ["config", "validate"], ["health"], ["db", "slow"], ["cache", "stats"]):
        ended = perfctl(*words)
        assert ended.returncode == 3, ended.stderr
        assert f"{tmp_path}/perfctl.yaml:1:41" in ended.stderr
    assert not (tmp_path / "OWNED").exists()
