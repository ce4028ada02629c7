"""The options that every command knows, before or after its words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from typer.core import TyperOption

from perfctl.errors import UsageError
from perfctl.units import parse_duration

_KEY = "perfctl.options"

OUTPUTS = ("auto", "table", "plain", "json", "ndjson", "csv")
COLOURS = ("auto", "always", "never")
LOG_FORMATS = ("text", "json")


@dataclass(frozen=True, slots=True, kw_only=True)
class GlobalOptions:
    """What the caller said once for the whole run; None where nothing was said."""

    context: str | None = None
    config: str | None = None
    dsn: str | None = None
    redis_url: str | None = None
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


@dataclass(frozen=True, slots=True)
class _Option:
    flags: tuple[str, ...]
    help: str
    metavar: str | None = None
    counts: bool = False
    repeats: bool = False


_OPTIONS: Mapping[str, _Option] = {
    "context": _Option(("-c", "--context"), "The context of the configuration to work in.", "NAME"),
    "config": _Option(("--config",), "A configuration file, over those that are found.", "FILE"),
    "dsn": _Option(("--dsn",), "The database to work on, without a password.", "URL"),
    "redis_url": _Option(("--redis-url",), "The Redis to work on, without a password.", "URL"),
    "output": _Option(("-o", "--output"), f"One of {', '.join(OUTPUTS)}.", "FORMAT"),
    "limit": _Option(("--limit",), "Show at most so many rows; 0 shows all.", "N"),
    "color": _Option(("--color",), f"One of {', '.join(COLOURS)}.", "WHEN"),
    "quiet": _Option(("-q", "--quiet"), "Nothing on stderr but errors."),
    "verbose": _Option(("-v", "--verbose"), "More on stderr; -vv for every server call.", counts=True),
    "log_format": _Option(("--log-format",), f"One of {', '.join(LOG_FORMATS)}, for stderr.", "FORMAT"),
    "timeout": _Option(("--timeout",), "The limit of each server call, such as 200ms or 5s.", "DURATION"),
    "yes": _Option(("-y", "--yes"), "Confirm what destroys."),
    "no_input": _Option(("--no-input",), "Never ask."),
    "debug": _Option(("--debug",), "Show where an error came from, secrets left out."),
    "cron": _Option(("--cron",), "Quiet on success, plain, no input, one run at a time."),
    "lock": _Option(("--lock",), "Run only when no other run holds this lock; redis:NAME across hosts.", "NAME"),
    "jitter": _Option(("--jitter",), "Start after a random pause up to this.", "DURATION"),
    "deadline": _Option(("--deadline",), "The limit of the whole run.", "DURATION"),
    "ci": _Option(("--ci",), "Report to a CI: github, junit:FILE or sarif:FILE.", "TARGET", repeats=True),
}


def global_parameters(*, hidden: bool = True) -> list[TyperOption]:
    """The options as parameters of a command or group; what is given is remembered on the root."""
    return [_parameter(name, option, hidden=hidden) for name, option in _OPTIONS.items()]


def global_option_rows() -> list[tuple[str, str]]:
    """Flags and help of each option, for the page that lists them."""
    return [
        (", ".join(option.flags) + (f" {option.metavar}" if option.metavar else ""), option.help)
        for option in _OPTIONS.values()
    ]


def collected(ctx: Any) -> GlobalOptions:
    """What was said on the whole line, checked. UsageError names the flag."""
    return checked(ctx.meta.get(_KEY, {}))


def checked(said: Mapping[str, Any]) -> GlobalOptions:
    """The options in their types; UsageError with the flag, the value and what is accepted."""
    return GlobalOptions(
        context=said.get("context"),
        config=said.get("config"),
        dsn=said.get("dsn"),
        redis_url=said.get("redis_url"),
        output=_one_of("--output", said.get("output", "auto"), OUTPUTS),
        limit=_limit(said.get("limit")),
        color=_one_of("--color", said.get("color", "auto"), COLOURS),
        quiet=bool(said.get("quiet")),
        verbose=int(said.get("verbose", 0)),
        log_format=_one_of("--log-format", said.get("log_format", "text"), LOG_FORMATS),
        timeout_seconds=_duration("--timeout", said.get("timeout")),
        yes=bool(said.get("yes")),
        no_input=bool(said.get("no_input")),
        debug=bool(said.get("debug")),
        cron=bool(said.get("cron")),
        lock=said.get("lock"),
        jitter_seconds=_duration("--jitter", said.get("jitter")),
        deadline_seconds=_duration("--deadline", said.get("deadline")),
        ci=tuple(said.get("ci", ())),
    )


def _parameter(name: str, option: _Option, *, hidden: bool) -> TyperOption:
    is_flag = option.metavar is None and not option.counts
    return TyperOption(
        param_decls=[*option.flags, name],
        help=option.help,
        metavar=option.metavar,
        type=None if is_flag or option.counts else str,
        is_flag=is_flag or None,
        count=option.counts,
        multiple=option.repeats,
        default=False if is_flag else 0 if option.counts else None,
        expose_value=False,
        callback=_remember,
        hidden=hidden,
    )


def _remember(ctx: Any, param: Any, value: Any) -> Any:
    source = ctx.get_parameter_source(param.name)
    if source is not None and source.name == "COMMANDLINE":
        ctx.meta.setdefault(_KEY, {})[param.name] = value
    return value


def _one_of(flag: str, value: str, accepted: tuple[str, ...]) -> str:
    if value in accepted:
        return value
    near = get_close_matches(value, accepted, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"it is one of {', '.join(accepted)}"
    raise UsageError(f"{flag}: {value!r} is not one of {', '.join(accepted)}", hint=hint, where=flag)


def _limit(value: str | None) -> int | None:
    if value is None:
        return None
    if not value.isascii() or not value.isdigit():
        raise UsageError(f"--limit: {value!r} is not a number of rows", hint="0 shows all", where="--limit")
    return int(value)


def _duration(flag: str, value: str | None) -> float | None:
    return None if value is None else parse_duration(value, where=flag)
