"""Lambda@Edge functions run in workers of Node and Python, as their environment at Lambda would let them."""

# ruff: noqa: E501 - a program in a string stands on its line

from __future__ import annotations

import asyncio
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from perfctl.cdn.edge.events import request_event
from perfctl.cdn.edge.model import Called, EdgeFunction, EdgeFunctionError, EdgeRequest, Runtime
from perfctl.cdn.edge.running import lambda_runner, open_runner
from perfctl.errors import UsageError

NODE: Any = pytest.mark.skipif(shutil.which("node") is None, reason="NODE IS NOT INSTALLED: nothing was run in it")

RETURNS = {
    "nodejs": "exports.handler = async (event, context) => { console.log('hi'); return %s }",
    "python": "import os, json\ndef lambda_handler(event, context):\n  print('hi')\n  return %s",
}


def function_of(runtime: Runtime, source: str | Path, **more: Any) -> EdgeFunction:
    content = source.encode() if isinstance(source, str) else source
    return EdgeFunction("made", runtime, "origin-request", content, **more)


def called(runtime: Runtime, source: str | Path, *, time_limit_ms: float = 5_000, **more: Any) -> Called:
    function = function_of(runtime, source, **more)

    async def ran() -> Called:
        runner = await open_runner(function, time_limit_ms=time_limit_ms)
        try:
            return await runner.call(request_event(function, EdgeRequest(uri="/a", headers=(("Host", "h"),))))
        finally:
            await runner.close()

    return asyncio.run(ran())


def failure(runtime: Runtime, source: str, **more: Any) -> EdgeFunctionError:
    with pytest.raises(EdgeFunctionError) as caught:
        called(runtime, source, **more)
    return caught.value


@pytest.mark.parametrize(
    ("runtime", "returned"),
    [
        pytest.param("nodejs", "event.Records[0].cf.request", marks=NODE),
        ("python", "event['Records'][0]['cf']['request']"),
    ],
)
def test_a_handler_gets_the_event_and_returns(runtime: Runtime, returned: str) -> None:
    ran = called(runtime, RETURNS[runtime] % returned)
    assert ran.result["headers"] == {"host": [{"key": "Host", "value": "h"}]}
    assert (ran.result["uri"], ran.logs, ran.compute_utilization) == ("/a", ("hi",), None)


