"""Drawing a plan: its times, the tree with each node's share, what is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping

from perfctl.db.model.plans import Buffers, PlanJit, PlanNode, PlanReport, PlanWorker
from perfctl.db.plans.naming import called
from perfctl.db.plans.timing import every_node
from perfctl.render.plan_words import TONES, amount, cut, subplan_of
from perfctl.render.sql_line import line_of
from perfctl.render.view import Cell, Facts, Text, Tone, Tree, View, view
from perfctl.units import format_bytes, format_count, format_duration_ms, format_ratio

_BAR_CELLS = 8
_EIGHTHS = " ▏▎▍▌▋▊▉█"
_QUERY_LENGTH = 400
_CONDITION_LENGTH = 240
"""Three lines at 80 columns; the document has the whole of it."""
_LINE = 54
"""What stands on one line in a tree of some depth at 80 columns."""
_FAR_OFF = 10.0
"""Estimates that are wrong by this factor choose the wrong join or index."""


def plan_view(result: PlanReport) -> View:
    """The statement, its times, the tree with the node that takes the most time marked, and what is wrong."""
    worst = max(every_node(result.plan), key=lambda node: node.self_ms or 0.0) if result.analyzed else None
    return view(
        Facts(tuple(facts_of(result))),
        _branch(result.plan, worst, marked(result)),
        *_findings(result),
    )


def facts_of(result: PlanReport) -> list[tuple[str, Cell | str]]:
    """The statement's figures as a whole: times, JIT, settings, triggers."""
    pairs: list[tuple[str, Cell | str]] = []
    if result.sql:
        pairs.append(("statement", cut(line_of(result.sql), _QUERY_LENGTH)))
    if result.query_parameters:
        pairs.append(("parameters", cut(result.query_parameters, _QUERY_LENGTH)))
    pairs.append(("execution", _execution(result)))
    if result.planning_ms is not None:
        memory = f", {format_bytes(result.planning_memory_kb * 1024)}" if result.planning_memory_kb else ""
        pairs.append(("planning", format_duration_ms(result.planning_ms) + memory))
    if result.jit is not None:
        pairs.append(("jit", _jit(result.jit)))
    if result.serialization is not None:
        sent = result.serialization
        pairs.append(
            (
                "sending",
                f"{format_duration_ms(sent.time_ms)} for {format_bytes(sent.output_kb * 1024)} as {sent.format}",
            )
        )
    if result.settings:
        pairs.append(("settings", ", ".join(f"{name}={value}" for name, value in result.settings.items())))
    pairs += [("trigger", f"{t.name}: {format_duration_ms(t.time_ms)} in {t.calls:.0f} calls") for t in result.triggers]
    return pairs


def _execution(result: PlanReport) -> Cell | str:
    if not result.analyzed:
        return Cell("not measured: estimates alone", "warn")
    if result.execution_ms is None and result.plan.total_ms is None:
        return "run without TIMING"
    return format_duration_ms(result.execution_ms if result.execution_ms is not None else result.plan.total_ms)


def _jit(jit: PlanJit) -> str:
    spent = f" in {format_duration_ms(jit.total_ms)}" if jit.total_ms is not None else ""
    done = f" ({', '.join(option.lower() for option in jit.options)})" if jit.options else ""
    return f"{jit.functions} functions{spent}{done}"


def marked(result: PlanReport) -> dict[int, tuple[str, ...]]:
    """The codes of what was found, by the `id` of the node that it is about; of several of a name the costliest."""
    codes: dict[str, list[str]] = {}
    for finding in result.findings:
        codes.setdefault(finding.node, []).append(finding.code)
    costliest: dict[str, PlanNode] = {}
    for node in every_node(result.plan):
        name = called(node)
        if name in codes and (name not in costliest or (node.self_ms or 0.0) > (costliest[name].self_ms or 0.0)):
            costliest[name] = node
    return {id(node): tuple(dict.fromkeys(codes[name])) for name, node in costliest.items()}


