"""What a command is made of: a group that knows its words, and a function that returns a result dataclass."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import typer
import typer.main
from typer.core import TyperCommand, TyperGroup

from perfctl.cli.options import global_parameters


@dataclass(frozen=True, slots=True)
class Registered:
    """A command as `perfctl schema` and the tests see it."""

    words: tuple[str, ...]
    function: Callable[..., Any]
    result: Any
    example: str


class Command(TyperCommand):
    """A command that knows the global options, too."""

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self.params = [*self.params, *global_parameters()]


class Group(TyperGroup):
    """A group that knows the global options, too."""

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self.params = [*self.params, *global_parameters()]


class CommandGroup:
    """The commands of one file. A group without a name holds commands that stand at the root.

    >>> group = CommandGroup("cache", help="Look into, clear and warm the cache.")
    """

    def __init__(self, name: str | None = None, *, help: str = "") -> None:
        self.name = name
        self.registered: dict[str, Registered] = {}
        self._typer = typer.Typer(
            name=name, cls=Group, help=help, add_completion=False, rich_markup_mode=None, no_args_is_help=True
        )
        self._typer.callback()(_nothing)

    def command(self, name: str, *, example: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Register a function whose first parameter is the `Run` and whose return annotation is the result.

        The function may be plain or async; its docstring is the help, its other parameters are Typer's.
        """

        def register(function: Callable[..., Any]) -> Callable[..., Any]:
            words = (self.name, name) if self.name else (name,)
            hints = typing.get_type_hints(function, include_extras=True)
            self.registered[name] = Registered(words, function, hints["return"], example)
            epilog = f"Example: {example}"
            self._typer.command(name, cls=Command, epilog=epilog)(_entry(words, function, hints))
            return function

        return register

    def click_group(self) -> Any:
        """The group as Typer's parser knows it."""
        return typer.main.get_group(self._typer)

    def click_command(self, name: str) -> Any:
        """One command of it, for those that stand at the root."""
        return self.click_group().commands[name]


def _nothing() -> None:
    return None


def _entry(words: tuple[str, ...], function: Callable[..., Any], hints: dict[str, Any]) -> Callable[..., None]:
    """The function as Typer calls it: without its first parameter, run and shown by `execute`."""
    _, *parameters = inspect.signature(function).parameters.values()

    def entry(ctx: typer.Context, **arguments: Any) -> None:
        from perfctl.cli.run import execute

        execute(ctx, words, function, arguments)

    context = inspect.Parameter("ctx", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=typer.Context)
    kept = [parameter.replace(annotation=hints[parameter.name]) for parameter in parameters]
    entry.__signature__ = inspect.Signature([context, *kept])  # type: ignore[attr-defined]
    entry.__annotations__ = {"ctx": typer.Context, **{p.name: hints[p.name] for p in parameters}, "return": None}
    entry.__doc__ = function.__doc__
    entry.__name__ = function.__name__
    return entry
