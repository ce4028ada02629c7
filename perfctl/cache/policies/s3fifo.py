"""Three queues: newcomers prove themselves in a small one, the others stay in a large one, the gone are remembered.

S3-FIFO (Yang, Zhang, Qiu, Yue, Rashmi: FIFO queues are all you need for cache eviction, 2023), with the sizes of the
paper: a tenth for newcomers, as many ghosts as the large queue has entries. Ours takes the room to be the number of
residents, and never takes the last one that was added.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable

_SMALL_SHARE = 0.1
_MOST_USES = 3


class S3FIFO:
    """Uses of each resident, up to three, in two ordered dicts that are queues."""

    def __init__(self, seed: int = 0) -> None:
        self._small: OrderedDict[Hashable, int] = OrderedDict()
        self._main: OrderedDict[Hashable, int] = OrderedDict()
        self._ghosts: OrderedDict[Hashable, None] = OrderedDict()
        self._last: Hashable = None

    def add(self, key: Hashable, size_bytes: int, expires_at: float) -> None:
        """To the large queue where it is remembered, else to the small one; written anew, to the end of its own."""
        self._last = key
        if self._use(key):
            queue = self._small if key in self._small else self._main
            queue.move_to_end(key)
        elif key in self._ghosts:
            del self._ghosts[key]
            self._main[key] = 0
        else:
            self._small[key] = 0

    def hit(self, key: Hashable) -> None:
        """One use more, up to three."""
        self._use(key)

    def remove(self, key: Hashable) -> None:
        """Out of its queue, and not remembered."""
        if self._small.pop(key, None) is None:
            self._main.pop(key, None)

    def evict(self) -> Hashable:
        """From the small queue while it has more than its share, else from the large one."""
        while True:
            key = self._leave_small() if self._takes_small() else self._leave_main()
            if key is not None:
                return key

    def __len__(self) -> int:
        return len(self._small) + len(self._main)

    def _use(self, key: Hashable) -> bool:
        for queue in (self._small, self._main):
            uses = queue.get(key)
            if uses is not None:
                queue[key] = min(uses + 1, _MOST_USES)
                return True
        return False

    def _takes_small(self) -> bool:
        settled = len(self._small) - (self._last in self._small)
        if not settled:
            return not self._main
        return settled >= int(_SMALL_SHARE * len(self)) or len(self._main) == (self._last in self._main)

    def _leave_small(self) -> Hashable | None:
        """The oldest newcomer when it was used at most once; else it moves on, and nobody leaves yet."""
        key, uses = self._small.popitem(last=False)
        if uses > 1:
            self._main[key] = 0
            return None
        self._ghosts[key] = None
        while len(self._ghosts) > max(1, int((1 - _SMALL_SHARE) * len(self))):
            self._ghosts.popitem(last=False)
        return key

    def _leave_main(self) -> Hashable | None:
        """The oldest when it was not used since it was looked at; else it stays, and nobody leaves yet."""
        key, uses = self._main.popitem(last=False)
        if uses > 0 or (key == self._last and len(self) > 0):
            self._main[key] = max(0, uses - 1)
            return None
        return key
