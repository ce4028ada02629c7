"""Find the files and variables, merge them by precedence, check everything, return the settings."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from perfctl.config import trust
from perfctl.config.addresses import with_parts
from perfctl.config.ambient import ambient_layers, pgpass_password
from perfctl.config.discover import exists, project_file, repository_root, user_file
from perfctl.config.document import Document, FileKind, read_document, split_urls
from perfctl.config.environment import own_variables
from perfctl.config.fault import Fault, did_you_mean, raise_for
from perfctl.config.given import Given, Layer, Source
from perfctl.config.merge import base_layers, chain_of, context_layers, context_names, merged
from perfctl.config.override import override_warning, readable_secrets
from perfctl.config.rules import contradictions
from perfctl.config.secret import has_password
from perfctl.config.settings import SECTIONS, Origin, Settings, hosts_of
from perfctl.config.values import Findings
from perfctl.errors import UsageError

FLAGS: Mapping[str, str] = {
    "database.dsn": "--dsn",
    "cache.redis_url": "--redis-url",
    "cdn.distribution_id": "--distribution",
}
"""The settings that a flag may give, never a password."""


def load_settings(
    *,
    context: str | None = None,
    config_file: str | None = None,
    flags: Mapping[str, str | None] | None = None,
    environ: Mapping[str, str] | None = None,
    folder: Path | None = None,
) -> Settings:
    """The settings of a context. ConfigError lists every fault of every file, each with file:line:col.

    `folder` is where the search for a project file begins, by default the current folder. Nothing is connected to and
    no secret is resolved. UsageError when a flag holds a password.
    """
    env = os.environ if environ is None else environ
    given = _flag_layer(flags or {})
    sources = gather(config_file=config_file, environ=env, folder=folder)
    raise_for(sources.faults)
    name, origin = _chosen(context, env, sources)
    return settings_of(sources, name, origin, flags=given, environ=env)


class Sources(NamedTuple):
    """All that was read: the files from the weakest to the strongest, the variables, and what is wrong with them."""

    documents: tuple[Document, ...]
    variables: Layer
    ambient: tuple[Layer, ...]
    faults: tuple[Fault, ...]
    warnings: tuple[str, ...]

    @property
    def trusted(self) -> tuple[Document, ...]:
        """The files that the user wrote or named."""
        return tuple(document for document in self.documents if document.kind != "project")

    @property
    def project(self) -> Document | None:
        """The file that was found, if there is one."""
        return next((document for document in self.documents if document.kind == "project"), None)


def gather(*, config_file: str | None, environ: Mapping[str, str], folder: Path | None = None) -> Sources:
    """Read every file and variable that counts here."""
    found = Findings()
    documents = tuple(read_document(path, kind) for path, kind in files_of(config_file, environ, folder))
    variables, ambient = own_variables(environ, found), ambient_layers(environ, found)
    faults = [fault for document in documents for fault in document.faults]
    warnings = [warning for document in documents for warning in document.warnings]
    sources = Sources(documents, variables, ambient, (), (*warnings, *found.warnings))
    if sources.project is not None:
        faults += trust.static_faults(sources.project, sources.trusted)
    return sources._replace(faults=(*faults, *found.faults))


def files_of(
    config_file: str | None, environ: Mapping[str, str], folder: Path | None = None
) -> list[tuple[Path, FileKind]]:
    """The files that are there, the weakest first. One that is named must be there."""
    user, project = user_file(environ), project_file(environ, folder)
    named = Path(config_file).absolute() if config_file is not None else None
    files: list[tuple[Path, FileKind]] = []
    if user is not None and exists(user) and user != named:
        files.append((user, "user"))
    if project is not None and project != named:
        files.append((project, "project"))
    return [*files, (named, "explicit")] if named is not None else files


def settings_of(
    sources: Sources,
    context: str,
    origin: Given | None,
    *,
    flags: Layer | None = None,
    environ: Mapping[str, str] | None = None,
) -> Settings:
    """The settings of one context of what was read; `origin` is who chose it, None where nobody did."""
    env = os.environ if environ is None else environ
    chain, faults = chain_of(sources.documents, context)
    raise_for(faults)
    layer = _layer(sources, sources.documents, chain, flags or {})
    settings, layer = _built(context, layer, sources, env)
    distrust = _trust_faults(sources, context, chain, (settings, layer), flags or {}, env)
    raise_for((*distrust, *contradictions(settings)))
    own = merged(context_layers(sources.documents, chain))
    overridden = override_warning(context, own, sources.variables, env) if origin is not None else None
    parts = [document.contexts[name] for name in chain for document in sources.documents if name in document.contexts]
    in_the_open = [warning for part in parts for warning in part.warnings]
    warnings = [*sources.warnings, *in_the_open, *settings.warnings, *readable_secrets(layer)]
    return replace(
        settings,
        warnings=(*warnings, *([overridden] if overridden else [])),
        contexts=tuple(context_names(sources.documents)),
    )


def _layer(sources: Sources, documents: Sequence[Document], chain: Sequence[str], flags: Layer) -> Layer:
    """Everything that counts in a context, by the documented precedence."""
    files = [*base_layers(documents), *context_layers(documents, chain)]
    return merged([*sources.ambient, *files, sources.variables, flags])


def _built(context: str, layer: Layer, sources: Sources, environ: Mapping[str, str]) -> tuple[Settings, Layer]:
    """The settings of a layer, with the password that libpq's file has where nothing else gives one."""
    layer = _with_host(layer, sources.ambient)
    settings = _settings(context, layer)
    found = Findings()
    is_elsewhere = trust.is_chosen_by_project(layer, settings.database)
    password = layer.get("database.password")
    if is_elsewhere and password is not None and password.source.kind == "ambient":
        layer = {key: given for key, given in layer.items() if key != "database.password"}
        found.warnings.append(f"{password.source.where} is not used: a project file names the server")
    if "database.password" not in layer and settings.database.is_configured:
        looked_up = pgpass_password(settings.database, environ, found, exact_host=is_elsewhere)
        layer = {**layer, "database.password": looked_up} if looked_up else layer
    return replace(_settings(context, layer), warnings=tuple(found.warnings)), layer


