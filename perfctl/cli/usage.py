"""What is wrong with a command line, in our words: the flag or word, and what may have been meant."""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any

from typer._click import exceptions

from perfctl.cli.entries import ENTRIES
from perfctl.errors import UsageError

MAX_ARGUMENT = 1_000_000


def refuse_unusable(argv: Sequence[str]) -> None:
    """Refuse what no command can use: a NUL, bytes that are no text. UsageError names the argument."""
    for position, word in enumerate(argv, start=1):
        if "\0" in word:
            raise UsageError(f"argument {position}: {word[:40]!r} holds a NUL", where=f"argument {position}")
        if not word.isascii() and any("\ud800" <= letter <= "\udfff" for letter in word):
            raise UsageError(
                f"argument {position}: {word[:40]!r} is not text in UTF-8",
                hint="write it in UTF-8, or read it from a file",
                where=f"argument {position}",
            )


def no_such_command(ctx: Any, word: str, known: Sequence[str]) -> UsageError:
    """A word that is no command, with the nearest ones, also those of other groups."""
    path = ctx.command_path
    if word == "help":
        return UsageError(f"{path}: no command {word!r}", hint=f"{path} --help, or {path} COMMAND --help")
    nearest = [f"{path} {near}" for near in get_close_matches(word, known, n=2)]
    if path == "perfctl":
        nearest += [f"perfctl {name} {word}" for name, entry in ENTRIES.items() if word in entry.commands]
    hint = f"did you mean {' or '.join(nearest[:3])}?" if nearest else f"it is one of {', '.join(known)}"
    return UsageError(f"{path}: no command {word!r}", hint=hint)


def usage_error(error: Any) -> UsageError:
    """What the parser found wrong, in our words. The error is one of the parser's own."""
    ctx = getattr(error, "ctx", None)
    path = ctx.command_path if ctx is not None else "perfctl"
    if isinstance(error, exceptions.NoSuchOption):
        return _no_such_option(error, path)
    if isinstance(error, exceptions.MissingParameter):
        return UsageError(f"{path}: {_missing(error)} is missing", hint=_example(ctx, path))
    if isinstance(error, exceptions.BadParameter):
        return _bad_parameter(error, ctx, path)
    if isinstance(error, exceptions.BadOptionUsage):
        return UsageError(_lower(error.message), hint=f"{path} --help", where=error.option_name)
    if ctx is not None and error.message == "Missing command.":
        known = ", ".join(ctx.command.list_commands(ctx))
        return UsageError(f"{path}: a command is missing", hint=f"one of {known}; {path} --help explains them")
    return UsageError(f"{path}: {_lower(error.format_message())}", hint=_example(ctx, path))


def _no_such_option(error: Any, path: str) -> UsageError:
    near = _near(error.option_name, error.possibilities or ())
    if error.option_name[1:].isdecimal():
        hint = f"a value that begins with - stands after --: {path} ... -- {error.option_name}"
        return UsageError(f"{path}: no option {error.option_name!r}", hint=hint, where=error.option_name)
    hint = f"did you mean {' or '.join(near)}?" if near else f"{path} --help lists the options"
    return UsageError(f"{path}: no option {error.option_name!r}", hint=hint, where=error.option_name)


def _near(flag: str, known: Sequence[str]) -> list[str]:
    """The flags that were probably meant; their dashes are alike and say nothing."""
    names = {other.lstrip("-"): other for other in known}
    return [names[name] for name in get_close_matches(flag.lstrip("-"), names, n=3)]


def _bad_parameter(error: Any, ctx: Any, path: str) -> UsageError:
    if error.param is None:
        return UsageError(f"{path}: {_lower(error.format_message())}", hint=f"{path} --help")
    name = _name(error.param)
    said = re.sub(r"a valid int( range)?$", "a whole number", _lower(error.message))
    return UsageError(f"{name}: {said}", hint=_example(ctx, path), where=name)


def _missing(error: Any) -> str:
    return _name(error.param) if error.param is not None else "a value"


def _name(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        return str(parameter.metavar or parameter.name.upper())
    return str(max(parameter.opts, key=len))


def _example(ctx: Any, path: str) -> str:
    example = getattr(ctx.command, "epilog", None) if ctx is not None else None
    return f"such as: {example}" if example else f"{path} --help"


def _lower(message: str) -> str:
    text = message.rstrip(".")
    return text[:1].lower() + text[1:]
