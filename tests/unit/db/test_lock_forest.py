"""The blocking tree, from who waits for whom."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from hypothesis import given, settings
from hypothesis import strategies as st

from perfctl.db.activity.locks import Want, forest
from perfctl.db.model.activity import LockNode, LockWait, ServerSession


def session(pid: int, *blocked_by: int) -> ServerSession:
    return ServerSession(
        pid=pid, backend_start=None, backend_type="client backend", database="d", username="u", application=None,
        client=None, state="active", wait=None, duration_seconds=1.0, transaction_seconds=1.0, query="SELECT 1",
        queryid=None, query_start=None, blocked_by=blocked_by,
    )  # fmt: skip


def shape(nodes: tuple[LockNode, ...]) -> dict[int, object]:
    return {node.session.pid: shape(node.children) for node in nodes}


def every(nodes: tuple[LockNode, ...]) -> Iterator[LockNode]:
    for node in nodes:
        yield node
        yield from every(node.children)


def test_nobody_who_waits_makes_no_tree() -> None:
    assert forest([session(1), session(2)], {}) == ()


def test_a_queue_stands_one_below_the_other() -> None:
    assert shape(forest([session(1), session(2, 1), session(3, 1, 2)], {})) == {1: {2: {3: {}}}}


def test_who_holds_up_the_most_comes_first() -> None:
    rows = [session(1), session(2, 1), session(3), session(4, 3), session(5, 3)]
    assert list(shape(forest(rows, {}))) == [3, 1]
    assert [node.waiting for node in forest(rows, {})] == [2, 1]


def test_the_others_that_one_waits_for_are_named() -> None:
    (first, second) = forest([session(1), session(2), session(3, 1, 2)], {})
    child = (first.children or second.children)[0]
    assert {child.also_blocked_by, (first if first.children else second).session.pid} == {(2,), 1}


def test_a_deadlock_is_said_and_drawn_once() -> None:
    nodes = forest([session(1, 2), session(2, 1), session(3, 2)], {})
    assert [(node.session.pid, node.is_deadlocked) for node in every(nodes)] == [(1, True), (2, True), (3, False)]


def test_a_prepared_transaction_stands_on_top() -> None:
    (node,) = forest([session(5, 0)], {})
    assert (node.session.pid, node.session.backend_type, node.waiting) == (0, "prepared transaction", 1)


def test_what_the_blocker_holds_is_told_of_the_one_above() -> None:
    wait = LockWait(lock_type="relation", object="table t", mode="ShareLock", held_mode=None, waited_seconds=2.0)
    (node,) = forest([session(1), session(2, 1)], {2: Want(wait, {1: "AccessExclusiveLock"})})
    found = node.children[0].waits_for
    assert found is not None
    assert found.held_mode == "AccessExclusiveLock"


@st.composite
def waits(draw: st.DrawFn) -> Mapping[int, frozenset[int]]:
    pids = st.integers(1, 12)
    return draw(st.dictionaries(pids, st.frozensets(pids, max_size=4), max_size=12))


@settings(max_examples=300, deadline=None, derandomize=True)
@given(waits())
def test_each_who_waits_or_blocks_is_drawn_exactly_once(blocked: Mapping[int, frozenset[int]]) -> None:
    rows = [session(pid, *sorted(by)) for pid, by in blocked.items()]
    real = {pid: by - {pid} for pid, by in blocked.items()}
    wanted = {pid for pid, by in real.items() if by} | {pid for by in real.values() for pid in by}
    drawn = [node.session.pid for node in every(forest(rows, {}))]
    assert sorted(drawn) == sorted(wanted)
