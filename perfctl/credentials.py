"""A secret's value, looked up at each new connection: variables, files, programs, AWS."""

from __future__ import annotations

import contextlib
import os
import signal
from dataclasses import dataclass
from typing import TYPE_CHECKING

from perfctl.config.reference import peek, without_newline
from perfctl.config.secret import Secret, remember
from perfctl.config.settings import DatabaseConfig, hosts_of
from perfctl.errors import ConfigError

if TYPE_CHECKING:
    from subprocess import Popen

COMMAND_LIMIT_SECONDS = 5.0
_OUTPUT_LIMIT = 64 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """What a token is made for: the server, the user, and which AWS account asks."""

    host: str | None = None
    port: int | None = None
    username: str | None = None
    elasticache_name: str | None = None
    elasticache_serverless: bool = False
    region: str | None = None
    profile: str | None = None
    role_arn: str | None = None


def database_login(config: DatabaseConfig) -> Login:
    """What a token for this server is made for: host, port and user of the fields or of the DSN."""
    host, port, username = config.host, config.port, config.username
    if config.dsn:
        from urllib.parse import unquote, urlsplit

        parts = urlsplit(config.dsn)
        place = parts.netloc.rpartition("@")[2].partition(",")[0].rpartition(":")[2]
        host = next(iter(hosts_of(config.dsn)), None)
        port = int(place) if place.isdigit() else port
        username = unquote(parts.username or "") or username
    return Login(
        host=host,
        port=port,
        username=username,
        region=config.region,
        profile=config.profile,
        role_arn=config.role_arn,
    )


async def resolve(secret: Secret | str | None, login: Login | None = None) -> str | None:
    """The value now; None where there is no secret. Programs and AWS are asked beside the event loop.

    ConfigError where a variable is unset, a file missing, a program failing: it names the place, never the value.
    """
    if not isinstance(secret, Secret) or secret.kind in ("literal", "env", "file"):
        return resolve_sync(secret, login)
    import asyncio

    return await asyncio.to_thread(resolve_sync, secret, login)


def resolve_sync(secret: Secret | str | None, login: Login | None = None) -> str | None:
    """The same for callers without an event loop; a program may take up to 5 s."""
    if secret is None:
        return None
    value = secret if isinstance(secret, str) else _value(secret, login or Login())
    remember(value)
    return value


def _value(secret: Secret, login: Login) -> str:
    if secret.kind == "command":
        return _output(secret)
    if secret.kind in ("literal", "env", "file"):
        value = peek(secret, os.environ)
        return value if value is not None else _missing(secret)
    return _from_aws(secret, login)


def _missing(secret: Secret) -> str:
    if secret.kind == "env":
        raise ConfigError(
            f"the secret's variable {secret.target} is not set", hint=f"export {secret.target}", where=secret.where
        )
    raise ConfigError(
        f"the secret's file {secret.target} is missing, empty or not readable",
        hint="write the secret into it, and chmod 600",
        where=secret.where,
    )


def _output(secret: Secret) -> str:
    """The first output of a program, without its last line end; what it says on stderr is dropped."""
    import subprocess

    program = secret.target[0]
    try:
        process = subprocess.Popen(  # noqa: S603 - the user's own configuration names it
            secret.target,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "it cannot be started"
        raise _failed(secret, f"{program}: {reason}") from None
    try:
        output, _ = process.communicate(timeout=COMMAND_LIMIT_SECONDS)
    except subprocess.TimeoutExpired:
        raise _failed(secret, f"{program} took longer than {COMMAND_LIMIT_SECONDS:g} s") from None
    finally:
        _end(process)
    if process.returncode != 0:
        raise _failed(secret, f"{program} left with exit code {process.returncode}")
    return _text(secret, output)


def _text(secret: Secret, output: bytes) -> str:
    try:
        text = without_newline(output.decode()) if len(output) <= _OUTPUT_LIMIT else ""
    except UnicodeDecodeError:
        text = ""
    if not text:
        raise _failed(secret, f"{secret.target[0]} wrote no text")
    return text


def _end(process: Popen[bytes]) -> None:
    """End the program and those that it started, and let go of its output."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    if process.stdout:
        process.stdout.close()
    process.wait()


def _failed(secret: Secret, reason: str) -> ConfigError:
    return ConfigError(
        f"the secret's command failed: {reason}", hint="run it by hand in a terminal", where=secret.where
    )


def _from_aws(secret: Secret, login: Login) -> str:
    from perfctl import aws

    access = {"region": login.region, "profile": login.profile, "role_arn": login.role_arn}
    if secret.kind == "aws_secret":
        arn, _, key = str(secret.target).partition("#")
        return aws.secret_value(arn, key=key or None, **access)
    if secret.kind == "rds_iam":
        if not login.host or not login.username:
            raise ConfigError("{rds_iam: true} needs the server and the user", where=secret.where)
        return aws.rds_token(login.host, login.port or 5432, login.username, **access)
    if not login.elasticache_name or not login.username:
        raise ConfigError("{elasticache_iam: true} needs the cache's name and a user", where=secret.where)
    return aws.elasticache_token(
        login.elasticache_name, login.username, serverless=login.elasticache_serverless, **access
    )
