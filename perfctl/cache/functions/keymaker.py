"""The key and the tags of a call: the same arguments make the same in every process, however they are passed."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from types import SimpleNamespace
from typing import Any, get_args, get_type_hints

from perfctl.cache.functions.identity import closed_over, identity
from perfctl.cache.functions.injected import asks_for_injected, is_injected
from perfctl.cache.functions.templates import Template
from perfctl.cache.functions.texts import repeatable
from perfctl.errors import UsageError

Key = str | Callable[..., str] | None
"""A template over the arguments (`"user:{user.id}"`), a function of them, or None for all of them."""

Arguments = Mapping[str, Any]
"""A call's arguments by parameter, defaults filled in; `*args` is a tuple and `**kwargs` a dict under its name."""

_RECEIVERS = ("self", "cls")
_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
VARIABLE = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


class KeyMaker:
    """Makes the keys of one function.

    `self`, `cls`, what `ignore` names and what a framework puts in (see `injected`) stay out of them, unless a
    template names them. UsageError for a template, an `ignore` or a function that cannot work.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        key: Key = None,
        *,
        version: str | int | None = None,
        ignore: Iterable[str] = (),
        tags: Iterable[str] = (),
    ) -> None:
        self.function = f"{function.__module__}.{function.__qualname__}"
        self._wrapped = inspect.unwrap(function)
        self.signature = inspect.signature(function)
        self.parameters = tuple(self.signature.parameters.values())
        names = tuple(self.signature.parameters)
        self.receiver = names[0] if names and names[0] in _RECEIVERS else None
        self._version = "" if version is None else f"@{version}"
        self.prefix = identity(function) + self._version
        self._by_function = key if callable(key) else None
        self._template = Template(key, names, self.function) if isinstance(key, str) else None
        self._tags = tuple(Template(tag, names, self.function) for tag in tags)
        self._ignored = self._checked(ignore, names) | self._injected()
        self.relevant = tuple(name for name in names if self._matters(name))
        if key is None and function.__name__ == "<lambda>":
            raise UsageError(f"{self.function} has no name to make keys of", hint='give it one: key="answer:{x}"')

    @property
    def is_pure(self) -> bool:
        """Whether a key depends on nothing but the relevant arguments: a function of the user's may read more."""
        return self._by_function is None

    def key(self, arguments: Arguments) -> str:
        """The key of a call. UsageError for an argument that has no repeatable text."""
        if self._template is not None:
            return self._template.fill(arguments) + self._version
        if self._by_function is not None:
            return self._of_function(arguments) + self._version
        texts = [self._text(name, arguments[name]) for name in self.relevant if name in arguments]
        return f"{self.prefix}({','.join([text for text in texts if text is not None])})"

    def tags(self, arguments: Arguments) -> tuple[str, ...]:
        """The tags of what a call returns."""
        return tuple(tag.fill(arguments) for tag in self._tags)

    def bind(self, args: tuple[Any, ...], kwargs: Mapping[str, Any], *, calls: bool = False) -> Arguments:
        """The arguments of a call as `invalidate` and its like are given them. TypeError as the function raises it.

        The receiver of a method may be missing, and so may all that stays out of the key, unless the function is
        to be called (`calls`) with them.
        """
        parameters = self.parameters
        if self.receiver and self.receiver not in kwargs and not (args and self._is_receiver(args[0])):
            if calls or self.receiver in self.relevant:
                raise self._without_receiver("refresh" if calls else "key")
            parameters = parameters[1:]
        signature = self.signature.replace(parameters=parameters)
        try:
            bound = signature.bind(*args, **kwargs) if calls else self._bind_partly(signature, args, kwargs)
        except TypeError as error:
            raise TypeError(f"{self.function}: {error}") from error
        bound.apply_defaults()
        return bound.arguments

    def passed(self, arguments: Arguments) -> tuple[list[Any], dict[str, Any]]:
        """The same arguments as they are passed to the function."""
        positional: list[Any] = []
        named: dict[str, Any] = {}
        for parameter in self.parameters:
            value = arguments[parameter.name]
            if parameter.kind in _POSITIONAL:
                positional.append(value)
            elif parameter.kind is inspect.Parameter.VAR_POSITIONAL:
                positional.extend(value)
            elif parameter.kind is inspect.Parameter.VAR_KEYWORD:
                named.update(value)
            else:
                named[parameter.name] = value
        return positional, named

    def _matters(self, name: str) -> bool:
        """Whether a key is made of a parameter."""
        if self._template is not None:
            return name in self._template.names
        return name != self.receiver and name not in self._ignored

    def _of_function(self, arguments: Arguments) -> str:
        assert self._by_function is not None  # noqa: S101 - the caller looked
        args, kwargs = self.passed(arguments)
        text = self._by_function(*args[1 if self.receiver else 0 :], **kwargs)
        if not isinstance(text, str):
            raise UsageError(
                f"{self.function}: its key function returned {text!r}, a {type(text).__name__}",
                hint="return text: key=lambda user: f'user:{user.id}'",
            )
        return text

    def _text(self, name: str, value: Any) -> str | None:
        """The text of an argument; None for what a framework put in."""
        try:
            text = repeatable(value)
        except RecursionError as error:
            raise UsageError(
                f"cannot make a cache key of {self.function}: the argument {name!r} holds itself, or is too deep"
            ) from error
        if text is not None or is_injected(type(value)):
            return text
        raise UsageError(
            f"cannot make a cache key of {self.function}: the argument {name!r} of type {type(value).__name__}"
            " has no text that is the same in every process",
            hint=f'name the key, cache_decorator(key="...:{{{name}.id}}"), or leave the argument out of it:'
            f' ignore=("{name}",)',
        )

    def _bind_partly(
        self, signature: inspect.Signature, args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> inspect.BoundArguments:
        """Without what stays out of the key."""
        bound = signature.bind_partial(*args, **kwargs)
        missing = [name for name in self._needed() if name in signature.parameters and name not in bound.arguments]
        if missing:
            raise TypeError(f"missing {', '.join(map(repr, missing))}, of which the key is made")
        return bound

    def _needed(self) -> list[str]:
        """The parameters without which there is no key."""
        return [
            parameter.name
            for parameter in self.parameters
            if parameter.default is inspect.Parameter.empty
            and parameter.kind not in VARIABLE
            and parameter.name in self.relevant
        ]

    def _is_receiver(self, value: Any) -> bool:
        """Whether an argument is the instance or the class that this function is a method of."""
        name = self._wrapped.__name__
        for base in (value if isinstance(value, type) else type(value)).__mro__:
            found = base.__dict__.get(name)
            if found is not None and inspect.unwrap(getattr(found, "__func__", found)) is self._wrapped:
                return True
        return False

    def _without_receiver(self, helper: str) -> UsageError:
        method = self.function.rpartition("<locals>.")[2]
        return UsageError(
            f"{self.function} is a method, and {helper} was not given its {self.receiver!r}",
            hint=f"pass it first: {method}.{helper}({self.receiver}, ...)",
        )

    def _checked(self, ignore: Iterable[str], names: tuple[str, ...]) -> set[str]:
        for name in ignore:
            if name not in names:
                near = get_close_matches(name, names, 1)
                raise UsageError(
                    f"{self.function}: ignore names {name!r}, which is no parameter",
                    hint=f"did you mean {near[0]!r}?" if near else f"the parameters are: {', '.join(names) or 'none'}",
                )
        return set(ignore)

    def _injected(self) -> set[str]:
        """The parameters whose annotation is one of a framework's classes. What cannot be resolved yet (a name under
        TYPE_CHECKING) is judged by each call's value."""
        return {
            parameter.name
            for parameter in self.parameters
            if asks_for_injected(resolved(parameter.annotation, self._wrapped)) and parameter.kind not in VARIABLE
        }


def resolved(annotation: Any, function: Callable[..., Any]) -> Any:
    """What an annotation of a function stands for, names in text within it (`list["User"]`) included; None where its
    text names what is not there (yet)."""
    if not isinstance(annotation, str) and not get_args(annotation):
        return annotation
    place = getattr(function, "__globals__", {}), closed_over(function)
    try:
        found = eval(annotation, *place) if isinstance(annotation, str) else annotation  # noqa: S307 - the module's own text
    except Exception:  # noqa: BLE001 - whatever it raises, it cannot be resolved
        return None
    if not get_args(found):
        return found
    try:
        return get_type_hints(SimpleNamespace(__annotations__={"it": found}), *place, include_extras=True)["it"]
    except Exception:  # noqa: BLE001 - what can be said without the names within
        return found
