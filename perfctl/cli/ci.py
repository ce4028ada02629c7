"""Checks for a CI: annotations and the step summary of GitHub, a JUnit or a SARIF file, beside the answer itself."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import typing
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import quoteattr

from perfctl.cli.failure import safe
from perfctl.cli.streams import say
from perfctl.diagnosis import Check
from perfctl.errors import UsageError

if TYPE_CHECKING:
    from perfctl.cli.registered import Registered

_LEVELS = {"fail": "error", "warn": "warning"}


def refuse_without_checks(command: Registered) -> None:
    """Refuse `--ci` on a command whose answer holds no checks. UsageError (exit 2)."""
    if not any(_lists_checks(kind) for kind in (command.result, *typing.get_args(command.result))):
        words = " ".join(command.words)
        raise UsageError(f"--ci: perfctl {words} makes no checks", hint="doctor and health make them", where="--ci")


def report_to(target: str, result: Any, words: Sequence[str]) -> None:
    """Write the checks of a result where a CI looks for them. UsageError where the file cannot be written."""
    kind, _, file = target.partition(":")
    checks: tuple[Check, ...] = getattr(result, "checks", None) or getattr(result, type(result).listing)
    title = "perfctl " + " ".join(words)
    if kind == "github":
        say("".join(_annotation(check, title) for check in checks if check.status in _LEVELS))
        _summarise(checks, title)
        return
    try:
        Path(file).write_text(_junit(checks, title) if kind == "junit" else _sarif(checks, title), encoding="utf-8")
    except OSError as error:
        raise UsageError(
            f"--ci: cannot write {file!r}: {error.strerror}",
            hint="name a file in a folder that is there and can be written",
            where="--ci",
        ) from error


def _lists_checks(kind: Any) -> bool:
    """Whether its rows are checks, or it has `checks` that say its rows as such."""
    made = getattr(kind, "checks", None)
    if isinstance(made, property):
        return bool(typing.get_type_hints(made.fget)["return"] == tuple[Check, ...])
    listing = getattr(kind, "listing", None)
    return bool(
        listing and dataclasses.is_dataclass(kind) and typing.get_type_hints(kind)[listing] == tuple[Check, ...]
    )


def _annotation(check: Check, title: str) -> str:
    """A workflow command; GitHub reads them on stderr as well, and stdout belongs to the answer."""
    name = _property(f"{title}: {check.component} {check.check}")
    place = _place(check)
    at = f" file={_property(place[0])},line={place[1]},col={place[2]}," if place else " "
    return f"::{_LEVELS[check.status]}{at}title={name}::{_data(_text(check))}\n"


def _summarise(checks: Sequence[Check], title: str) -> None:
    """A table on the job's page, where GitHub names a file for it; one that cannot be written keeps nobody up."""
    file = os.environ.get("GITHUB_STEP_SUMMARY")
    if not file:
        return
    marks = {"fail": "❌ fail", "warn": "⚠️ warn", "pass": "✅ pass", "off": "off"}
    rows = "".join(
        f"| {marks[check.status]} | {_cell(f'{check.component} {check.check}')} | {_cell(_text(check))} |\n"
        for check in checks
    )
    try:
        with Path(file).open("a", encoding="utf-8") as summary:
            summary.write(f"### {title}\n\n| | check | observed |\n|---|---|---|\n{rows}\n")
    except OSError as error:
        say(f"note: the step summary {file!r} cannot be written: {error.strerror}\n")


def _cell(text: str) -> str:
    """A text within a cell of a Markdown table, with nothing in it that would be markup."""
    escaped = re.sub(r"([\\`*_<>|\[\]&~])", r"\\\1", " ".join(text.split()))
    return escaped.replace("@", "@\u200b")


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def _text(check: Check) -> str:
    return safe(f"{check.observed}; to mend: {check.fix}" if check.fix else check.observed)


def _place(check: Check) -> tuple[str, int, int] | None:
    """The file, line and column that a check is about, where it is about one: `functions/a.js:3:7`."""
    found = re.fullmatch(r"(.+):(\d+):(\d+)", check.objects[0]) if check.objects else None
    return (found[1], int(found[2]), int(found[3])) if found else None


def _sarif_location(file: str, line: int, column: int) -> dict[str, Any]:
    region = {"startLine": line, "startColumn": column}
    return {"physicalLocation": {"artifactLocation": {"uri": Path(file).as_posix()}, "region": region}}


def _junit(checks: Sequence[Check], title: str) -> str:
    failures = sum(check.status == "fail" for check in checks)
    skipped = sum(check.status == "off" for check in checks)
    cases = "".join(_junit_case(check) for check in checks)
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<testsuite name={quoteattr(title)} tests="{len(checks)}" '
        f'failures="{failures}" errors="0" skipped="{skipped}">\n{cases}</testsuite>\n'
    )


def _junit_case(check: Check) -> str:
    message = quoteattr(_text(check))
    inner = {
        "fail": f"<failure message={message}/>",
        "off": f"<skipped message={message}/>",
        "warn": f"<system-out>{_escaped(_text(check))}</system-out>",
    }.get(check.status, "")
    seconds = (check.took_ms or 0) / 1000
    return (
        f"  <testcase classname={quoteattr(check.component)} name={quoteattr(check.check)} "
        f'time="{seconds:.3f}">{inner}</testcase>\n'
    )


def _escaped(text: str) -> str:
    return quoteattr(text)[1:-1]


def _sarif(checks: Sequence[Check], title: str) -> str:
    levels = {"fail": "error", "warn": "warning", "pass": "none", "off": "none"}
    kinds = {"pass": "pass", "off": "notApplicable"}
    results = [
        {
            "ruleId": f"{check.component}.{check.check}".replace(" ", "-"),
            "level": levels[check.status],
            "kind": kinds.get(check.status, "fail"),
            "message": {"text": _text(check)},
            **({"locations": [_sarif_location(*place)]} if (place := _place(check)) else {}),
        }
        for check in checks
    ]
    run = {
        "tool": {"driver": {"name": title, "informationUri": "https://github.com/perfctl/perfctl"}},
        "results": results,
    }
    document = {
        "version": "2.1.0",
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "runs": [run],
    }
    return json.dumps(document, indent=2) + "\n"
