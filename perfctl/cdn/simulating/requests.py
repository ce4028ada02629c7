"""The requests of access logs as a replay needs them: 52 bytes each, and the rest as sums."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from perfctl.cdn.delivery.patterns import matches
from perfctl.cdn.logs.arrays import Ints, Mask, Words, np
from perfctl.cdn.logs.columns import Block
from perfctl.cdn.logs.values import fingerprints, mixed
from perfctl.cdn.simulating.queries import ANYTHING, QueryRule, reducer
from perfctl.errors import UsageError

EVENT = np.dtype(
    [
        ("path", "u8"),
        ("query", "u8"),
        ("reduced", "u8"),
        ("cookie", "u8"),
        ("size_bytes", "i8"),
        ("second", "u4"),
        ("location", "u2"),
        ("group", "u2"),
        ("rule", "u2"),
        ("result", "u1"),
        ("is_real", "?"),
    ]
)
"""`path` with its host, `query`, `cookie` and what is `reduced` of the query are fingerprints; `group` is the pattern
that the path falls to, `rule` the user's own pattern (0: none)."""

HIT, REFRESH, MISS = range(3)
_RESULTS = {b"Hit": HIT, b"RefreshHit": REFRESH, b"Miss": MISS}
_READS = (b"GET", b"HEAD")
_FROM_ORIGIN = (b"Miss", b"RefreshHit", b"Error")
MAX_GROUPS = 200
OTHER = "(other)"
_MOST_PATHS = 100_000
_MOST_LOCATIONS = 10_000
_MOST_BYTES = 10**12
_LAST_SECOND = 1 << 32
_NEEDED = ("x-edge-result-type", "cs-uri-stem", "x-edge-location")


@dataclass(slots=True)
class Unreplayed:
    """Requests that no configuration of this kind changes: errors, redirects to HTTPS, other methods than GET, HEAD."""

    requests: int = 0
    hits: int = 0
    origin_requests: int = 0
    origin_bytes: int = 0
    sent_bytes: int = 0


@dataclass(slots=True)
class Names:
    """The words behind the numbers."""

    groups: dict[str, int] = field(default_factory=dict)
    locations: dict[bytes, int] = field(default_factory=dict)


