"""What the caller chose for the whole run: the global options, checked and in their types."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any, NamedTuple

from perfctl.cli.options import OPTIONS
from perfctl.errors import UsageError
from perfctl.units import parse_duration

KEY = "perfctl.options"
"""Where the parser leaves what was said, in the `meta` that all of a line's contexts share."""

REDIS_PREFIX = "redis:"
"""What a lock's name begins with that holds across hosts."""

MAX_LIMIT = 10**9
MAX_SECONDS = 366 * 86400.0


class GlobalOptions(NamedTuple):
    """What the caller said once for the whole run; None where nothing was said."""

    context: str | None = None
    config: str | None = None
    dsn: str | None = None
    redis_url: str | None = None
    distribution: str | None = None
    output: str = "auto"
    limit: int | None = None
    color: str = "auto"
    quiet: bool = False
    verbose: int = 0
    log_format: str = "text"
    timeout_seconds: float | None = None
    yes: bool = False
    no_input: bool = False
    debug: bool = False
    cron: bool = False
    lock: str | None = None
    jitter_seconds: float | None = None
    deadline_seconds: float | None = None
    ci: tuple[str, ...] = ()

    @property
    def holds_warnings(self) -> bool:
        """Whether warnings wait for the end, so that stderr holds one document where the run fails."""
        return self.output == "json" and self.log_format == "text"


def collected(ctx: Any) -> GlobalOptions:
    """What was said on the whole line, checked. UsageError names the flag."""
    return checked(ctx.meta.get(KEY, {}))


def checked(said: Mapping[str, Any]) -> GlobalOptions:
    """The options in their types; UsageError with the flag, the value and what is accepted."""
    for name, value in said.items():
        _usable(name, value)
    return GlobalOptions(
        context=_without_password("--context", said.get("context")),
        config=said.get("config"),
        dsn=_without_password("--dsn", said.get("dsn")),
        redis_url=_without_password("--redis-url", said.get("redis_url")),
        distribution=_without_password("--distribution", said.get("distribution")),
        output=_one_of("output", said.get("output", "auto")),
        limit=_limit(said.get("limit")),
        color=_one_of("color", said.get("color", "auto")),
        quiet=bool(said.get("quiet")),
        verbose=int(said.get("verbose", 0)),
        log_format=_one_of("log_format", said.get("log_format", "text")),
        timeout_seconds=_duration("--timeout", said.get("timeout")),
        yes=bool(said.get("yes")),
        no_input=bool(said.get("no_input")),
        debug=bool(said.get("debug")),
        cron=bool(said.get("cron")),
        lock=_lock(_without_password("--lock", said.get("lock"))),
        jitter_seconds=_duration("--jitter", said.get("jitter"), least=0),
        deadline_seconds=_duration("--deadline", said.get("deadline")),
        ci=tuple(_ci_target(target) for target in said.get("ci", ())),
    )


def _usable(name: str, value: Any) -> None:
    """Refuse an empty value and one with control characters, whatever the option."""
    flag = OPTIONS[name].flags[-1]
    for text in value if isinstance(value, tuple) else (value,):
        if not isinstance(text, str):
            continue
        if not text.strip():
            raise UsageError(f"{flag}: the value is empty", hint=OPTIONS[name].help, where=flag)
        if not text.isprintable():
            raise UsageError(f"{flag}: {text!r} has a character that is not printable", where=flag)


def _one_of(name: str, value: str) -> str:
    accepted, flag = OPTIONS[name].accepts, OPTIONS[name].flags[-1]
    if value in accepted:
        return value
    near = get_close_matches(value, accepted, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"it is one of {', '.join(accepted)}"
    raise UsageError(f"{flag}: {value!r} is not one of {', '.join(accepted)}", hint=hint, where=flag)


def _limit(value: str | None) -> int | None:
    if value is None:
        return None
    if not value.isascii() or not value.isdigit() or len(value) > 10 or int(value) > MAX_LIMIT:
        raise UsageError(
            f"--limit: {value[:40]!r} is not a number of rows",
            hint=f"0 shows all; at most {MAX_LIMIT}",
            where="--limit",
        )
    return int(value)


def _duration(flag: str, value: str | None, *, least: float = 0.001) -> float | None:
    if value is None:
        return None
    seconds = parse_duration(value, where=flag)
    if not least <= seconds <= MAX_SECONDS:
        raise UsageError(f"{flag}: {value[:40]!r} is out of range", hint="from 1ms to 366d", where=flag)
    return seconds


def _lock(value: str | None) -> str | None:
    name = value.removeprefix(REDIS_PREFIX) if value else None
    if name is not None and (not name or len(name) > 200):
        raise UsageError(
            "--lock: a name has 1 to 200 characters",
            hint="such as nightly-clear or redis:nightly-clear",
            where="--lock",
        )
    return value


def _ci_target(value: str) -> str:
    kind, _, file = value.partition(":")
    if value == "github" or (kind in ("junit", "sarif") and file):
        return value
    raise UsageError(f"--ci: {value!r} is no report", hint="github, junit:FILE or sarif:FILE", where="--ci")


def _without_password(flag: str, value: str | None) -> str | None:
    """A command line is readable by every user of the machine, so a password in it is refused, and not repeated."""
    if value is None:
        return None
    from perfctl.config.secret import has_password

    if has_password(value):
        raise UsageError(
            f"{flag}: a password on the command line can be read by everybody on this machine",
            hint="leave it out, and put a reference ({env}, {file}, {command}) into the configuration",
            where=flag,
        )
    return value
