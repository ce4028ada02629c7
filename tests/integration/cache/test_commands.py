"""`perfctl cache` on a real server."""

from __future__ import annotations

import asyncio
import json
import os
import pty
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from perfctl.cache.engine import AdvancedCache
from perfctl.config import CacheConfig
from tests.conftest import Perfctl, RunningSandbox, run_perfctl

pytestmark = pytest.mark.servers

Said = subprocess.CompletedProcess[str]
Cache = Callable[..., Said]


@pytest.fixture
def namespace() -> str:
    """A namespace that no other test uses."""
    return f"t-{uuid.uuid4().hex[:8]}"


@pytest.fixture
def cache(sandbox: RunningSandbox, namespace: str) -> Iterator[Cache]:
    """Run `perfctl cache ...`; the test's namespace is emptied afterwards."""

    def run(*words: str, **options: Any) -> Said:
        return sandbox.perfctl("cache", *words, **options)

    yield run
    run("clear", namespace, "--yes")


def data(said: Said) -> Any:
    """The `data` of a document."""
    assert said.returncode in (0, 1, 6), said.stderr
    return json.loads(said.stdout)["data"]


def config(sandbox: RunningSandbox) -> CacheConfig:
    """How an application reaches the same server."""
    environment = sandbox.environment
    return CacheConfig(
        redis_host=environment["REDIS_HOST"],
        redis_port=int(environment["REDIS_PORT"]),
        redis_password=environment["REDIS_PASSWORD"],
    )


def test_a_text_comes_back_raw_and_a_structure_as_json(cache: Cache, namespace: str) -> None:
    assert cache("set", "text", "héllo\nworld", "-n", namespace).returncode == 0
    assert cache("get", "text", "-n", namespace).stdout == "héllo\nworld\n"
    cache("set", "json", '{"a": [1, null]}', "--json", "-n", namespace, "--ttl", "10m")
    assert cache("get", "json", "-n", namespace).stdout == '{"a": [1, null]}\n'
    found = data(cache("get", "json", "-n", namespace, "-o", "json"))
    assert (found["value"], found["type"], found["found"]) == ({"a": [1, None]}, "dict", True)
    assert 500 < found["ttl_seconds"] <= 600


def test_a_value_may_come_from_stdin(cache: Cache, namespace: str) -> None:
    assert cache("set", "k", "-", "-n", namespace, input="piped").returncode == 0
    assert cache("get", "k", "-n", namespace).stdout == "piped\n"


def test_an_absent_key_is_the_answer_no(cache: Cache, namespace: str) -> None:
    said = cache("get", "absent", "-n", namespace, "-o", "json")
    assert said.returncode == 1
    found = data(said)
    assert (found["found"], found["value"]) == (False, None)
    piped, drawn = cache("get", "absent", "-n", namespace), cache("get", "absent", "-n", namespace, "-o", "table")
    assert (piped.returncode, piped.stdout, piped.stderr) == (1, "", "")
    assert (drawn.returncode, drawn.stderr) == (1, f"no key 'absent' in namespace '{namespace}'\n")


def test_delete_counts_what_was_there(cache: Cache, namespace: str) -> None:
    cache("set", "a", "1", "-n", namespace)
    gone = data(cache("delete", "a", "b", "a", "-n", namespace, "-o", "json"))
    assert gone == {"namespace": namespace, "deleted": 1, "absent": 1}


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("set", "k", "{", "--json"), "not JSON"),
        (("set", "k", "v", "--ttl", "soon"), "'soon'"),
        (("set", "k", "v", "--ttl", "0s"), "not above 0"),
        (("get", ""), "the key is empty"),
        (("get", "k", "-n", ""), "the namespace is empty"),
        (("preload", "/nonexistent.jsonl"), "cannot read /nonexistent.jsonl"),
    ],
)
def test_what_cannot_be_done_says_why(cache: Cache, words: tuple[str, ...], complaint: str) -> None:
    said = cache(*words)
    assert (said.returncode, said.stdout) == (2, "")
    assert complaint in said.stderr


