"""Drawing why an answer of the edge is cached or not."""

from __future__ import annotations

from textwrap import fill

from perfctl.cdn.model.checks import CacheExplanation, Condition, KeyPart, MatchedBehaviour, UsedPolicy
from perfctl.render.view import Cell, Column, Facts, Part, Table, Text, Tone, View, view
from perfctl.units import format_bytes, format_count, format_duration_ms

_WIDTH = 78
_CACHE: dict[str, Tone] = {"hit": "good", "refresh-hit": "good", "miss": "warn", "error": "bad"}
_HOLDS = {True: Cell("yes", "good"), False: Cell("no", "bad"), None: Cell("?", "dim")}


def explanation_view(result: CacheExplanation) -> View:
    """The answer in one sentence, what came, then the rules one after the other, and what to change."""
    return view(
        Facts(_facts(result), title=result.url),
        Text(fill(result.verdict, _WIDTH), "strong"),
        _said(result),
        _steps(result),
        _key(result),
        _compression(result.compression),
        Text("to mend:\n" + "\n".join(_paragraph(each) for each in result.remedies)) if result.remedies else None,
    )


def _paragraph(text: str) -> str:
    return fill(text, _WIDTH, initial_indent="  ", subsequent_indent="    ", break_long_words=False)


def _facts(result: CacheExplanation) -> tuple[tuple[str, Cell | str], ...]:
    age = "-" if result.age_seconds is None else f"{format_count(result.age_seconds)} s"
    return (
        ("cache", Cell(result.cache, _CACHE.get(result.cache, "dim"))),
        ("status", str(result.status)),
        ("age", age),
        ("expires in", _seconds(result.expires_in_seconds)),
        ("behaviour", _behaviour(result.behaviour)),
        ("policy", _policy(result.policy)),
        (
            "content",
            f"{result.content_type or '-'}, {format_bytes(result.size_bytes)} {result.content_encoding or ''}".rstrip(),
        ),
        ("edge location", result.via_pop or "-"),
        ("took", format_duration_ms(result.took_ms)),
    )


def _behaviour(found: MatchedBehaviour | None) -> str:
    if found is None:
        return "unknown"
    name = found.pattern or "default"
    return f"{name}, number {found.position} of {found.of}, to origin {found.origin_id}"


def _policy(used: UsedPolicy) -> str:
    if used.kind == "unknown":
        return f"unknown: {used.reason}"
    times = (used.min_ttl_seconds, used.default_ttl_seconds, used.max_ttl_seconds)
    told = ", ".join(
        f"{name} {format_count(each)}" for name, each in zip(("min", "default", "max"), times, strict=True)
    )
    return f"{used.name} ({used.kind}): {told} s"


def _said(result: CacheExplanation) -> Part:
    columns = (Column("the answer says"), Column("value", wraps=True), Column("which means", wraps=True))
    rows = tuple((each.name, each.value or "", each.effect) for each in result.said)
    return Table(columns, rows)


def _steps(result: CacheExplanation) -> Part:
    columns = (Column("step", "right"), Column("ttl s", "right"), Column("rule", wraps=True))
    rows = [
        (str(number), "-" if step.ttl_seconds is None else format_count(step.ttl_seconds), step.rule)
        for number, step in enumerate(result.steps, 1)
    ]
    if result.ttl_seconds:
        rows.append(("", "", _stale(result)))
    return Table(columns, tuple(rows))


def _stale(result: CacheExplanation) -> str:
    bound = result.stale_if_error_seconds
    on_error = "as long as the origin fails" if bound is None else f"{format_count(bound)} s while the origin fails"
    served = f"{format_count(result.stale_while_revalidate_seconds)} s while it is fetched anew"
    return f"past that it is served stale for {served}, and for {on_error}"


def _key(result: CacheExplanation) -> Part:
    columns = (Column("in key"), Column("part"), Column("name"), Column("value", wraps=True), Column("why", wraps=True))
    return Table(columns, tuple(_key_row(part) for part in result.key))


def _key_row(part: KeyPart) -> tuple[Cell | str, ...]:
    kept = Cell("yes", "good") if part.is_kept else Cell("no", "dim")
    return (kept, part.part, part.name, part.value or "", part.why)


def _compression(found: tuple[Condition, ...]) -> Part:
    columns = (Column("holds"), Column("condition of compression"), Column("observed", wraps=True))
    return Table(columns, tuple((_HOLDS[each.holds], each.condition, each.observed) for each in found))


def _seconds(number: int | None) -> str:
    return "-" if number is None else f"{format_count(number)} s"
