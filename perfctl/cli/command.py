"""What a command is made of: a group that knows its words, and a function that returns a result dataclass."""

from __future__ import annotations

import importlib
import inspect
import typing
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import typer
import typer.main
from typer.core import TyperCommand, TyperGroup, TyperOption
from typer.models import CommandInfo

from perfctl.cli.chosen import KEY
from perfctl.cli.entries import ENTRIES
from perfctl.cli.options import BY_FLAG, OPTIONS, Option
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
    """A group that knows the global options, too, and what a mistyped word may have meant.

    Its commands are made when they are asked for: to make one costs a tenth of a start.
    """

    source: CommandGroup | None = None
    """Where its commands come from; the root has groups, and none of its own."""
    below: str = ""
    """What stands in front of its words in their names: `dict ` for `dict train`."""

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **{**settings, "add_help_option": False})
        self.context_settings = {**_SETTINGS, **self.context_settings}
        self.params = with_global(self.params)

    def list_commands(self, ctx: Any) -> list[str]:
        return list(dict.fromkeys(name.partition(" ")[0] for name in self._names()))

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if self.source is None:
            return None
        if self.below + cmd_name in self.source.names:
            return self.source.click_command(self.below + cmd_name)
        return self.source.click_group(cmd_name) if cmd_name in self.list_commands(ctx) else None

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        command = self.get_command(ctx, args[0])
        if command is None:
            from perfctl.cli.usage import no_such_command

            raise no_such_command(ctx, args[0], self.list_commands(ctx))
        place = self._word_below(args) if f"{self.below}{args[0]}" in getattr(self.source, "names", ()) else None
        if place is None:
            return args[0], command, args[1:]
        words = f"{args[0]} {args[place]}"
        return words, self.get_command(ctx, words), [*args[1:place], *args[place + 1 :]]

    def _word_below(self, args: list[str]) -> int | None:
        """Where the word stands that makes another command of one that is a command itself: `plan`, `plan diff`.

        Any other word is the command's own argument.
        """
        place = 1
        while place < len(args) and args[place].startswith("-") and args[place] not in ("-", "--"):
            option = OPTIONS.get(BY_FLAG.get(args[place], ""))
            place += 2 if option is not None and option.metavar else 1
        return place if place < len(args) and f"{args[0]} {args[place]}" in self._names() else None

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Each command with its whole first sentence, wrapped: a cut one explains nothing."""
        with formatter.section("Commands"):
            formatter.write_dl(
                [(name, command.get_short_help_str(limit=_SENTENCE)) for name, command in self._made().items()]
            )

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        examples = [command.epilog for command in self._made().values()]
        if examples:
            formatter.write(
                "\n".join(["", "Examples:", *(f"  {example}" for example in examples), "", GLOBAL_LINE, ""])
            )

    def _names(self) -> list[str]:
        """The names of its commands, as they are typed after the group's own words."""
        names = self.source.names if self.source is not None else ()
        return [name.removeprefix(self.below) for name in names if name.startswith(self.below)]

    def _made(self) -> dict[str, Any]:
        source = self.source
        return {} if source is None else {name: source.click_command(self.below + name) for name in self._names()}


class CommandGroup:
    """The commands of one file, and of the files that are its `parts`. A group without a name holds commands that
    stand at the root.

    A command of two words (`dict train`) stands in a group of its own, whose line of help is in `below`, or under a
    command of its first word (`plan`, `plan diff`). A part is imported when a command of it is used, and not before.

    >>> group = CommandGroup("cache", help="Look into, clear and warm the cache.", parts={"clear": "cache_clear"})
    >>> group.names
    ('clear',)
    """

    def __init__(
        self,
        name: str | None = None,
        *,
        help: str = "",
        parts: Mapping[str, str] | None = None,
        below: Mapping[str, str] | None = None,
    ) -> None:
        self.name = name
        self.help = help
        self._parts = dict(parts or {})
        self._below = dict(below or {})
        self._functions: dict[str, tuple[Callable[..., Any], str]] = {}

    def command(self, name: str, *, example: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Register a function whose first parameter is the `Run` and whose return annotation is the result.

        The function may be plain or async; its docstring is the help, its other parameters are Typer's.
        """

        def register(function: Callable[..., Any]) -> Callable[..., Any]:
            self._functions[name] = function, example
            return function

        return register

    @property
    def names(self) -> tuple[str, ...]:
        """The commands in the order of the help, without an import of the parts."""
        entry = ENTRIES.get(self.name or "")
        order = list(entry.commands) if entry else []
        known = [*self._functions, *(name for name in self._parts if name not in self._functions)]
        return tuple(sorted(known, key=lambda name: order.index(name) if name in order else len(order)))

    @property
    def registered(self) -> dict[str, Registered]:
        """All commands, those of the parts, too."""
        return {name: self._registered(name)[0] for name in self.names}

    def click_group(self, word: str | None = None) -> Any:
        """The group as Typer's parser knows it; with a word, the group below it."""
        made = typer.Typer(
            name=word or self.name,
            cls=Group,
            help=self._below.get(word, "") if word else self.help,
            add_completion=False,
            rich_markup_mode=None,
        )
        made.callback()(_nothing)
        group: Any = typer.main.get_group(made)
        group.source, group.below = self, f"{word} " if word else ""
        return group

    def click_command(self, name: str) -> Any:
        """One command as Typer's parser knows it."""
        command, hints = self._registered(name)
        info = CommandInfo(name=command.words[-1], cls=Command, callback=_entry(command, hints), epilog=command.example)
        return typer.main.get_command_from_info(info, pretty_exceptions_short=True, rich_markup_mode=None)

    def _registered(self, name: str) -> tuple[Registered, dict[str, Any]]:
        if name not in self._functions:
            importlib.import_module(f"perfctl.cli.{self._parts[name]}")
        function, example = self._functions[name]
        hints = typing.get_type_hints(function, include_extras=True)
        words = (*([self.name] if self.name else []), *name.split())
        return Registered(words, function, hints["return"], example), hints


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
