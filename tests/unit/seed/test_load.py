"""The load is what it says it is, before any server sees it."""

from __future__ import annotations

from collections import Counter

from perfctl.db.sqltext import fingerprint, is_read, statements
from perfctl.sandbox.seed import SEED_VERSION
from perfctl.sandbox.seed.data import script
from perfctl.sandbox.seed.load_quick import quick_statements


def test_the_load_is_the_same_in_every_run() -> None:
    assert list(quick_statements()) == list(quick_statements())


def test_a_few_hundred_quick_statements_have_ten_shapes() -> None:
    shapes = Counter(map(fingerprint, quick_statements()))
    assert len(shapes) == 10
    assert shapes.total() == 780


def test_the_slow_statements_have_ten_shapes_and_only_read() -> None:
    slow = statements(script("load_slow.sql"))
    assert len({fingerprint(statement) for statement in slow}) == 10
    assert all(is_read(statement) for statement in slow)


def test_the_version_is_a_name_for_a_folder() -> None:
    assert len(SEED_VERSION) == 12
    assert SEED_VERSION.isalnum()
