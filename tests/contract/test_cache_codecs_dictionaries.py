"""A namespace's zstd dictionary: trained from its writes, shared, kept while values need it, dropped when it fails."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import pytest

from perfctl.cache.keys import KeyLayout
from perfctl.cache.memory import MemoryStore
from perfctl.cache.store import Write
from perfctl.cache.values.codec import Codec, UndecodableError, UnknownDictionaryError
from perfctl.cache.values.dictionaries import LEAST_LIFE_MS
from perfctl.cache.values.meta import Meta
from perfctl.config.settings import CacheConfig, NamespaceSettings
from perfctl.errors import UnreachableError
from tests.bench.payloads import document
from tests.codecs import KEY

META = Meta(1_800_000_000_000, 60_000)


class Clock:
    """Seconds that a test moves."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


def _codec(store: MemoryStore, clock: Clock | None = None, **settings: Any) -> Codec:
    return Codec(CacheConfig(**settings), store=lambda: store, now=clock or Clock())


def _write(codec: Codec, kind: str, count: int, *, namespace: str = "api", seed: int = 1, meta: Meta = META) -> int:
    """How many bytes that many values took."""
    dice = random.Random(seed)
    layout = KeyLayout("perfctl")
    return sum(
        len(codec.encode(layout.of(str(index), namespace), document(kind, 307, dice), meta, namespace=namespace))
        for index in range(count)
    )


def _trained(store: MemoryStore, **settings: Any) -> Codec:
    codec = _codec(store, **settings)
    _write(codec, "orders", 250)
    asyncio.run(codec.dictionaries.maintain())
    assert codec.dictionaries.tracked("api").active is not None  # type: ignore[union-attr]
    return codec


NAME = KeyLayout("perfctl").of("1", "api")
VALUE = document("orders", 307, random.Random(99))


def test_a_dictionary_is_trained_from_what_is_written() -> None:
    codec = _codec(MemoryStore())
    before = _write(codec, "orders", 250)
    asyncio.run(codec.dictionaries.maintain())
    after = _write(codec, "orders", 250, seed=2)
    assert after < before * 0.5
    blob = codec.encode(NAME, VALUE, META, namespace="api")
    assert codec.decode(NAME, blob) == (VALUE, META)
    assert codec.describe(NAME, blob).dictionary is not None


def test_another_process_fetches_the_dictionary_that_a_value_needs() -> None:
    store = MemoryStore()
    blob = _trained(store).encode(NAME, VALUE, META, namespace="api")
    reader = _codec(store)
    with pytest.raises(UnknownDictionaryError) as unknown:
        reader.decode(NAME, blob)
    assert asyncio.run(reader.dictionaries.fetch(unknown.value.namespace, unknown.value.number))
    assert reader.decode(NAME, blob).value == VALUE


def test_another_process_writes_with_the_same_dictionary() -> None:
    store = MemoryStore()
    first, second = _trained(store), _codec(store)
    _write(second, "orders", 3)
    asyncio.run(second.dictionaries.maintain())
    blobs = [codec.encode(NAME, VALUE, META, namespace="api") for codec in (first, second)]
    assert blobs[0] == blobs[1]
    assert len(asyncio.run(first.dictionaries.list("api"))) == 1


def test_a_dictionary_that_is_gone_makes_misses_and_is_asked_for_once_in_a_while() -> None:
    store, clock = MemoryStore(), Clock()
    blob = _trained(store).encode(NAME, VALUE, META, namespace="api")
    asyncio.run(_forget(store, b"~d:"))
    reader = _codec(store, clock)
    with pytest.raises(UnknownDictionaryError) as unknown:
        reader.decode(NAME, blob)
    assert not asyncio.run(reader.dictionaries.fetch("api", unknown.value.number))
    with pytest.raises(UndecodableError, match="is gone") as gone:
        reader.decode(NAME, blob)
    assert not isinstance(gone.value, UnknownDictionaryError)
    clock.seconds += 11
    with pytest.raises(UnknownDictionaryError):
        reader.decode(NAME, blob)


async def _forget(store: MemoryStore, part: bytes) -> None:
    async for names in store.scan(b"perfctl:api:"):
        await store.delete([name for name in names if part in name])


