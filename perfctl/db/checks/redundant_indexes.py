"""Which indexes does a longer one of the same table make superfluous?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from perfctl.db.checks.rule import Limits, Rule, Server, Verdict
from perfctl.units import format_bytes, format_counted

if TYPE_CHECKING:
    from perfctl.db.postgres import Record


LEAST_BYTES = 1024 * 1024
"""A small one costs little, and is a little faster than the long one."""


def judge(rows: Sequence[Record], _limits: Limits, _server: Server) -> Verdict:
    """B-trees whose columns are the first of another's, in the same order, for the same rows; unique ones stay."""
    found = [(row, longer) for row in rows if (longer := _longer(row, rows)) is not None]
    if not found:
        return Verdict(observed="no index is the beginning of another", value=0.0)
    size = format_bytes(sum(row["size_bytes"] for row, _ in found))
    many = format_counted(len(found), "index is", "indexes are")
    return Verdict(
        observed=f"{many} the beginning of another, {size}; {found[0][0]['name']} of {found[0][1]['name']}",
        value=len(found),
        objects=[f"{row['name']} (of {longer['name']})" for row, longer in found],
        fix=f"DROP INDEX CONCURRENTLY {found[0][0]['name']};",
    )


def _longer(row: Record, rows: Sequence[Record]) -> Record | None:
    if row["method"] != "btree" or row["is_unique"] or row["is_constraint"] or row["size_bytes"] < LEAST_BYTES:
        return None
    return next((each for each in rows if each is not row and _begins(row, each)), None)


def _begins(row: Record, longer: Record) -> bool:
    """Whether the longer index serves whatever the short one serves."""
    size = len(row["keys"])
    same = ("table_name", "method", "predicate")
    if any(row[name] != longer[name] for name in same) or not longer["is_valid"] or len(longer["keys"]) <= size:
        return False
    if row["expressions"] or longer["expressions"]:
        return False
    covered = set(longer["keys"]) | set(longer["included"])
    return (
        list(row["keys"]) == list(longer["keys"])[:size]
        and set(row["included"]) <= covered
        and all(_first(row[name], size) == _first(longer[name], size) for name in ("classes", "collations", "options"))
    )


def _first(vector: str, size: int) -> list[str]:
    return vector.split()[:size]


RULE = Rule(name="redundant_indexes", area="indexes", judge=judge, question="check_indexes", limits=Limits(1))
