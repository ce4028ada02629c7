"""Every command of `perfctl cache` on a single server, on a cluster and on a sentinel set."""

from __future__ import annotations

import asyncio
import json
import secrets
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from perfctl.cache.engine import AdvancedCache
from perfctl.config import CacheConfig
from tests.conftest import RunningSandbox, run_perfctl

pytestmark = pytest.mark.servers

Said = subprocess.CompletedProcess[str]
Ask = Callable[..., Said]

USERS = "".join(
    json.dumps({"key": f"u{n}", "value": {"id": n, "name": f"User {n} of many", "city": "Springfield", "roles": ["a"]}})
    + "\n"
    for n in range(400)
)


@pytest.fixture(params=["sandbox", "cluster", "sentinel"])
def cache(request: pytest.FixtureRequest) -> Ask:
    """Run `perfctl cache ...` in a context of each kind."""
    kind = request.param
    sandbox: RunningSandbox = request.getfixturevalue("sandbox" if kind == "sandbox" else f"{kind}_sandbox")
    context = sandbox.name if kind == "sandbox" else f"{sandbox.name}-{kind}"

    def ask(*words: str, input: str | None = None, cwd: str | None = None, **env: str) -> Said:
        return run_perfctl("-c", context, "cache", *words, env={**sandbox.home, **env}, input=input, cwd=cwd)

    return ask


@pytest.fixture
def namespace(cache: Ask) -> Iterator[str]:
    """A namespace that no other test uses."""
    name = f"t-{uuid.uuid4().hex[:8]}"
    yield name
    cache("clear", name, "--yes", "--reclaim")


def data(said: Said, *codes: int) -> Any:
    """The `data` of a document."""
    assert said.returncode in (codes or (0,)), said.stderr
    return json.loads(said.stdout)["data"]


def test_a_key_is_there_lives_and_is_given_another_life(cache: Ask, namespace: str) -> None:
    cache("set", "a", "1", "-n", namespace, "--ttl", "10m")
    presence = data(cache("exists", "a", "b", "-n", namespace, "-o", "json"), 1)
    assert (presence["found"], presence["absent"]) == (1, 1)
    assert presence["rows"] == [{"key": "a", "found": True}, {"key": "b", "found": False}]
    assert cache("exists", "a", "-n", namespace).returncode == 0
    assert 300 < data(cache("ttl", "a", "-n", namespace, "-o", "json"))["ttl_seconds"] <= 600
    assert data(cache("touch", "a", "-n", namespace, "--ttl", "never", "-o", "json"))["found"]
    assert cache("ttl", "a", "-n", namespace).stdout == "never\n"
    assert cache("get", "a", "-n", namespace).stdout == "1\n"
    for words in (("ttl", "b"), ("touch", "b")):
        assert cache(*words, "-n", namespace).returncode == 1


def test_a_cleared_namespace_is_served_no_more_before_its_memory_is_given_back(cache: Ask, namespace: str) -> None:
    cache("preload", "-", "-n", namespace, input=USERS)
    cleared = data(cache("clear", namespace, "--yes", "-o", "json"))
    assert (cleared["keys"], cleared["deleted"], cleared["reclaimed"], cleared["to_reclaim"]) == (400, 400, 0, 400)
    assert cache("get", "u7", "-n", namespace).returncode == 1
    assert cache("exists", "u7", "-n", namespace).returncode == 1
    assert data(cache("inspect", "u7", "-n", namespace, "-o", "json"))["state"] == "cleared"
    (row,) = data(cache("stats", "-n", namespace, "-o", "json"))["rows"]
    assert (row["keys"], row["garbage"]) == (0, 400)
    cache("set", "new", "1", "-n", namespace)
    back = data(cache("clear", "--reclaim", "-n", namespace, "--rate", "4000", "-o", "json"))
    assert (back["reclaimed"], back["deleted"], back["to_reclaim"]) == (400, 0, 0)
    assert cache("get", "new", "-n", namespace).stdout == "1\n"


def test_a_clear_with_reclaim_leaves_nothing(cache: Ask, namespace: str) -> None:
    cache("preload", "-", "-n", namespace, input=USERS)
    cleared = data(cache("clear", namespace, "--yes", "--reclaim", "-o", "json"))
    assert (cleared["deleted"], cleared["reclaimed"], cleared["to_reclaim"]) == (400, 400, 0)
    assert cache("inspect", "u7", "-n", namespace).returncode == 1


