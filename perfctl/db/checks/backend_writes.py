"""Do sessions have to write what others should have written before them?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from perfctl.db.checks.rule import Limits, Rule, Server, Verdict

if TYPE_CHECKING:
    from perfctl.db.postgres import Record


LEAST = 10_000
"""Fewer pages say nothing."""


def judge(rows: Sequence[Record], _limits: Limits, _server: Server) -> Verdict:
    """The share of dirty buffers that sessions wrote themselves, waiting for it."""
    own, others = rows[0]["by_sessions"], rows[0]["by_others"]
    if own + others < LEAST:
        return Verdict(observed=f"too few pages were written to tell ({own + others:.0f})")
    share = own / (own + others)
    fsyncs = f"; {rows[0]['fsyncs']:.0f} times they even had to fsync" if rows[0]["fsyncs"] else ""
    return Verdict(
        observed=f"sessions wrote {share:.0%} of {own + others:.0f} dirty pages themselves{fsyncs}",
        value=share,
        fix="raise bgwriter_lru_maxpages and lower bgwriter_delay; raise shared_buffers",
    )


RULE = Rule(
    name="backend_writes", area="io", judge=judge, question="check_backend_writes", limits=Limits(0.5), unit="ratio",
    per_database=False, on_replica=False,
)  # fmt: skip
