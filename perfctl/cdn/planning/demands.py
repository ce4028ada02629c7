"""What has to be covered, from what was asked: keys that changed, and wildcards."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from perfctl.cdn.paths import LONGEST_PATH, Asked, encode_key, encode_path, encoded_each, uncovered
from perfctl.cdn.planning.inventory import Inventory
from perfctl.cdn.planning.trie import Demand, Spared


@dataclass(frozen=True, slots=True)
class Wanted:
    """What has to be covered, and what may be purged for nothing."""

    demands: tuple[Demand, ...]
    """In order, each once."""
    free: Spared
    """The keys that changed, those under wildcards that were asked for, too."""
    asked: tuple[str, ...]
    """The wildcards that were asked for, without their `*`."""

    @property
    def changed(self) -> int:
        """How many different paths and wildcards were asked for."""
        return len(self.demands)


def wanted_of(changed: Iterable[Asked | str], wildcards: Iterable[Asked | str], inventory: Inventory) -> Wanted:
    """The demands of literal keys and of wildcards. UsageError lists what can be neither."""
    asked = [item[:-1] for item in uncovered(encoded_each(wildcards, encode_path))]
    keys = sorted(set(encoded_each(changed, encode_key)))
    free = dict.fromkeys(keys)
    for prefix in asked:
        first, last = inventory.under(prefix)
        free.update(dict.fromkeys(inventory.keys[first:last]))
    under = tuple(asked)
    demands = [
        Demand(key, needs_wildcard=_needs_wildcard(key)) for key in keys if not (under and key.startswith(under))
    ]
    demands += [Demand(prefix, needs_wildcard=True, is_prefix=True) for prefix in asked]
    return Wanted(tuple(sorted(demands, key=lambda demand: demand.text)), Spared(free, inventory), under)


def uncovered_text(wanted: Wanted) -> str:
    """The first demand that only a wildcard covers, at most 80 characters of it."""
    return next(demand.text for demand in wanted.demands if demand.needs_wildcard)[:80]


def _needs_wildcard(key: str) -> bool:
    return "*" in key or len(key) > LONGEST_PATH