def test_a_pattern_deletes_what_it_names(cache: Ask, namespace: str) -> None:
    cache("preload", "-", "-n", namespace, input=USERS)
    planned = data(cache("clear", "--pattern", "u1*", "-n", namespace, "--dry-run", "-o", "json"))
    assert (planned["keys"], planned["dry_run"], planned["deleted"]) == (111, True, 0)
    assert cache("clear", "--pattern", "u1*", "-n", namespace).returncode == 7
    assert cache("clear", "--pattern", "u1*", "-n", namespace, "--yes", "--max-affected", "110").returncode == 7
    assert data(cache("clear", "--pattern", "u1*", "-n", namespace, "--yes", "-o", "json"))["deleted"] == 111
    assert cache("get", "u2", "-n", namespace).returncode == 0


def test_stats_top_check_and_doctor_answer(cache: Ask, namespace: str) -> None:
    cache("preload", "-", "-n", namespace, input=USERS)
    cache("set", "for-ever", secrets.token_hex(2500), "-n", namespace, "--ttl", "never")
    stats = data(cache("stats", "-n", namespace, "--server", "-o", "json"))
    assert stats["rows"][0]["keys"] == 401
    assert stats["server"]["nodes"] == len(stats["nodes"])
    assert all(node["used_memory_bytes"] > 0 for node in stats["nodes"])
    big = data(cache("top", "--by", "big", "-n", namespace, "-o", "json"))
    assert (big["rows"][0]["key"], big["sampled"]) == ("for-ever", 401)
    assert [row["key"] for row in data(cache("top", "--by", "no-ttl", "-n", namespace, "-o", "json"))["rows"]] == [
        "for-ever"
    ]
    hot = data(cache("top", "--samples", "50", "-o", "json"))
    assert hot["by"] == "hot"
    assert "OBJECT" in hot["method"]
    found = data(cache("check", "-n", namespace, "-o", "json"))
    assert {row["check"] for row in found["rows"]} >= {"hit ratio", "keys without a TTL", "codecs", "memory"}
    checks = {row["check"]: row["status"] for row in data(cache("doctor", "-o", "json"))["rows"]}
    assert checks["invalidation"] == checks["rights"] == "pass"


def test_one_key_is_taken_apart(cache: Ask, namespace: str) -> None:
    cache("set", "k", '{"a": [1, null]}', "--json", "-n", namespace, "--ttl", "10m")
    seen = data(cache("inspect", "k", "-n", namespace, "-o", "json"))
    assert (seen["state"], seen["value"], seen["type"]) == ("fresh", {"a": [1, None]}, "dict")
    assert (seen["serializer"], seen["compressor"], seen["expires"]) == ("msgpack", "none", True)
    assert seen["namespace_version"] == seen["current_version"] != 0
    assert seen["server_name"] == f"perfctl:{namespace}:k"


def test_our_own_key_by_its_whole_name_says_how_it_is_decoded(cache: Ask, namespace: str) -> None:
    cache("set", "k", "héllo", "-n", namespace)
    for command in ("get", "inspect"):
        said = cache(command, f"perfctl:{namespace}:k", "--raw")
        assert f"is the cache's key 'k' in namespace {namespace!r}: with -n, without --raw it is decoded" in said.stderr
    assert "holds bytes: they are shown in base64" in cache("get", f"perfctl:{namespace}:k", "--raw").stderr
    assert cache("get", f"perfctl:{namespace}:none", "--raw").stderr == ""


def test_a_dictionary_is_tried_trained_listed_and_used(cache: Ask, namespace: str) -> None:
    untrained = data(cache("dict", "train", namespace, "-o", "json"), 1)
    assert (untrained["reason"], untrained["ratio"], untrained["plain_ratio"]) == ("0 samples are too few", None, None)
    cache("preload", "-", "-n", namespace, input=USERS)
    tried = data(cache("dict", "train", namespace, "--dry-run", "-o", "json"))
    assert (tried["pays"], tried["is_stored"]) == (True, False)
    assert tried["ratio"] < tried["plain_ratio"] * 0.9
    assert data(cache("dict", "list", "-n", namespace, "-o", "json"))["rows"] == []
    trained = data(cache("dict", "train", namespace, "-o", "json"))
    (row,) = data(cache("dict", "list", "-n", namespace, "-o", "json"))["rows"]
    assert (row["id"], row["is_current"]) == (trained["id"], True)
    cache("preload", "-", "-n", namespace, input=USERS)
    seen = data(cache("inspect", "u7", "-n", namespace, "-o", "json"))
    assert (seen["dictionary"], seen["value"]["id"]) == (trained["id"], 7)
    assert data(cache("touch", "u7", "-n", namespace, "-o", "json"))["found"]
    assert json.loads(cache("get", "u7", "-n", namespace).stdout)["id"] == 7


