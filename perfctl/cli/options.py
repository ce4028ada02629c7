"""The options that every command knows, before or after its words; known here without the parser."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

OUTPUTS = ("auto", "table", "plain", "json", "ndjson", "csv")
COLOURS = ("auto", "always", "never")
LOG_FORMATS = ("text", "json")


class Option(NamedTuple):
    """One global option; without a metavar it is a flag."""

    flags: tuple[str, ...]
    help: str
    metavar: str | None = None
    counts: bool = False
    repeats: bool = False
    accepts: tuple[str, ...] = ()
    """The only values that it takes; none: any."""


OPTIONS: Mapping[str, Option] = {
    "context": Option(("-c", "--context"), "The context of the configuration to work in.", "NAME"),
    "config": Option(("--config",), "A configuration file, over those that are found.", "FILE"),
    "dsn": Option(("--dsn",), "The database to work on, without a password.", "URL"),
    "redis_url": Option(("--redis-url",), "The Redis to work on, without a password.", "URL"),
    "distribution": Option(("--distribution",), "The CloudFront distribution to work on.", "ID"),
    "output": Option(("-o", "--output"), f"One of {', '.join(OUTPUTS)}.", "FORMAT", accepts=OUTPUTS),
    "limit": Option(("--limit",), "Show at most so many rows; 0 shows all.", "N"),
    "color": Option(("--color",), f"One of {', '.join(COLOURS)}.", "WHEN", accepts=COLOURS),
    "quiet": Option(("-q", "--quiet"), "Nothing on stderr but errors."),
    "verbose": Option(("-v", "--verbose"), "More on stderr; -vv for every server call.", counts=True),
    "log_format": Option(
        ("--log-format",), f"One of {', '.join(LOG_FORMATS)}, for stderr.", "FORMAT", accepts=LOG_FORMATS
    ),
    "timeout": Option(("--timeout",), "The limit of each server call, such as 200ms or 5s.", "DURATION"),
    "yes": Option(("-y", "--yes"), "Confirm what destroys."),
    "no_input": Option(("--no-input",), "Never ask."),
    "debug": Option(("--debug",), "Show where an error came from, secrets left out."),
    "cron": Option(("--cron",), "Quiet on success, plain, no input, one run at a time; a failure is one line."),
    "lock": Option(("--lock",), "Run only when no other run holds this lock; redis:NAME across hosts.", "NAME"),
    "jitter": Option(("--jitter",), "Start after a random pause up to this.", "DURATION"),
    "deadline": Option(("--deadline",), "The limit of the whole run.", "DURATION"),
    "ci": Option(("--ci",), "Report checks to a CI: github, junit:FILE or sarif:FILE.", "TARGET", repeats=True),
}

BY_FLAG: Mapping[str, str] = {flag: name for name, option in OPTIONS.items() for flag in option.flags}


def option_rows() -> list[tuple[str, str]]:
    """Flags and help of each option, for the page that lists them."""
    return [
        (", ".join(option.flags) + (f" {option.metavar}" if option.metavar else ""), option.help)
        for option in OPTIONS.values()
    ]


def glimpse(argv: Sequence[str]) -> dict[str, str]:
    """The global options that stand on a line, read leniently: for an error that came before they were parsed.

    >>> glimpse(["cache", "get", "k", "-qojson", "--context=prod"])
    {'quiet': '', 'output': 'json', 'context': 'prod'}
    """
    words = iter(argv)
    seen: dict[str, str] = {}
    for word in words:
        if word == "--":
            break
        if word.startswith("--"):
            flag, attached, value = word.partition("=")
            _note(seen, flag, value if attached else None, words)
        elif word.startswith("-"):
            _short(seen, word, words)
    return seen


def _short(seen: dict[str, str], word: str, words: Iterator[str]) -> None:
    for position, letter in enumerate(word[1:], start=2):
        name = BY_FLAG.get(f"-{letter}")
        if name is None:
            return
        if OPTIONS[name].metavar:
            _note(seen, f"-{letter}", word[position:] or None, words)
            return
        seen[name] = ""


def _note(seen: dict[str, str], flag: str, value: str | None, words: Iterator[str]) -> None:
    name = BY_FLAG.get(flag)
    if name is None:
        return
    if OPTIONS[name].metavar and value is None:
        value = next(words, None)
        if value is None:
            return
    seen[name] = value or ""