@pytest.mark.parametrize("ttl_ms", [60_000, 40 * 24 * 3600 * 1000, None])
def test_a_dictionary_lives_as_long_as_what_needs_it(ttl_ms: int | None) -> None:
    store, clock = MemoryStore(), Clock()
    codec = _codec(store, clock)
    _write(codec, "orders", 250)
    asyncio.run(codec.dictionaries.maintain())
    _write(codec, "orders", 5, meta=META._replace(fresh_ms=ttl_ms))
    clock.seconds += 10
    asyncio.run(codec.dictionaries.maintain())
    (facts,) = asyncio.run(codec.dictionaries.list("api"))
    if ttl_ms is None:
        assert facts.ttl_ms is None
    else:
        assert facts.ttl_ms is not None
        assert facts.ttl_ms >= max(LEAST_LIFE_MS - 60_000, ttl_ms + 3_600_000)


def test_a_dictionary_that_was_evicted_is_put_back() -> None:
    store, clock = MemoryStore(), Clock()
    codec = _codec(store, clock)
    _write(codec, "orders", 250)
    asyncio.run(codec.dictionaries.maintain())
    _write(codec, "orders", 5)
    asyncio.run(_forget(store, b"~d:"))
    clock.seconds += 3601
    asyncio.run(codec.dictionaries.maintain())
    assert len(asyncio.run(codec.dictionaries.list("api"))) == 1


def test_noise_and_few_values_get_no_dictionary() -> None:
    store = MemoryStore()
    codec = _codec(store)
    dice = random.Random(1)
    for index in range(400):
        codec.encode(NAME, dice.randbytes(300), META, namespace="noise")
        if index < 50:
            codec.encode(NAME, VALUE, META, namespace="few")
    asyncio.run(codec.dictionaries.maintain())
    assert asyncio.run(codec.dictionaries.list("noise")) == []
    assert asyncio.run(codec.dictionaries.list("few")) == []


def _hashes(codec: Codec, count: int, *, seed: int) -> int:
    """Writes of values that no dictionary of orders helps; the bytes that they take."""
    dice = random.Random(seed)
    values = [[dice.getrandbits(60) for _ in range(12)] + [dice.randbytes(16)] * 4 for _ in range(count)]
    return sum(len(codec.encode(NAME, value, META, namespace="api")) for value in values)


def test_a_dictionary_that_stopped_paying_is_dropped() -> None:
    codec = _trained(MemoryStore())
    _hashes(codec, 100, seed=1)
    assert codec.dictionaries.tracked("api").active is None  # type: ignore[union-attr]
    plain = _codec(MemoryStore(), dictionaries=False)
    assert _hashes(codec, 100, seed=2) <= _hashes(plain, 100, seed=2) * 1.01


def test_when_the_values_change_another_dictionary_is_trained() -> None:
    clock, store = Clock(), MemoryStore()
    codec = _codec(store, clock)
    _write(codec, "orders", 250)
    asyncio.run(codec.dictionaries.maintain())
    _write(codec, "profiles", 8000, seed=6)
    clock.seconds += 3700
    asyncio.run(codec.dictionaries.maintain())
    fresh = _codec(MemoryStore())
    _write(fresh, "profiles", 250, seed=6)
    asyncio.run(fresh.dictionaries.maintain())
    assert _write(codec, "profiles", 200, seed=7) < _write(fresh, "profiles", 200, seed=7) * 1.03
    assert len(asyncio.run(codec.dictionaries.list("api"))) == 2


def test_a_dictionary_of_another_namespace_is_no_use_here() -> None:
    store = MemoryStore()
    codec = _trained(store)
    blob = codec.encode(NAME, VALUE, META, namespace="api")
    with pytest.raises(UndecodableError):
        codec.decode(KeyLayout("perfctl").of("1", "other"), blob)


