"""What is wrong with a function before it runs: `perfctl cdn edge lint`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from perfctl.cdn.edge.linting.finding import Finding
from perfctl.cdn.edge.linting.package import of_package
from perfctl.cdn.edge.model import EdgeFunction
from perfctl.cdn.edge.naming import Said, entry_file, find_function
from perfctl.diagnosis import Check, Diagnosis, diagnose
from perfctl.errors import UsageError


def lint(functions: Iterable[EdgeFunction]) -> Diagnosis:
    """Each finding with its place (`file:line:column`) as its object; a function without one passes.

    MissingExtraError without the extra `edge`, for JavaScript; UsageError where a source cannot be read.
    """
    return diagnose([check for function in functions for check in _checks(function)])


def lint_places(places: Sequence[Path], said: Said) -> Diagnosis:
    """`lint` of files and folders; where there are several, a header that is wrong is a finding of its file.

    UsageError for the only one, which cannot be looked at without knowing what it is.
    """
    if len(places) == 1:
        return lint([find_function(str(places[0]), said)])
    return diagnose([check for place in places for check in _checks_at(place, said)])


def _checks_at(place: Path, said: Said) -> Iterator[Check]:
    try:
        function = find_function(str(place), said)
    except UsageError as error:
        where = error.where or str(place)
        yield Check(place.name, "header", "fail", error.message, fix=error.hint, objects=(where,))
        return
    yield from _checks(function)


def findings_of(function: EdgeFunction) -> tuple[Finding, ...]:
    """The findings of one function, in the order of its text."""
    _, text = _source(function)
    found = [*of_package(function, text), *_in_text(function, text)]
    return tuple(sorted(found, key=lambda finding: (finding.line, finding.column)))


def _checks(function: EdgeFunction) -> Iterator[Check]:
    file, text = _source(function)
    found = findings_of(function)
    for finding in found:
        yield Check(
            component=function.name,
            check=finding.rule,
            status=finding.status,
            observed=finding.said,
            fix=finding.fix,
            objects=(f"{file}:{finding.line}:{finding.column}",),
        )
    if not found:
        lines = len(text.splitlines())
        yield Check(function.name, "lint", "pass", f"{lines} lines for {function.runtime} at {function.trigger}")


def _in_text(function: EdgeFunction, text: str) -> Iterable[Finding]:
    if function.runtime == "python":
        from perfctl.cdn.edge.linting.python import of_python

        return of_python(function, text)
    from perfctl.cdn.edge.linting.javascript import of_javascript

    return of_javascript(function, text)


def _source(function: EdgeFunction) -> tuple[str, str]:
    if isinstance(function.source, bytes):
        return function.name, function.source.decode(errors="replace")
    file = _entry(function, function.source)
    return str(file), file.read_bytes().decode(errors="replace")


def _entry(function: EdgeFunction, source: Path) -> Path:
    if not function.is_lambda:
        return entry_file(source)
    from perfctl.cdn.edge.running.entry import entry_of

    return entry_of(function).file if source.is_dir() else source
