"""What a value takes on the server, and what making and reading it costs: the shipped codec against compact JSON and
gzip 6, on values that its dictionaries were not trained with."""

from __future__ import annotations

import asyncio
import gc
import gzip
import json
import random
import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any

from perfctl.cache.keys import KeyLayout
from perfctl.cache.memory import MemoryStore
from perfctl.cache.values.codec import Codec
from perfctl.cache.values.meta import Meta
from perfctl.config.settings import CacheConfig
from tests.bench.measure import Figure
from tests.bench.payloads import KINDS, compact, document

SIZES = {
    "0.3 KiB": (307, 0.65, 40),
    "2 KiB": (2 * 1024, 0.72, 40),
    "20 KiB": (20 * 1024, 0.75, 8),
    "200 KiB": (200 * 1024, 0.77, 2),
}
"""Bytes of compact JSON, the least reduction asked, held-out values of each kind."""
_ROUNDS = 15
_META = Meta(1_800_000_000_000, 3_600_000, version=0x5EEDC0DE)


def run() -> list[Figure]:
    """Reduction (all-in, with the header), and the CPU time each way over that of JSON and gzip 6."""
    codec = asyncio.run(_trained())
    figures = []
    for label, (size, asked, count) in SIZES.items():
        dice = random.Random(size + 1)
        values = [(kind, document(kind, size, dice)) for kind in KINDS for _ in range(count)]
        figures += _figures(label, codec, values, asked)
    return figures


def _figures(label: str, codec: Codec, values: Sequence[tuple[str, Any]], asked: float) -> list[Figure]:
    texts = [compact(value) for _, value in values]
    names = [KeyLayout("perfctl").of(f"{kind}:{index}", kind) for index, (kind, _) in enumerate(values)]
    blobs = [
        codec.encode(name, value, _META, namespace=kind) for name, (kind, value) in zip(names, values, strict=True)
    ]
    packed = [gzip.compress(text, 6) for text in texts]
    reduction = 1 - statistics.mean(
        sum(len(blob) for blob, (of, _) in zip(blobs, values, strict=True) if of == kind)
        / sum(len(text) for text, (of, _) in zip(texts, values, strict=True) if of == kind)
        for kind in KINDS
    )

    def encode() -> None:
        for name, (kind, value) in zip(names, values, strict=True):
            codec.encode(name, value, _META, namespace=kind)

    def decode() -> None:
        for name, blob in zip(names, blobs, strict=True):
            codec.decode(name, blob)

    def json_gzip() -> None:
        for _, value in values:
            gzip.compress(compact(value), 6)

    def gunzip_json() -> None:
        for text in packed:
            json.loads(gzip.decompress(text))

    writes, reads = _ratio(encode, json_gzip), _ratio(decode, gunzip_json)
    note = f"{sum(map(len, texts)) // len(texts)} bytes of JSON"
    return [
        Figure(f"reduction at {label}", 100 * reduction, "%", note=note, at_least=100 * asked),
        Figure(f"encode + compress at {label}", writes, "x", 0.35, "of json.dumps + gzip 6"),
        Figure(f"decompress + decode at {label}", reads, "x", 0.35, "of gunzip + json.loads"),
    ]


async def _trained() -> Codec:
    """A codec with the shipped settings, after each kind has been written 400 times, small and larger."""
    store = MemoryStore()
    codec = Codec(CacheConfig(), store=lambda: store)
    dice = random.Random(4)
    for kind in KINDS:
        for index in range(400):
            value = document(kind, dice.choice((307, 307, 1024, 2048, 4096)), dice)
            codec.encode(b"perfctl:%s:%d" % (kind.encode(), index), value, _META, namespace=kind)
    await codec.dictionaries.maintain()
    return codec


def _ratio(ours: Callable[[], None], theirs: Callable[[], None]) -> float:
    """Median CPU time of one over that of the other, interleaved; without the collector, as `timeit` has it: when it
    runs, and over what it walks, is the application's affair."""
    times: tuple[list[float], list[float]] = ([], [])
    gc.collect()
    gc.disable()
    for _ in range(_ROUNDS):
        for contestant, taken in zip((ours, theirs), times, strict=True):
            started = time.process_time()
            contestant()
            taken.append(time.process_time() - started)
    gc.enable()
    return statistics.median(times[0]) / statistics.median(times[1])
