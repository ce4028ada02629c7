"""What a start finds: an earlier state, a broken one, a full disk, other ports, odd settings."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfctl.sandbox.edge.__main__ import read_options
from perfctl.sandbox.edge.access_log import AccessLog
from perfctl.sandbox.edge.account import Account
from perfctl.sandbox.edge.faults import Faults, read_faults
from perfctl.sandbox.edge.places import home_of
from perfctl.sandbox.edge.sample import ensure_sample
from perfctl.sandbox.edge.store import Store
from perfctl.sandbox.edge.xml import text_of
from tests.unit.edge.test_access_log import RECORD


def test_the_sample_follows_its_origin_to_another_port_and_keeps_what_was_changed(account: Account) -> None:
    held = account.distributions.get("ESAMPLE")
    config = held.config_element
    comment = config.find("Comment")
    assert comment is not None
    comment.text = "mine"
    changed = account.distributions.update("ESAMPLE", config, if_match=held.etag)
    ensure_sample(account.distributions, "ESAMPLE", 8080)
    assert account.distributions.get("ESAMPLE") == changed
    ensure_sample(account.distributions, "ESAMPLE", 9090)
    assert account.distributions.delivery("ESAMPLE").behaviour_of("/").origin.port == 9090
    assert text_of(account.distributions.get("ESAMPLE").config_element, "Comment") == "mine"


def test_a_record_is_changed_in_its_place_and_removed(tmp_path: Path) -> None:
    store = Store(tmp_path / "s")
    for name, value in (("a", 1), ("b", 2), ("a", 3), ("c", 4)):
        store.put("kind", name, {"value": value})
    store.delete("kind", "b")
    store.close()
    again = Store(tmp_path / "s")
    assert list(again.all("kind").items()) == [("a", {"value": 3}), ("c", {"value": 4})]
    again.close()


def no_database(path: Path) -> None:
    path.write_bytes(b"this is no database" * 100)


def another_layout(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()


@pytest.mark.parametrize("broken", [no_database, another_layout])
def test_a_state_that_cannot_be_read_is_set_aside(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, broken: Callable[[Path], None]
) -> None:
    path = tmp_path / "s"
    broken(path)
    with caplog.at_level(logging.WARNING):
        store = Store(path)
    assert store.all("kind") == {}
    assert (tmp_path / "broken-s").exists()
    assert "set aside" in caplog.text
    store.close()


def test_a_log_that_cannot_be_written_is_lost_with_a_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").write_text("in the way")
    log = AccessLog(tmp_path / "file")
    log.add(RECORD)
    with caplog.at_level(logging.WARNING):
        assert log.flush() == 0
    assert "1 lines of the access log are lost" in caplog.text


@pytest.mark.parametrize(
    ("region", "pop"), [("us-east-1", "IAD89-P1"), ("fra", "FRA50-P1"), ("x", "XXX50-P1"), ("", "LOC50-P1")]
)
def test_a_region_names_an_edge_location(region: str, pop: str) -> None:
    assert home_of(region).name == pop


def test_only_what_must_be_known_is_asked_for() -> None:
    words = (
        "--control-port 1 --edge-port 2 --origin-port 3 --state-dir s --log-dir l --distribution-id E --access-key K"
    )
    options = read_options(words.split())
    assert (options.completion_seconds, options.region, options.log_seconds) == (2.0, "us-east-1", 10.0)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
NAMES = st.sampled_from([*Faults.__dataclass_fields__, "other"])


@given(st.dictionaries(NAMES, JSON, max_size=4))
@settings(derandomize=True, max_examples=300)
def test_faults_are_read_or_refused(body: dict[str, object]) -> None:
    try:
        faults = read_faults(body)
    except ValueError:
        return
    assert 0 <= faults.throttle < 1e9
    assert all(isinstance(action, str) for action in faults.deny)
