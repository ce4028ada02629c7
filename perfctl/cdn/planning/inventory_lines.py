"""Reading an inventory: JSON lines of {path, weight, tags}, or plain paths; a million lines in half a second."""

from __future__ import annotations

import sys
from operator import le
from pathlib import Path

import msgspec

from perfctl.errors import UsageError

_WANTED = 'one JSON object a line, {"path": "/a", "weight": 12}, or one path a line'


class Known(msgspec.Struct, gc=False):
    """One line: a URL's path (with its query, where that is in the cache key), and what losing it weighs."""

    path: str
    weight: int | float = 1
    tags: tuple[str, ...] = ()


_LINES = msgspec.json.Decoder(Known)


def read_known(source: str) -> list[Known]:
    """All lines of a file, or of stdin for `-`, gunzipped where need be. UsageError names the line that is neither."""
    name = "stdin" if source == "-" else source
    data = _bytes(source, name)
    first = data[:4096].lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
    rows = _of_json(data.removeprefix(b"\xef\xbb\xbf"), name) if first == b"{" else _of_paths(data)
    for row in rows:
        if not row.path.startswith("/"):
            raise UsageError(f"{name}: {row.path[:80]!r} does not start with /", hint=f"give {_WANTED}")
    return rows


def _of_json(data: bytes, name: str) -> list[Known]:
    """Lines that begin with the path are sorted as they are: what is read in order then is laid out in order."""
    try:
        return _LINES.decode_lines(_sorted(data) if data.startswith(b'{"path":') else data)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise _unusable(data, name) from None


def _sorted(data: bytes) -> bytes:
    """The lines in order; they are let go of at once, for they are as large as the file."""
    lines = data.split(b"\n")
    if all(map(le, lines, lines[1:])):
        return data
    lines.sort()
    return b"\n".join(lines)


def _of_paths(data: bytes) -> list[Known]:
    text = data.decode("utf-8", "surrogateescape").removeprefix("\ufeff")
    lines = (line.removesuffix("\r") for line in text.split("\n"))
    return [Known(line) for line in lines if line and not line.startswith("#")]


def _unusable(data: bytes, name: str) -> UsageError:
    for number, line in enumerate(data.split(b"\n"), start=1):
        try:
            if line.strip():
                _LINES.decode(line)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            return UsageError(f"{name}:{number}: {error}", hint=f"give {_WANTED}")
    return UsageError(f"{name}: it cannot be read as JSON lines", hint=f"give {_WANTED}")


def _bytes(source: str, name: str) -> bytes:
    try:
        data = sys.stdin.buffer.read() if source == "-" else Path(source).read_bytes()
        if data[:2] != b"\x1f\x8b":
            return data
        import gzip

        return gzip.decompress(data)
    except (OSError, EOFError) as error:
        reason = getattr(error, "strerror", None) or "it is cut short or no gzip file"
        raise UsageError(f"{name}: {reason}", hint=f"give a file of {_WANTED}", where="--inventory") from error
