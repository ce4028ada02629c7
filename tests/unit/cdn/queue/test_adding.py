"""What is queued is there once, and not beside a queued wildcard that covers it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from perfctl.cdn.memory import MemoryCloudFront, VirtualClock
from perfctl.cdn.model.queue import Queued
from perfctl.cdn.paths import plan
from perfctl.cdn.queue.cancelling import Chosen
from perfctl.cdn.queue.limits import Load
from perfctl.cdn.queue.queue import InvalidationQueue
from perfctl.cdn.queue.widening import folders_instead


def _add(queue: InvalidationQueue, *paths: str, at: str = "E1SHOP") -> Queued:
    return queue.add(at, plan(paths))


def _pending(queue: InvalidationQueue) -> list[str]:
    return [item.item for item in queue.status().items]


def test_what_is_queued_already_is_there_once(queue: InvalidationQueue) -> None:
    _add(queue, "/a")
    assert _add(queue, "/b", "/a") == Queued("E1SHOP", ("/b",), ("/a",), (), 0, 2)
    assert [(item.item, item.asked) for item in queue.status().items] == [("/a", 2), ("/b", 1)]


def test_each_distribution_has_its_own(queue: InvalidationQueue) -> None:
    _add(queue, "/a")
    assert _add(queue, "/a", at="E2BLOG").queued == ("/a",)
    assert [(row.distribution_id, row.pending) for row in queue.status().rows] == [("E1SHOP", 1), ("E2BLOG", 1)]


def test_what_lies_under_a_queued_wildcard_goes_with_it(queue: InvalidationQueue) -> None:
    _add(queue, "/img/*")
    assert _add(queue, "/img/a.png", "/img/x/*", "/imgs") == Queued(
        "E1SHOP", ("/imgs",), (), ("/img/x/*", "/img/a.png"), 0, 2
    )


def test_a_wildcard_takes_along_what_was_queued_before(queue: InvalidationQueue) -> None:
    _add(queue, "/img/a.png", "/img/x/*", "/other")
    assert _add(queue, "/img/*").absorbed == 2
    assert _pending(queue) == ["/other", "/img/*"]
    assert queue.status().rows[0].covered == 2


def test_tags_go_with_no_wildcard(queue: InvalidationQueue) -> None:
    _add(queue, "/*")
    assert queue.add("E1SHOP", plan((), ["product-7"])).queued == ("#product-7",)


def test_a_wildcard_in_progress_does_not_cover_a_later_change(
    queue: InvalidationQueue, control: MemoryCloudFront
) -> None:
    _add(queue, "/img/*")
    asyncio.run(queue.run())
    assert _add(queue, "/img/a.png").queued == ("/img/a.png",)
    asyncio.run(queue.drain())
    assert control.items_paid == 2


def test_a_cancelled_wildcard_leaves_what_went_with_it(queue: InvalidationQueue) -> None:
    _add(queue, "/img/a.png")
    _add(queue, "/img/*")
    _add(queue, "/img/b.png")
    (wildcard,) = queue.status().items
    cancelled = queue.cancel(Chosen(ids=(wildcard.id,)))
    assert (cancelled.total, cancelled.restored) == (1, 2)
    assert _pending(queue) == ["/img/a.png", "/img/b.png"]


def test_cancelling_by_pattern_takes_what_matches_and_says_which_ids_were_gone(queue: InvalidationQueue) -> None:
    _add(queue, "/img/a.png", "/img/b.png", "/c")
    would = queue.cancellable(Chosen(patterns=("/img/*",)))
    assert ([item.item for item in would.items], would.dry_run) == (["/img/a.png", "/img/b.png"], True)
    done = queue.cancel(Chosen(ids=(999,), patterns=("/img/*",)))
    assert ([item.state for item in done.items], done.not_cancelled) == (["cancelled", "cancelled"], 1)
    assert _pending(queue) == ["/c"]


def test_a_status_asks_no_server_and_makes_no_file(queue: InvalidationQueue, file: Path) -> None:
    assert queue.status().rows == ()
    assert not file.parent.exists()


def test_a_deadline_hurries_what_is_queued_already(queue: InvalidationQueue, clock: VirtualClock) -> None:
    _add(queue, "/a", "/b")
    queue.add("E1SHOP", plan(["/b"]), within_seconds=1.5)
    assert _pending(queue) == ["/b", "/a"]
    clock.seconds += 60
    assert queue.status().rows[0].overdue == 1


@pytest.mark.parametrize(
    ("items", "most", "folders"),
    [
        (["/a/1*", "/a/2*"], Load(0, 2), ()),
        (["/de/a/*", "/de/b/*", "/en/a/*"], Load(0, 2), ("/de/*",)),
        (["/a/x/1*", "/a/x/2*", "/a/y/1*", "/b/1*"], Load(0, 3), ("/a/x/*",)),
        (["/a/x/1*", "/a/x/2*", "/a/y/1*", "/b/1*", "/b/2*"], Load(0, 2), ("/a/*", "/b/*")),
        (["/a*", "/b*", "/c*"], Load(0, 1), ()),
        (["/d/1", "/d/2", "/e/1", "/3", "#t"], Load(3, 1), ("/d/*",)),
        (["/d/1", "/d/2"], Load(1, 0), ()),
    ],
)
def test_folders_are_the_narrowest_that_are_enough_and_never_the_whole_site(
    items: list[str], most: Load, folders: tuple[str, ...]
) -> None:
    assert folders_instead(items, most) == folders