@pytest.mark.parametrize(
    ("runtime", "returned"),
    [pytest.param("nodejs", "process.env", marks=NODE), ("python", "dict(os.environ)")],
)
def test_no_variable_of_ours_reaches_a_function(
    runtime: Runtime, returned: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("PERFCTL_API_TOKEN", "secret")
    variables = called(runtime, RETURNS[runtime] % returned).result
    assert "secret" not in variables.values()
    assert {"AWS_REGION", "AWS_LAMBDA_FUNCTION_NAME", "LAMBDA_TASK_ROOT"} <= variables.keys()
    assert not {"REPLY_FD", "HOME", "USER", "PYTHONPATH"} & variables.keys()


@pytest.mark.parametrize(
    ("runtime", "returned"),
    [
        pytest.param(
            "nodejs",
            "[context.functionName, context.memoryLimitInMB, context.getRemainingTimeInMillis()]",
            marks=NODE,
        ),
        ("python", "[context.function_name, context.memory_limit_in_mb, context.get_remaining_time_in_millis()]"),
    ],
)
def test_the_context_is_as_documented(runtime: Runtime, returned: str) -> None:
    name, memory, left = called(runtime, RETURNS[runtime] % returned, memory_mb=256).result
    assert (name, memory) == ("us-east-1.made", "256")
    assert 0 < left <= 5_000


@pytest.mark.parametrize(
    ("runtime", "source", "line"),
    [
        pytest.param("nodejs", "exports.handler = async () => {\n  throw new TypeError('no')\n}", 2, marks=NODE),
        ("python", "def lambda_handler(event, context):\n  pass\n  raise TypeError('no')", 3),
    ],
)
def test_an_error_has_its_line_in_the_source(runtime: Runtime, source: str, line: int) -> None:
    error = failure(runtime, source)
    assert (error.reason, error.where) == ("TypeError: no", f"made:{line}")
    assert (error.status, error.result_type) == (503, "LambdaExecutionError")


@pytest.mark.parametrize(
    ("runtime", "source", "reason"),
    [
        pytest.param("nodejs", "const x = ;", "SyntaxError", marks=NODE),
        pytest.param("nodejs", "exports.other = 1", "there is no function 'handler' in it", marks=NODE),
        pytest.param("nodejs", "exports.handler = async () => process.exit(3)", "exit code 3", marks=NODE),
        pytest.param("nodejs", "exports.handler = (e, c, cb) => cb(new Error('no'))", "Error: no", marks=NODE),
        pytest.param("nodejs", "exports.handler = async () => { const a = {}; a.a = a; return a }", "circular", marks=NODE),
        pytest.param("nodejs", "exports.handler = async () => 'x'.repeat(7e6)", "more than the 6291556 bytes", marks=NODE),
        pytest.param(
            "nodejs",
            "exports.handler = async () => { setTimeout(() => { throw new Error('late') }, 1); await new Promise(() => 0) }",
            "late",
            marks=NODE,
        ),
        ("python", "def lambda_handler(event, context)", "SyntaxError"),
        ("python", "import nosuch", "No module named 'nosuch'"),
        ("python", "x = 1", "there is no function 'lambda_handler' in it"),
        ("python", "import sys\ndef lambda_handler(e, c): sys.exit(3)", "it ended the process: sys.exit(3)"),
        ("python", "import os\ndef lambda_handler(e, c): os._exit(3)", "exit code 3"),
        ("python", "import os\ndef lambda_handler(e, c): os.kill(os.getpid(), 11)", "signal 11"),
        ("python", "def lambda_handler(e, c): return {1}", "not JSON serializable"),
        ("python", "async def lambda_handler(e, c): return 1", "Lambda does not await"),
        ("python", "def lambda_handler(e, c): return 'x' * 7_000_000", "more than the 6291556 bytes"),
        ("python", "def lambda_handler(e, c): return lambda_handler(e, c)", "RecursionError"),
    ],
)  # fmt: skip
def test_what_goes_wrong_is_told(runtime: Runtime, source: str, reason: str) -> None:
    assert reason in failure(runtime, source).reason


@pytest.mark.parametrize(
    ("runtime", "source"),
    [
        pytest.param("nodejs", "exports.handler = async () => { for (;;); }", marks=NODE),
        pytest.param("nodejs", "exports.handler = async () => { await new Promise(r => setTimeout(r, 1e5)) }", marks=NODE),
        ("python", "def lambda_handler(event, context):\n  while True: pass"),
    ],
)  # fmt: skip
def test_a_function_that_hangs_is_killed_and_the_next_call_starts_anew(runtime: Runtime, source: str) -> None:
    function = function_of(runtime, source)

    async def twice() -> list[str]:
        runner = await open_runner(function, time_limit_ms=100)
        reasons = []
        for _ in range(2):
            with pytest.raises(EdgeFunctionError) as caught:
                await runner.call(request_event(function, EdgeRequest()))
            reasons.append(f"{caught.value.fault}: {caught.value.reason}")
        await runner.close()
        return reasons

    assert asyncio.run(twice()) == ["limit: it ran longer than 0.1 s"] * 2


@pytest.mark.parametrize(
    ("runtime", "source", "memory"),
    [
        pytest.param("nodejs", "exports.handler = async () => { const a = []; for (;;) a.push({a: [1, 2, 3]}) }", 32, marks=NODE),
        ("python", "def lambda_handler(event, context): return len('x' * 400_000_000)", 128),
    ],
)  # fmt: skip
def test_a_function_that_needs_more_memory_than_it_has_is_told(runtime: Runtime, source: str, memory: int) -> None:
    error = failure(runtime, source, memory_mb=memory, time_limit_ms=30_000)
    assert (error.fault, error.reason) == ("limit", f"it needs more than {memory} MB of memory")


@pytest.mark.parametrize("runtime", [pytest.param("nodejs", marks=NODE)])
@pytest.mark.parametrize(
    ("source", "result"),
    [
        ("export const handler = async () => ({a: 1})", {"a": 1}),
        ("import path from 'node:path'; export async function handler() { return path.sep }", "/"),
        ("exports.handler = (event, context, callback) => setTimeout(() => callback(null, {b: 2}), 5)", {"b": 2}),
        ("exports.handler = (event, context) => { context.succeed(3) }", 3),
        ("exports.handler = () => {}", None),
        ("module.exports = {handler: async () => undefined}", None),
    ],
)
def test_every_form_of_a_handler_for_node_is_run(runtime: Runtime, source: str, result: Any) -> None:
    assert called(runtime, source).result == result


@pytest.mark.parametrize("runtime", [pytest.param("nodejs", marks=NODE)])
def test_a_callback_waits_for_the_event_loop_unless_it_is_told_not_to(runtime: Runtime) -> None:
    source = "exports.handler = (e, context, callback) => { %s setInterval(() => 0, 50); callback(null, 1) }"
    assert "it ran longer than" in failure(runtime, source % "", time_limit_ms=150).reason
    assert called(runtime, source % "context.callbackWaitsForEmptyEventLoop = false;").result == 1


def test_a_folder_is_a_function_with_modules_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "lambda_function.py").write_text("import rules\ndef lambda_handler(e, c): return rules.answer()")
    (tmp_path / "rules.py").write_text("def answer(): return 42")
    (tmp_path / "other.py").write_text("def named(e, c): return 43")
    assert called("python", tmp_path).result == 42
    assert called("python", tmp_path, handler="other.named").result == 43


