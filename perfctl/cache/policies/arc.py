"""Two lists, of those used once and those used again, whose shares follow what would have been hit.

ARC (Megiddo, Modha: ARC: a self-tuning, low overhead replacement cache, 2003). Ours takes the room to be the number
of residents, and never takes the last one that was added.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable


class ARC:
    """T1 and T2 of the paper are `once` and `again`, B1 and B2 their ghosts, p the target of `once`."""

    def __init__(self, seed: int = 0) -> None:
        self._once: OrderedDict[Hashable, None] = OrderedDict()
        self._again: OrderedDict[Hashable, None] = OrderedDict()
        self._once_ghosts: OrderedDict[Hashable, None] = OrderedDict()
        self._again_ghosts: OrderedDict[Hashable, None] = OrderedDict()
        self._target = 0.0
        self._last: Hashable = None
        self._came_from_again = False

    def add(self, key: Hashable, size_bytes: int, expires_at: float) -> None:
        """A newcomer, or one whose ghost says which list was too short."""
        self._last, self._came_from_again = key, False
        if key in self._once or key in self._again:
            self.hit(key)
        elif key in self._once_ghosts:
            step = max(1.0, len(self._again_ghosts) / len(self._once_ghosts))
            self._target = min(self._target + step, float(len(self)))
            del self._once_ghosts[key]
            self._again[key] = None
        elif key in self._again_ghosts:
            step = max(1.0, len(self._once_ghosts) / len(self._again_ghosts))
            self._target = max(self._target - step, 0.0)
            del self._again_ghosts[key]
            self._again[key] = None
            self._came_from_again = True
        else:
            self._once[key] = None

    def hit(self, key: Hashable) -> None:
        """Used again."""
        if key in self._again:
            self._again.move_to_end(key)
        elif key in self._once:
            del self._once[key]
            self._again[key] = None

    def remove(self, key: Hashable) -> None:
        """Out of its list, and not remembered."""
        if key in self._once:
            del self._once[key]
        else:
            self._again.pop(key, None)

    def evict(self) -> Hashable:
        """The oldest of the list that is over its target, which is remembered."""
        room = len(self) - 1
        if self._takes_once():
            key = self._once.popitem(last=False)[0]
            self._once_ghosts[key] = None
        else:
            key = self._again.popitem(last=False)[0]
            self._again_ghosts[key] = None
        while self._once_ghosts and len(self._once) + len(self._once_ghosts) > max(1, room):
            self._once_ghosts.popitem(last=False)
        while self._again_ghosts and len(self._once_ghosts) + len(self._again_ghosts) > max(1, room):
            self._again_ghosts.popitem(last=False)
        return key

    def __len__(self) -> int:
        return len(self._once) + len(self._again)

    def _takes_once(self) -> bool:
        settled = len(self._once) - (self._last in self._once)
        if not settled:
            return not self._again
        if len(self._again) == (self._last in self._again):
            return True
        return settled > self._target or (self._came_from_again and settled == self._target)
