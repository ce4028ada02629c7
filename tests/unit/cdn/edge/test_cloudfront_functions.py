"""CloudFront Functions run as they would there: what they have, what they have not, and where they are stopped."""

# ruff: noqa: E501 - a program in a string stands on its line

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest

from perfctl.cdn.edge.events import request_event
from perfctl.cdn.edge.model import Called, EdgeFunction, EdgeFunctionError, EdgeRequest, Runtime
from perfctl.cdn.edge.running import open_runner
from perfctl.errors import UsageError

MODERN: Runtime = "cloudfront-js-2.0"
OLD: Runtime = "cloudfront-js-1.0"


def function_of(source: str, runtime: Runtime = MODERN, **more: Any) -> EdgeFunction:
    return EdgeFunction("made", runtime, "viewer-request", source.encode(), **more)


def called(source: str, runtime: Runtime = MODERN, *, now_ms: float | None = None, **more: Any) -> Called:
    async def ran() -> Called:
        runner = await open_runner(function_of(source, runtime, **more))
        try:
            return await runner.call(request_event(function_of(source), EdgeRequest()), now_ms=now_ms)
        finally:
            await runner.close()

    return asyncio.run(ran())


def failure(source: str, runtime: Runtime = MODERN, **more: Any) -> EdgeFunctionError:
    with pytest.raises(EdgeFunctionError) as caught:
        called(source, runtime, **more)
    return caught.value


def test_a_function_returns_what_it_makes_of_the_event() -> None:
    ran = called("function handler(event) { event.request.uri += 'a'; console.log({b: 1}); return event.request }")
    assert (ran.result["uri"], ran.logs) == ("/a", ('{"b":1}',))
    assert ran.compute_utilization is not None
    assert 0 <= ran.compute_utilization <= 100


def test_an_error_has_its_line_in_the_source_and_the_lines_logged_before_it() -> None:
    error = failure("function handler(event) {\n  console.log('here')\n  throw new TypeError('no')\n}")
    assert (error.reason, error.where, error.logs) == ("TypeError: no", "made:3", ("here",))
    assert (error.fault, error.status, error.result_type) == ("execution", 503, "FunctionExecutionError")


def test_an_error_of_an_async_handler_has_its_line_too() -> None:
    error = failure("async function handler(event) {\n  await 1\n  throw new Error('no')\n}")
    assert (error.reason, error.where) == ("Error: no", "made:3")


def test_a_source_that_does_not_parse_is_told_with_its_line() -> None:
    error = failure("function handler(event) {\n  return ;;;) }")
    assert error.reason.startswith("SyntaxError")
    assert error.where == "made:2"


def test_a_source_without_the_handler_does_not_load() -> None:
    assert failure("function other() {}").reason == "there is no function 'handler' in it"


def test_an_endless_loop_is_interrupted_and_the_next_call_is_well() -> None:
    source = "var calls = 0; function handler(event) { if (event.request.uri === '/') while (true) {} return {calls: ++calls} }"

    async def twice() -> Any:
        function = function_of(source)
        runner = await open_runner(function, time_limit_ms=100)
        with pytest.raises(EdgeFunctionError, match="it ran longer than 100 ms") as caught:
            await runner.call(request_event(function, EdgeRequest()))
        after = await runner.call(request_event(function, EdgeRequest(uri="/a")))
        await runner.close()
        return caught.value.fault, after.result

    assert asyncio.run(twice()) == ("limit", {"calls": 1})


def test_what_quickjs_does_not_interrupt_is_killed_and_the_next_call_is_well() -> None:
    source = "function handler(e) { return e.request.uri === '/' ? /^(a+)+$/.test('a'.repeat(40) + '!') : {} }"

    async def twice() -> Any:
        function = function_of(source)
        runner = await open_runner(function, time_limit_ms=80)
        with pytest.raises(EdgeFunctionError, match="could not be interrupted"):
            await runner.call(request_event(function, EdgeRequest()))
        after = await runner.call(request_event(function, EdgeRequest(uri="/a")))
        await runner.close()
        return after.result

    assert asyncio.run(twice()) == {}


def test_two_megabytes_are_all_the_memory_there_is() -> None:
    error = failure("function handler(e) { var all = []; for (;;) all.push('0123456789' + all.length) }")
    assert (error.reason, error.fault) == ("it needs more than 2 MB of memory", "limit")


def test_endless_recursion_is_an_error_of_the_function() -> None:
    assert "stack overflow" in failure("function handler(e) { return 1 + handler(e) }").reason


def test_a_function_has_ten_kilobytes() -> None:
    error = failure("function handler(e) { return e.request }" + " " * 10_240)
    assert "more than the 10,240" in error.reason


def test_no_code_is_made_at_run_time() -> None:
    attempts = (
        "eval('1')",
        "Function('return 1')()",
        "(function () {}).constructor('return 1')()",
        "(async function () {}).constructor('return 1')()",
        "(() => 1).constructor.constructor('return 1')()",
    )
    tried = ", ".join(f"function () {{ return {attempt} }}" for attempt in attempts)
    source = (
        f"function handler(e) {{ return [{tried}].map(function (attempt) {{"
        " try { return attempt() } catch (error) { return error.message.includes('no dynamic code') } }) }"
    )
    assert called(source).result == [True] * len(attempts)


