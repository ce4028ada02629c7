"""What other programs read, too: DATABASE_URL, REDIS_URL, libpq's variables, its service and password files."""

from __future__ import annotations

import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

from perfctl.config.addresses import user_of
from perfctl.config.document import split_urls
from perfctl.config.environment import layer_of
from perfctl.config.fault import Fault
from perfctl.config.fields import every_field
from perfctl.config.given import Given, Layer, Source
from perfctl.config.secret import Secret
from perfctl.config.settings import DatabaseConfig, hosts_of
from perfctl.config.source import read_text
from perfctl.config.values import UNUSABLE, Findings, value_of_text

LIBPQ: Mapping[str, str] = {
    "PGHOST": "database.host",
    "PGPORT": "database.port",
    "PGDATABASE": "database.database",
    "PGUSER": "database.username",
    "PGPASSWORD": "database.password",
    "PGSSLMODE": "database.sslmode",
    "PGSSLROOTCERT": "database.sslrootcert",
    "PGSSLCERT": "database.sslcert",
    "PGSSLKEY": "database.sslkey",
}
"""https://www.postgresql.org/docs/current/libpq-envars.html"""

_SERVICE: Mapping[str, str] = {
    "host": "database.host",
    "port": "database.port",
    "dbname": "database.database",
    "user": "database.username",
    "password": "database.password",
    "sslmode": "database.sslmode",
    "sslrootcert": "database.sslrootcert",
    "sslcert": "database.sslcert",
    "sslkey": "database.sslkey",
}


def ambient_layers(environ: Mapping[str, str], found: Findings) -> tuple[Layer, ...]:
    """The layers from the weakest: libpq's variables, the service, the two URLs."""
    return (layer_of(environ, LIBPQ, "ambient", found), _service(environ, found), _urls(environ, found))


def _urls(environ: Mapping[str, str], found: Findings) -> Layer:
    """DATABASE_URL and REDIS_URL; one that belongs to another kind of server is said, and left alone."""
    names = {"REDIS_URL": "cache.redis_url"}
    database = environ.get("DATABASE_URL", "")
    scheme = database.partition("://")[0]
    if scheme.partition("+")[0] in ("postgresql", "postgres"):
        names["DATABASE_URL"] = "database.dsn"
        environ = {**environ, "DATABASE_URL": f"postgresql://{database.partition('://')[2]}"}
    elif database:
        found.warnings.append("env DATABASE_URL: this is not a postgresql:// URL, so it is left alone")
    return layer_of(environ, names, "ambient", found)


def _service(environ: Mapping[str, str], found: Findings) -> Layer:
    """What the service of PGSERVICE says, from the user's file or else the system's."""
    name = environ.get("PGSERVICE", "")
    if not name:
        return {}
    for path in _service_files(environ):
        text = read_text(path)
        if isinstance(text, Fault):
            continue
        lines = list(_lines_of_service(text, name))
        if lines:
            return _service_layer(path, lines, found)
    found.fault("env PGSERVICE", f"no service {name!r} in the service files", "~/.pg_service.conf holds [NAME] parts")
    return {}


def _service_files(environ: Mapping[str, str]) -> Iterator[Path]:
    if environ.get("PGSERVICEFILE"):
        yield Path(environ["PGSERVICEFILE"])
    elif environ.get("HOME"):
        yield Path(environ["HOME"]) / ".pg_service.conf"
    if environ.get("PGSYSCONFDIR"):
        yield Path(environ["PGSYSCONFDIR"]) / "pg_service.conf"


def _lines_of_service(text: str, wanted: str) -> Iterator[tuple[int, str, str]]:
    """Line number, name and value of each parameter of one service."""
    inside = False
    for number, line in enumerate(text.splitlines(), 1):
        line = line.strip()
        if line.startswith("["):
            inside = line == f"[{wanted}]"
        elif inside and line and not line.startswith("#"):
            name, _, value = line.partition("=")
            yield number, name.strip(), value.strip()


def _service_layer(path: Path, lines: list[tuple[int, str, str]], found: Findings) -> Layer:
    layer: Layer = {}
    for number, name, text in lines:
        key, where = _SERVICE.get(name), f"{path}:{number}"
        if key is None or not text:
            continue
        if key == "database.password":
            value: object = Secret("literal", text, where)
        else:
            value = value_of_text(text, every_field()[key], key, where, found)
        if value is not UNUSABLE:
            layer[key] = Given(value, Source("ambient", where))
    return split_urls(layer)[0]


def pgpass_password(
    database: DatabaseConfig, environ: Mapping[str, str], found: Findings, *, exact_host: bool
) -> Given | None:
    """The password that libpq's password file has for this server; with `exact_host` a `*` is no host.

    https://www.postgresql.org/docs/current/libpq-pgpass.html: the first line that matches; the file is ignored, with
    a warning, where others may read it.
    """
    named, home = environ.get("PGPASSFILE"), environ.get("HOME")
    path = Path(named) if named else Path(home) / ".pgpass" if home else None
    if path is None or not _is_private(path, found):
        return None
    text = read_text(path)
    if isinstance(text, Fault):
        return None
    for number, line in enumerate(text.splitlines(), 1):
        fields = _fields_of_pgpass(line)
        if len(fields) == 5 and _matches(fields, database, exact_host=exact_host) and fields[4]:
            where = f"{path}:{number}"
            return Given(Secret("literal", fields[4], where), Source("ambient", where))
    return None


def _is_private(path: Path, found: Findings) -> bool:
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    if not stat.S_ISREG(mode):
        return False
    if mode & 0o077:
        found.warnings.append(f"{path}: others may read it, so it is ignored, as libpq does; chmod 600 {path}")
        return False
    return True


def _fields_of_pgpass(line: str) -> list[str]:
    """The five fields of a line; a backslash keeps a colon or a backslash in a field."""
    fields: list[str] = []
    text, current = iter(line), ""
    if line.startswith("#"):
        return []
    for character in text:
        if character == "\\":
            current += next(text, "")
        elif character == ":" and len(fields) < 4:
            fields.append(current)
            current = ""
        else:
            current += character
    return [*fields, current]


def _matches(fields: list[str], database: DatabaseConfig, *, exact_host: bool) -> bool:
    host, port, name, user = _server_of(database)
    wanted = ("localhost" if not host or host.startswith("/") else host, port, name or user or "", user or "")
    pairs = list(zip(fields, wanted, strict=False))
    return all(
        given == value or (given == "*" and not (exact_host and i == 0)) for i, (given, value) in enumerate(pairs)
    )


def _server_of(database: DatabaseConfig) -> tuple[str | None, str, str | None, str | None]:
    if not database.dsn:
        return database.host, str(database.port), database.database, database.username
    from urllib.parse import unquote, urlsplit

    parts = urlsplit(database.dsn)
    place = parts.netloc.rpartition("@")[2].rpartition(":")[2]
    hosts = hosts_of(database.dsn)
    port = place if place.isdigit() else str(database.port)
    return (hosts[0] if hosts else None), port, unquote(parts.path.lstrip("/")) or None, user_of(database.dsn)
