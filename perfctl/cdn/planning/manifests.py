"""Manifests of what was built or stored, as tools write them: each read as URLs (or files) and their fingerprints.

Known are webpack's and Rollup's `{"name": "hashed name"}`, Create React App's `asset-manifest.json`, Vite's
`manifest.json`, `{"name": "fingerprint"}`, lists of sha256sum, md5sum and their kin, `aws s3 ls --recursive`, and
`aws s3api list-objects-v2`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from perfctl.cdn.paths import Asked
from perfctl.cdn.planning.changes import Mapped, differing, escaped, urls_of
from perfctl.errors import UsageError

_SUM = re.compile(r"\\?([0-9A-Fa-f]{8,128}) [ *](.+)")
_STORED = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d +\d+) (.+)")
_FINGERPRINT = re.compile(r"(?:[0-9A-Fa-f]{6,128}|sha(?:256|384|512)-[A-Za-z0-9+/=]+)\Z")
_WANTED = "give a bundler's manifest, a list of sha256sum, or what aws s3 ls --recursive prints"


def of_manifests(old: bytes, new: bytes, maps: list[Mapped], *, names: tuple[str, str]) -> list[Asked]:
    """The URLs that were added, changed or removed between two manifests. UsageError where one is none."""
    before, after = (fingerprints(text, name) for text, name in ((old, names[0]), (new, names[1])))
    return urls_of(differing(before, after), maps or [Mapped()], source=names[1])


def fingerprints(content: bytes, name: str) -> dict[str, str]:
    """Each file or URL without its first `/`, and what its content is known by.

    >>> fingerprints(b'{"app.js": "/js/app.1f3a.js"}', "manifest.json")
    {'js/app.1f3a.js': ''}
    """
    text = content.decode("utf-8-sig", "surrogateescape")
    if text.lstrip()[:1] in ("{", "["):
        return dict(_of_json(_parsed(text, name), name))
    return dict(_of_lines(text, name))


def _of_lines(text: str, name: str) -> Iterator[tuple[str, str]]:
    for number, line in enumerate(text.split("\n"), start=1):
        line = line.removesuffix("\r")
        if not line.strip():
            continue
        match = _SUM.fullmatch(line) or _STORED.fullmatch(line)
        if match is None:
            raise UsageError(
                f"{name}:{number}: {line[:80]!r} is neither a checksum's nor a listing's line", hint=_WANTED
            )
        file = _unescaped(match[2]) if line.startswith("\\") else match[2]
        yield _file(escaped(file)), match[1]


def _parsed(text: str, name: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{name}: {error}", hint=_WANTED) from error


def _of_json(value: Any, name: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict) and isinstance(value.get("Contents"), list):
        value = {row.get("Key", ""): f"{row.get('ETag')} {row.get('Size')}" for row in value["Contents"]}
        yield from ((_file(escaped(key)), str(mark)) for key, mark in value.items())
        return
    if isinstance(value, dict) and isinstance(value.get("files"), dict):
        value = value["files"]
    if not isinstance(value, dict):
        raise UsageError(f"{name}: it holds no names", hint=_WANTED)
    for key, entry in value.items():
        yield from _entry(key, entry, name)


def _entry(key: str, entry: Any, name: str) -> Iterator[tuple[str, str]]:
    """One file of a manifest: the name it was given is itself what its content is known by."""
    if isinstance(entry, str):
        yield (_file(escaped(key)), entry) if _FINGERPRINT.match(entry) else (_file(entry), "")
    elif isinstance(entry, Mapping) and isinstance(found := entry.get("file", entry.get("src")), str):
        for url in (found, *_listed(entry.get("css")), *_listed(entry.get("assets"))):
            yield _file(url), str(entry.get("integrity", ""))
    elif isinstance(entry, Mapping | list):
        for inner in entry.values() if isinstance(entry, Mapping) else entry:
            if isinstance(inner, str):
                yield _file(inner), ""
    else:
        raise UsageError(f"{name}: {key[:80]!r} has no file's name", hint=_WANTED)


def _listed(value: Any) -> list[str]:
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []


def _file(name: str) -> str:
    """The name without a scheme and host, `./` and the first `/`."""
    if name.startswith(("http://", "https://", "//")):
        name = urlsplit(name).path
    return name.removeprefix("./").removeprefix("/")


def _unescaped(name: str) -> str:
    """coreutils escapes backslashes and line ends of a name, and says so with a `\\` at the line's start."""
    return re.sub(r"\\(.)", lambda match: "\n" if match[1] == "n" else match[1], name)
