"""Manifests of what was built or stored, as tools write them: each read as URLs (or files) and their fingerprints.

Known are webpack's and Rollup's `{"name": "hashed name"}` and webpack's statistics, Create React App's
`asset-manifest.json`, Vite's `manifest.json`, Next.js's `build-manifest.json`, Angular's `ngsw.json`, those of Django,
Phoenix and Sprockets, `{"name": "fingerprint"}`, lists of sha256sum, md5sum and their kin, `aws s3 ls --recursive`, and
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
_WRAPPINGS = ("files", "paths", "latest", "hashTable", "assetsByChunkName")
"""Where Create React App and Sprockets, Django, Phoenix, Angular, and webpack's statistics keep the names."""
_OF_THE_BUILD = frozenset(("version", "hash", "buildId", "publicPath"))
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
        yield from _of_bucket(value, name)
        return
    value = _within(value)
    if not isinstance(value, dict):
        raise UsageError(f"{name}: it holds no names", hint=_WANTED)
    for key, entry in value.items():
        yield from _entry(key, entry, name)


def _of_bucket(listing: Mapping[str, Any], name: str) -> Iterator[tuple[str, str]]:
    if listing.get("IsTruncated") is True or listing.get("NextToken"):
        raise UsageError(f"{name}: it lists a part of the bucket only", hint="list all of it: leave --max-items out")
    for row in listing["Contents"]:
        if not (isinstance(row, dict) and isinstance(row.get("Key"), str)):
            raise UsageError(f"{name}: an object in Contents has no Key", hint=_WANTED)
        yield _file(escaped(row["Key"])), f"{row.get('ETag')} {row.get('Size')}"


def _within(value: Any) -> Any:
    """The names of a manifest that says something of the build beside them."""
    if not isinstance(value, dict):
        return value
    assets = value.get("assets")
    if isinstance(assets, list) and all(isinstance(one, dict) and isinstance(one.get("name"), str) for one in assets):
        return {one["name"]: one["name"] for one in assets}
    for wrapping in _WRAPPINGS:
        if isinstance(value.get(wrapping), dict):
            return value[wrapping]
    if any(isinstance(entry, dict | list) for entry in value.values()):
        return {key: entry for key, entry in value.items() if key not in _OF_THE_BUILD}
    return value


def _entry(key: str, entry: Any, name: str) -> Iterator[tuple[str, str]]:
    """One file of a manifest: the name it was given is itself what its content is known by."""
    if isinstance(entry, str):
        yield (_file(escaped(key)), entry) if _FINGERPRINT.match(entry) else (_file(entry), "")
        return
    if isinstance(entry, Mapping) and isinstance(found := entry.get("file", entry.get("src")), str):
        for url in (found, *_listed(entry.get("css")), *_listed(entry.get("assets"))):
            yield _file(url), str(entry.get("integrity", ""))
        return
    if isinstance(entry, Mapping) and isinstance(entry.get("logical_path"), str):
        yield _file(escaped(key)), str(entry.get("digest", ""))
        return
    urls = _nested(entry)
    if urls is None:
        raise UsageError(f"{name}: {key[:80]!r} has no file's name", hint=_WANTED)
    yield from ((_file(url), "") for url in urls)


def _nested(entry: Any) -> list[str] | None:
    """The texts of a list, or of a mapping to texts and to lists of them; None where there is anything else."""
    inner = list(entry.values()) if isinstance(entry, Mapping) else entry
    if not isinstance(inner, list):
        return None
    urls = [url for one in inner for url in (one if isinstance(one, list) else [one])]
    return urls if all(isinstance(url, str) for url in urls) else None


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