def test_a_preload_goes_on_where_one_ended(cache: Ask, namespace: str, tmp_path: Path) -> None:
    file = tmp_path / "users.jsonl"
    lines = USERS.splitlines(keepends=True)
    file.write_text(USERS)
    whole = data(cache("preload", str(file), "-n", namespace, "--resume", "-o", "json"))
    assert (whole["loaded"], whole["resumed_at"]) == (400, 0)
    state = tmp_path / "state"
    begun = cache("preload", str(file), "-n", namespace, PERFCTL_STATE_DIR=str(state))
    assert begun.returncode == 0
    assert list((state / "preload").iterdir()) == []
    file.write_text("".join(lines[:100]))
    assert data(cache("preload", str(file), "-n", namespace, "--resume", "-o", "json"))["loaded"] == 100
    assert cache("preload", "-", "-n", namespace, "--resume", input=USERS).returncode == 2


def test_foreign_keys_of_any_type_are_addressed_by_their_whole_name(sandbox: RunningSandbox) -> None:
    import redis

    prefix, environment = f"f-{uuid.uuid4().hex[:8]}", sandbox.environment
    with redis.Redis(
        environment["REDIS_HOST"], int(environment["REDIS_PORT"]), password=environment["REDIS_PASSWORD"], protocol=2
    ) as client:
        client.set(f"{prefix}:text", "héllo", ex=100)
        client.hset(f"{prefix}:hash", mapping={"a": 1})
        client.rpush(f"{prefix}:list", "x", "y")
        client.sadd(f"{prefix}:set", "m")
        client.zadd(f"{prefix}:zset", {"m": 1.5})
        client.xadd(f"{prefix}:stream", {"k": "v"}, id="1-1")
    expected = {
        "text": ("string", "héllo"),
        "hash": ("hash", {"a": "1"}),
        "list": ("list", ["x", "y"]),
        "set": ("set", ["m"]),
        "zset": ("zset", {"m": 1.5}),
        "stream": ("stream", [["1-1", {"k": "v"}]]),
    }
    for name, (kind, value) in expected.items():
        found = data(sandbox.perfctl("cache", "get", f"{prefix}:{name}", "--raw", "-o", "json"))
        assert (found["type"], found["value"]) == (kind, value)
        seen = data(sandbox.perfctl("cache", "inspect", f"{prefix}:{name}", "--raw", "-o", "json"))
        assert (seen["type"], seen["state"], seen["value"]) == (kind, "foreign", value)
    assert sandbox.perfctl("cache", "get", f"{prefix}:text", "--raw").stdout == "héllo\n"
    assert sandbox.perfctl("cache", "ttl", f"{prefix}:hash", "--raw").stdout == "never\n"
    assert sandbox.perfctl("cache", "ttl", f"{prefix}:none", "--raw").returncode == 1
    assert sandbox.perfctl("cache", "get", f"{prefix}:text", "--raw", "-n", "x").returncode == 2
    ranked = data(
        sandbox.perfctl("cache", "top", "--by", "no-ttl", "--raw", "--samples", "100000", "--limit", "0", "-o", "json")
    )
    assert {f"{prefix}:hash", f"{prefix}:list"} <= {row["key"] for row in ranked["rows"]}
    gone = data(sandbox.perfctl("cache", "clear", "--pattern", f"{prefix}:*", "--raw", "--yes", "-o", "json"))
    assert (gone["deleted"], gone["namespace"], gone["pattern"]) == (6, None, f"{prefix}:*")


def test_a_raw_pattern_of_everything_spares_marks_and_counters(sandbox: RunningSandbox) -> None:
    name = f"t-{uuid.uuid4().hex[:8]}"
    sandbox.perfctl("cache", "set", "a", "1", "-n", name)
    sandbox.perfctl("cache", "clear", "--pattern", f"perfctl:{name}:*", "--raw", "--yes")
    seen = data(sandbox.perfctl("cache", "get", f"perfctl:{name}:~v", "--raw", "-o", "json"))
    assert seen["found"]


