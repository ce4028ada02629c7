"""What an application does with a cache, all at once, and a ledger of what it may be given.

Every value names its key and how many writes the key had by then. So a value of another key, one that nobody wrote,
one older than a write that this process finished, and one that was deleted or cleared are all told apart.
"""

from __future__ import annotations

import asyncio
import random
import time
import traceback
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from perfctl.cache.engine import AdvancedCache

TASKS = 8
KEYS_OF_A_TASK = 12
HANGS_AFTER_SECONDS = 10.0
PLAIN, TAGGED = "plain", "tagged"

_Answer = TypeVar("_Answer")


@dataclass
class Findings:
    """What went wrong, and how long calls took."""

    calls: int = 0
    wrong: list[str] = field(default_factory=list)
    raised: list[str] = field(default_factory=list)
    hung: list[str] = field(default_factory=list)
    slowest_seconds: float = 0.0
    slowest: str = ""

    @property
    def is_clean(self) -> bool:
        """Whether nothing went wrong."""
        return not (self.wrong or self.raised or self.hung)

    def __str__(self) -> str:
        parts = [f"{self.calls} calls, the slowest {self.slowest_seconds:.3f} s ({self.slowest})"]
        for name in ("wrong", "raised", "hung"):
            found = getattr(self, name)
            parts += [f"{len(found)} {name}", *found[:5]]
        return "\n".join(parts)


class Ledger:
    """What each key may hold: at least its last finished write, at most its last begun one."""

    def __init__(self) -> None:
        self.begun: dict[str, int] = {}
        self.finished: dict[str, int] = {}
        self.floor: dict[str, int] = {}
        """The least that may be served from now on."""

    def next_value(self, key: str) -> dict[str, Any]:
        """The value of a write that begins."""
        number = self.begun[key] = self.begun.get(key, 0) + 1
        return {"key": key, "number": number, "padding": "x" * (number * 37 % 300)}

    def wrote(self, key: str, number: int) -> None:
        """A write is finished: nothing older is served."""
        self.finished[key] = max(self.finished.get(key, 0), number)
        self.floor[key] = max(self.floor.get(key, 0), number)

    def forgot(self, key: str, number: int) -> None:
        """A deletion or clear is finished of all writes up to this one."""
        self.floor[key] = max(self.floor.get(key, 0), number + 1)

    def floors(self, keys: list[str]) -> dict[str, int]:
        """The least that a read that begins now may be given."""
        return {key: self.floor.get(key, 0) for key in keys}

    def fault_in(self, key: str, value: Any, floor: int) -> str | None:
        """What is wrong with a value; None when it may be served. Nothing is always allowed."""
        if value is None:
            return None
        if not isinstance(value, dict) or value.get("key") != key:
            return f"{key}: a value of another key: {value!r}"
        if value["number"] > self.begun.get(key, 0) or len(value["padding"]) != value["number"] * 37 % 300:
            return f"{key}: a value that nobody wrote: {value!r}"
        if value["number"] < floor:
            return f"{key}: write {value['number']} was served, at least {floor} was due"
        return None


