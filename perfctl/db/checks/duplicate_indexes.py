"""Which indexes are the same twice?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from perfctl.db.checks.rule import Limits, Rule, Server, Verdict
from perfctl.units import format_bytes, format_counted

if TYPE_CHECKING:
    from perfctl.db.postgres import Record


def judge(rows: Sequence[Record], _limits: Limits, _server: Server) -> Verdict:
    """The same method, columns, order, classes, collations, expressions, predicate; what a constraint needs stays."""
    groups: dict[tuple[object, ...], list[Record]] = {}
    for row in rows:
        groups.setdefault(_made_of(row), []).append(row)
    spare = [row for group in groups.values() for row in _spare(group)]
    if not spare:
        return Verdict(observed="no index is there twice", value=0.0)
    many, size = format_counted(len(spare), "index is", "indexes are"), sum(row["size_bytes"] for row in spare)
    return Verdict(
        observed=f"{many} there twice, {format_bytes(size)}",
        value=len(spare),
        objects=[f"{row['name']} ({format_bytes(row['size_bytes'])})" for row in spare],
        fix=f"DROP INDEX CONCURRENTLY {spare[0]['name']};",
    )


def _made_of(row: Record) -> tuple[object, ...]:
    parts = ("table_name", "method", "classes", "collations", "options", "expressions", "predicate")
    return (tuple(row["keys"]), tuple(row["included"]), *(row[part] for part in parts))


def _spare(group: list[Record]) -> list[Record]:
    """All but the one that does the most: one that a constraint needs, a unique one, the one that is read most."""
    order = sorted(group, key=lambda row: (not row["is_constraint"], not row["is_unique"], -row["scans"], row["name"]))
    return [row for row in order[1:] if not row["is_constraint"] and (order[0]["is_unique"] or not row["is_unique"])]


RULE = Rule(name="duplicate_indexes", area="indexes", judge=judge, question="check_indexes", limits=Limits(1))