def test_monitor_counts_what_runs_and_ends(sandbox: RunningSandbox) -> None:
    started = time.monotonic()
    counted = data(sandbox.perfctl("cache", "top", "--monitor", "300ms", "-o", "json"))
    assert (counted["by"], counted["monitored_seconds"]) == ("hot", 0.3)
    assert "MONITOR" in counted["method"]
    assert time.monotonic() - started < 60
    assert sandbox.perfctl("cache", "top", "--monitor", "61s").returncode == 2


def test_rows_of_a_query_become_keys(sandbox: RunningSandbox) -> None:
    name = f"t-{uuid.uuid4().hex[:8]}"

    def load(query: str, *words: str) -> Said:
        return sandbox.perfctl("cache", "preload", "--query", query, "-n", name, "-o", "json", *words)

    rows = "SELECT g AS id, 'n' || g AS name, jsonb_build_object('a', g) AS doc FROM generate_series(1, 2500) AS g"
    loaded = data(load(rows, "--key", "user:{id}"))
    assert (loaded["loaded"], loaded["failed"]) == (2500, 0)
    row = json.loads(sandbox.perfctl("cache", "get", "user:77", "-n", name).stdout)
    assert row == {"id": 77, "name": "n77", "doc": {"a": 77}}
    assert data(load(rows, "--key", "doc:{id}", "--value", "doc", "--limit", "5"))["loaded"] == 2500
    assert sandbox.perfctl("cache", "get", "doc:5", "-n", name).stdout == '{"a": 5}\n'
    partly = data(load("SELECT nullif(g, 2) AS id FROM generate_series(1, 3) AS g", "--key", "k:{id}"), 6)
    assert (partly["loaded"], partly["failed"]) == (2, 1)
    assert "NULL" in partly["rows"][0]
    sandbox.perfctl("cache", "clear", name, "--yes", "--reclaim")


@pytest.mark.parametrize(
    ("query", "words", "code", "complaint"),
    [
        ("SELECT 1 AS id", ("--key", "u:{idd}"), 2, "'idd'"),
        ("SELECT 1 AS id", ("--key", "u"), 2, "names no column"),
        ("SELECT 1 AS id", ("--key", "u:{id}", "--value", "x"), 2, "no column 'x'"),
        ("SELECT 1; SELECT 2", ("--key", "u:{id}"), 2, "2 statements"),
        ("SELECT 1 AS id", ("--key", "u:{id}", "--resume"), 2, "ORDER BY"),
        ("SELECT 1 AS id", (), 2, "--key is missing"),
        ("SELECT * FROM nowhere_at_all", ("--key", "u:{id}"), 9, "nowhere_at_all"),
        ("CREATE TABLE t (id int)", ("--key", "u:{id}"), 7, "CREATE TABLE is not run"),
    ],
)
def test_a_query_that_cannot_be_loaded_says_why(
    sandbox: RunningSandbox, query: str, words: tuple[str, ...], code: int, complaint: str
) -> None:
    said = sandbox.perfctl("cache", "preload", "--query", query, *words)
    assert said.returncode == code, said.stderr
    assert complaint in said.stderr


def test_a_query_cannot_write(sandbox: RunningSandbox) -> None:
    said = sandbox.perfctl("cache", "preload", "--query", "SELECT nextval('s') AS id", "--key", "u:{id}")
    assert (said.returncode, "nextval(regclass) does more than read" in said.stderr) == (7, True)
    made = sandbox.perfctl("cache", "preload", "--query", "SELECT lo_create(0) AS id", "--key", "u:{id}")
    assert (made.returncode, "lo_create" in made.stderr) == (7, True)


APPLICATION = """
import os
from perfctl import CacheConfig, PerformanceOptimizer

perf = PerformanceOptimizer(cache_config=CacheConfig(
    redis_host=os.environ["REDIS_HOST"], redis_port=int(os.environ["REDIS_PORT"]),
    redis_password=os.environ["REDIS_PASSWORD"]))

@perf.cache_decorator(ttl=600, namespace="{namespace}", key="quote:{{symbol}}")
async def quote(symbol: str, day: int = 0):
    return {{"symbol": symbol, "day": day}}

@perf.cache_decorator(ttl=600, namespace="{namespace}", key="plain:{{symbol}}")
def plain(symbol: str):
    return symbol * 2

def bare(symbol):
    return symbol
"""


