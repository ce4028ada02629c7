"""A function as AWS takes it: checked against its limits, the same bytes each time."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from perfctl.cdn.edge.linting.package import FUNCTION_BYTES, PACKAGE_BYTES
from perfctl.cdn.edge.model import EdgeFunction
from perfctl.cdn.edge.packaging.archive import zipped
from perfctl.cdn.edge.packaging.contents import files_of, requirements_of, with_settings
from perfctl.cdn.edge.packaging.requirements import Required, fetch, missing_modules
from perfctl.cdn.edge.running.source import text_of
from perfctl.cdn.model.edge_deploys import EdgePackage
from perfctl.errors import UsageError
from perfctl.units import format_bytes

RUNTIMES = {"nodejs": "nodejs22.x", "python": "python3.13"}
"""Lambda's runtimes where none is named; both were at Lambda@Edge in 2026."""
UNPACKED_BYTES = 250 * 1024 * 1024
_NOTHING = Required({}, ())


@dataclass(frozen=True, slots=True)
class Packed:
    """What is sent, and what is told of it."""

    content: bytes
    told: EdgePackage


def pack(
    function: EdgeFunction,
    *,
    settings: Mapping[str, str] | None = None,
    lambda_runtime: str | None = None,
    with_requirements: bool = True,
) -> Packed:
    """The function as it is sent. UsageError where CloudFront would not take it: too long, something is missing.

    Packages that a function of Python requires are fetched for Lambda's platform. Takes seconds then.
    """
    if not function.is_lambda:
        return _small(function, settings or {}, lambda_runtime)
    runtime = lambda_runtime or RUNTIMES[function.runtime]
    check_runtime(function, runtime)
    own, handler = files_of(function)
    own, chosen = with_settings(own, settings or {}, function.name)
    required = _required(function, runtime) if with_requirements else _NOTHING
    files = {**required.files, **own}
    if with_requirements and function.runtime == "python":
        _check_imports(function, own, files)
    content = zipped(files)
    told = EdgePackage(
        function=function.name,
        kind="lambda@edge",
        runtime=runtime,
        handler=handler,
        trigger=function.trigger,
        size_bytes=len(content),
        limit_bytes=PACKAGE_BYTES[function.trigger.partition("-")[0]],
        unpacked_bytes=sum(map(len, files.values())),
        sha256=hashlib.sha256(content).hexdigest(),
        requires=required.names,
        settings=chosen,
        written=None,
        files=tuple(sorted(files)),
    )
    _check_size(function, told, files)
    return Packed(content, told)


def check_runtime(function: EdgeFunction, runtime: str) -> None:
    """UsageError where Lambda's runtime is not of the function's language."""
    language = function.runtime
    if not runtime.startswith(language) or not any(letter.isdigit() for letter in runtime):
        raise UsageError(
            f"--lambda-runtime {runtime}: {function.name} is written for {language}", hint=RUNTIMES[language]
        )


def _small(function: EdgeFunction, settings: Mapping[str, str], lambda_runtime: str | None) -> Packed:
    """A CloudFront Function is its text."""
    if settings or lambda_runtime:
        flag = "--set" if settings else "--lambda-runtime"
        raise UsageError(
            f"{flag}: {function.name} is a CloudFront Function, and is sent as it is written",
            hint="what it has to know stands in its source, or in a key value store",
        )
    content = text_of(function).encode()
    if len(content) > FUNCTION_BYTES:
        raise UsageError(
            f"{function.name}: the code has {len(content):,} bytes, and a CloudFront Function may have "
            f"{FUNCTION_BYTES:,}",
            hint="minify it, or move data to a key value store",
        )
    told = EdgePackage(
        function=function.name,
        kind="cloudfront-function",
        runtime=function.runtime,
        handler=None,
        trigger=function.trigger,
        size_bytes=len(content),
        limit_bytes=FUNCTION_BYTES,
        unpacked_bytes=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        requires=(),
        settings=None,
        written=None,
        files=(f"{function.name}.js",),
    )
    return Packed(content, told)


def _required(function: EdgeFunction, runtime: str) -> Required:
    requirements = requirements_of(function)
    return _NOTHING if requirements is None else fetch(requirements, runtime.removeprefix("python"))


def _check_imports(function: EdgeFunction, own: Mapping[str, bytes], files: Mapping[str, bytes]) -> None:
    missing = missing_modules(own, files)
    if missing:
        module, file = next(iter(missing.items()))
        raise UsageError(
            f"{function.name}: {file} imports {module}, which is neither in the package nor in Lambda's Python",
            hint="name its distribution in a requirements.txt beside it",
        )


def _check_size(function: EdgeFunction, told: EdgePackage, files: Mapping[str, bytes]) -> None:
    if told.size_bytes <= told.limit_bytes and told.unpacked_bytes <= UNPACKED_BYTES:
        return
    heaviest = max(files, key=lambda name: len(files[name]))
    over = told.size_bytes > told.limit_bytes
    size, most = (told.size_bytes, told.limit_bytes) if over else (told.unpacked_bytes, UNPACKED_BYTES)
    how = f"at {function.trigger} a package may have" if over else "unpacked it may have"
    move = "; origin triggers take 50 MiB" if over and function.trigger.startswith("viewer") else ""
    raise UsageError(
        f"{function.name}: the package has {format_bytes(size)}, and {how} {format_bytes(most)}; "
        f"the largest file is {heaviest} ({format_bytes(len(files[heaviest]))})",
        hint=f"leave out what the function does not import{move}",
    )
