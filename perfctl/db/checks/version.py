"""Is the version still mended?"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING

from perfctl.db.checks.rule import Limits, Rule, Server, Verdict

if TYPE_CHECKING:
    from perfctl.db.postgres import Record


END_OF_LIFE = {
    13: date(2025, 11, 13),
    14: date(2026, 11, 12),
    15: date(2027, 11, 11),
    16: date(2028, 11, 9),
    17: date(2029, 11, 8),
    18: date(2030, 11, 14),
}
"""The last release of each, from https://www.postgresql.org/support/versioning/."""


def judge(rows: Sequence[Record], _limits: Limits, _server: Server) -> Verdict:
    """Days until its last release."""
    row = rows[0]
    version, end = row["version"].split()[0], END_OF_LIFE.get(row["major"])
    if end is None:
        return Verdict(observed=f"PostgreSQL {version}: newer than this table knows")
    days = (end - row["today"]).days
    return Verdict(
        observed=f"PostgreSQL {version} {'gets' if days > 0 else 'got'} its last release on {end:%Y-%m-%d}",
        value=days,
        fix="plan the move to a newer major version; pg_upgrade, or logical replication",
    )


RULE = Rule(
    name="version", area="version", judge=judge, question="check_version", limits=Limits(180, 0, falling=True),
    unit="days", per_database=False,
)  # fmt: skip