def test_calls_of_a_cached_function_are_kept_under_its_own_keys(sandbox: RunningSandbox, tmp_path: Path) -> None:
    name = f"t-{uuid.uuid4().hex[:8]}"
    (tmp_path / "app.py").write_text(APPLICATION.format(namespace=name))
    (tmp_path / "calls.jsonl").write_text('["AAPL"]\n{"symbol": "MSFT"}\n"X"\n')

    def call(function: str, arguments: str = "calls.jsonl") -> Said:
        return run_perfctl(
            *("cache", "preload", "--call", function, "--args", arguments, "-o", "json"),
            env={**sandbox.home, **sandbox.environment},
            cwd=str(tmp_path),
        )

    assert data(call("app:quote"))["loaded"] == 3
    assert data(call("app:plain"))["loaded"] == 3
    assert sandbox.perfctl("cache", "get", "quote:MSFT", "-n", name).stdout == '{"symbol": "MSFT", "day": 0}\n'
    assert sandbox.perfctl("cache", "get", "plain:X", "-n", name).stdout == "XX\n"
    for function, complaint in (
        ("app:bare", "is not cached"),
        ("app:nothing", "has no 'nothing'"),
        ("nowhere:x", "cannot import"),
        ("app", "not module:function"),
    ):
        said = call(function)
        assert (said.returncode, complaint in said.stderr) == (2, True)
    (tmp_path / "bad.jsonl").write_text("nonsense\n")
    assert call("app:quote", "bad.jsonl").returncode == 2
    sandbox.perfctl("cache", "clear", name, "--yes", "--reclaim")


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ("clear", "found nothing"),
        ("clear a --tag b", "found 'a' and 'b'"),
        ("clear a --raw", "--raw"),
        ("clear a --rate 0", "--rate"),
        ("touch a --ttl soon", "'soon'"),
        ("top --by heat", "heat"),
        ("top --samples 0", "--samples"),
        ("preload", "found none"),
        ("preload a.jsonl --query x --key y", "FILE and --query"),
        ("preload --call a:b", "--args is missing"),
        ("check --fail-on never", "--fail-on"),
        ("dict train", "NAMESPACE"),
    ],
)
def test_wrong_input_is_named(sandbox: RunningSandbox, words: str, complaint: str) -> None:
    said = sandbox.perfctl("cache", *words.split())
    assert (said.returncode, said.stdout, complaint in said.stderr) == (2, "", True), said.stderr


@pytest.mark.parametrize("words", ["touch k", "clear --tag t --yes", "clear --reclaim", "dict train n", "preload -"])
def test_a_read_only_context_refuses_every_effect(perfctl: Callable[..., Said], tmp_path: Path, words: str) -> None:
    file = tmp_path / "ro.yaml"
    file.write_text("current: ro\ncontexts:\n  ro:\n    read_only: true\n    cache:\n      redis_host: 127.0.0.1\n")
    said = perfctl("--config", str(file), "cache", *words.split())
    assert (said.returncode, said.stdout, "read_only" in said.stderr) == (7, "", True)


def config_of(sandbox: RunningSandbox, **settings: Any) -> CacheConfig:
    """How an application reaches the same server."""
    environment = sandbox.environment
    return CacheConfig(
        redis_host=environment["REDIS_HOST"],
        redis_port=int(environment["REDIS_PORT"]),
        redis_password=environment["REDIS_PASSWORD"],
        **settings,
    )


@pytest.mark.parametrize("backplane", ["tracking", "pubsub"])
def test_a_running_application_hears_of_what_the_command_line_clears(sandbox: RunningSandbox, backplane: Any) -> None:
    name = f"t-{uuid.uuid4().hex[:8]}"

    async def hears(mine: AdvancedCache, key: str, *words: str) -> bool:
        for _ in range(100):
            if await mine.get(key, namespace=name) is not None:
                break
            await asyncio.sleep(0.05)
        said = await asyncio.to_thread(sandbox.perfctl, "cache", *words)
        assert said.returncode == 0, said.stderr
        for _ in range(100):
            if await mine.get(key, namespace=name) is None:
                return True
            await asyncio.sleep(0.05)
        return False

    async def application() -> None:
        async with AdvancedCache(config_of(sandbox, backplane=backplane)) as mine:
            for key in ("tagged", "plain", "single"):
                await mine.set(key, key, namespace=name, tags=("eu",) if key == "tagged" else ())
            assert await hears(mine, "tagged", "clear", "--tag", "eu", "-n", name, "--yes")
            assert await mine.get("plain", namespace=name) == "plain"
            assert await hears(mine, "single", "delete", "single", "-n", name)
            assert await hears(mine, "plain", "clear", name, "--yes")

    asyncio.run(application())
    sandbox.perfctl("cache", "clear", "--reclaim", "-n", name)