def test_preload_stats_clear(cache: Cache, namespace: str, tmp_path: Path) -> None:
    file = tmp_path / "entries.jsonl"
    file.write_text("".join(json.dumps({"key": f"k{n}", "value": {"n": n}, "ttl": 600}) + "\n" for n in range(2500)))
    loaded = data(cache("preload", str(file), "-n", namespace, "-o", "json"))
    assert (loaded["loaded"], loaded["failed"], loaded["rows"]) == (2500, 0, [])

    (row,) = data(cache("stats", "-n", namespace, "-o", "json"))["rows"]
    assert (row["namespace"], row["keys"]) == (namespace, 2500)
    assert row["size_bytes"] > 2500 * 10
    everything = data(cache("stats", "-o", "json"))
    assert everything["keys"] >= 2500
    assert namespace in [found["namespace"] for found in everything["rows"]]

    refused = cache("clear", namespace)
    assert (refused.returncode, refused.stdout) == (7, "")
    assert "--yes" in refused.stderr
    assert cache("clear", namespace, "--yes", "--max-affected", "2499").returncode == 7
    planned = data(cache("clear", namespace, "--dry-run", "-o", "json"))
    assert (planned["dry_run"], planned["keys"], planned["deleted"], len(planned["samples"])) == (True, 2500, 0, 5)

    cleared = data(cache("clear", namespace, "--yes", "-o", "json"))
    assert (cleared["dry_run"], cleared["keys"], cleared["deleted"]) == (False, 2500, 2500)
    nothing = cache("clear", namespace, "-o", "json")
    assert (nothing.returncode, data(nothing)["deleted"]) == (0, 0)


def test_a_clear_touches_no_other_namespace(cache: Cache, namespace: str) -> None:
    near = (f"{namespace}x", f"{namespace}:y", f"{namespace[:-1]}")
    for name in (namespace, *near):
        cache("set", "k", "v", "-n", name)
    cache("clear", namespace, "--yes")
    assert cache("get", "k", "-n", namespace).returncode == 1
    for name in near:
        assert cache("get", "k", "-n", name).stdout == "v\n"
        cache("delete", "k", "-n", name)


def test_bad_lines_are_named_and_the_good_ones_loaded(cache: Cache, namespace: str) -> None:
    text = '{"key": "a", "value": 1}\nnonsense\n{"key": "b", "value": 2, "ttl": -1}\n'
    said = cache("preload", "-", "-n", namespace, "-o", "json", input=text)
    assert said.returncode == 6
    loaded = data(said)
    assert (loaded["loaded"], loaded["failed"]) == (1, 2)
    assert [row.split(": ")[0] for row in loaded["rows"]] == ["stdin:2:1", "stdin:3"]


@pytest.mark.parametrize("text", ["", "nonsense\n"])
def test_nothing_usable_is_refused(cache: Cache, namespace: str, text: str) -> None:
    said = cache("preload", "-", "-n", namespace, input=text)
    assert (said.returncode, said.stdout) == (2, "")
    assert "nothing to load" in said.stderr


def test_a_plan_is_loaded(cache: Cache, namespace: str, tmp_path: Path) -> None:
    plan = tmp_path / "plan.yaml"
    plan.write_text(f"namespace: {namespace}\nttl: 10m\nentries:\n  - {{key: a, value: [1, 2]}}\n")
    loaded = data(cache("preload", str(plan), "-o", "json"))
    assert (loaded["loaded"], loaded["namespace"]) == (1, namespace)
    assert cache("get", "a", "-n", namespace).stdout == "[1, 2]\n"


def test_an_empty_namespace_is_refused_before_anything_is_read(cache: Cache) -> None:
    for words in (("preload", "-", "-n", ""), ("clear", ""), ("get", "k", "-n", "")):
        said = cache(*words, input='{"key": "a", "value": 1}\n')
        assert (said.returncode, said.stderr.splitlines()[0]) == (2, "error: the namespace is empty")


def test_applications_and_the_operator_see_the_same(cache: Cache, namespace: str, sandbox: RunningSandbox) -> None:
    async def application() -> None:
        async with AdvancedCache(config(sandbox)) as mine:
            await mine.set("k", {"tuple": (1, 2)}, namespace=namespace)
            for _ in range(9):
                await mine.get("k", namespace=namespace)
            await mine.get("absent", namespace=namespace)

    asyncio.run(application())
    assert cache("get", "k", "-n", namespace).stdout == '{"tuple": [1, 2]}\n'
    (row,) = data(cache("stats", "-n", namespace, "-o", "json"))["rows"]
    assert (row["hits"], row["misses"], row["hit_ratio"], row["sets"]) == (9, 1, 0.9, 1)


def test_doctor_finds_everything_well(cache: Cache) -> None:
    found = data(cache("doctor", "-o", "json"))
    assert found["status"] in ("pass", "warn")
    assert {row["check"]: row["status"] for row in found["rows"]}["write, read, delete"] == "pass"