def details_of(node: PlanNode) -> list[str]:
    """What a node did, a line each: rows, blocks, sorting, hashing, conditions, workers."""
    rows, blocks = _rows(node), _blocks(node)
    beside = (f"{rows} · {blocks}",) if blocks and len(rows) + len(blocks) < _LINE else (rows, blocks)
    lines = (*beside, _waits(node), *_work(node), *_conditions(node), _workers(node))
    return [line for line in lines if line]


def _branch(node: PlanNode, worst: PlanNode | None, marks: Mapping[int, tuple[str, ...]]) -> Tree:
    tone: Tone | None = "bad" if node is worst else "dim" if node.loops == 0 else None
    parts = (_bar(node.time_share), _times(node), f"{subplan_of(node)}{called(node)}")
    codes = marks.get(id(node), ())
    lines = [f"! {', '.join(codes)}"] if codes else []
    details = "".join(f"\n  {line}" for line in (*lines, *details_of(node)))
    head = "  ".join(part for part in parts if part)
    return Tree((Cell(f"{head}{details}", tone),), tuple(_branch(child, worst, marks) for child in node.children))


def _bar(share: float | None) -> str:
    """A bar of eighths of a cell: 0.5 fills four of eight cells."""
    if share is None:
        return ""
    eighths = round(share * _BAR_CELLS * 8)
    full, part = divmod(eighths, 8)
    bar = "█" * full + (_EIGHTHS[part] if part else "")
    return bar.ljust(_BAR_CELLS, "·")


def _times(node: PlanNode) -> str:
    if node.loops == 0:
        return "never run"
    if node.time_share is None:
        return f"cost {format_count(node.total_cost)}"
    return f"{format_ratio(node.time_share)}  {format_duration_ms(node.self_ms)}"


def _rows(node: PlanNode) -> str:
    expected = f"rows expected {amount(node.plan_rows)}"
    if node.actual_rows is None or not node.loops:
        return expected
    off = f" (×{amount(node.row_error or 1)} off)" if (node.row_error or 1) >= _FAR_OFF else ""
    loops = f"  loops {amount(node.loops)}" if node.loops != 1 else ""
    return f"rows {amount(node.actual_rows)}, expected {amount(node.plan_rows)}{off}{loops}"


def _blocks(node: PlanNode) -> str:
    counts = node.buffers or Buffers()
    named = (
        ("hit", counts.hit),
        ("read", counts.read),
        ("dirtied", counts.dirtied),
        ("written", counts.written),
        ("temp read", counts.temp_read),
        ("temp written", counts.temp_written),
    )
    said = [f"{name} {format_count(count)}" for name, count in named if count]
    return f"blocks {', '.join(said)}" if said else ""


def _waits(node: PlanNode) -> str:
    """The time in reading and writing blocks, and what was written ahead."""
    spent = (
        ("reading", node.io_read_ms),
        ("writing", node.io_write_ms),
        ("temp reading", node.temp_io_read_ms),
        ("temp writing", node.temp_io_write_ms),
    )
    waits = [f"{name} {format_duration_ms(took)}" for name, took in spent if took]
    wal = [f"WAL {format_bytes(node.wal_bytes)}"] if node.wal_bytes else []
    return ", ".join([*waits, *wal])


def _work(node: PlanNode) -> list[str]:
    """How it sorted, hashed, cached and stored, with what did not fit into memory."""
    return [*_sorting(node), *_hashing(node), *_counting(node)]