def _with_host(layer: Layer, ambient: Sequence[Layer]) -> Layer:
    """A DSN without a host takes libpq's, as the driver would: what is another machine must be known to be one."""
    dsn, found = layer.get("database.dsn"), merged(layer for layer in ambient if "database.dsn" not in layer)
    if dsn is None or hosts_of(dsn.value) or "database.host" not in found:
        return layer
    names = {"database.host": "host", "database.port": "port"}
    changes = {name: str(found[key].value) for key, name in names.items() if key in found}
    return {**layer, "database.dsn": Given(with_parts(dsn.value, changes), dsn.source)}


def _settings(context: str, layer: Layer) -> Settings:
    """The layer as dataclasses. A pool's upper limit from a stronger place than the lower one lowers that, too."""
    values = {key: given.value for key, given in layer.items()}
    sections: dict[str, Any] = {}
    for name, section in SECTIONS.items():
        own = {key.partition(".")[2]: value for key, value in values.items() if key.startswith(f"{name}.")}
        sections[name] = section(**own)
    if _is_stronger(layer, "database.max_connections", "database.min_connections"):
        database = sections["database"]
        least = min(database.min_connections, database.max_connections)
        sections["database"] = replace(database, min_connections=least)
    return Settings(
        context=context,
        protected=values.get("protected", False),
        read_only=values.get("read_only", False),
        origins={key: Origin(given.source.where) for key, given in layer.items()},
        **sections,
    )


def _is_stronger(layer: Layer, one: str, other: str) -> bool:
    """Whether a variable gives the one and at most a file the other, or nobody gives the other."""
    if one not in layer or other not in layer:
        return one in layer
    return layer[one].source.kind == "variable" and layer[other].source.kind != "variable"


def _trust_faults(
    sources: Sources,
    context: str,
    chain: Sequence[str],
    whole: tuple[Settings, Layer],
    flags: Layer,
    environ: Mapping[str, str],
) -> tuple[Fault, ...]:
    project = sources.project
    if project is None:
        return ()
    names = context_names(sources.trusted)
    without = _layer(sources, sources.trusted, [name for name in chain if name in names], flags)
    return trust.effective_faults(
        *whole,
        without=without,
        alone=_settings(context, without),
        is_mine=context in names,
        folder=repository_root(project.path.parent, environ) or project.path.parent,
    )


def _chosen(context: str | None, environ: Mapping[str, str], sources: Sources) -> tuple[str, Given | None]:
    """The context's name, and who chose it. ConfigError for one that no file knows."""
    given = _choice(context, environ, sources.documents)
    if given is None:
        return "default", None
    if given.source.kind in ("user", "project", "explicit"):
        chain, _ = chain_of(sources.documents, given.value)
        fault = trust.current_fault(given, chain, sources.trusted)
        raise_for([fault] if fault else [])
    names = context_names(sources.documents)
    if given.value not in names and given.value != "default":
        hint = did_you_mean(given.value, names) if names else "no file defines contexts: perfctl sandbox up makes one"
        raise_for([Fault(given.source.where, f"no context {given.value!r}{_list_of(names)}", hint)])
    return given.value, given


def _choice(context: str | None, environ: Mapping[str, str], documents: Sequence[Document]) -> Given | None:
    if context is not None:
        return Given(context, Source("flag", "--context"))
    if environ.get("PERFCTL_CONTEXT"):
        return Given(environ["PERFCTL_CONTEXT"], Source("variable", "env PERFCTL_CONTEXT"))
    return next((document.current for document in reversed(documents) if document.current), None)


def _list_of(names: Sequence[str]) -> str:
    return f" among {', '.join(names)}" if names else ""


def _flag_layer(flags: Mapping[str, str | None]) -> Layer:
    """The flags as a layer. UsageError for one that holds a password, or that is no address."""
    from perfctl.config.fields import every_field
    from perfctl.config.values import UNUSABLE, value_of_text

    layer: Layer = {}
    for key, text in flags.items():
        if text is None:
            continue
        flag, found = FLAGS[key], Findings()
        if has_password(text):
            hint = "leave it out and set DB_PASSWORD or REDIS_PASSWORD, or a reference in a configuration file"
            raise UsageError(f"{flag}: no password on the command line: others can see it", hint=hint, where=flag)
        value = value_of_text(text, every_field()[key], key, flag, found)
        for fault in found.faults:
            raise UsageError(f"{flag}: {fault.message.partition(': ')[2]}", hint=fault.hint, where=flag)
        if value is not UNUSABLE:
            layer[key] = Given(value, Source("flag", flag))
    return split_urls(layer)[0]
