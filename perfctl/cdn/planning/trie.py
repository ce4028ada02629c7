"""The compressed trie of what has to be purged, and on it the cheapest exact items and wildcards.

A wildcard that covers the same changed keys with a longer prefix never purges more. So only the longest common
prefixes of changed keys need to be looked at: fewer of them than there are keys, however large the inventory is. The
cheapest cover of a node with at most j wildcards is a knapsack over its children's (tree knapsack: merging lists no
longer than the subtrees are large keeps it at O(keys x wildcards)).
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import accumulate

from perfctl.cdn.paths import LONGEST_PATH
from perfctl.cdn.planning.inventory import Inventory, next_text

NEVER = 1 << 16384
"""The cost of what cannot be done: above every other."""
_CUT_ESCAPE = re.compile(r"%[0-9A-Fa-f]?\Z")


@dataclass(frozen=True, slots=True)
class Demand:
    """One text that has to be covered."""

    text: str
    needs_wildcard: bool = False
    """Whether no exact item names it: a `*` in it would be taken for a wildcard."""
    is_prefix: bool = False
    """Whether all that begins with it is meant, which no tag covers: there is more than the inventory knows."""


class Spared:
    """Keys whose purge costs nothing, in order, with prefix sums of what they weigh."""

    def __init__(self, keys: Iterable[str], inventory: Inventory) -> None:
        self.keys = sorted(set(keys))
        self.places = inventory.places(self.keys)
        self.sums = [0, *accumulate(inventory.own(self.keys, self.places))]

    def under(self, prefix: str) -> int:
        """The weight of those that begin with it, in parts."""
        first = bisect_left(self.keys, prefix)
        return self.sums[bisect_left(self.keys, next_text(prefix), first)] - self.sums[first]


@dataclass(slots=True)
class Node:
    """The demands `first` to `last` and their longest common prefix."""

    first: int
    last: int
    depth: int
    children: list[Node] = field(default_factory=list)
    prefix: str | None = None
    """Of its wildcard; None where its parent's covers the same, or none may be sent."""
    known: tuple[int, int] = (0, 0)
    """The range of the inventory that its wildcard purges."""
    collateral: int = 0
    """What of that had no need to be, in parts of a weight."""
    costs: list[int] = field(default_factory=list)
    """Least cost with at most 0, 1, 2 ... wildcards, as long as one more helps."""


@dataclass(frozen=True, slots=True)
class Cover:
    """What covers every demand: indices of exact ones, and nodes whose wildcard is sent."""

    exact: tuple[int, ...]
    wildcards: tuple[Node, ...]


