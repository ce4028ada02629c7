"""The cheapest cover at a price of an item and of a miss, wildcards and tags together (pure)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from perfctl.cdn.planning.inventory import Inventory
from perfctl.cdn.planning.tagging import Tagging, improved
from perfctl.cdn.planning.trie import Demand, Spared, Trie


class UncoverableError(LookupError):
    """There is no cover within the wildcards."""


@dataclass(frozen=True, slots=True)
class Solution:
    """Items that cover every demand, and what they purge besides."""

    exact: tuple[str, ...]
    wildcards: tuple[str, ...]
    """Without their `*`."""
    tags: tuple[str, ...]
    collateral: int
    """In parts of a weight; what two items purge counts once."""

    @property
    def items(self) -> int:
        return len(self.exact) + len(self.wildcards) + len(self.tags)

    def rank(self, item: int, miss: int) -> tuple[int, int, int]:
        """Cost, then items, then collateral: what is less is better."""
        return item * self.items + miss * self.collateral, self.items, self.collateral


class Solver:
    """Solves for one set of demands again and again, at other prices."""

    def __init__(
        self,
        demands: Sequence[Demand],
        inventory: Inventory,
        free: Spared,
        *,
        max_wildcards: int,
        tagging: Tagging,
    ) -> None:
        self.demands = demands
        self._inventory = inventory
        self._free = free
        self._most = max_wildcards
        self._tagging = tagging
        self._paths = Trie(demands, inventory, free)
        self._known: dict[tuple[int, int], Solution] = {}

    def solve(self, item: int, miss: int) -> Solution:
        """The cheapest cover. UncoverableError where there is none within the wildcards, whatever the prices are.

        Exact without tags. With tags it is a weighted set cover: tags are taken greedily, the rest is solved exactly,
        and the better one of several starts is kept.
        """
        if (item, miss) not in self._known:
            self._known[item, miss] = self._solved(item, miss)
        return self._known[item, miss]

    def _solved(self, item: int, miss: int) -> Solution:
        best = self._with(self._paths, (), item, miss)
        if self._tagging.carried and self.demands:
            best = improved(self._tagging, self.demands, best, lambda tags: self._tagged(tags, item, miss), item, miss)
        if best is None:
            raise UncoverableError
        return best

    def _tagged(self, tags: Sequence[str], item: int, miss: int) -> Solution | None:
        """The cheapest cover of what these tags leave over."""
        purged = self._tagging.purged(tags)
        rest = [demand for demand in self.demands if demand.is_prefix or demand.text not in purged]
        trie = (
            Trie(rest, self._inventory, Spared([*self._free.keys, *purged], self._inventory)) if tags else self._paths
        )
        return self._with(trie, tuple(tags), item, miss)

    def _with(self, trie: Trie, tags: tuple[str, ...], item: int, miss: int) -> Solution | None:
        cover = trie.cover(item, miss, self._most)
        if cover is None:
            return None
        collateral = sum(node.collateral for node in cover.wildcards) + self._tagging.collateral(tags)
        exact = tuple(trie.demands[index].text for index in cover.exact)
        wildcards = tuple(node.prefix or "" for node in cover.wildcards)
        return Solution(exact, wildcards, tuple(sorted(tags)), collateral)
