"""Cached functions in forked, spawned and pooled processes, and in one event loop after the other."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import RunningSandbox

IGNORED = ("error", "ignore:unclosed:ResourceWarning", "ignore:This process:DeprecationWarning")
"""Copies of a parent's sockets in a child are never closed; Python >= 3.12 warns of each fork beside a thread."""

pytestmark = pytest.mark.servers

HEAD = """
import os, time, traceback
from pathlib import Path
from perfctl import PerformanceOptimizer

optimizer = PerformanceOptimizer.from_file({config!r})
calls = Path({folder!r}) / "calls"

def note(line):
    with calls.open("a") as file:
        file.write(line + "\\n")

@optimizer.cache_decorator(namespace="prices", key="price:{{symbol}}")
def price(symbol):
    note(symbol)
    return [symbol, len(calls.read_text().splitlines())]

@optimizer.cache_decorator(namespace="prices", tags=("quotes",))
async def quote(symbol):
    note(symbol)
    return symbol.lower()

def until(true, seconds=4.0):
    "Without hearing of a write, a process would trust its own copy for 5 seconds."
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.01)
"""


@pytest.fixture
def script(sandbox: RunningSandbox, tmp_path: Path):  # type: ignore[no-untyped-def]
    """Run a program on the sandbox's Redis, every warning an error; what it printed, and its calls."""
    config = tmp_path / "perfctl.yaml"
    config.write_text(f"cache: {{key_prefix: {tmp_path.name}, patience_seconds: 5}}\n")

    def run(text: str) -> tuple[str, list[str]]:
        program = tmp_path / "program.py"
        program.write_text(HEAD.format(config=str(config), folder=str(tmp_path)) + text)
        ran = subprocess.run(
            [sys.executable, *(word for ignored in IGNORED for word in ("-W", ignored)), str(program)],
            env={**sandbox.home, **sandbox.environment, "PYTHONWARNINGS": ""},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
            timeout=100,
        )
        assert (ran.returncode, ran.stderr) == (0, ""), ran.stderr
        calls = tmp_path / "calls"
        return ran.stdout, calls.read_text().split() if calls.exists() else []

    return run


FORKED = """
assert price("A") == price("A") == ["A", 1]
ask, tell = os.pipe()
children = []
for number in range(3):
    child = os.fork()
    if child == 0:
        try:
            assert price("A") == ["A", 1]
            assert price("B") == ["B", 2]
            os.write(tell, b"x")
            until(lambda: price("A") == ["A", 3])
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    children.append(child)
for _ in children:
    os.read(ask, 1)
assert price("B") == ["B", 2]
assert price.invalidate("A")
assert price("A") == ["A", 3]
print([os.waitpid(child, 0)[1] for child in children])
"""


def test_forked_children_go_on_with_what_was_cached_and_hear_of_each_other(script) -> None:  # type: ignore[no-untyped-def]
    assert script(FORKED) == ("[0, 0, 0]\n", ["A", "B", "A"])


def test_a_child_s_write_is_heard_by_its_parent(script) -> None:  # type: ignore[no-untyped-def]
    said, calls = script(
        """
assert price("A") == ["A", 1]
child = os.fork()
if child == 0:
    price.invalidate("A")
    os._exit(0)
status = os.waitpid(child, 0)[1]
until(lambda: price("A") == ["A", 2])
print(status)
"""
    )
    assert (said, calls) == ("0\n", ["A", "A"])


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_a_pool_of_processes_computes_each_value_once(script, method: str) -> None:  # type: ignore[no-untyped-def]
    said, calls = script(
        f"""
import multiprocessing

def ask(symbol):
    return price(symbol)[0]

if __name__ == "__main__":
    with multiprocessing.get_context({method!r}).Pool(3) as pool:
        print("".join(pool.map(ask, "ABCABCABCABC", chunksize=1)))
        print("".join(answer[0] for answer in pool.map(price, "ABC")))
        pool.close()
        pool.join()
"""
    )
    assert said == "ABCABCABCABC\nABC\n"
    assert sorted(calls) == ["A", "B", "C"]


def test_one_event_loop_after_the_other_uses_the_same_cache(script) -> None:  # type: ignore[no-untyped-def]
    said, calls = script(
        """
import asyncio

async def one_test(number):
    assert await quote("A") == "a"
    assert await asyncio.gather(*(quote(f"B{number}") for _ in range(5))) == [f"b{number}"] * 5
    assert await quote.refresh(f"B{number}") == f"b{number}"

for number in range(4):
    asyncio.run(one_test(number))
asyncio.run(optimizer.cache.clear("prices", tag="quotes"))
assert asyncio.run(quote("A")) == "a"
print(price("Z"))
"""
    )
    assert said.startswith("['Z', ")
    assert [call for call in calls if call != "A"] == ["B0", "B0", "B1", "B1", "B2", "B2", "B3", "B3", "Z"]
    assert calls[-2:] == ["A", "Z"]
    assert calls.count("A") <= 3  # what is computed while the process begins to listen may not be kept


def test_threads_of_one_process_share_a_call(script) -> None:  # type: ignore[no-untyped-def]
    said, calls = script(
        """
import asyncio
from concurrent.futures import ThreadPoolExecutor

def ask(number):
    return price("A")[0] + asyncio.run(quote("B"))

with ThreadPoolExecutor(12) as threads:
    print(set(threads.map(ask, range(48))))
"""
    )
    assert said == "{'Ab'}\n"
    assert sorted(calls) == ["A", "B"]


def test_a_process_that_never_closes_leaves_quietly(script) -> None:  # type: ignore[no-untyped-def]
    assert script("print(price('A')[0])") == ("A\n", ["A"])