def _sorting(node: PlanNode) -> list[str]:
    said = []
    if node.sort_key:
        method = f" by {node.sort_method}, {format_count(node.sort_space_kb)} kB" if node.sort_method else ""
        spilled = " on disk" if node.sort_space_type == "Disk" else ""
        said.append(f"sort key {_cut(', '.join(node.sort_key))}{method}{spilled}")
    if node.presorted_key:
        said.append(f"presorted by {_cut(', '.join(node.presorted_key))}")
    for groups in node.sort_groups:
        kept = f", at most {groups.peak_disk_kb} kB on disk" if groups.peak_disk_kb else ""
        said.append(f"{format_count(groups.groups)} {groups.kind} groups by {', '.join(groups.methods)}{kept}")
    if node.group_key:
        said.append(f"group key {_cut(', '.join(node.group_key))}")
    return [*said, *(_cut(grouped.lower()[:1] + grouped[1:]) for grouped in node.grouping_sets)]


def _hashing(node: PlanNode) -> list[str]:
    said = []
    if (node.hash_batches or 1) > 1:
        first = node.original_hash_batches
        was = f" (planned {first})" if first and first != node.hash_batches else ""
        said.append(f"hash batches {node.hash_batches}{was}: it did not fit into memory")
    if (node.hashagg_batches or 1) > 1:
        said.append(f"hash batches {node.hashagg_batches}, {format_count(node.disk_usage_kb)} kB on disk")
    if node.storage == "Disk":
        said.append(f"stored {format_count(node.maximum_storage_kb)} kB on disk")
    if node.cache_key is not None:
        said.append(f"cache key {_cut(node.cache_key)}{_cache(node)}")
    return said


def _cache(node: PlanNode) -> str:
    counts = (("hits", node.cache_hits), ("misses", node.cache_misses), ("evictions", node.cache_evictions))
    said = [f"{name} {format_count(count)}" for name, count in counts if count is not None]
    return f": {', '.join(said)}" if said else ""


def _counting(node: PlanNode) -> list[str]:
    counted = (
        ("heap fetches", node.heap_fetches),
        ("index searches", node.index_searches if (node.index_searches or 0) > 1 else None),
        ("lossy blocks", node.lossy_heap_blocks),
        ("partitions pruned", node.subplans_removed),
        ("conflicts", node.conflicting_tuples),
    )
    said = [f"{name} {format_count(count)}" for name, count in counted if count]
    if node.disabled:
        said.append("of a kind that is switched off")
    if node.workers_planned is not None and node.actual_rows is None:
        said.append(f"workers planned {node.workers_planned}")
    elif node.workers_planned is not None:
        said.append(f"workers {node.workers_launched or 0} of {node.workers_planned}")
    return [", ".join(said)] if said else []


def _conditions(node: PlanNode) -> list[str]:
    named = (
        ("on", node.condition),
        ("join filter", node.join_filter if node.join_filter != node.condition else None),
        ("filter", node.filter),
        ("remote", node.remote_sql),
    )
    lines = [f"{name} {_cut(line_of(text))}" for name, text in named if text]
    if node.rows_removed:
        lines.append(f"dropped {amount(node.rows_removed)} rows{' a loop' if (node.loops or 1) > 1 else ''}")
    return lines


def _workers(node: PlanNode) -> str:
    """Rows by worker, where they are far from each other: then one of them did the work."""
    rows = [_share(worker) for worker in node.workers]
    if len(rows) < 2 or max(rows) < 2 * max(min(rows), 1.0):
        return ""
    return f"rows by worker {', '.join(amount(count) for count in rows)}"


def _share(worker: PlanWorker) -> float:
    return (worker.actual_rows or 0.0) * (worker.loops or 0.0)


def _findings(result: PlanReport) -> list[Facts | Text]:
    """Each finding in a paragraph: what, where, how it shows, why, what next; the worst first."""
    if not result.findings:
        return [Text("nothing found that is wrong with it", "good")] if result.analyzed else []
    return [
        Facts(
            (
                (finding.severity, Cell(f"{finding.code}: {finding.node}", TONES[finding.severity])),
                ("seen", finding.evidence),
                ("cause", finding.cause),
                ("next", finding.next_step),
            )
        )
        for finding in result.findings
    ]


def _cut(text: str) -> str:
    return cut(text, _CONDITION_LENGTH)
