"""Key templates: `user:{user.id}`, `{items[0]}`, `{query:hash}`, compiled once for each function."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from difflib import get_close_matches
from string import Formatter
from typing import Any

from perfctl.cache.functions.texts import digest, readable, shown
from perfctl.errors import UsageError

Part = Callable[[Mapping[str, Any]], str]
"""One piece of a template: from the arguments to text."""

FORMATTERS: dict[str, Callable[[Any], str | None]] = {
    "hash": digest,
    "lower": lambda value: None if (text := readable(value)) is None else text.lower(),
    "upper": lambda value: None if (text := readable(value)) is None else text.upper(),
    "sorted": lambda value: readable(sorted(value)),
}
"""What may stand behind the colon of a field; what else stands there is a format of Python's (`{price:.2f}`)."""

_CONVERSIONS: dict[str, Callable[[Any], str | None]] = {
    "r": shown,
    "s": readable,
    "a": lambda value: None if (text := shown(value)) is None else text.encode("ascii", "backslashreplace").decode(),
}
_FIELD = re.compile(r"(?P<name>[^\W\d]\w*)(?P<path>(?:\.[^\W\d]\w*|\[[^\[\]{}]+\])*)")
_STEP = re.compile(r"\.(\w+)|\[([^\]]+)\]")
_WORD = re.compile(r"[a-z_]{3,}")


class Template:
    """Text with fields that are filled from a call's arguments: parameters, their attributes and items.

    >>> Template("user:{user[id]}:{name:lower}", ("user", "name"), "f").fill({"user": {"id": 7}, "name": "Ada"})
    'user:7:ada'
    """

    def __init__(self, text: str, parameters: Collection[str], function: str) -> None:
        """UsageError for a field that names no parameter, or that cannot be a field."""
        self.text = text
        self._parameters = parameters
        self._where = f"{function}: the template {text!r}"
        self._parts: list[str | Part] = []
        self._named: list[str] = []
        for literal, field, form, conversion in self._parsed(text):
            if literal:
                self._parts.append(literal)
            if field is not None:
                self._parts.append(self._field(field, form or "", conversion))
        self.names = frozenset(self._named)

    def fill(self, arguments: Mapping[str, Any]) -> str:
        """The text of a call. UsageError for an attribute or item that is not there, or has no repeatable text."""
        return "".join([part if isinstance(part, str) else part(arguments) for part in self._parts])

    def _parsed(self, text: str) -> list[tuple[str, str | None, str | None, str | None]]:
        try:
            return list(Formatter().parse(text))
        except ValueError as error:
            raise UsageError(
                f"{self._where} cannot be read: {error}", hint="a brace that is meant as such is doubled: {{"
            ) from error

    def _field(self, field: str, form: str, conversion: str | None) -> Part:
        matched = _FIELD.fullmatch(field)
        if matched is None:
            raise UsageError(
                f"{self._where} has the field {{{field}}}, which names no parameter",
                hint="write a parameter, its attributes and items: {user.id}, {items[0]}",
            )
        name = matched["name"]
        if name not in self._parameters:
            raise self._unknown(name)
        self._named.append(name)
        steps = [self._step(attribute, item) for attribute, item in _STEP.findall(matched["path"])]
        return self._filler(name, steps, "{" + field + "}", self._formatter(form, conversion))

    def _step(self, attribute: str, item: str) -> Callable[[Any], Any]:
        if attribute.startswith("__"):
            raise UsageError(f"{self._where} reads {attribute!r}", hint="a key is made of what is public")
        if attribute:
            return lambda value: getattr(value, attribute)
        index = int(item) if item.lstrip("-").isdigit() else item
        return lambda value: value[index]

    def _formatter(self, form: str, conversion: str | None) -> Callable[[Any], str | None]:
        known = FORMATTERS.get(form)
        if known is not None and conversion is None:
            return known
        if "{" in form or _WORD.fullmatch(form):
            near = get_close_matches(form, FORMATTERS, 1)
            raise UsageError(
                f"{self._where} has no formatter {form!r}",
                hint=f"did you mean {near[0]!r}?" if near else f"there are {', '.join(FORMATTERS)}",
            )
        if conversion is not None:
            converted = _CONVERSIONS[conversion]
            return lambda value: None if (text := converted(value)) is None else format(text, form)
        return (lambda value: format(value, form)) if form else readable

    def _filler(
        self, name: str, steps: list[Callable[[Any], Any]], field: str, formatted: Callable[[Any], str | None]
    ) -> Part:
        def fill(arguments: Mapping[str, Any]) -> str:
            value = arguments[name]
            try:
                for step in steps:
                    value = step(value)
                text = formatted(value)
            except (AttributeError, LookupError, TypeError, ValueError) as error:
                raise UsageError(f"{self._where} cannot fill {field}: {error}") from error
            if text is None:
                raise UsageError(
                    f"{self._where} cannot fill {field}: a {type(value).__name__} has no text that is the same in"
                    " every process",
                    hint=f"name what it is known by: {{{field[1:-1]}.id}}, or {{{field[1:-1]}:hash}} of plain data",
                )
            return text

        return fill

    def _unknown(self, name: str) -> UsageError:
        near = get_close_matches(name, self._parameters, 1)
        listed = ", ".join(self._parameters) or "none"
        return UsageError(
            f"{self._where} names {name!r}, which is no parameter",
            hint=f"did you mean {near[0]!r}?" if near else f"the parameters are: {listed}",
        )