def test_another_content_under_the_same_id_is_never_expanded_with() -> None:
    store = MemoryStore()
    blob = _trained(store).encode(NAME, VALUE, META, namespace="api")
    other = _codec(MemoryStore())
    _write(other, "profiles", 250)
    asyncio.run(other.dictionaries.maintain())
    active = other.dictionaries.tracked("api").active  # type: ignore[union-attr]
    assert active is not None
    number = int.from_bytes(blob[19:21], "big")
    reader = _codec(MemoryStore())
    reader.dictionaries._known["api", number] = active._replace(number=number)
    with pytest.raises(UndecodableError, match="checksum"):
        reader.decode(NAME, blob)


def test_an_encrypted_namespace_encrypts_its_dictionary() -> None:
    store = MemoryStore()
    codec = _trained(store, encryption_key=KEY)
    (facts,) = asyncio.run(codec.dictionaries.list("api"))
    assert facts.ratio < facts.plain_ratio < 1
    stored = asyncio.run(store.get(KeyLayout("perfctl").own("api", b"d:" + facts.id.encode())))
    assert stored is not None
    assert b"customer_id" not in stored.blob
    assert asyncio.run(_codec(store).dictionaries.list("api")) == []
    reader = _codec(store, encryption_key=KEY)
    asyncio.run(reader.dictionaries.ready("api"))
    blob = codec.encode(NAME, VALUE, META, namespace="api")
    assert reader.decode(NAME, blob).value == VALUE


def test_a_damaged_dictionary_is_none() -> None:
    store = MemoryStore()
    codec = _trained(store)
    (facts,) = asyncio.run(codec.dictionaries.list("api"))
    name = KeyLayout("perfctl").own("api", b"d:" + facts.id.encode())
    stored = asyncio.run(store.get(name))
    assert stored is not None
    for blob in (stored.blob[:-1], stored.blob[:100], b"", b"x" * 100):
        asyncio.run(store.set(Write(name, blob, None)))
        assert not asyncio.run(_codec(store).dictionaries.fetch("api", int(facts.id, 16)))


def test_training_by_hand_is_adopted_at_once() -> None:
    store = MemoryStore()
    codec = _codec(store)
    dumps = codec.serializer_of("api").dumps
    dice = random.Random(3)
    done = asyncio.run(codec.dictionaries.train("api", [dumps(document("orders", 307, dice)) for _ in range(200)]))
    assert done.dictionary is not None
    assert done.dictionary.is_current
    assert codec.describe(NAME, codec.encode(NAME, VALUE, META, namespace="api")).dictionary == done.dictionary.id
    refused = asyncio.run(codec.dictionaries.train("api", [dice.randbytes(200) for _ in range(100)]))
    assert (refused.dictionary, bool(refused.reason)) == (None, True)
    assert asyncio.run(codec.dictionaries.drop("api"))
    assert codec.describe(NAME, codec.encode(NAME, VALUE, META, namespace="api")).dictionary is None


class Broken(MemoryStore):
    """A server that does not answer."""

    async def get(self, name: bytes) -> Any:
        raise UnreachableError("nobody there")


def test_a_server_that_does_not_answer_leaves_values_as_they_were() -> None:
    codec = _codec(Broken())
    _write(codec, "orders", 250)
    asyncio.run(codec.dictionaries.maintain())
    assert codec.decode(NAME, codec.encode(NAME, VALUE, META, namespace="api")).value == VALUE


def test_settings_turn_dictionaries_off() -> None:
    for settings in (
        {"dictionaries": False},
        {"compressor": "gzip"},
        {"compression_enabled": False},
        {"namespaces": (NamespaceSettings(name="api", dictionaries=False),)},
    ):
        codec = _codec(MemoryStore(), **settings)
        _write(codec, "orders", 250)
        asyncio.run(codec.dictionaries.maintain())
        assert asyncio.run(codec.dictionaries.list("api")) == []


def test_what_is_sampled_is_bounded() -> None:
    codec = _codec(MemoryStore())
    dice = random.Random(1)
    for _ in range(3000):
        codec.encode(NAME, "x" * dice.randint(4000, 9000), META, namespace="api")
    tracked = codec.dictionaries.tracked("api")
    assert tracked is not None
    assert sum(map(len, tracked.samples)) <= 768 * 1024
    for number in range(400):
        codec.dictionaries.tracked(f"n{number}")
    assert codec.dictionaries.tracked("one too many") is None
