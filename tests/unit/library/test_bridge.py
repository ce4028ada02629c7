"""The portal and the blocking twins: threads, forks, loops inside loops, and what is left behind."""

from __future__ import annotations

import asyncio
import contextvars
import os
import signal
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import CancelledError, ThreadPoolExecutor
from typing import Any, Self

import pytest

from perfctl.blocking import Blocking
from perfctl.bridge import Portal, done_on, portal
from perfctl.errors import UsageError


class Part:
    """A nested asynchronous object, such as a pool."""

    async def size(self) -> int:
        return 3


class Engine:
    """An asynchronous object with everything that the engines have."""

    limit = 7

    def __init__(self) -> None:
        self.part = Part()
        self.closed_in: list[str] = []
        self.entered = False

    async def double(self, number: int) -> int:
        await asyncio.sleep(0)
        return 2 * number

    async def fail(self) -> None:
        raise ValueError("no")

    async def get_or_set(self, key: str, factory: Callable[[], Any]) -> Any:
        made = factory()
        return await made if asyncio.iscoroutine(made) else made

    async def hang(self) -> None:
        await asyncio.sleep(3600)

    async def loop_id(self) -> int:
        return id(asyncio.get_running_loop())

    def plain(self, number: int) -> int:
        return number + 1

    def later(self, number: int) -> Any:
        return self.double(number)

    async def count(self, upto: int) -> AsyncIterator[int]:
        for number in range(upto):
            yield number

    async def close(self) -> None:
        self.closed_in.append(threading.current_thread().name)

    async def __aenter__(self) -> Self:
        self.entered = True
        return self

    async def __aexit__(self, *failure: object) -> None:
        self.entered = False


Engine.__module__ = Part.__module__ = "perfctl.made_up"


@pytest.fixture
def bridge() -> Iterator[Portal]:
    made = Portal()
    yield made
    made.close()


@pytest.fixture
def twin(bridge: Portal) -> Blocking:
    return Blocking(Engine(), "engine.sync", bridge.run)


def test_a_coroutine_function_becomes_a_blocking_call(twin: Blocking) -> None:
    assert twin.double(21) == 42


def test_a_plain_function_and_a_plain_value_pass_through(twin: Blocking) -> None:
    assert (twin.plain(1), twin.limit) == (2, 7)


def test_a_plain_function_that_returns_a_coroutine_blocks_too(twin: Blocking) -> None:
    assert twin.later(4) == 8


def test_a_nested_engine_is_a_twin_too(twin: Blocking) -> None:
    assert twin.part.size() == 3


def test_an_asynchronous_generator_becomes_an_iterator(twin: Blocking) -> None:
    assert list(twin.count(4)) == [0, 1, 2, 3]


def test_an_iterator_that_is_left_early_is_closed(twin: Blocking) -> None:
    for number in twin.count(4):
        if number == 1:
            break
    assert twin.double(1) == 2


def test_an_error_arrives_as_it_was_raised(twin: Blocking) -> None:
    with pytest.raises(ValueError, match=r"^no$"):
        twin.fail()


def test_a_context_manager_is_entered_and_left(bridge: Portal) -> None:
    engine = Engine()
    with Blocking(engine, "engine.sync", bridge.run) as twin:
        assert engine.entered
        assert twin.double(1) == 2
    assert not engine.entered


def test_a_factory_may_block_and_may_use_the_twin_itself(twin: Blocking) -> None:
    assert twin.get_or_set("k", lambda: twin.double(5)) == 10
    assert twin.get_or_set("k", factory=lambda: twin.double(6)) == 12


def test_private_names_stay_private(twin: Blocking) -> None:
    with pytest.raises(AttributeError, match=r"engine\.sync has no attribute '_hidden'"):
        _ = twin._hidden


def test_the_names_of_a_twin_are_those_of_the_object(twin: Blocking) -> None:
    assert {"double", "part", "close"} <= set(dir(twin))


def test_many_threads_share_one_loop(twin: Blocking) -> None:
    with ThreadPoolExecutor(16) as threads:
        loops = set(threads.map(lambda _: twin.loop_id(), range(200)))
    assert len(loops) == 1


def test_a_context_variable_of_the_caller_is_seen_on_the_loop(bridge: Portal) -> None:
    variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable")
    variable.set("caller's")

    async def seen() -> str:
        return variable.get()

    assert bridge.run(seen) == "caller's"


def test_inside_an_event_loop_it_refuses_and_says_what_to_write(twin: Blocking) -> None:
    async def inside() -> None:
        twin.double(1)

    with pytest.raises(UsageError) as caught:
        asyncio.run(inside())
    assert caught.value.hint == "await engine.double(...) here; .sync is for threads without an event loop"


