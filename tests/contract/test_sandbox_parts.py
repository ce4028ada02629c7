"""Every part of the sandbox keeps the same promises, and none is left out of the table."""

from __future__ import annotations

import importlib
import inspect
from pathlib import Path

import pytest

import perfctl.sandbox
from perfctl.config import load_settings
from perfctl.sandbox import contexts
from perfctl.sandbox.parts import ALWAYS, OPTIONAL, PARTS, build, services_of
from perfctl.sandbox.service import Part
from perfctl.sandbox.site import Site


def settled(tmp_path: Path) -> Site:
    site = Site("contract", state_home=tmp_path, cache=tmp_path / "cache", say=lambda line: None)
    services = services_of(build(site, PARTS, seeded=False))
    roles = [role for service in services for role in service.ports]
    site.ports = {role: 20_000 + number for number, role in enumerate(roles)}
    return site


def part(tmp_path: Path, name: str) -> Part:
    return build(settled(tmp_path), [name], seeded=False)[0]


def test_every_part_in_a_file_is_in_the_table(tmp_path: Path) -> None:
    folder = Path(perfctl.sandbox.__file__).parent
    modules = [importlib.import_module(f"perfctl.sandbox.{path.stem}") for path in folder.glob("[a-z]*.py")]
    defined = {
        kind.__name__
        for module in modules
        for _, kind in inspect.getmembers(module, inspect.isclass)
        if kind.__name__.endswith("Part") and kind is not Part
    }
    assert defined == {type(part(tmp_path, name)).__name__ for name in PARTS}
    assert {*ALWAYS, *OPTIONAL} == set(PARTS)


def test_no_two_servers_share_a_name_or_a_port(tmp_path: Path) -> None:
    services = services_of(build(settled(tmp_path), PARTS, seeded=False))
    names = [service.name for service in services]
    roles = [role for service in services for role in service.ports]

    assert sorted(set(names)) == sorted(names)
    assert sorted(set(roles)) == sorted(roles)


@pytest.mark.parametrize("name", PARTS)
def test_a_part_calls_itself_as_the_table_does(tmp_path: Path, name: str) -> None:
    assert part(tmp_path, name).name == name


@pytest.mark.parametrize("name", PARTS)
def test_variables_are_upper_case_names_with_texts(tmp_path: Path, name: str) -> None:
    environment = part(tmp_path, name).environment()

    assert environment
    assert all(key.isupper() and isinstance(value, str) and value for key, value in environment.items())


@pytest.mark.parametrize("name", PARTS)
def test_a_server_needs_only_servers_that_start_before_it(tmp_path: Path, name: str) -> None:
    order = [service.name for service in services_of(build(settled(tmp_path), {*ALWAYS, name}, seeded=False))]

    for service in part(tmp_path, name).services:
        assert all(order.index(needed) < order.index(service.name) for needed in service.after)


@pytest.mark.parametrize("name", PARTS)
def test_endpoints_name_the_first_port_and_no_password(tmp_path: Path, name: str) -> None:
    site = settled(tmp_path)
    for service in build(site, [name], seeded=False)[0].services:
        assert str(site.ports[service.ports[0]]) in service.endpoint()
        assert not any(site.secret(secret) in service.endpoint() for secret in ("valkey", "postgres", "cloudfront"))


@pytest.mark.parametrize("names", [list(ALWAYS), list(PARTS)], ids=["plain", "with everything"])
def test_the_contexts_are_valid_configuration_without_a_secret_in_it(tmp_path: Path, names: list[str]) -> None:
    site, environ = settled(tmp_path), {"HOME": str(tmp_path)}
    file = contexts.write("contract", build(site, names, seeded=False), environ=environ)

    assert file is not None
    text = file.read_text()
    assert not any(site.secret(name) in text for name in ("valkey", "postgres", "cloudfront"))
    for name in contexts.gathered(build(site, names, seeded=False)):
        settings = load_settings(context=f"contract{name}", environ=environ)
        assert settings.database.port == site.ports["postgres"]
        assert settings.warnings == ()


def test_purged_contexts_are_gone_from_the_file(tmp_path: Path) -> None:
    site, environ = settled(tmp_path), {"HOME": str(tmp_path)}
    file = contexts.write("contract", build(site, PARTS, seeded=False), environ=environ)
    contexts.remove("contract", ("", *(f"-{name}" for name in OPTIONAL)), environ=environ)

    assert file is not None
    assert "contract" not in file.read_text()
