"""A context is spliced into the user's file; every other byte stays."""

from __future__ import annotations

import multiprocessing
import stat

import pytest

from perfctl.config.user_file import remove_context, save_context
from perfctl.errors import ConfigError
from tests.unit.config.conftest import Place

SETTINGS = {
    "protected": False,
    "cache": {"redis_host": "127.0.0.1", "redis_port": 7000, "redis_password": {"file": "/state/a b/pw"}},
    "database": {
        "host": "127.0.0.1",
        "port": 5433,
        "password": {"file": "/state/pw"},
        "trusted_functions": ["f", "no"],
    },
}
FILES = [
    "version: 1\n",
    "# only a comment\n",
    "version: 1",
    "contexts:\ncache: {ttl_seconds: 7}\n",
    "contexts: {}\n",
    "contexts: {a: {protected: true}, b: {}}\n# end\n",
    "{version: 1, cache: {ttl_seconds: 7}}\n",
    "{contexts: {a: {}}}",
    "contexts:\n    a: # about a\n      protected: true   # yes\n\n    # about b\n    b: {}\n    # end\n\ncache:\n"
    "  ttl_seconds: 7\n",
    "contexts:\n  a: &x\n    protected: true\n  b: *x\n",
    "contexts:\r\n  a: {}\r\n",
    "# ünïcode 🎉\ncontexts:\n  a: {cache: {key_prefix: 'ü'}}\n",
]


@pytest.mark.parametrize("text", FILES)
def test_a_saved_context_is_loaded_and_leaves_the_rest_byte_for_byte(place: Place, text: str) -> None:
    place.user_file.write_bytes(text.encode())
    save_context("sandbox", SETTINGS, environ=place.environ)
    settings = place.load("sandbox")
    assert (settings.cache.redis_port, settings.database.port) == (7000, 5433)
    assert settings.database.trusted_functions == ("f", "no")
    assert settings.cache.redis_password.target == "/state/a b/pw"  # type: ignore[union-attr]
    after = place.user_file.read_bytes().decode()
    kept = [line for line in text.splitlines() if line.strip() and not line.startswith(("contexts:", "{"))]
    assert [line for line in after.splitlines() if line in kept] == kept


@pytest.mark.parametrize("text", [text for text in FILES if "a:" in text])
def test_saving_and_removing_gives_the_same_bytes_again(place: Place, text: str) -> None:
    place.user_file.write_bytes(text.encode())
    save_context("sandbox", SETTINGS, environ=place.environ)
    assert remove_context("sandbox", environ=place.environ) is True
    assert place.user_file.read_bytes() == text.encode()
    assert remove_context("sandbox", environ=place.environ) is False


def test_a_second_save_replaces_the_first_in_its_place(place: Place) -> None:
    place.user("contexts:\n  sandbox:\n    protected: true\n  other: {}  # stays\ncurrent: sandbox\n")
    save_context("sandbox", {"read_only": True}, environ=place.environ)
    assert place.user_file.read_text() == (
        "contexts:\n  sandbox:\n    read_only: true\n  other: {}  # stays\ncurrent: sandbox\n"
    )


def test_a_removed_context_is_no_longer_current(place: Place) -> None:
    place.user("version: 1\ncurrent: a\ncontexts:\n  a: {}\n")
    assert remove_context("a", environ=place.environ) is True
    assert place.user_file.read_text() == "version: 1\n"


def test_file_and_folders_are_made_for_the_user_alone(place: Place) -> None:
    environ = {"XDG_CONFIG_HOME": str(place.home / "new" / "folder")}
    path = save_context("a", SETTINGS, environ=environ)
    assert path == place.home / "new" / "folder" / "perfctl" / "config.yaml"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert [found.name for found in path.parent.iterdir()] == ["config.yaml"]


def test_a_link_to_the_file_stays_a_link(place: Place) -> None:
    target = place.home / "dotfiles.yaml"
    target.write_text("version: 1\n")
    place.user_file.symlink_to(target)
    save_context("a", {}, environ=place.environ)
    assert place.user_file.is_symlink()
    assert "a: {}" in target.read_text()


@pytest.mark.parametrize("text", ["cache: {ttl_second: 1}\n", "- a\n", "a: 'x\n", "version: 1\n...\n"])
def test_a_file_that_is_not_valid_is_left_as_it_is(place: Place, text: str) -> None:
    place.user(text)
    with pytest.raises(ConfigError):
        save_context("a", {}, environ=place.environ)
    assert place.user_file.read_text() == text


def test_a_context_that_would_not_be_valid_is_not_written(place: Place) -> None:
    with pytest.raises(ConfigError, match="unknown key 'hosts'"):
        save_context("a", {"database": {"hosts": "h"}}, environ=place.environ)
    assert not place.user_file.exists()


def test_writers_at_the_same_time_lose_nothing(place: Place) -> None:
    context = multiprocessing.get_context("spawn")
    writers = [
        context.Process(target=save_context, args=(f"c{i}", SETTINGS), kwargs={"environ": place.environ})
        for i in range(6)
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    for i in range(6):
        assert place.load(f"c{i}").database.port == 5433


def test_without_a_home_there_is_no_place_to_write() -> None:
    with pytest.raises(ConfigError, match="there is no place"):
        save_context("a", {}, environ={})
