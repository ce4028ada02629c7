"""Invalidations: what may be asked, how many at once, when they take effect and when they are reported complete.

Quotas and syntax are those of the CloudFront developer guide ("Invalidate files", "Quotas"): 3,000 exact paths and
15 wildcards in progress per distribution, counted apart; a tag counts with the exact paths.
"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from perfctl.cdn.delivery.cache_key import canonical
from perfctl.sandbox.edge.clock import Clock
from perfctl.sandbox.edge.identity import short_id
from perfctl.sandbox.edge.problems import ServiceProblem
from perfctl.sandbox.edge.store import Store

MAX_EXACT_IN_PROGRESS = 3_000
MAX_WILDCARDS_IN_PROGRESS = 15
MAX_PATH_CHARACTERS = 4_000
MAX_TAG_CHARACTERS = 256
MAX_KEPT = 10_000
FREE_PATHS_A_MONTH = 1_000
PRICE_USD = 0.005

_UNSAFE = frozenset('"<>{}|\\^`')

Kind = Literal["exact", "wildcard", "tag"]


@dataclass(frozen=True, slots=True)
class Invalidation:
    """One accepted batch; times in seconds since the epoch."""

    identity: str
    distribution_id: str
    caller_reference: str
    paths: tuple[str, ...]
    created_at: float
    effective_at: float
    completed_at: float

    def status(self, now: float) -> str:
        return "Completed" if now >= self.completed_at else "InProgress"


@dataclass(frozen=True, slots=True)
class Delay:
    """How long a batch takes until it is reported complete: a time, or any between two."""

    completion_seconds: float
    up_to_seconds: float = 0.0
    effect_share: float = 0.2
    """When it takes effect, as a share of that: the service states 5 s to the effect and 25 s to the report."""
    seed: int | None = None
    """Makes the times repeatable."""

    @property
    def longest_seconds(self) -> float:
        return max(self.completion_seconds, self.up_to_seconds)


@dataclass(frozen=True, slots=True)
class Bill:
    """What the accepted paths of a month cost."""

    month: str
    paths: int
    free_left: int
    cost_usd: float


def kind_of(item: str) -> Kind:
    if item.startswith("#"):
        return "tag"
    return "wildcard" if item.endswith("*") else "exact"


def check_items(items: tuple[str, ...], *, tags_enabled: bool) -> None:
    """InvalidArgument for what the service would not take, BatchTooLarge for too much of it."""
    if not items:
        raise ServiceProblem("InvalidArgument", "The invalidation batch has no paths.")
    if len(items) > MAX_EXACT_IN_PROGRESS:
        raise ServiceProblem("BatchTooLarge", f"{len(items)} paths; a batch has at most {MAX_EXACT_IN_PROGRESS}.")
    for item in items:
        complaint = _tag_complaint(item, tags_enabled) if item.startswith("#") else _path_complaint(item)
        if complaint:
            raise ServiceProblem(
                "InvalidArgument",
                f"Your request contains one or more invalid invalidation paths: {item[:200]!r} {complaint}.",
            )


def _path_complaint(path: str) -> str | None:
    if not path.startswith("/"):
        return "does not start with /"
    if len(path) > MAX_PATH_CHARACTERS:
        return f"is longer than {MAX_PATH_CHARACTERS} characters"
    if "*" in path[:-1]:
        return "has a * that is not its last character"
    if any(letter in _UNSAFE or not "!" <= letter <= "~" for letter in path):
        return "has characters that must be URL-encoded"
    return None


def _tag_complaint(tag: str, tags_enabled: bool) -> str | None:
    name = tag[1:]
    if not tags_enabled:
        return "is a cache tag, and the distribution has no CacheTagConfig"
    if not 1 <= len(name) <= MAX_TAG_CHARACTERS:
        return f"is not a tag of 1 to {MAX_TAG_CHARACTERS} characters"
    if any(letter in ",*" or not "!" <= letter <= "~" for letter in name):
        return "has characters that a tag may not have"
    return None


@dataclass(frozen=True, slots=True)
class Scope:
    """What a batch purges, made ready to be asked about many objects."""

    urls: frozenset[str]
    prefixes: tuple[str, ...]
    tags: frozenset[str]

    def covers(self, url: str, tags: frozenset[str] = frozenset()) -> bool:
        """Whether an object goes; its URL is the path, and the query where that is in the cache key."""
        return url in self.urls or url.startswith(self.prefixes) or not self.tags.isdisjoint(tags)


def scope_of(items: tuple[str, ...]) -> Scope:
    """The scope of a batch's items.

    >>> scope_of(("/img/*", "/a?v=1", "#News")).covers("/img/1.jpg")
    True
    """
    by_kind: dict[Kind, list[str]] = {"exact": [], "wildcard": [], "tag": []}
    for item in items:
        by_kind[kind_of(item)].append(item)
    return Scope(
        urls=frozenset(canonical(path) for path in by_kind["exact"]),
        prefixes=tuple(canonical(path)[:-1] for path in by_kind["wildcard"]),
        tags=frozenset(tag[1:].lower() for tag in by_kind["tag"]),
    )


class Invalidations:
    """Every batch of every distribution, kept over a restart."""

    def __init__(self, store: Store, clock: Clock, *, completion_seconds: float) -> None:
        self._store = store
        self._clock = clock
        self.set_delay(Delay(completion_seconds))
        self._longest_seconds = 0.0
        self._by_distribution: dict[str, dict[str, Invalidation]] = {}
        self._references: dict[tuple[str, str], Invalidation] = {}
        self._waiting: list[Invalidation] = []
        for body in store.all("invalidation").values():
            self._remember(Invalidation(**{**body, "paths": tuple(body["paths"])}))

    @property
    def completion_seconds(self) -> float:
        """How long a change takes at least."""
        return self.delay.completion_seconds

    def set_delay(self, delay: Delay) -> None:
        """From now on batches take this long; those under way keep their times."""
        self.delay = delay
        self._random = random.Random(delay.seed)  # noqa: S311 - times, no secret

    def create(
        self, distribution_id: str, reference: str, items: tuple[str, ...], *, tags_enabled: bool
    ) -> Invalidation:
        """Accept a batch. The same reference with the same paths gives the old one, with others an error."""
        if not reference:
            raise ServiceProblem("InvalidArgument", "CallerReference is empty.")
        check_items(items, tags_enabled=tags_enabled)
        if earlier := self._references.get((distribution_id, reference)):
            return _same_or_refused(earlier, items)
        self._check_quota(distribution_id, items)
        now = self._clock.now()
        takes = self._random.uniform(self.delay.completion_seconds, self.delay.longest_seconds)
        accepted = Invalidation(
            identity=short_id("I"),
            distribution_id=distribution_id,
            caller_reference=reference,
            paths=items,
            created_at=now,
            effective_at=now + takes * self.delay.effect_share,
            completed_at=now + takes,
        )
        self._store.put("invalidation", accepted.identity, asdict(accepted))
        self._charge(len(items))
        self._remember(accepted)
        self._waiting.append(accepted)
        return accepted

    def get(self, distribution_id: str, identity: str) -> Invalidation:
        found = self._of(distribution_id).get(identity)
        if found is None:
            raise ServiceProblem("NoSuchInvalidation", f"The specified invalidation does not exist: {identity}.")
        return found

    def newest_first(self, distribution_id: str) -> list[Invalidation]:
        return list(reversed(self._of(distribution_id).values()))

    def in_progress(self, distribution_id: str) -> list[Invalidation]:
        """Newest first. Of all that are kept only those are looked at that can still be under way."""
        now = self._clock.now()
        found = []
        for invalidation in reversed(self._of(distribution_id).values()):
            if invalidation.created_at + self._longest_seconds <= now:
                break
            if invalidation.completed_at > now:
                found.append(invalidation)
        return found

    def take_due(self) -> list[Invalidation]:
        """The batches that have taken effect since the last call."""
        if not self._waiting:
            return []
        now = self._clock.now()
        due = [waiting for waiting in self._waiting if waiting.effective_at <= now]
        self._waiting = [waiting for waiting in self._waiting if waiting.effective_at > now]
        return due

    def forget(self, distribution_id: str) -> None:
        """A deleted distribution takes its invalidations with it."""
        for invalidation in self._by_distribution.pop(distribution_id, {}).values():
            self._drop(invalidation)

    def bill(self) -> Bill:
        """This month's paths over all distributions, what is left of the free ones, and the price of the rest."""
        month = self._month()
        paths = self._store.all("bill").get(month, {"paths": 0})["paths"]
        beyond = max(paths - FREE_PATHS_A_MONTH, 0)
        return Bill(month, paths, max(FREE_PATHS_A_MONTH - paths, 0), round(beyond * PRICE_USD, 3))

    def _of(self, distribution_id: str) -> dict[str, Invalidation]:
        return self._by_distribution.get(distribution_id, {})

    def _remember(self, invalidation: Invalidation) -> None:
        known = self._by_distribution.setdefault(invalidation.distribution_id, {})
        known[invalidation.identity] = invalidation
        self._references[invalidation.distribution_id, invalidation.caller_reference] = invalidation
        self._longest_seconds = max(self._longest_seconds, invalidation.completed_at - invalidation.created_at)
        if len(known) > MAX_KEPT:
            self._drop(known.pop(next(iter(known))))

    def _drop(self, invalidation: Invalidation) -> None:
        self._references.pop((invalidation.distribution_id, invalidation.caller_reference), None)
        self._store.delete("invalidation", invalidation.identity)

    def _check_quota(self, distribution_id: str, items: tuple[str, ...]) -> None:
        used = Counter(
            kind_of(path) == "wildcard" for batch in self.in_progress(distribution_id) for path in batch.paths
        )
        asked = Counter(kind_of(path) == "wildcard" for path in items)
        if (used[True] + asked[True] > MAX_WILDCARDS_IN_PROGRESS and asked[True]) or used[False] + asked[
            False
        ] > MAX_EXACT_IN_PROGRESS:
            raise ServiceProblem(
                "TooManyInvalidationsInProgress",
                "Processing your request will cause you to exceed the maximum number of in-progress invalidations: "
                f"{used[False]} paths and {used[True]} wildcards are in progress, "
                f"{asked[False]} and {asked[True]} were asked for.",
            )

    def _charge(self, paths: int) -> None:
        body: dict[str, Any] = {"paths": self.bill().paths + paths}
        self._store.put("bill", self._month(), body)

    def _month(self) -> str:
        return datetime.fromtimestamp(self._clock.now(), UTC).strftime("%Y-%m")


def _same_or_refused(earlier: Invalidation, items: tuple[str, ...]) -> Invalidation:
    if sorted(earlier.paths) == sorted(items):
        return earlier
    raise ServiceProblem(
        "InvalidationBatchAlreadyExists",
        f"The CallerReference {earlier.caller_reference!r} was used for {earlier.identity} with other paths.",
    )
