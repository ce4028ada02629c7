"""How many values a namespace has and some of their names, drawn evenly: counted on the server where it may be."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from perfctl.cache.keys import KeyLayout, pattern_of
from perfctl.cache.store import ForbiddenError
from perfctl.errors import ServiceError

if TYPE_CHECKING:
    from perfctl.cache.store import Store

_BATCH = 1000
_DRAWN = 16
"""Names that come along from each batch, once there are enough to know all of them no more."""
_MOST = 100
"""Names that are held at most, in multiples of those that are wanted."""

_SCRIPT = """
local found = redis.call('SCAN', ARGV[1], 'MATCH', ARGV[2], 'COUNT', ARGV[3])
local start, wanted, count, drawn = tonumber(ARGV[4]), tonumber(ARGV[5]), 0, {}
for _, name in ipairs(found[2]) do
  if name:byte(start) ~= 126 or (#name == start + 40 and not name:find('[^0-9a-f]', start + 1)) then
    count = count + 1
    if count <= wanted then drawn[count] = name end
  end
end
return {found[1], count, drawn}
"""
"""One step of a count. The order within a batch is the server's hash order: its first names are as good as any."""


async def tally(
    store: Store, layout: KeyLayout, namespace: str, *, wanted: int, only_names: bool = False
) -> tuple[int, list[bytes]] | None:
    """How many values, and `wanted` names of them (all, where there are no more). None where only asking name by name
    would tell: on a cluster, and where scripts are forbidden. `only_names` counts no further than there are enough
    names."""
    nodes = await store.nodes()
    if len(nodes) != 1:
        return None
    try:
        seen, names = await _by_script(store, nodes[0], layout.namespace(namespace), wanted, only_names)
    except (ForbiddenError, ServiceError):
        return None
    return seen, random.sample(names, wanted) if len(names) > wanted else names


async def _by_script(store: Store, node: str, prefix: bytes, wanted: int, only_names: bool) -> tuple[int, list[bytes]]:
    line = await store.line(node)
    seen, names, drawn = 0, list[bytes](), wanted
    try:
        cursor = b"0"
        while True:
            step = await line.ask("EVAL", _SCRIPT, 0, cursor, pattern_of(prefix), _BATCH, len(prefix) + 1, drawn)
            cursor, count, some = step
            seen += count
            names += some
            if seen > wanted:
                drawn = _DRAWN
            if len(names) > _MOST * wanted:
                names = random.sample(names, wanted)
            if cursor == b"0" or (only_names and seen >= wanted):
                return seen, names
    finally:
        await line.close()
