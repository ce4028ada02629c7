"""Which arguments a framework puts in: sessions, connections, requests, clients. They stay out of keys."""

from __future__ import annotations

import types
from collections.abc import Mapping
from typing import Annotated, Any, Union, get_args, get_origin

_SESSIONS = "Session AsyncSession scoped_session async_scoped_session sessionmaker async_sessionmaker"
_CONNECTIONS = "Connection AsyncConnection Engine AsyncEngine"

INJECTED: Mapping[str, frozenset[str]] = {
    package: frozenset(names.split())
    for package, names in {
        "sqlalchemy": f"{_SESSIONS} {_CONNECTIONS}",
        "sqlmodel": _SESSIONS,
        "starlette": "HTTPConnection Request Response WebSocket BackgroundTasks State Starlette",
        "fastapi": "FastAPI Request Response WebSocket BackgroundTasks SecurityScopes",
        "django": "HttpRequest HttpResponseBase BaseDatabaseWrapper",
        "rest_framework": "Request",
        "flask": "Flask Request Response",
        "werkzeug": "Request Response LocalProxy",
        "aiohttp": "BaseRequest ClientSession Application",
        "httpx": "Client AsyncClient",
        "requests": "Session",
        "asyncpg": "Connection Pool PoolConnectionProxy",
        "psycopg": "BaseConnection BaseCursor Connection AsyncConnection Cursor AsyncCursor",
        "psycopg_pool": "ConnectionPool AsyncConnectionPool",
        "psycopg2": "connection cursor",
        "sqlite3": "Connection Cursor",
        "aiosqlite": "Connection",
        "redis": "Redis RedisCluster",
        "pymongo": "MongoClient AsyncMongoClient Database Collection",
        "motor": "AgnosticClient AgnosticDatabase AgnosticCollection",
        "botocore": "BaseClient",
        "logging": "Logger LoggerAdapter",
        "structlog": "BoundLoggerBase",
        "perfctl": "AdvancedCache PerformanceOptimizer Session ConnectionPool DatabaseOptimizer CloudFrontOptimizer",
    }.items()
}
"""By package, the classes (and what derives from them) whose instances say how to work, not what to work on.

Class by class, never whole packages: an ORM's models derive from its classes, too, and they belong into keys.
"""


def is_injected(kind: type) -> bool:
    """Whether instances of a class stay out of keys.

    >>> import logging
    >>> is_injected(logging.Logger), is_injected(dict)
    (True, False)
    """
    return any(base.__name__ in INJECTED.get(base.__module__.partition(".")[0], ()) for base in kind.__mro__)


def asks_for_injected(annotation: Any) -> bool:
    """Whether an annotation names such a class, also as `Annotated[Session, ...]` and `Session | None`."""
    origin = get_origin(annotation)
    if origin is None:
        return isinstance(annotation, type) and is_injected(annotation)
    if origin is Annotated:
        return asks_for_injected(get_args(annotation)[0])
    if origin in (Union, types.UnionType):
        return any(asks_for_injected(choice) for choice in get_args(annotation))
    return isinstance(origin, type) and is_injected(origin)
