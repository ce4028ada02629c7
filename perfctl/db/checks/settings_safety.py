"""Is the server set up so that a crash loses data, or that it chokes on dead rows?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from perfctl.db.checks.named_settings import QUESTION, values
from perfctl.db.checks.rule import Limits, Rule, Server, Verdict

if TYPE_CHECKING:
    from perfctl.db.postgres import Record


_DANGERS = {
    "fsync": ("off", "a power failure may destroy the whole cluster"),
    "full_page_writes": ("off", "a power failure may destroy pages"),
    "autovacuum": ("off", "dead rows stay, and transaction ids run out"),
    "track_counts": ("off", "autovacuum does not know what changed"),
    "zero_damaged_pages": ("on", "damaged pages are emptied without a word"),
}


def judge(rows: Sequence[Record], _limits: Limits, _server: Server) -> Verdict:
    """fsync, full_page_writes, autovacuum, track_counts, zero_damaged_pages."""
    now = values(rows)
    bad = [name for name, (danger, _) in _DANGERS.items() if now.get(name) == danger]
    if not bad:
        return Verdict(observed=f"{', '.join(_DANGERS)} are as they should be", value=0.0)
    return Verdict(
        observed="; ".join(f"{name} is {_DANGERS[name][0]}: {_DANGERS[name][1]}" for name in bad),
        value=len(bad),
        objects=bad,
        fix=" ".join(f"ALTER SYSTEM RESET {name};" for name in bad) + " SELECT pg_reload_conf();",
    )


RULE = Rule(
    name="settings_safety", area="settings", judge=judge, question=QUESTION, limits=Limits(1, 1), per_database=False
)
