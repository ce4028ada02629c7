"""What a command is made of: a group that knows its words, and a function that returns a result dataclass."""

from __future__ import annotations

import importlib
import inspect
import typing
from collections.abc import Callable
from functools import cache
from typing import Any

import typer
import typer.main
from typer.core import TyperCommand, TyperGroup, TyperOption

from perfctl.cli.chosen import KEY
from perfctl.cli.entries import ENTRIES
from perfctl.cli.options import OPTIONS, Option
from perfctl.cli.pages import GLOBAL_LINE, WIDTH
from perfctl.cli.registered import Registered

_SENTENCE = 1000
"""More than any first sentence has."""

_SETTINGS = {"terminal_width": WIDTH, "max_content_width": WIDTH}


class Command(TyperCommand):
    """A command that knows the global options, too, and whose page ends in an example."""

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **{**settings, "add_help_option": False})
        self.context_settings = {**_SETTINGS, **self.context_settings}
        self.params = with_global(self.params)

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        formatter.write(f"\nExample:\n  {self.epilog}\n\n{GLOBAL_LINE}\n")


class Group(TyperGroup):
    """A group that knows the global options, too, and what a mistyped word may have meant."""

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **{**settings, "add_help_option": False})
        self.context_settings = {**_SETTINGS, **self.context_settings}
        self.params = with_global(self.params)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        command = self.get_command(ctx, args[0])
        if command is None:
            from perfctl.cli.usage import no_such_command

            raise no_such_command(ctx, args[0], self.list_commands(ctx))
        return args[0], command, args[1:]

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Each command with its whole first sentence, wrapped: a cut one explains nothing."""
        with formatter.section("Commands"):
            formatter.write_dl(
                [(name, command.get_short_help_str(limit=_SENTENCE)) for name, command in self.commands.items()]
            )

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        examples = [command.epilog for command in self.commands.values()]
        if examples:
            formatter.write(
                "\n".join(["", "Examples:", *(f"  {example}" for example in examples), "", GLOBAL_LINE, ""])
            )


class CommandGroup:
    """The commands of one file. A group without a name holds commands that stand at the root.

    >>> group = CommandGroup("cache", help="Look into, clear and warm the cache.")
    """

    def __init__(self, name: str | None = None, *, help: str = "") -> None:
        self.name = name
        self.help = help
        self.registered: dict[str, Registered] = {}
        self._typer = typer.Typer(name=name, cls=Group, help=help, add_completion=False, rich_markup_mode=None)
        self._typer.callback()(_nothing)

    def command(self, name: str, *, example: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Register a function whose first parameter is the `Run` and whose return annotation is the result.

        The function may be plain or async; its docstring is the help, its other parameters are Typer's.
        """

        def register(function: Callable[..., Any]) -> Callable[..., Any]:
            words = (self.name, name) if self.name else (name,)
            hints = typing.get_type_hints(function, include_extras=True)
            self.registered[name] = Registered(words, function, hints["return"], example)
            self._typer.command(name, cls=Command, epilog=example)(_entry(self.registered[name], hints))
            return function

        return register

    def click_group(self) -> Any:
        """The group as Typer's parser knows it."""
        return typer.main.get_group(self._typer)

    def click_command(self, name: str) -> Any:
        """One command of it, for those that stand at the root."""
        return self.click_group().commands[name]


def load(name: str) -> CommandGroup:
    """The commands of one entry, imported now."""
    module = ENTRIES[name].module
    group: CommandGroup = importlib.import_module(module if "." in module else f"perfctl.cli.{module}").group
    return group


def with_global(params: list[Any]) -> list[Any]:
    """A command's own parameters and the global ones; where both have a flag, after the words it is the command's."""
    own = {flag for param in params for flag in param.opts}
    return [*params, *(param for param in global_parameters() if own.isdisjoint(param.opts))]


@cache
def global_parameters() -> tuple[TyperOption, ...]:
    """The options as parameters of every command and group; what is given is remembered for the whole line."""
    page = TyperOption(
        param_decls=["-h", "--help"],
        help="Show this page.",
        is_flag=True,
        default=False,
        is_eager=True,
        expose_value=False,
        callback=_show_page,
    )
    return (*(_parameter(name, option) for name, option in OPTIONS.items()), page)


def _show_page(ctx: Any, _param: Any, wanted: Any) -> None:
    if wanted:
        from perfctl.cli.streams import write_result

        raise typer.Exit(write_result(ctx.get_help() + "\n"))


def _parameter(name: str, option: Option) -> TyperOption:
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
        hidden=True,
    )


def _remember(ctx: Any, param: Any, value: Any) -> Any:
    source = ctx.get_parameter_source(param.name)
    if source is not None and source.name == "COMMANDLINE":
        said = ctx.meta.setdefault(KEY, {})
        adds_up = OPTIONS[param.name].counts or OPTIONS[param.name].repeats
        said[param.name] = said[param.name] + value if adds_up and param.name in said else value
    return value


def _nothing() -> None:
    return None


def _entry(command: Registered, hints: dict[str, Any]) -> Callable[..., None]:
    """The function as Typer calls it: without its first parameter, run and shown by `execute`."""
    _, *parameters = inspect.signature(command.function).parameters.values()

    def entry(ctx: typer.Context, **arguments: Any) -> None:
        from perfctl.cli.run import execute

        execute(ctx, command, arguments)

    context = inspect.Parameter("ctx", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=typer.Context)
    kept = [parameter.replace(annotation=hints[parameter.name]) for parameter in parameters]
    entry.__signature__ = inspect.Signature([context, *kept])  # type: ignore[attr-defined]
    entry.__annotations__ = {"ctx": typer.Context, **{p.name: hints[p.name] for p in parameters}, "return": None}
    entry.__doc__ = command.function.__doc__
    entry.__name__ = command.function.__name__
    return entry
