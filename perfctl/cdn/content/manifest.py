"""The file beside the variants that says what each is made of and which headers it goes out with: for upload tools,
and for the next run.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from perfctl.cdn.content.variants import SUFFIXES, Form, type_in
from perfctl.errors import UsageError

MANIFEST_NAME = "perfctl-content.json"
SCHEMA = "perfctl.content-manifest/1"
_MOST_BYTES = 256 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class MadeVariant:
    """A variant as it was written."""

    form: Form
    file: str
    content_type: str
    size_bytes: int
    sha256: str
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class MadeFile:
    """A file, the forms that were tried for it, and those that paid."""

    sha256: str
    size_bytes: int
    content_type: str
    forms: tuple[Form, ...]
    compact: bool
    headers: dict[str, str]
    variants: tuple[MadeVariant, ...]

    @property
    def names(self) -> frozenset[str]:
        """The variants' files."""
        return frozenset(variant.file for variant in self.variants)


Manifest = Mapping[str, MadeFile]
"""By path, relative to the folder."""


def read(path: Path) -> Manifest:
    """What an earlier run wrote; empty where there was none. UsageError where the file is something else."""
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise _foreign(path)
        document = json.loads(path.read_bytes())
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}", hint="mend its rights, or name another --out") from error
    except (ValueError, RecursionError) as error:
        raise _foreign(path) from error
    try:
        if document["schema"] != SCHEMA:
            raise _foreign(path)
        return {_named(name): _file(name, raw) for name, raw in document["files"].items()}
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise _foreign(path) from error


def text_of(manifest: Manifest) -> str:
    """The manifest as it is written: a stable order, a line a value."""
    files = {name: asdict(manifest[name]) for name in sorted(manifest)}
    return json.dumps({"schema": SCHEMA, "files": files}, indent=1, ensure_ascii=True) + "\n"


def _named(name: str) -> str:
    """A path that a file may have. ValueError for what no file system takes."""
    if b"\0" in name.encode("utf-8", "surrogateescape"):
        raise ValueError("a path with a zero byte")
    return name


def _file(name: str, raw: Mapping[str, object]) -> MadeFile:
    values = _typed(raw, sha256=str, size_bytes=int, content_type=str, compact=bool, headers=dict)
    variants = tuple(_variant(name, str(values["content_type"]), one) for one in _listed(values.pop("variants")))
    if len({variant.form for variant in variants}) < len(variants):
        raise ValueError("a variant stands twice")
    forms = tuple(_form(one) for one in _listed(values.pop("forms")))
    return MadeFile(**values, forms=forms, variants=variants)


def _variant(name: str, content_type: str, raw: object) -> MadeVariant:
    """ValueError for a variant that lies elsewhere, or is of another type, than this file's do."""
    if not isinstance(raw, dict):
        raise TypeError("a variant is an object")
    form = _form(raw["form"])
    made = MadeVariant(**_typed(raw, form=str, file=str, content_type=str, size_bytes=int, sha256=str, headers=dict))
    if (made.file, made.content_type) != (name + SUFFIXES[form], type_in(form, content_type)):
        raise ValueError(f"{made.file} is no variant of {name}")
    return made


def _typed(raw: Mapping[str, object], **kinds: type) -> dict[str, Any]:
    for key, kind in kinds.items():
        if type(raw[key]) is not kind:
            raise TypeError(f"{key} is a {kind.__name__}")
    return dict(raw)


def _listed(value: object) -> list[object]:
    if not isinstance(value, list):
        raise TypeError("a list is expected")
    return value


def _form(name: object) -> Form:
    for form in SUFFIXES:
        if form == name:
            return form
    raise ValueError(f"no form is called {name!r}")


def _foreign(path: Path) -> UsageError:
    return UsageError(f"{path}: it is no manifest of perfctl cdn optimize", hint="remove it, or name another --out")
