"""Ports stay where they are as long as nobody else is there."""

from __future__ import annotations

import socket

from perfctl.sandbox.ports import is_free, is_listening, settle


def test_every_role_gets_a_port_of_its_own() -> None:
    settled = settle({}, [f"role-{number}" for number in range(20)])

    assert len(set(settled.values())) == 20
    assert all(map(is_free, settled.values()))


def test_a_known_port_is_kept() -> None:
    settled = settle({}, ["a", "b"])

    assert settle(settled, ["a", "b"]) == settled


def test_a_port_that_is_taken_is_chosen_anew_and_the_others_stay() -> None:
    settled = settle({}, ["a", "b"])
    with socket.create_server(("127.0.0.1", settled["a"])):
        again = settle(settled, ["a", "b"])

    assert again["a"] != settled["a"]
    assert again["b"] == settled["b"]


def test_a_port_is_taken_also_when_somebody_listens_on_every_address() -> None:
    with socket.create_server(("0.0.0.0", 0)) as listener:
        port = listener.getsockname()[1]

        assert (is_free(port), is_listening(port)) == (False, True)


def test_roles_that_nobody_asks_for_keep_their_ports() -> None:
    assert settle({"elsewhere": 20_123}, ["a"])["elsewhere"] == 20_123
