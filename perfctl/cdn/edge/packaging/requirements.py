"""What a function of Python requires, fetched as wheels for Lambda's platform rather than for this machine's."""

from __future__ import annotations

import ast
import importlib.util
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from perfctl.errors import TimedOutError, UsageError

PLATFORMS = ("manylinux2014_x86_64", "manylinux_2_28_x86_64")
"""Lambda@Edge has x86_64 alone; Amazon Linux 2023, which Python 3.12 and newer run on, has glibc 2.34."""
_OLDER = ("manylinux2014_x86_64",)
_LEFT_OUT_FOLDERS = frozenset({"__pycache__", "tests", "test", "docs", "doc", "bin", "include"})
_LEFT_OUT_ENDINGS = (".pyc", ".pyi", ".c", ".h", ".pyx", "py.typed")
_IN_LAMBDA = frozenset({"boto3", "botocore", "s3transfer", "jmespath", "dateutil", "urllib3", "six"})
_FETCH_SECONDS = 300.0


@dataclass(frozen=True, slots=True)
class Required:
    """Files by their path in the package, and what they are: `pillow 12.0.0`."""

    files: Mapping[str, bytes]
    names: tuple[str, ...]


def fetch(requirements: Path, python: str) -> Required:
    """What the file names, for Lambda's Python `3.13`, from the index that pip is configured for.

    UsageError with pip's own reason where there is no wheel, or no pip.
    """
    with tempfile.TemporaryDirectory(prefix="perfctl-package-") as name:
        _run([*_installer(name, python), "--requirement", str(requirements)], requirements)
        return _found(Path(name))


def missing_modules(own: Mapping[str, bytes], packed: Iterable[str]) -> dict[str, str]:
    """What the function's `own` modules import that neither the package nor Lambda has, and which file does.

    An import that the source guards with `try` is its own affair.
    """
    here = {name.partition("/")[0].partition(".")[0] for name in packed}
    known = here | sys.stdlib_module_names | _IN_LAMBDA
    wanted = {}
    for name, content in own.items():
        if name.endswith(".py") and "/" not in name:
            wanted.update({module: name for module in _imported(content) if module not in known})
    return wanted


def _imported(content: bytes) -> Iterator[str]:
    try:
        tree = ast.parse(content)
    except (SyntaxError, ValueError):
        return
    for node in tree.body:
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]


def _installer(target: str, python: str) -> list[str]:
    """pip of this Python, else uv; both read the index from their own configuration."""
    if importlib.util.find_spec("pip") is not None:
        platforms = PLATFORMS if int(python.partition(".")[2]) >= 12 else _OLDER
        return [
            *(sys.executable, "-m", "pip", "install", "--quiet", "--no-compile", "--disable-pip-version-check"),
            *("--no-input", "--only-binary", ":all:", "--implementation", "cp", "--python-version", python),
            *(word for platform in platforms for word in ("--platform", platform)),
            *("--target", target),
        ]
    if (uv := shutil.which("uv")) is not None:
        platform = "x86_64-manylinux_2_28" if int(python.partition(".")[2]) >= 12 else "x86_64-manylinux2014"
        words = ("pip", "install", "--quiet", "--only-binary", ":all:", "--python-version", python)
        return [uv, *words, "--python-platform", platform, "--target", target]
    raise UsageError("what the function requires cannot be fetched: neither pip nor uv is there", hint="install pip")


def _run(words: list[str], requirements: Path) -> None:
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=_FETCH_SECONDS, check=False)  # noqa: S603
    except subprocess.TimeoutExpired as error:
        raise TimedOutError(
            f"{requirements}: nothing was fetched within {_FETCH_SECONDS:.0f} s", hint="is the index reachable?"
        ) from error
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if line.startswith(("ERROR:", "error:", "  ×"))]
        reason = (said or done.stderr.splitlines() or ["no reason given"])[-1].removeprefix("ERROR: ").strip()
        raise UsageError(
            f"{requirements}: what the function requires cannot be fetched: {reason}",
            hint="a wheel for Linux on x86_64 must be in the index that pip is configured for",
            where=str(requirements),
        )


def _found(folder: Path) -> Required:
    files = {}
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).parts
        if path.is_file() and not _is_left_out(parts):
            files["/".join(parts)] = path.read_bytes()
    return Required(files, tuple(sorted(map(_distribution, folder.glob("*.dist-info")))))


def _is_left_out(parts: tuple[str, ...]) -> bool:
    folders = parts[:-1]
    is_told = any(part.endswith((".dist-info", ".data")) for part in folders)
    return is_told or bool(_LEFT_OUT_FOLDERS & set(folders)) or parts[-1].endswith(_LEFT_OUT_ENDINGS)


def _distribution(folder: Path) -> str:
    match = re.fullmatch(r"(.+)-([^-]+)\.dist-info", folder.name)
    return f"{match[1]} {match[2]}" if match else folder.name