def test_what_the_runtimes_do_not_have_is_not_there() -> None:
    names = "fetch setTimeout setInterval process module global Map Set Proxy Reflect BigInt WeakMap XMLHttpRequest"
    kinds = ", ".join(f"typeof {name}" for name in names.split())
    assert set(called(f"function handler(e) {{ return [{kinds}] }}").result) == {"undefined"}


def test_runtime_1_has_no_buffer_and_its_own_methods_of_strings() -> None:
    source = (
        "function handler(e) { return [typeof Buffer, typeof Symbol, 'é'.toUTF8().length, 'Ã©'.fromUTF8(),"
        " String.bytesFrom('616263', 'hex'), require('crypto').createHash('md5').update('a').digest('hex')] }"
    )
    md5 = hashlib.md5(b"a").hexdigest()
    assert called(source, OLD).result == ["undefined", "undefined", 2, "é", "abc", md5]


def test_the_clock_stands_still_during_a_call() -> None:
    source = "function handler(e) { var a = Date.now(); for (var i = 0; i < 1e4; i++) {} return [a, Date.now(), +new Date()] }"
    assert called(source, now_ms=1_700_000_000_000).result == [1_700_000_000_000] * 3


def test_hashes_are_those_of_the_standards() -> None:
    texts = ["aé€😀z"[: size % 6] + "x" * size for size in (0, 1, 55, 56, 63, 64, 119, 300)]
    source = (
        f"import crypto from 'crypto';\nfunction handler(e) {{ var told = []; {json.dumps(texts)}.forEach(function (text) {{"
        " ['md5', 'sha1', 'sha256'].forEach(function (name) {"
        " told.push(crypto.createHash(name).update(text).digest('hex'));"
        " told.push(crypto.createHmac(name, 'key').update(text).digest('base64')) }) }); return told }"
    )
    told = [
        digest
        for text in map(str.encode, texts)
        for name in ("md5", "sha1", "sha256")
        for digest in (hashlib.new(name, text).hexdigest(), base64.b64encode(hmac.digest(b"key", text, name)).decode())
    ]
    assert called(source).result == told


def test_buffers_read_write_and_convert() -> None:
    source = (
        "function handler(e) { var b = Buffer.from('héllo'); return [b.toString('hex'), b.toString('base64url'),"
        " Buffer.concat([b, Buffer.from([1, 2])]).length, Buffer.from('0102', 'hex').readUInt16BE(0), b.indexOf('l'),"
        " Buffer.from('aGk=', 'base64').toString(), Buffer.byteLength('€'), Buffer.isBuffer(b.subarray(1)),"
        " Buffer.alloc(3, 'ab').toString(), Buffer.from([1, 2, 3, 4]).swap16().toJSON().data, atob(btoa('hi'))] }"
    )
    told = ["68c3a96c6c6f", "aMOpbGxv", 8, 258, 3, "hi", 3, True, "aba", [2, 1, 4, 3], "hi"]
    assert called(source).result == told


def test_query_strings_are_parsed_and_written_as_documented() -> None:
    source = (
        "const q = require('querystring'); function handler(e) { return [q.parse('name=value&abc=xyz&abc=123'),"
        " q.stringify({name: 'value', abc: ['xyz', '123'], anotherName: ''}), q.parse('a=%41+b&c')] }"
    )
    assert called(source).result == [
        {"name": "value", "abc": ["xyz", "123"]},
        "name=value&abc=xyz&abc=123&anotherName=",
        {"a": "A b", "c": ""},
    ]


def test_a_key_value_store_is_read_from_a_file(tmp_path: Path) -> None:
    store = tmp_path / "store.json"
    store.write_text('{"data": [{"key": "a", "value": "{\\"to\\": \\"/b\\"}"}]}')
    source = (
        "import cf from 'cloudfront';\nconst store = cf.kvs();\nasync function handler(e) {"
        " try { await store.get('no') } catch (error) { console.log(error.message) }"
        " return [await store.get('a', {format: 'json'}), await store.exists('no'), await store.count()] }"
    )
    ran = called(source, store=store)
    assert (ran.result, ran.logs) == ([{"to": "/b"}, False, 1], ("KeyNotFound: no",))


def test_without_a_store_its_handle_is_an_error() -> None:
    error = failure("import cf from 'cloudfront';\nfunction handler(e) { return cf.kvs() }")
    assert "no key value store is associated" in error.reason


@pytest.mark.parametrize("content", ["[]", "{", '{"a": 1}', '"a"'])
def test_a_file_that_is_no_store_is_refused(tmp_path: Path, content: str) -> None:
    store = tmp_path / "store.json"
    store.write_text(content)
    with pytest.raises(UsageError, match=r"store\.json: it is not"):
        called("function handler(e) {}", store=store)


def test_a_module_that_is_not_built_in_is_not_found() -> None:
    assert 'Cannot find module "fs"' in failure("const fs = require('fs'); function handler(e) {}").reason