def test_doctor_says_what_a_user_without_rights_lacks(sandbox: RunningSandbox, namespace: str) -> None:
    import redis

    environment = sandbox.environment
    admin = redis.Redis(
        environment["REDIS_HOST"], int(environment["REDIS_PORT"]), password=environment["REDIS_PASSWORD"], protocol=2
    )
    with admin:
        admin.execute_command(
            "ACL", "SETUSER", namespace, "on", ">pw", "~perfctl:*", "+get", "+pttl", "+ping", "+select"
        )
        try:
            place = {"REDIS_HOST": environment["REDIS_HOST"], "REDIS_PORT": environment["REDIS_PORT"]}
            user = {"PERFCTL_CACHE__REDIS_USERNAME": namespace, "REDIS_PASSWORD": "pw"}
            said = sandbox.perfctl("cache", "doctor", "-o", "json", env={**place, **user})
            refused = sandbox.perfctl("cache", "set", "a", "1", env={**place, **user})
        finally:
            admin.execute_command("ACL", "DELUSER", namespace)
    assert said.returncode == 1
    (canary,) = [row for row in data(said)["rows"] if row["check"] == "write, read, delete"]
    assert canary["status"] == "fail"
    assert "ACL SETUSER" in canary["fix"]
    assert refused.returncode == 4


@pytest.mark.parametrize("rights", ["~elsewhere:* +@all", "~* -@all"])
def test_a_missing_right_is_code_4_and_doctor_names_it(sandbox: RunningSandbox, namespace: str, rights: str) -> None:
    import redis

    environment = sandbox.environment
    place = {"REDIS_HOST": environment["REDIS_HOST"], "REDIS_PORT": environment["REDIS_PORT"]}
    user = {"PERFCTL_CACHE__REDIS_USERNAME": namespace, "REDIS_PASSWORD": "pw-of-a-test"}
    with redis.Redis(
        environment["REDIS_HOST"], int(environment["REDIS_PORT"]), password=environment["REDIS_PASSWORD"], protocol=2
    ) as admin:
        admin.execute_command("ACL", "SETUSER", namespace, "on", ">pw-of-a-test", *rights.split())
        try:
            done = sandbox.perfctl("cache", "get", "a", env={**place, **user})
            said = sandbox.perfctl("cache", "doctor", "-o", "json", env={**place, **user})
        finally:
            admin.execute_command("ACL", "DELUSER", namespace)
    assert (done.returncode, said.returncode) == (4, 1)
    assert "ACL SETUSER" in next(row["fix"] for row in data(said)["rows"] if row["status"] == "fail")


def test_without_a_server_it_says_how_to_configure_one(perfctl: Perfctl) -> None:
    said = perfctl("cache", "get", "a")
    assert (said.returncode, said.stdout) == (3, "")
    assert "cache.redis_url" in said.stderr
    assert perfctl("cache", "doctor").returncode == 0


@pytest.mark.parametrize("words", ["set k v", "delete k", "clear n --yes", "preload -"])
def test_a_read_only_context_refuses_every_effect(perfctl: Perfctl, tmp_path: Path, words: str) -> None:
    file = tmp_path / "ro.yaml"
    file.write_text("current: ro\ncontexts:\n  ro:\n    read_only: true\n    cache:\n      redis_host: 127.0.0.1\n")
    said = perfctl("--config", str(file), "cache", *words.split())
    assert (said.returncode, said.stdout) == (7, "")
    assert "read_only" in said.stderr


def test_progress_is_shown_on_a_terminal_alone_and_without_an_escape(
    sandbox: RunningSandbox, namespace: str, tmp_path: Path
) -> None:
    file = tmp_path / "entries.jsonl"
    file.write_text("".join(json.dumps({"key": f"k{n}", "value": n}) + "\n" for n in range(2000)))
    controller, terminal = pty.openpty()
    try:
        said = subprocess.run(
            [sys.executable, "-m", "perfctl", "-c", sandbox.name, "cache", "preload", str(file), "-n", namespace],
            env=sandbox.home,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=terminal,
            timeout=60,
            check=True,
        )
        progress = os.read(controller, 100_000)
    finally:
        os.close(terminal)
        os.close(controller)
    assert b"loaded     2 000" in said.stdout
    assert b": 2 000" in progress
    assert b"\x1b" not in progress
    sandbox.perfctl("cache", "clear", namespace, "--yes")


@pytest.mark.parametrize("kind", ["cluster", "sentinel"])
def test_a_cluster_and_sentinels_are_loaded_counted_and_cleared(
    request: pytest.FixtureRequest, namespace: str, kind: str
) -> None:
    sandbox: RunningSandbox = request.getfixturevalue(f"{kind}_sandbox")

    def run(*words: str, input: str | None = None) -> Any:
        return data(
            run_perfctl("-c", f"{sandbox.name}-{kind}", "cache", *words, "-o", "json", env=sandbox.home, input=input)
        )

    text = "".join(json.dumps({"key": f"k{n}", "value": {"n": n}}) + "\n" for n in range(1500))
    assert run("preload", "-", "-n", namespace, input=text)["loaded"] == 1500
    assert run("get", "k1499", "-n", namespace)["value"] == {"n": 1499}
    assert run("stats", "-n", namespace)["keys"] == 1500
    assert run("doctor")["status"] == "pass"
    assert run("clear", namespace, "--yes")["deleted"] == 1500
    assert run("stats", "-n", namespace)["keys"] == 0