def test_inside_an_event_loop_a_plain_call_still_works(twin: Blocking) -> None:
    async def inside() -> int:
        result: int = twin.plain(1)
        return result

    assert asyncio.run(inside()) == 2


def test_a_worker_thread_of_an_event_loop_may_block(twin: Blocking) -> None:
    async def inside() -> int:
        return await asyncio.to_thread(twin.double, 4)

    assert asyncio.run(inside()) == 8


def test_an_interrupted_call_is_cancelled_on_the_loop(bridge: Portal) -> None:
    ended: list[str] = []

    async def hang() -> None:
        asyncio.get_running_loop().call_later(0.1, os.kill, os.getpid(), signal.SIGINT)
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            ended.append("cancelled")
            raise

    with pytest.raises(KeyboardInterrupt):
        bridge.run(hang)
    bridge.close()
    assert ended == ["cancelled"]


def test_another_loop_can_be_home(bridge: Portal) -> None:
    async def home() -> bool:
        here = asyncio.get_running_loop()
        engine = Engine()
        return await asyncio.to_thread(bridge.run, engine.loop_id, loop=here) == id(here)

    assert asyncio.run(home())


def test_closing_closes_what_was_registered_and_leaves_no_thread_and_no_task() -> None:
    before = set(threading.enumerate())
    bridge, engine = Portal(), Engine()
    bridge.closes(engine)
    twin = Blocking(engine, "engine.sync", bridge.run)
    twin.double(1)
    asyncio.run_coroutine_threadsafe(engine.hang(), bridge.loop)
    loop = bridge.loop
    bridge.close()
    assert engine.closed_in == ["perfctl-bridge"]
    assert loop.is_closed()
    assert set(threading.enumerate()) <= before


def test_one_that_fails_to_close_does_not_keep_the_others_open(bridge: Portal) -> None:
    class Stubborn:
        async def close(self) -> None:
            raise OSError("still in use")

    stubborn, engine = Stubborn(), Engine()
    bridge.closes(stubborn)
    bridge.closes(engine)
    _ = bridge.loop
    bridge.close()
    assert engine.closed_in == ["perfctl-bridge"]


def test_a_closed_portal_may_be_used_again(twin: Blocking, bridge: Portal) -> None:
    assert twin.double(1) == 2
    bridge.close()
    assert twin.double(2) == 4


def test_a_portal_keeps_nothing_alive(bridge: Portal) -> None:
    import gc
    import weakref

    engine = Engine()
    gone = weakref.ref(engine)
    bridge.closes(engine)
    del engine
    gc.collect()
    assert gone() is None


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_forked_child_gets_a_loop_of_its_own_and_the_parents_still_works() -> None:
    engine = Engine()
    assert portal().run(lambda: engine.double(1)) == 2
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writer, str(portal().run(lambda: engine.double(20))).encode())
        portal().close()
        os._exit(0)
    os.close(writer)
    assert os.waitpid(child, 0)[1] == 0
    with os.fdopen(reader) as answer:
        assert answer.read() == "40"
    time.sleep(0.01)
    assert portal().run(lambda: engine.double(3)) == 6
    portal().close()


def test_who_waits_for_a_loop_is_freed_when_that_is_stopped(bridge: Portal) -> None:
    loop = bridge.loop
    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(bridge.run, Engine().hang)
        while not _has_task(loop):
            time.sleep(0.005)
        loop.call_soon_threadsafe(loop.stop)
        with pytest.raises((CancelledError, RuntimeError)):
            waiting.result(20)


def test_a_portal_whose_loop_ended_begins_another_one(bridge: Portal, twin: Blocking) -> None:
    loop = bridge.loop
    loop.call_soon_threadsafe(loop.stop)
    while not loop.is_closed():
        time.sleep(0.005)
    assert twin.double(2) == 4


def test_a_loop_that_is_blocked_is_not_waited_for_for_ever(bridge: Portal) -> None:
    freed = threading.Event()
    bridge.loop.call_soon_threadsafe(freed.wait, 20)
    assert not asyncio.run(done_on(bridge.loop, Engine().double(1), seconds=0.05))
    freed.set()
    assert asyncio.run(done_on(bridge.loop, Engine().double(1)))


def test_what_lived_on_a_closed_loop_is_gone(bridge: Portal) -> None:
    loop = bridge.loop
    bridge.close()
    assert asyncio.run(done_on(loop, Engine().double(1)))


def test_an_error_on_another_loop_is_raised_here(bridge: Portal) -> None:
    with pytest.raises(ValueError, match=r"^no$"):
        asyncio.run(done_on(bridge.loop, Engine().fail()))


def _has_task(loop: asyncio.AbstractEventLoop) -> bool:
    return bool(asyncio.all_tasks(loop))