def test_tags_the_stale_reserve_and_the_key_of_a_value_are_told(sandbox: RunningSandbox) -> None:
    name = f"t-{uuid.uuid4().hex[:8]}"

    async def application() -> None:
        async with AdvancedCache(config_of(sandbox, encryption_key="a" * 32, fail_safe_seconds=600)) as mine:
            await mine.set("k", [1], namespace=name, tags=("eu", "us"))
            await mine.get_or_set("short", lambda: 1, ttl=0.2, namespace=name)

    asyncio.run(application())
    env = {"PERFCTL_CACHE__ENCRYPTION_KEY": "a" * 32}
    seen = data(sandbox.perfctl("cache", "inspect", "k", "-n", name, "-o", "json", env=env))
    assert (seen["protection"], seen["value"], len(seen["key_id"])) == ("encrypted", [1], 8)
    assert seen["tags"] == [{"tag": "eu", "is_cleared": False}, {"tag": "us", "is_cleared": False}]
    sealed = data(sandbox.perfctl("cache", "inspect", "k", "-n", name, "-o", "json"))
    assert (sealed["state"], sealed["value"]) == ("unreadable", None)
    planned = data(sandbox.perfctl("cache", "clear", "--tag", "eu", "-n", name, "--dry-run", "-o", "json"))
    assert (planned["tag"], planned["keys"]) == ("eu", 1)
    cleared = data(sandbox.perfctl("cache", "clear", "--tag", "eu", "-n", name, "--yes", "-o", "json"))
    assert (cleared["tag"], cleared["deleted"], cleared["to_reclaim"]) == ("eu", 1, 1)
    seen = data(sandbox.perfctl("cache", "inspect", "k", "-n", name, "-o", "json", env=env))
    assert (seen["state"], seen["tags"][0]) == ("cleared", {"tag": "eu", "is_cleared": True})
    stale = data(sandbox.perfctl("cache", "inspect", "short", "-n", name, "-o", "json", env=env))
    assert (stale["state"], stale["ttl_seconds"], stale["stale_seconds"] > 500) == ("stale", 0, True)
    assert sandbox.perfctl("cache", "exists", "short", "-n", name, env=env).returncode == 1
    assert sandbox.perfctl("cache", "get", "short", "-n", name, env=env).returncode == 1
    sandbox.perfctl("cache", "clear", name, "--yes", "--reclaim")


def test_a_value_of_the_first_release_is_still_read(sandbox: RunningSandbox) -> None:
    import msgpack
    import redis

    name, environment = f"t-{uuid.uuid4().hex[:8]}", sandbox.environment
    raw = msgpack.packb({"a": 1})
    with redis.Redis(
        environment["REDIS_HOST"], int(environment["REDIS_PORT"]), password=environment["REDIS_PASSWORD"], protocol=2
    ) as client:
        client.set(f"perfctl:{name}:old", bytes((0xC1, 1, 0x10, len(raw))) + raw, ex=100)
        stored = data(sandbox.perfctl("cache", "inspect", "old", "-n", name, "-o", "json"))
        client.delete(f"perfctl:{name}:old")
    assert (stored["state"], stored["value"], stored["created"]) == ("fresh", {"a": 1}, None)
    assert 30 < stored["ttl_seconds"] <= 100


@pytest.mark.parametrize("words", ["clear n --yes", "clear --tag t --yes", "clear --pattern x* --yes"])
def test_a_protected_context_wants_its_name(sandbox: RunningSandbox, tmp_path: Path, words: str) -> None:
    file = tmp_path / "protected.yaml"
    file.write_text(
        "current: live\ncontexts:\n  live:\n    protected: true\n    cache:\n"
        f"      redis_host: 127.0.0.1\n      redis_port: {sandbox.environment['REDIS_PORT']}\n"
        "      redis_password: {env: REDIS_PASSWORD}\n"
    )
    env = {**sandbox.home, "REDIS_PASSWORD": sandbox.environment["REDIS_PASSWORD"]}
    name = f"t-{uuid.uuid4().hex[:8]}"
    run_perfctl("--config", str(file), "cache", "set", "xy", "1", "-n", name, env=env)
    line = ["cache", *words.replace(" n ", f" {name} ").split()]
    line += [] if " n " in words else ["-n", name]
    said = run_perfctl("--config", str(file), *line, env=env)
    is_empty = "--tag" in words
    assert said.returncode == (0 if is_empty else 7), said.stderr
    assert run_perfctl("--config", str(file), "-c", "live", *line, env=env).returncode == 0