def test_calls_share_globals_and_each_runner_has_its_own() -> None:
    source = "var calls = 0; function handler(e) { return {calls: ++calls} }"

    async def counted() -> list[int]:
        function = function_of(source)
        one, other = await open_runner(function), await open_runner(function)
        event = request_event(function, EdgeRequest())
        told = [(await runner.call(event)).result["calls"] for runner in (one, one, other)]
        await one.close()
        await other.close()
        return told

    assert asyncio.run(counted()) == [1, 2, 1]


def test_several_calls_at_once_get_their_own_answers() -> None:
    source = "function handler(e) { var n = 0; for (var i = 0; i < 3e5; i++) n += i; return {uri: e.request.uri} }"

    async def at_once() -> list[str]:
        function = function_of(source)
        runner = await open_runner(function, time_limit_ms=5_000)
        calls = [runner.call(request_event(function, EdgeRequest(uri=f"/{number}"))) for number in range(4)]
        answers = [ran.result["uri"] for ran in await asyncio.gather(*calls)]
        await runner.close()
        return answers

    assert asyncio.run(at_once()) == ["/0", "/1", "/2", "/3"]


def test_a_call_that_is_cancelled_leaves_no_process_behind() -> None:
    function = function_of("function handler(e) { if (e.request.uri === '/') while (true) {} return {} }")

    async def cancelled() -> Any:
        runner = await open_runner(function, time_limit_ms=60_000)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(runner.call(request_event(function, EdgeRequest())), 0.05)
        after = await runner.call(request_event(function, EdgeRequest(uri="/a")))
        await runner.close()
        return after.result

    assert asyncio.run(cancelled()) == {}


_ABANDONED = """
import asyncio, sys
from perfctl.cdn.edge.model import EdgeFunction
from perfctl.cdn.edge.running import open_runner
async def hang():
    source = b"function handler(e) { return /^(a+)+$/.test('a'.repeat(60) + '!') }"
    runner = await open_runner(EdgeFunction("made", "cloudfront-js-2.0", "viewer-request", source), time_limit_ms=60_000)
    print(runner._worker._process.pid, flush=True)
    await runner.call({})
asyncio.run(hang())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel of Linux kills it")
def test_a_function_that_hangs_ends_with_a_perfctl_that_is_killed() -> None:
    command = [sys.executable, "-c", _ABANDONED]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as caller:
        assert caller.stdout is not None
        worker = psutil.Process(int(caller.stdout.readline()))
        caller.kill()
    assert psutil.wait_procs([worker], timeout=30)[1] == []


HOSTILE = {
    "a getter throws": "return {get uri() { throw new Error('gotcha') }}",
    "a proxy of its own": "return Object.defineProperty({}, 'uri', {enumerable: true, get: function () { while (1) {} }})",
    "a cycle": "var a = {}; a.a = a; return a",
    "an error whose text throws": "throw {toString() { throw 1 }, get stack() { throw 2 }}",
    "null is thrown": "throw null",
    "a symbol is thrown": "throw Symbol('x')",
    "a huge string": "var s = 'x'; for (;;) s += s",
    "a huge array": "return new Array(4294967295).fill(0)",
    "a native loop": "return Array.prototype.indexOf.call({length: 9007199254740991}, 1)",
    "deep nesting": "var a = []; for (var i = 0; i < 1e5; i++) a = [a]; return a",
    "a promise that never settles": "return new Promise(function () {})",
    "a promise that begets itself": "function again() { return Promise.resolve().then(again) } return again()",
    "a thenable": "return {then: function (resolve) { resolve({uri: '/'}) }}",
    "a big integer": "return 2n ** 65n",
    "a lone surrogate": "return {uri: '/\\ud800'}",
    "logs without end": "for (var i = 0; i < 1e4; i++) console.log('0123456789'.repeat(10)); return {}",
    "pollution": "Object.prototype.uri = '/x'; Array.prototype.map = null; JSON.parse = JSON.stringify = null; return {}",
    "built-ins taken away": "for (var n of Object.getOwnPropertyNames(globalThis)) { try { delete globalThis[n] } catch (e) {} } return {}",
    "its own toJSON": "Object.prototype.toJSON = function () { throw new Error('gotcha') }; return {}",
    "a regular expression without end": "return /^(\\\\w+\\\\s?)*$/.test('aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!')",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_function_ends_with_a_reason_and_harms_nobody(name: str) -> None:
    function = EdgeFunction("hostile", MODERN, "viewer-request", f"function handler(e) {{ {HOSTILE[name]} }}".encode())

    told: list[str] = []

    async def twice() -> None:
        runner = await open_runner(function, time_limit_ms=10)
        for _ in range(2):
            try:
                ran = await runner.call(request_event(function, EdgeRequest()))
                told.append("".join(ran.logs))
            except EdgeFunctionError as error:
                told.append(error.message)
        await runner.close()

    asyncio.run(twice())
    assert len(told) == 2
    assert all(len(text) < 11_000 and "Traceback" not in text for text in told)
