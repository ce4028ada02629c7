"""The fast lane of a preload writes what the ordinary way writes, or takes nothing."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfctl.cache.engine import AdvancedCache
from perfctl.cache.memory import MemoryStore
from perfctl.cache.operating.operator import CacheOperator
from perfctl.cache.preloading.express import Express, Packed
from perfctl.cache.preloading.preload import Lines, read_lines
from perfctl.cache.store import Store
from perfctl.config import CacheConfig
from tests.campaign import campaign


def operator_on(store: Store) -> CacheOperator:
    """The operator's side of a cache on this store."""
    return AdvancedCache(CacheConfig(), store=store).operator


def packed(block: bytes, versions: dict[str, int] | None = None) -> Packed | None:
    """What becomes of a block."""
    known = {"default": 1, "api": 2} if versions is None else versions
    return Express(operator_on(MemoryStore()), namespace=None, ttl=None, versions=known).packed(
        block, block.count(b"\n") + (not block.endswith(b"\n"))
    )


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False) | st.text(max_size=80),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
LINE = st.fixed_dictionaries(
    {"key": st.text(max_size=20), "value": JSON},
    optional={
        "ttl": st.sampled_from([None, 1, 2.5, "10m", True, 0, -1, "soon", [], 10**9]),
        "namespace": st.sampled_from([None, "api", "", 5]),
        "other": st.just(1),
    },
)


def written(entries: Any) -> tuple[dict[bytes, Any], Any]:
    """What a preload leaves on the server, by name, and its answer without the time that it took."""

    async def load() -> tuple[dict[bytes, Any], Any]:
        store = MemoryStore()
        operator = operator_on(store)
        for namespace in ("default", "api"):
            await operator.version(namespace)
        done = await operator.preload(entries)
        found = {}
        async for names in store.scan(b""):
            for name in names:
                fetched = await store.get(name)
                if fetched is not None and b":~" not in name:
                    value, meta = await operator.decoded(name, fetched.blob)
                    found[name] = (repr(value), meta.fresh_ms, fetched.ttl_ms is None)
        return found, (done.loaded, done.failed, done.rows)

    return asyncio.run(load())


@campaign(60, 3000)
@given(st.lists(LINE, min_size=1, max_size=8), st.sampled_from(["\n", "\r\n", "\n\n"]))
def test_both_ways_write_the_same_and_say_the_same(lines: list[dict[str, Any]], end: str) -> None:
    text = [f"{json.dumps(line)}{end}".encode() for line in lines]
    plain = {"key": "plain", "value": 1}
    listed = [f"{json.dumps(plain)}\n".encode(), *text]
    in_blocks = read_lines(listed, "f")
    line_by_line = [entry for entry in read_lines(listed, "f")]  # noqa: C416 - a list is not taken in blocks
    assert isinstance(in_blocks, Lines)
    assert written(in_blocks) == written(line_by_line)


def test_a_plain_block_is_packed_whole() -> None:
    block = packed(b'{"key": "a", "value": 1, "ttl": 5}\n{"key": "b", "value": "x", "namespace": "api"}\n')
    assert block is not None
    assert block.names == [b"perfctl:default:a", b"perfctl:api:b"]
    assert block.commands[0].startswith(b"*5\r\n$3\r\nSET\r\n$17\r\nperfctl:default:a\r\n")
    assert block.commands[0].endswith(b"$2\r\nPX\r\n$4\r\n5000\r\n")


@pytest.mark.parametrize(
    "line",
    [
        b'{"key": "a"}',
        b'{"key": "", "value": 1}',
        b'{"key": "~a", "value": 1}',
        b'{"key": "a", "value": NaN}',
        b'{"key": "a", "value": 1, "ttl": true}',
        b'{"key": "a", "value": 1, "ttl": 0}',
        b'{"key": "a", "value": 1, "extra": 1}',
        b'{"key": "a", "value": 1, "namespace": "unknown"}',
        b'{"key": "a", "value": 123456789012345678901234567890}',
        b'{"key": "\\ud800", "value": 1}',
        b'{"key": "%s", "value": 1}' % (b"x" * 600),
        b'{"key": "a", "value": 1} {"key": "b", "value": 1}',
        b"[1]",
        b"no JSON",
        b"\xff",
        b"",
    ],
)
def test_what_needs_a_closer_look_is_left_to_the_ordinary_way(line: bytes) -> None:
    assert packed(b'{"key": "z", "value": 1}\n' + line + b"\n") is None