def test_a_folder_without_its_entry_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"there is no lambda_function\.py in it"):
        called("python", tmp_path)


def test_what_it_prints_beside_its_answer_does_not_spoil_the_answer() -> None:
    source = "import os\ndef lambda_handler(e, c):\n  os.write(1, b'{\"result\": 1}\\n'); print('a\\nb'); return 2"
    ran = called("python", source)
    assert (ran.result, ran.logs) == (2, ("a", "b"))


def test_calls_at_once_have_workers_of_their_own() -> None:
    source = (
        "import time\ndef lambda_handler(e, c):\n  time.sleep(0.05)\n  return e['Records'][0]['cf']['request']['uri']"
    )
    function = function_of("python", source)

    async def at_once() -> list[str]:
        runner = await open_runner(function)
        calls = [runner.call(request_event(function, EdgeRequest(uri=f"/{number}"))) for number in range(6)]
        answers = [ran.result for ran in await asyncio.gather(*calls)]
        await runner.close()
        return answers

    assert asyncio.run(at_once()) == [f"/{number}" for number in range(6)]


def test_a_body_of_a_megabyte_reaches_the_function() -> None:
    source = "def lambda_handler(e, c):\n  body = e['Records'][0]['cf']['request']['body']\n  return [len(body['data']), body['inputTruncated']]"
    function = function_of("python", source)

    async def ran() -> Any:
        runner = await open_runner(function)
        answer = await runner.call(request_event(function, EdgeRequest(method="POST", body=b"x" * 2_000_000)))
        await runner.close()
        return answer.result

    assert asyncio.run(ran()) == [1_398_104, True]


def test_without_node_its_absence_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lambda_runner.shutil, "which", lambda name: None)
    with pytest.raises(UsageError, match="needs node, and there is none on PATH"):
        called("nodejs", "exports.handler = async () => 1")


_ABANDONED = """
import asyncio
from perfctl.cdn.edge.model import EdgeFunction
from perfctl.cdn.edge.running import open_runner
async def hang():
    source = b"exports.handler = async () => { while (true) ; }"
    runner = await open_runner(EdgeFunction("made", "nodejs", "viewer-request", source), time_limit_ms=60_000)
    print(runner._free[0]._process.pid, flush=True)
    await runner.call({})
asyncio.run(hang())
"""


@NODE
@pytest.mark.skipif(sys.platform != "linux", reason="the kernel of Linux kills it")
def test_a_function_of_node_that_hangs_ends_with_a_perfctl_that_is_killed() -> None:
    with subprocess.Popen([sys.executable, "-c", _ABANDONED], stdout=subprocess.PIPE, text=True) as caller:
        assert caller.stdout is not None
        worker = psutil.Process(int(caller.stdout.readline()))
        while worker.cpu_times().user < 0.3:  # it hangs by now, and does not see its stdin close
            assert worker.is_running()
            time.sleep(0.02)
        caller.kill()
    assert psutil.wait_procs([worker], timeout=30)[1] == []
