"""What buffer hits come to: the judgement that the checks of tables and of indexes share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from perfctl.db.checks.rule import Judge, Limits, Server, Verdict

if TYPE_CHECKING:
    from perfctl.db.postgres import Record

LEAST_BLOCKS = 10_000
"""Fewer say nothing: a server that was just started has read everything once."""
LIMITS = Limits(0.99, 0.95, falling=True)


def judge_of(what: str) -> Judge:
    """The judgement by all tables, or all indexes, together; `what` names them."""

    def judge(rows: Sequence[Record], _limits: Limits, _server: Server) -> Verdict:
        read, hit = (rows[0]["all_read"] or 0.0, rows[0]["all_hit"] or 0.0) if rows else (0.0, 0.0)
        if read + hit < LEAST_BLOCKS:
            return Verdict(observed=f"too few blocks were asked for to tell ({read + hit:.0f})")
        ratio = hit / (read + hit)
        return Verdict(
            observed=f"{ratio:.2%} of the blocks of {what} were in the buffer cache",
            value=ratio,
            objects=[f"{row['name']} ({row['blocks_read']} blocks read)" for row in rows if row["blocks_read"]],
            fix="raise shared_buffers, or read less: perfctl db slow --by io",
        )

    return judge
