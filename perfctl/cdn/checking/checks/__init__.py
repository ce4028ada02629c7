"""Checks of a distribution and of its answers: one file and one row each."""

from __future__ import annotations

import importlib
import time
from collections.abc import Iterator

from perfctl.cdn.checking.checks.rule import MAX_OBJECTS, Evidence, Rule, Verdict
from perfctl.diagnosis import Check

FILES: tuple[str, ...] = (
    "private_minimum",
    "private_served",
    "no_lifetime",
    "error_lifetime",
    "stale",
    "compress_switch",
    "encodings",
    "accept_encoding",
    "uncompressed",
    "content_length",
    "query_fanout",
    "cookie_fanout",
    "header_fanout",
    "failover_time",
    "failover",
    "shield",
    "origin_timeout",
    "unused_origins",
    "https",
    "tls",
    "http_version",
    "ipv6",
    "price_class",
    "root_object",
    "security_headers",
    "logging",
    "metrics",
    "tags",
    "legacy",
    "shadowed",
    "managed_policies",
    "functions",
    "reachable",
    "directives",
    "expires",
    "validators",
    "vary",
    "set_cookie",
    "age",
    "content_type",
)
"""The files of the checks, in the order in which they are told."""


def every_rule() -> Iterator[Rule]:
    """The checks, in their order."""
    for file in FILES:
        rule: Rule = importlib.import_module(f"perfctl.cdn.checking.checks.{file}").RULE
        yield rule


def run(evidence: Evidence, *, only_pages: bool = False) -> list[Check]:
    """Each check for which there is evidence, judged; with `only_pages` those that look at answers."""
    made = []
    for rule in every_rule():
        has = evidence.setup is not None if rule.needs == "setup" else bool(evidence.pages)
        if has and (rule.needs == "pages" or not only_pages):
            started = time.perf_counter()
            verdict = rule.judge(evidence)
            made.append(_check(rule, verdict, (time.perf_counter() - started) * 1000))
    return made


def _check(rule: Rule, verdict: Verdict, took_ms: float) -> Check:
    return Check(
        component=f"cdn.{rule.area}",
        check=rule.name,
        status=verdict.status,
        observed=verdict.observed,
        fix=None if verdict.status == "pass" else verdict.fix,
        took_ms=round(took_ms, 3),
        value=verdict.value,
        unit=verdict.unit if verdict.value is not None else None,
        threshold=verdict.threshold,
        objects=tuple(verdict.objects[:MAX_OBJECTS]),
    )
