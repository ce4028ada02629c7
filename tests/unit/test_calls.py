"""The log of calls: one line each where somebody listens, nothing else."""

from __future__ import annotations

import logging

import pytest

from perfctl.calls import asking, begun, ended


def test_a_call_is_one_short_line_with_its_time(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "perfctl")
    ended("Redis at here", "GET\n  " + "x" * 500, begun())
    (line,) = caplog.messages
    assert line.startswith("Redis at here: GET xxx")
    assert line.endswith(" ms)")
    assert len(line) < 220


def test_where_nobody_listens_nothing_is_told(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "perfctl")
    ended("Redis at here", "GET", begun())
    asking("Redis at here")
    assert caplog.messages == ["asking Redis at here"]
