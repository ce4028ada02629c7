"""A database's folder appears whole and goes whole, whatever is killed meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from perfctl.sandbox import postgres
from perfctl.sandbox.postgres import Postgres
from perfctl.sandbox.site import Site


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    made = Site("whole", state_home=tmp_path / "state", cache=tmp_path / "cache", say=lambda line: None)
    made.make()
    yield made
    made.place.remove()


def test_a_removal_that_is_killed_leaves_no_half_a_folder(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    server = Postgres(site, "postgres", seeded=False)
    server.folder.mkdir()
    for name in ("PG_VERSION", "postgresql.conf"):
        (server.folder / name).touch()
    is_killed = True

    def one_file_at_a_time(folder: Path) -> None:
        for path in sorted(folder.glob("*")):
            path.unlink()
            if is_killed:
                raise KeyboardInterrupt
        if folder.is_dir():
            folder.rmdir()

    monkeypatch.setattr(postgres, "remove_tree", one_file_at_a_time)
    with pytest.raises(KeyboardInterrupt):
        server.discard()
    assert not server.folder.exists()

    is_killed = False
    server.discard()
    place = site.place.find()
    assert place is not None
    assert list(place.iterdir()) == []
