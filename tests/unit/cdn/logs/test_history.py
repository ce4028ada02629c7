"""The history of requests: of all of them while they are few, and then of whole paths."""

from __future__ import annotations

import io
from contextlib import nullcontext

from perfctl.cdn.logs.columns import read
from perfctl.cdn.logs.counting import Batch
from perfctl.cdn.logs.history import History
from perfctl.cdn.logs.locations import LogSource


def test_beyond_the_most_whole_paths_stay_or_go() -> None:
    times = 6
    history = _remembered(paths=400, times=times, most=500)
    assert 0 < history.sampled_ratio < 1
    past = history.past()
    assert 0 < len(past.paths) <= 500
    assert set(past.url_times.tolist()) == {times}
    assert int(past.path_before.sum()) == len(past.paths) - len(past.paths) // times


def test_while_they_are_few_all_of_them_are_there() -> None:
    history = _remembered(paths=50, times=3, most=500)
    assert history.sampled_ratio == 1
    assert len(history.past().paths) == 150


def test_a_batch_that_is_larger_than_all_that_may_stay_is_sampled() -> None:
    text = b"#Fields: cs-uri-stem sc-status\n" + b"".join(b"/%d\t200\n" % number for number in range(1000))
    (batch,) = _batches(text)
    history = History(most=100)
    history.add(batch, batch.block.int("sc-status") > 0)
    assert 0 < len(history.past().paths) <= 100


def _remembered(*, paths: int, times: int, most: int) -> History:
    history = History(most=most)
    for _ in range(times):
        text = b"#Fields: cs-uri-stem sc-status\n" + b"".join(b"/%d\t200\n" % number for number in range(paths))
        for batch in _batches(text):
            history.add(batch, batch.block.int("sc-status") > 0)
    return history


def _batches(text: bytes) -> list[Batch]:
    return [Batch(block) for block in read(LogSource("a.log", len(text), lambda: nullcontext(io.BytesIO(text))))]
