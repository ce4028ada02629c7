"""A template is built once, checked at each use, and copied whole."""

from __future__ import annotations

from pathlib import Path

import pytest

from perfctl.sandbox.template import Template


class Workshop:
    """Counts how often the template is built."""

    def __init__(self) -> None:
        self.built = 0

    def build(self, target: Path) -> None:
        self.built += 1
        (target / "base").mkdir(parents=True)
        (target / "PG_VERSION").write_text("18\n")
        (target / "base" / "1").write_bytes(bytes(10_000))
        (target / "empty").mkdir()


def content(folder: Path) -> dict[str, bytes | None]:
    return {str(p.relative_to(folder)): p.read_bytes() if p.is_file() else None for p in sorted(folder.rglob("*"))}


WHOLE = {"PG_VERSION": b"18\n", "base": None, "base/1": bytes(10_000), "empty": None}


def test_the_second_copy_needs_no_building(tmp_path: Path) -> None:
    workshop = Workshop()
    template = Template(tmp_path / "cache", kind="kind", key="1", build=workshop.build)
    template.copy_to(tmp_path / "one", uid=None)
    template.copy_to(tmp_path / "two", uid=None)

    assert workshop.built == 1
    assert content(tmp_path / "one") == content(tmp_path / "two") == WHOLE


def test_copies_are_private(tmp_path: Path) -> None:
    Template(tmp_path / "cache", kind="kind", key="1", build=Workshop().build).copy_to(tmp_path / "one", uid=None)

    modes = {path.stat().st_mode & 0o777 for path in (tmp_path / "one", *(tmp_path / "one").rglob("*"))}
    assert modes == {0o700, 0o600}


@pytest.mark.parametrize("damage", ["missing", "shorter", "rewritten", "manifest"])
def test_a_damaged_template_is_built_again(tmp_path: Path, damage: str) -> None:
    workshop = Workshop()
    template = Template(tmp_path / "cache", kind="kind", key="1", build=workshop.build)
    template.copy_to(tmp_path / "one", uid=None)
    kept = tmp_path / "cache" / "kind-1"
    if damage == "missing":
        (kept / "data" / "base" / "1").unlink()
    elif damage == "shorter":
        (kept / "data" / "base" / "1").write_bytes(b"")
    elif damage == "rewritten":
        (kept / "data" / "base" / "1").write_bytes(b"x" * 10_000)
    else:
        (kept / "manifest.json").write_text("{")
    template.copy_to(tmp_path / "two", uid=None)

    assert workshop.built == 2
    assert content(tmp_path / "two") == WHOLE


def test_another_key_takes_the_place_of_the_old_one(tmp_path: Path) -> None:
    for key in ("1", "2"):
        Template(tmp_path / "cache", kind="kind", key=key, build=Workshop().build).copy_to(tmp_path / key, uid=None)

    assert sorted(path.name for path in (tmp_path / "cache").iterdir()) == ["kind-2", "kind.lock"]


def test_a_build_that_fails_leaves_no_template(tmp_path: Path) -> None:
    def fail(target: Path) -> None:
        target.mkdir(parents=True)
        raise RuntimeError("no")

    template = Template(tmp_path / "cache", kind="kind", key="1", build=fail)
    with pytest.raises(RuntimeError):
        template.copy_to(tmp_path / "one", uid=None)

    workshop = Workshop()
    Template(tmp_path / "cache", kind="kind", key="1", build=workshop.build).copy_to(tmp_path / "one", uid=None)
    assert content(tmp_path / "one") == WHOLE
