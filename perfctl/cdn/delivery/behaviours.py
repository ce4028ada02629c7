"""What a distribution does with a request: its origins and cache behaviours, and which behaviour a path falls to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from perfctl.cdn.delivery.patterns import matches, without_dots
from perfctl.cdn.delivery.policies import NOTHING_MORE, CachePolicy, OriginRequestPolicy

if TYPE_CHECKING:
    from perfctl.cdn.delivery.response_headers import ResponseHeadersPolicy

MAX_BEHAVIOURS = 75
SAFE_METHODS = ("HEAD", "GET")
DEFAULT_ERROR_TTL = 10

ViewerProtocol = Literal["allow-all", "https-only", "redirect-to-https"]


@dataclass(frozen=True, slots=True)
class Origin:
    """Where the edge fetches what it does not hold."""

    identity: str
    domain: str
    port: int = 80
    path: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    attempts: int = 3
    connect_seconds: int = 10
    read_seconds: int = 30
    is_https_only: bool = False
    shield_region: str | None = None
    """Where the Origin Shield in front of it is."""


@dataclass(frozen=True, slots=True)
class Target:
    """What a behaviour names: an origin, or an origin group's first and second."""

    first: Origin
    second: Origin | None = None
    statuses: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Association:
    """A function at one trigger of a behaviour."""

    trigger: str
    arn: str
    is_lambda: bool = False
    includes_body: bool = False


@dataclass(frozen=True, slots=True)
class ErrorPage:
    """What a viewer gets in place of an error."""

    status: int
    path: str
    response_status: int
    """The status that the viewer gets with it."""


@dataclass(frozen=True, slots=True)
class Behaviour:
    """How the requests of one path pattern are treated; the default behaviour has no pattern."""

    pattern: str | None
    origin: Origin
    cache_policy: CachePolicy
    request_policy: OriginRequestPolicy = NOTHING_MORE
    compress: bool = False
    allowed_methods: tuple[str, ...] = SAFE_METHODS
    fallback: Origin | None = None
    """The second origin of an origin group."""
    failover_statuses: tuple[int, ...] = ()
    """Answers of the first origin upon which the second is asked."""
    viewer_protocol: ViewerProtocol = "allow-all"
    associations: tuple[Association, ...] = ()
    response_policy: ResponseHeadersPolicy | None = None

    def function_at(self, trigger: str) -> Association | None:
        return next((item for item in self.associations if item.trigger == trigger), None)


@dataclass(frozen=True, slots=True)
class LogSettings:
    """The standard log, version 1, as the distribution has it."""

    enabled: bool = False
    includes_cookies: bool = False
    prefix: str = ""


NO_LOG = LogSettings()


@dataclass(frozen=True, slots=True)
class Delivery:
    """A distribution as the edge sees it; the default behaviour is the last."""

    distribution_id: str
    hosts: tuple[str, ...]
    enabled: bool
    root_object: str
    behaviours: tuple[Behaviour, ...]
    error_ttls: tuple[tuple[int, int], ...] = ()
    tag_header: str | None = None
    error_pages: tuple[ErrorPage, ...] = ()
    logging: LogSettings = NO_LOG

    def behaviour_of(self, path: str) -> Behaviour:
        """The first behaviour whose pattern matches; the order of the list counts, not how narrow a pattern is."""
        path = without_dots(path)
        return next(
            behaviour for behaviour in self.behaviours if behaviour.pattern is None or matches(behaviour.pattern, path)
        )

    def error_page(self, status: int) -> ErrorPage | None:
        return next((page for page in self.error_pages if page.status == status), None)

    def error_ttl(self, status: int) -> int:
        """The least time for which an error of the origin is kept."""
        return dict(self.error_ttls).get(status, DEFAULT_ERROR_TTL)
