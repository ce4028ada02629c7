"""The code of CloudFront Functions that was replaced: the service keeps none of it, so this host does."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

from perfctl.cdn.deploying.stages import Stage, StageContent
from perfctl.errors import ConfigError, UsageError
from perfctl.folders import state_home

NOTHING = "nothing"
"""Named in place of a version by the first one."""
_AFTER = re.compile(r"\s*\[after ([0-9a-zA-Z]{1,20})\]$")
_MOST_COMMENT = 128


def keep(name: str, live: Stage) -> Path:
    """Write what viewers meet now beside its earlier versions. ConfigError where that cannot be."""
    file = kept_file(name, live.arn, live.content.version)
    content = live.content
    told = {
        "name": name,
        "runtime": content.runtime,
        "comment": content.comment,
        "stores": list(content.stores),
        "code": content.code.decode("utf-8", "surrogateescape"),
    }
    try:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        part = file.with_suffix(f".{os.getpid()}.part")
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as opened:
            opened.write(json.dumps(told, indent=2) + "\n")
        part.replace(file)
    except OSError as error:
        raise ConfigError(
            f"{file}: the code as it is cannot be kept, so nothing was replaced: {error.strerror}",
            hint="set PERFCTL_STATE_DIR to a folder of yours",
        ) from error
    return file


def kept_content(name: str, arn: str, version: str) -> StageContent:
    """A version that was replaced. UsageError where this host has not kept it."""
    file = kept_file(name, arn, version)
    try:
        told = json.loads(file.read_text(encoding="utf-8"))
        code = told["code"].encode("utf-8", "surrogateescape")
        return StageContent(code, told["runtime"], told["comment"], tuple(told["stores"]))
    except FileNotFoundError:
        known = ", ".join(kept_versions(name, arn)) or "none"
        raise UsageError(
            f"{name}: version {version} was not kept on this host; kept are: {known}",
            hint="CloudFront keeps no versions: deploy its source again, or run this where it was replaced",
        ) from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(f"{file}: it cannot be read: {error}", hint="deploy the source of it again") from error


def kept_versions(name: str, arn: str) -> tuple[str, ...]:
    """The versions that this host has kept, the newest first."""
    folder = kept_file(name, arn, "x").parent
    try:
        files = sorted(folder.glob("*.json"), key=lambda file: file.stat().st_mtime_ns, reverse=True)
    except OSError:
        return ()
    return tuple(file.stem for file in files)


def kept_file(name: str, arn: str, version: str) -> Path:
    """Where a version of an account's function is, or would be."""
    if not re.fullmatch(r"[0-9a-zA-Z]{1,64}", version):
        raise UsageError(f"{version[:80]!r} is no version", hint="perfctl cdn edge rollback NAME --dry-run names one")
    account = re.sub(r"\W", "_", (arn.split(":") + [""] * 5)[4]) or "account"
    return state_home(os.environ) / "cdn" / "functions" / account / name / f"{version}.json"


def with_before(comment: str, before: str | None) -> str:
    """A comment that says, beside what it said, which version was served before: the service keeps it for us."""
    mark = f" [after {before}]" if before else ""
    return (_AFTER.sub("", comment)[: _MOST_COMMENT - len(mark)] + mark).strip()


def before_of(comment: str) -> str | None:
    """The version that a comment names."""
    match = _AFTER.search(comment)
    return match[1] if match else None
