"""What the `config` commands answer: the settings in force, the files that are valid, a file to start from."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from perfctl.config.document import Document, read_document
from perfctl.config.fault import Fault, raise_for
from perfctl.config.fields import every_field
from perfctl.config.load import Sources, files_of, gather, load_settings, settings_of
from perfctl.config.merge import context_names
from perfctl.config.model import EffectiveSettings, Setting, Validation, ValidFile, WrittenFile
from perfctl.config.secret import HIDDEN, Secret, redact_url
from perfctl.config.settings import Settings
from perfctl.errors import ConfigError, RefusedError


def effective_settings(settings: Settings, *, config_file: str | None, with_origin: bool) -> EffectiveSettings:
    """Every setting with its value, a secret as `***`, and where it was set."""
    values = {"protected": settings.protected, "read_only": settings.read_only}
    rows = tuple(
        Setting(key, _shown(values[key] if key in values else _value(settings, key)), _origin(settings, key))
        for key in every_field()
    )
    files = tuple(str(path) for path, _ in files_of(config_file, os.environ))
    return EffectiveSettings(settings.context, files, rows, with_origin)


def validate(
    paths: Sequence[str], *, context: str | None, config_file: str | None
) -> tuple[Validation, tuple[str, ...]]:
    """Check the files that are named, or everything that counts here; the warnings beside the answer.

    ConfigError with every fault of every file: form, types, keys, contradictions in each of their contexts.
    """
    if paths:
        documents = [read_document(Path(path).absolute(), "explicit") for path in paths]
        raise_for([fault for document in documents for fault in (*document.faults, *_context_faults([document]))])
        warnings = [warning for document in documents for warning in _warnings(document)]
    else:
        sources = gather(config_file=config_file, environ=os.environ)
        raise_for((*sources.faults, *_context_faults(sources.documents)))
        load = load_settings(context=context, config_file=config_file)
        documents, warnings = list(sources.documents), list(load.warnings)
    rows = tuple(ValidFile(str(found.path), tuple(found.contexts), len(_warnings(found))) for found in documents)
    return Validation(rows), tuple(warnings)


def write_template(path: Path, *, force: bool) -> WrittenFile:
    """Write the commented file with every key at its default. RefusedError where one stands, unless forced."""
    from perfctl.config.template import render_template

    text = render_template()
    try:
        with path.open("w" if force else "x", encoding="utf-8") as stream:
            stream.write(text)
    except FileExistsError:
        hint = "--force overwrites it, --path FILE writes another"
        raise RefusedError(f"{path} is there already", hint=hint, where="--path") from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise ConfigError(f"{path}: cannot be written: {reason}", hint="--path FILE names another") from error
    return WrittenFile(str(path), len(text.encode()))


def _context_faults(documents: Sequence[Document]) -> Iterator[Fault]:
    """What contradicts itself in any context of the files, which nobody may have chosen yet."""
    sources = Sources(tuple(documents), {}, (), (), ())
    for name in (*context_names(documents), "default"):
        try:
            settings_of(sources, name, None, environ={})
        except ConfigError as error:
            where = error.where or name
            yield Fault(where, f"context {name!r}: {error.message.removeprefix(f'{where}: ')}", error.hint)


def _warnings(document: Document) -> tuple[str, ...]:
    return (*document.warnings, *(warning for part in document.contexts.values() for warning in part.warnings))


def _value(settings: Settings, key: str) -> Any:
    section, _, name = key.partition(".")
    return getattr(getattr(settings, section), name)


def _origin(settings: Settings, key: str) -> str:
    origin = settings.origins.get(key)
    return origin.source if origin else "default"


def _shown(value: Any) -> Any:
    """A value as everybody may see it."""
    if isinstance(value, Secret):
        return HIDDEN
    if isinstance(value, tuple):
        return tuple(redact_url(item) if isinstance(item, str) else _record(item) for item in value)
    return redact_url(value) if isinstance(value, str) else value


def _record(item: Any) -> str:
    """What a mapping of a list sets, in one line: `name=api ttl_seconds=60.0`; a secret as `***`."""
    if not dataclasses.is_dataclass(item):
        return HIDDEN
    given = {field.name: (field, getattr(item, field.name)) for field in dataclasses.fields(item)}
    return " ".join(
        f"{name}={HIDDEN if field.metadata.get('role') == 'secret' else _shown(value)}"
        for name, (field, value) in given.items()
        if value != field.default
    )
