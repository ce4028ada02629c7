"""The SQL that perfctl asks with: one file a question and server version, in `sql/`."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

MARK = "/* perfctl */"
"""Stands in each of our statements, so that lists of statements can leave them out."""

_OURS: set[str] = set()
"""What was read of `sql/`, and what became of it with a schema's name."""


@cache
def question(name: str, *, version: int | None = None) -> str:
    """The text of `sql/<name>.sql`, or of `sql/<name>_<n>.sql` with the greatest n that is not over `version`.

    KeyError where there is none: a bug.
    """
    if version is None:
        return _text(f"{name}.sql")
    numbered = [int(stem.removeprefix(f"{name}_")) for stem in _stems() if _is_version_of(name, stem)]
    fitting = [number for number in numbered if number <= version]
    if not fitting:
        raise KeyError(f"no {name!r} for PostgreSQL {version}")
    return _text(f"{name}_{max(fitting)}.sql")


def in_schema(text: str, schema: str) -> str:
    """A question's text about what lies in this schema (quoted), such as an extension's functions."""
    return ours(text.replace("{schema}", schema))


def ours(text: str) -> str:
    """The text, known as a question of perfctl's from now on: it only reads."""
    _OURS.add(text)
    return text


def is_ours(sql: str) -> bool:
    """Whether this is one of our questions, to the letter. They only read, also where they call a VOLATILE function."""
    return sql in _OURS


def has_versions(name: str) -> bool:
    """Whether the question is asked in other words on some versions."""
    return any(_is_version_of(name, stem) for stem in _stems())


def _text(file: str) -> str:
    return ours(files("perfctl.db").joinpath("sql", file).read_text(encoding="utf-8"))


@cache
def _stems() -> tuple[str, ...]:
    return tuple(sorted(entry.name.removesuffix(".sql") for entry in files("perfctl.db").joinpath("sql").iterdir()))


def _is_version_of(name: str, stem: str) -> bool:
    return stem.startswith(f"{name}_") and stem.removeprefix(f"{name}_").isdigit()