class Trie:
    """The trie of demands (sorted, each once) over an inventory, where purging `free` keys costs nothing."""

    def __init__(self, demands: Sequence[Demand], inventory: Inventory, free: Spared) -> None:
        self.demands = demands
        self._inventory = inventory
        self.nodes: list[Node] = []
        """Children before their parents; the last one is the root."""
        if demands:
            self._build()
            self._weigh(free)

    def cover(self, item: int, miss: int, max_wildcards: int) -> Cover | None:
        """The cheapest cover for an item's and a miss's price, then the fewest items, then the least collateral.

        None where there is no cover with so few wildcards. What is equal in all of that is chosen by order alone.
        """
        if not self.demands:
            return Cover((), ())
        ranks = self._ranks(item, miss)
        for node in self.nodes:
            node.costs = self._costs(node, ranks, max_wildcards)
        root = self.nodes[-1]
        if root.costs[-1] >= NEVER:
            return None
        return self._chosen(root, ranks)

    def _ranks(self, item: int, miss: int) -> _Ranks:
        """Cost, items and collateral in one whole number, which adds up and compares like the three of them."""
        most_items = len(self.demands) + 1
        most_collateral = self._inventory.sums[-1] + 1
        return _Ranks((item * most_items + 1) * most_collateral, miss * most_items * most_collateral + 1)

    def _costs(self, node: Node, ranks: _Ranks, most: int) -> list[int]:
        if node.children:
            costs = _merged([child.costs for child in node.children], most)
        else:
            costs = [NEVER if self.demands[node.first].needs_wildcard else ranks.item]
        if node.prefix is not None and most:
            wildcard = ranks.wildcard(node)
            if len(costs) == 1:
                costs.append(costs[0])
            costs = [costs[0], *(min(cost, wildcard) for cost in costs[1:])]
        while len(costs) > 1 and costs[-1] == costs[-2]:
            costs.pop()
        return costs

    def _chosen(self, root: Node, ranks: _Ranks) -> Cover:
        exact: list[int] = []
        wildcards: list[Node] = []
        left = [(root, len(root.costs) - 1)]
        while left:
            node, budget = left.pop()
            if budget == 0:
                exact.extend(range(node.first, node.last))
            elif node.prefix is not None and node.costs[budget] == ranks.wildcard(node):
                wildcards.append(node)
            else:
                left.extend(_split(node.children, budget, budget))
        return Cover(tuple(sorted(exact)), tuple(sorted(wildcards, key=lambda node: node.first)))

    def _build(self) -> None:
        """One pass over the sorted demands with a stack of the prefixes that are still open."""
        texts = [demand.text for demand in self.demands]
        open_nodes: list[Node] = []
        child = Node(0, 1, len(texts[0]))
        for index in range(1, len(texts)):
            depth = _common(texts[index - 1], texts[index])
            while open_nodes and open_nodes[-1].depth > depth:
                child = self._attached(open_nodes.pop(), child)
            if not open_nodes or open_nodes[-1].depth < depth:
                open_nodes.append(Node(child.first, child.last, depth))
            self._attached(open_nodes[-1], child)
            child = Node(index, index + 1, len(texts[index]))
        while open_nodes:
            child = self._attached(open_nodes.pop(), child)
        self._finish(child, 0)

    def _attached(self, parent: Node, child: Node) -> Node:
        self._finish(child, parent.depth)
        parent.children.append(child)
        parent.last = child.last
        return parent

    def _finish(self, node: Node, parent_depth: int) -> None:
        self.nodes.append(node)
        demand = self.demands[node.first]
        if not (node.children or demand.needs_wildcard):
            return
        prefix = sendable_prefix(demand.text[: node.depth])
        if len(prefix) > parent_depth:
            node.prefix = prefix

    def _weigh(self, free: Spared) -> None:
        """What each wildcard purges: a node's range lies within its parent's, around its own demands."""
        keys = self._inventory.keys
        places = self._inventory.places([demand.text for demand in self.demands])
        self.nodes[-1].known = (0, len(keys))
        for node in reversed(self.nodes):
            first, last = node.known
            if node.prefix is not None:
                first = bisect_left(keys, node.prefix, first, places[node.first])
                last = bisect_left(keys, next_text(node.prefix), places[node.last - 1], last)
                node.known = first, last
                node.collateral = self._inventory.whole(first, last) - free.under(node.prefix)
            for child in node.children:
                child.known = first, last


@dataclass(frozen=True, slots=True)
class _Ranks:
    item: int
    collateral: int

    def wildcard(self, node: Node) -> int:
        return self.item + self.collateral * node.collateral


def sendable_prefix(text: str) -> str:
    """As much of a text as may stand in front of a wildcard's `*`: no other `*`, no escape that is cut in two.

    >>> sendable_prefix("/a*b"), sendable_prefix("/%C3%A"), sendable_prefix("/%C3")
    ('/a', '/%C3', '/%C3')
    """
    return _CUT_ESCAPE.sub("", text.partition("*")[0][: LONGEST_PATH - 1])


def _common(one: str, other: str) -> int:
    """How many characters two texts begin with in common."""
    low, high = 0, min(len(one), len(other))
    if one[:high] == other[:high]:
        return high
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _merged(lists: Sequence[list[int]], most: int) -> list[int]:
    """The least costs of several subtrees together, for each number of wildcards up to the most."""
    base, together = 0, [0]
    for costs in lists:
        if len(costs) == 1:
            base += costs[0]
        else:
            together = _added(together, costs, most)
    return [base + cost for cost in together]


def _added(one: list[int], other: list[int], most: int) -> list[int]:
    best = [NEVER] * min(most + 1, len(one) + len(other) - 1)
    for used, cost in enumerate(one):
        for more, added in enumerate(other[: len(best) - used], start=used):
            best[more] = min(best[more], cost + added)
    return best


def _split(children: Sequence[Node], budget: int, most: int) -> list[tuple[Node, int]]:
    """How many wildcards each child has in the cheapest cover of all of them with a budget."""
    split = [(child, 0) for child in children if len(child.costs) == 1]
    rest = [child for child in children if len(child.costs) > 1]
    together = [[0]]
    for child in rest:
        together.append(_added(together[-1], child.costs, most))
    for place in range(len(rest) - 1, -1, -1):
        costs, before = rest[place].costs, together[place]
        used = next(
            used
            for used in range(min(budget, len(costs) - 1) + 1)
            if budget - used < len(before) and before[budget - used] + costs[used] == together[place + 1][budget]
        )
        split.append((rest[place], used))
        budget -= used
    return split
