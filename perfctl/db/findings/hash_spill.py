"""A hash join did not fit into memory and went through temporary files in batches.

Each batch but the first is written and read again, of both sides. Under a tenth of the time it is told as info.
"""

from __future__ import annotations

from collections.abc import Iterator

from perfctl.db.findings.study import Found, Study, count, percent, size

YIELDS_TO = ()
MIN_SHARE = 0.1


def look(study: Study) -> Iterator[Found]:
    """Hashes with more than one batch."""
    for node in study.nodes:
        if "Hash" not in node.node_type or (node.hash_batches or 1) <= 1:
            continue
        join = study.parent(node) or node
        share = min(study.share(node) + study.share(join), 1.0)
        batches, planned = node.hash_batches or 1, node.original_hash_batches
        grew = f", {planned} planned" if planned and planned != batches else ""
        spilled = study.temporary(node) + study.temporary(join)
        memory = (node.peak_memory_kb or 1024) * batches
        yield study.found(
            node,
            severity="warning" if share >= MIN_SHARE else "info",
            share=share,
            evidence=f"{batches} batches{grew} for {count(study.kept(node))} rows"
            f" ({size(spilled)} of files): {percent(share)} of the time",
            cause="the hashed side is larger than work_mem x hash_mem_multiplier"
            + ("; many more rows came than were expected" if grew else ""),
            next_step=f"SET LOCAL work_mem = '{max(memory // 1024 + 1, 8)}MB' for this statement, or hash fewer columns"
            " and rows (filter earlier)",
            about=(join,),
        )
