"""HTTP header fields: ordered, case-insensitive, immutable; and the list syntax that some of them share."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Headers:
    """Fields in the order in which they came; every change gives a new object."""

    fields: tuple[tuple[str, str], ...] = ()

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self.fields)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self.get(name) is not None

    def get(self, name: str) -> str | None:
        """The field's value, several of one name joined by a comma; None when it is absent."""
        values = self.all(name)
        return ", ".join(values) if values else None

    def all(self, name: str) -> tuple[str, ...]:
        wanted = name.lower()
        return tuple(value for field, value in self.fields if field.lower() == wanted)

    def without(self, *names: str) -> Headers:
        unwanted = {name.lower() for name in names}
        return Headers(tuple(field for field in self.fields if field[0].lower() not in unwanted))

    def with_(self, name: str, value: str) -> Headers:
        """The same fields with this one set, in place of any of its name."""
        return Headers((*self.without(name).fields, (name, value)))

    def overlaid(self, newer: Headers) -> Headers:
        """These fields, those of `newer` in place of the same names."""
        return Headers((*self.without(*(name for name, _ in newer)).fields, *newer.fields))


NO_HEADERS = Headers()


def tokens(value: str | None) -> tuple[str, ...]:
    """The members of a comma-separated field, stripped, lower case, none empty."""
    return tuple(token for part in (value or "").split(",") if (token := part.strip().lower()))


def directives(value: str | None) -> dict[str, str | None]:
    """`max-age=60, no-cache="Set-Cookie"` as a mapping; the first of a repeated directive counts.

    >>> directives('max-age=60, Private, no-cache="a,b"')
    {'max-age': '60', 'private': None, 'no-cache': 'a,b'}
    """
    found: dict[str, str | None] = {}
    for part in _outside_quotes(value or ""):
        name, equals, argument = part.partition("=")
        if name := name.strip().lower():
            found.setdefault(name, argument.strip().strip('"') if equals else None)
    return found


def _outside_quotes(value: str) -> list[str]:
    parts, quoted = [""], False
    for character in value:
        quoted ^= character == '"'
        if character == "," and not quoted:
            parts.append("")
        else:
            parts[-1] += character
    return parts