class Workload:
    """Tasks that use one cache until they are stopped. Each writes keys of its own and reads everybody's."""

    def __init__(self, cache: AdvancedCache, seed: int, *, may_lose: bool = False) -> None:
        """`may_lose`: the server may lose writes that it confirmed (a failover): what is older is no fault then."""
        self.cache = cache
        self.findings = Findings()
        self.may_lose = may_lose
        self.ledger = Ledger()
        self._seed = seed
        self._stops = False
        self._tasks: list[asyncio.Task[None]] = []
        self._keys = [f"{task}/{place}" for task in range(TASKS) for place in range(KEYS_OF_A_TASK)]
        self._decorated = cache.cache_decorator(namespace="decorated", ttl=60)(_double)
        self._decorated_sync = cache.cache_decorator(namespace="decorated", ttl=60)(_triple)

    def start(self) -> None:
        """Begin."""
        self._tasks = [asyncio.create_task(self._work(number)) for number in range(TASKS)]

    async def stop(self) -> Findings:
        """End, and say what was found."""
        self._stops = True
        await asyncio.gather(*self._tasks)
        return self.findings

    async def check_all(self) -> None:
        """Read every key once."""
        for key in self._keys:
            await self._read(key)

    async def _work(self, number: int) -> None:
        dice = random.Random(self._seed * 1000 + number)
        own = [key for key in self._keys if key.startswith(f"{number}/")]
        while not self._stops:
            await self._one(dice, own)
            await asyncio.sleep(dice.random() * 0.01)

    async def _one(self, dice: random.Random, own: list[str]) -> None:
        key = dice.choice(own)
        what = dice.random()
        if what < 0.30:
            await self._read(dice.choice(self._keys))
        elif what < 0.50:
            await self._write(key)
        elif what < 0.65:
            await self._compute(key)
        elif what < 0.73:
            await self._read_many(dice.sample(self._keys, 10))
        elif what < 0.80:
            await self._write_many(dice.sample([each for each in own if not _is_tagged(each)], 4))
        elif what < 0.88:
            await self._delete(key)
        elif what < 0.885:
            await self._clear()
        elif what < 0.90:
            await self._clear_tag(own)
        elif what < 0.95:
            await self._call_decorated(dice.randrange(20))
        else:
            await self._call_decorated_sync(dice.randrange(20))

    async def _read(self, key: str) -> None:
        floor = self.ledger.floor.get(key, 0)
        value = await self._bounded(f"get {key}", lambda: self.cache.get(key, namespace=_namespace(key)))
        self._judge(key, value, floor)

    async def _write(self, key: str) -> None:
        value = self.ledger.next_value(key)
        await self._bounded(
            f"set {key}", lambda: self.cache.set(key, value, ttl=60, namespace=_namespace(key), tags=_tags(key))
        )
        self.ledger.wrote(key, value["number"])

    async def _compute(self, key: str) -> None:
        floor = self.ledger.floor.get(key, 0)

        async def factory() -> dict[str, Any]:
            await asyncio.sleep(0.002)
            return self.ledger.next_value(key)

        value = await self._bounded(
            f"get_or_set {key}",
            lambda: self.cache.get_or_set(key, factory, ttl=60, namespace=_namespace(key), tags=_tags(key)),
        )
        self._judge(key, value, floor)
        if isinstance(value, dict):
            self.ledger.wrote(key, value["number"])

    async def _read_many(self, keys: list[str]) -> None:
        for namespace in (PLAIN, TAGGED):
            asked = [key for key in keys if _namespace(key) == namespace]
            floors = self.ledger.floors(asked)
            found = await self._bounded(
                "get_many", lambda asked=asked, namespace=namespace: self.cache.get_many(asked, namespace=namespace)
            )
            for key in asked:
                self._judge(key, (found or {}).get(key), floors[key])

    async def _write_many(self, keys: list[str]) -> None:
        values = {key: self.ledger.next_value(key) for key in keys}
        await self._bounded("set_many", lambda: self.cache.set_many(values, ttl=60, namespace=PLAIN))
        for key, value in values.items():
            self.ledger.wrote(key, value["number"])

    async def _delete(self, key: str) -> None:
        number = self.ledger.begun.get(key, 0)
        await self._bounded(f"delete {key}", lambda: self.cache.delete(key, namespace=_namespace(key)))
        self.ledger.forgot(key, number)

    async def _clear(self) -> None:
        before = {key: self.ledger.finished.get(key, 0) for key in self._keys if not _is_tagged(key)}
        await self._bounded("clear", lambda: self.cache.clear(PLAIN))
        for key, number in before.items():
            self.ledger.forgot(key, number)

    async def _clear_tag(self, own: list[str]) -> None:
        tagged = [key for key in own if _is_tagged(key)]
        tag = _tags(tagged[0])[0]
        before = {key: self.ledger.begun.get(key, 0) for key in tagged}
        await self._bounded(f"clear {tag}", lambda: self.cache.clear(TAGGED, tag=tag))
        for key, number in before.items():
            self.ledger.forgot(key, number)

    async def _call_decorated(self, number: int) -> None:
        value = await self._bounded("decorated", lambda: self._decorated(number))
        if value != number * 2:
            self.findings.wrong.append(f"decorated({number}) gave {value!r}")

    async def _call_decorated_sync(self, number: int) -> None:
        value = await self._bounded("decorated, sync", lambda: asyncio.to_thread(self._decorated_sync, number))
        if value != number * 3:
            self.findings.wrong.append(f"decorated sync({number}) gave {value!r}")

    def _judge(self, key: str, value: Any, floor: int) -> None:
        fault = self.ledger.fault_in(key, value, 0 if self.may_lose else floor)
        if fault is not None:
            self.findings.wrong.append(f"{fault} [{time.monotonic():.3f}]")

    async def _bounded(self, what: str, call: Callable[[], Awaitable[_Answer]]) -> _Answer | None:
        """The answer of a call that may neither raise nor hang."""
        started = time.perf_counter()
        self.findings.calls += 1
        try:
            async with asyncio.timeout(HANGS_AFTER_SECONDS):
                return await call()
        except TimeoutError:
            self.findings.hung.append(what)
        except Exception:  # noqa: BLE001 - whatever it is, it is a finding
            self.findings.raised.append(f"{what}: {traceback.format_exc()}")
        finally:
            took = time.perf_counter() - started
            if took > self.findings.slowest_seconds:
                self.findings.slowest_seconds, self.findings.slowest = took, what
        return None


async def _double(number: int) -> int:
    await asyncio.sleep(0)
    return number * 2


def _triple(number: int) -> int:
    return number * 3


def _is_tagged(key: str) -> bool:
    return key.endswith(("/0", "/1", "/2"))


def _namespace(key: str) -> str:
    return TAGGED if _is_tagged(key) else PLAIN


def _tags(key: str) -> tuple[str, ...]:
    return (f"task:{key.partition('/')[0]}",) if _is_tagged(key) else ()
