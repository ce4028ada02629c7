"""An account on a clock that a test moves."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from perfctl.sandbox.edge.account import Account, open_account
from perfctl.sandbox.edge.clock import Clock
from perfctl.sandbox.edge.sample import ensure_sample
from perfctl.sandbox.edge.store import Store

NOON = 1_780_000_000.0


@pytest.fixture
def account(tmp_path: Path) -> Iterator[Account]:
    """The sample distribution ESAMPLE; time stands still until `account.clock.advance(...)`."""
    store = Store(tmp_path / "edge.sqlite3")
    opened = open_account(store, Clock(lambda: NOON), access_key="AKIATEST", completion_seconds=10.0)
    ensure_sample(opened.distributions, "ESAMPLE", 8080)
    yield opened
    store.close()
