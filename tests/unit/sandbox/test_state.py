"""What a sandbox remembers survives, and garbage is no memory."""

from __future__ import annotations

from pathlib import Path

import pytest

from perfctl.sandbox.process import Process
from perfctl.sandbox.state import Started, State, load, save

STATE = State(
    ports={"valkey": 20001},
    parts=("valkey",),
    seeded=True,
    servers={"valkey": Started(Process(7, 123.0), "Valkey 9.1.2", 12.5), "postgres": Started(Process(8, 9.0), "18")},
)


def test_a_saved_state_is_loaded_as_it_was(tmp_path: Path) -> None:
    save(tmp_path / "state.json", STATE)

    assert load(tmp_path / "state.json") == STATE


def test_only_the_owner_may_read_it_and_nothing_lies_beside_it(tmp_path: Path) -> None:
    save(tmp_path / "state.json", STATE)

    assert [(path.name, path.stat().st_mode & 0o777) for path in tmp_path.iterdir()] == [("state.json", 0o600)]


@pytest.mark.parametrize(
    "garbage",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff\xfe",
        b'{"ports": 3}',
        b'{"ports": {"a": 70000}, "parts": [], "seeded": true, "servers": {}}',
        b'{"ports": {}, "parts": 3, "seeded": true, "servers": {}}',
        b'{"ports": {}, "parts": [], "seeded": true, "servers": {"valkey": {}}}',
        b'{"ports": {}, "parts": [], "seeded": true, "servers": {"valkey": {"process": {"pid": "x"}}}}',
    ],
)
def test_garbage_is_an_empty_state(tmp_path: Path, garbage: bytes) -> None:
    (tmp_path / "state.json").write_bytes(garbage)

    assert load(tmp_path / "state.json") == State()


def test_no_file_is_an_empty_state(tmp_path: Path) -> None:
    assert load(tmp_path / "state.json") == State()
