"""Would a zstd dictionary make the values of a namespace smaller? Trained of what lies there, and not stored."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from perfctl.operations.optimizing.asked import Found, Skipped
from perfctl.operations.optimizing.commands import shell
from perfctl.operations.optimizing.model import Evidence, Finding, Gain
from perfctl.operations.optimizing.shared import redis_of, shared_stats
from perfctl.operations.optimizing.steps import Step
from perfctl.units import format_bytes, format_count, format_ratio

if TYPE_CHECKING:
    from perfctl.cache.model.dictionaries import DictionaryTraining
    from perfctl.cache.model.shared import NamespaceStats
    from perfctl.operations.optimizing.asked import Asked

MOST_NAMESPACES = 5
LEAST_KEYS = 50
LARGE_BYTES = 10_000_000


async def look(asked: Asked) -> Sequence[Found]:
    """The largest namespaces that have no dictionary."""
    from perfctl.cache.operating.training import listed, train

    operator = redis_of(asked)
    if not asked.optimizer.settings.cache.compression_enabled:
        raise Skipped("cache.compression_enabled is false")
    stats = await shared_stats(asked)
    large = [row for row in stats.rows if row.keys >= LEAST_KEYS][:MOST_NAMESPACES]
    found = []
    for row in large:
        if any(each.is_current for each in (await listed(operator, row.namespace)).rows):
            continue
        training = await train(operator, row.namespace, dry_run=True)
        if training.pays:
            found.append(_found(row, training, stats.size_bytes))
    return found


def _found(row: NamespaceStats, training: DictionaryTraining, all_bytes: int) -> Found:
    with_it, plain = training.ratio or 1.0, training.plain_ratio or 1.0
    saved = row.size_bytes * (1 - with_it / plain)
    name = shell(row.namespace)
    finding = Finding(
        id=f"dictionaries:{row.namespace}",
        source="dictionaries",
        severity="warning" if row.size_bytes >= LARGE_BYTES else "info",
        title=f"a dictionary leaves {format_ratio(with_it)} of the values of {row.namespace}, zstd alone"
        f" {format_ratio(plain)}",
        subject=row.namespace,
        evidence=(
            Evidence("with a dictionary", f"{format_ratio(with_it)} of held-out values", with_it, "ratio"),
            Evidence("zstd alone", f"{format_ratio(plain)} of the same values", plain, "ratio"),
            Evidence("samples", f"{format_count(training.samples)} values", float(training.samples), "count"),
            Evidence("size", f"{format_bytes(row.size_bytes)} in the namespace", float(row.size_bytes), "bytes"),
        ),
        gain=Gain(
            f"about {format_bytes(saved)} of {format_bytes(row.size_bytes)}, as values are written anew",
            "what a quarter of the sampled values came to that the dictionary was not trained of",
            saved,
            "bytes",
        ),
        risk="low",
        risk_why="values written from now on need the dictionary, which lies beside them; old ones stay readable",
        command=f"perfctl cache dict train {name}",
        command_kind="perfctl",
        is_safe=True,
        reverse="perfctl optimize --rollback RUN",
        weight=row.size_bytes / all_bytes if all_bytes else 0.0,
    )
    return Found(finding, Step(kind="dictionary", namespace=row.namespace, command=finding.command))