class Intake:
    """Turns blocks into events. `patterns` are those that the user gave a TTL of their own."""

    def __init__(self, patterns: Sequence[str] = (), rule: QueryRule = ANYTHING) -> None:
        self.names = Names()
        self.unreplayed = Unreplayed()
        self.requests = 0
        self.malformed = 0
        self.undated = 0
        self.has_shield = False
        self._patterns = tuple(patterns)
        self._rule = rule
        self._reduced = reducer(rule)
        self._paths: dict[bytes, tuple[int, int]] = {}

    def events(self, block: Block) -> np.ndarray:
        """The requests that can be replayed, in the order of the log; the others are summed up."""
        self.malformed += block.malformed
        self.requests += block.size
        if not block.size:
            return np.zeros(0, EVENT)
        missing = [name for name in _NEEDED if not block.has(name)]
        if missing:
            raise UsageError(
                f"{block.source}: the log has no field {missing[0]}", hint="a replay needs standard logs, or v2 with it"
            )
        results, seconds = self._results(block), block.seconds()
        sizes = np.clip(block.int("sc-bytes"), 0, _MOST_BYTES)
        dated = (seconds >= 0) & (seconds < _LAST_SECOND)
        chosen = (results >= 0) & dated
        self.undated += int((~dated).sum())
        self.has_shield = self.has_shield or b"OriginShieldHit" in block.codes("x-edge-detailed-result-type")[1]
        self._sum_up(block, ~chosen, sizes)
        return self._packed(block, chosen, results, seconds, sizes)

    def _results(self, block: Block) -> Ints:
        """HIT, REFRESH or MISS; -1 for what is not replayed."""
        codes, words = block.codes("x-edge-result-type")
        results = np.array([_RESULTS.get(word, -1) for word in words], np.int64)[codes]
        codes, words = block.codes("cs-method")
        is_read = np.array([word in _READS or word == b"-" for word in words])[codes]
        results[~is_read | (block.int("sc-status") >= 400)] = -1
        return results

    def _sum_up(self, block: Block, left: Mask, sizes: Ints) -> None:
        codes, words = block.codes("x-edge-result-type")
        asks = np.array([word in _FROM_ORIGIN for word in words])[codes] & left
        hits = np.array([word in (b"Hit", b"RefreshHit") for word in words])[codes] & left
        total = self.unreplayed
        total.requests += int(left.sum())
        total.hits += int(hits.sum())
        total.origin_requests += int(asks.sum())
        total.origin_bytes += int(sizes[asks].sum())
        total.sent_bytes += int(sizes[left].sum())

    def _packed(self, block: Block, chosen: Mask, results: Ints, seconds: Ints, sizes: Ints) -> np.ndarray:
        events = np.zeros(int(chosen.sum()), EVENT)
        groups, rules = self._of_paths(block)
        hosts = fingerprints(block.text("cs-host"))
        events["path"] = mixed(hosts, fingerprints(block.text("cs-uri-stem")))[chosen]
        events["query"] = fingerprints(block.text("cs-uri-query"))[chosen]
        events["reduced"] = self._reductions(block)[chosen]
        events["cookie"] = fingerprints(block.text("cs-cookie"))[chosen]
        events["location"] = self._locations(block)[chosen]
        events["group"], events["rule"] = groups[chosen], rules[chosen]
        events["second"], events["result"] = seconds[chosen], results[chosen]
        events["size_bytes"] = sizes[chosen]
        events["is_real"] = True
        return events

    def _of_paths(self, block: Block) -> tuple[Ints, Ints]:
        """The group and the user's pattern of each path."""
        codes, paths = block.codes("cs-uri-stem")
        if len(self._paths) + len(paths) > _MOST_PATHS:
            self._paths.clear()
        found = np.array([self._paths.get(path) or self._look_up(path) for path in paths], np.int64)
        return found[codes, 0], found[codes, 1]

    def _look_up(self, path: bytes) -> tuple[int, int]:
        text = path.decode("utf-8", "replace")
        name = pattern_of(text)
        groups = self.names.groups
        if name not in groups and len(groups) >= MAX_GROUPS:
            name = OTHER
        group = groups.setdefault(name, len(groups))
        rule = next((number for number, pattern in enumerate(self._patterns, 1) if matches(pattern, text)), 0)
        self._paths[path] = group, rule
        return group, rule

    def _reductions(self, block: Block) -> Words:
        if not self._rule or self._rule.drops_all:
            return np.zeros(block.size, np.uint64)
        codes, queries = block.codes("cs-uri-query")
        made = [hash(self._reduced(query)) & 0xFFFF_FFFF_FFFF_FFFF for query in queries]
        return np.array(made, np.uint64)[codes]

    def _locations(self, block: Block) -> Ints:
        codes, names = block.codes("x-edge-location")
        known = self.names.locations
        found = [known.setdefault(name if len(known) < _MOST_LOCATIONS else b"-", len(known)) for name in names]
        return np.array(found, np.int64)[codes]


def pattern_of(path: str) -> str:
    """The kind of content that a path is taken for: its first folder and its extension.

    >>> pattern_of("/img/products/7.webp"), pattern_of("/2026/03/hello.html"), pattern_of("/about")
    ('/img/*.webp', '/*.html', '/*')
    """
    folders, _, name = path.rpartition("/")
    _, dot, extension = name.rpartition(".")
    first = folders.split("/")[1] if folders.count("/") else ""
    folder = f"/{first}" if first and not any(letter.isdigit() for letter in first) else ""
    is_plain = dot and 0 < len(extension) <= 5 and extension.isalnum()
    return f"{folder}/*{f'.{extension.lower()}' if is_plain else ''}"
