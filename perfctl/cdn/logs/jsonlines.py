"""JSON lines of v2 logs, an object a request."""

from __future__ import annotations

from perfctl.cdn.logs.fields import spelled
from perfctl.cdn.logs.grid import Grid, separated
from perfctl.cdn.logs.lines import MAX_LINE_BYTES, PAD, Chunk

_TAB = 9
_ESCAPED = str.maketrans({"\t": "%09", "\n": "%0A", "\r": "%0D"})


class JsonLines:
    """Objects whose values are strings or numbers, with any keys in any order."""

    def grids(self, chunk: Chunk) -> tuple[list[Grid], int]:
        """All of a chunk as one grid; a key that an object lacks is `-` in it."""
        rows, malformed = _decoded(chunk.data[: chunk.size])
        if not rows:
            return [], malformed
        keys = tuple(dict.fromkeys(key for shape in {tuple(row): None for row in rows} for key in shape))
        names = tuple(spelled(key) for key in keys)
        text = "".join(["\t".join([_text(row.get(key)) for key in keys]) + "\n" for row in rows])
        data = text.encode("utf-8", "replace")
        return [separated(names, data + PAD, 0, len(data), _TAB).grid], malformed


def _decoded(data: bytes) -> tuple[list[dict[str, object]], int]:
    """The objects, and how many lines are none."""
    import msgspec

    decode = msgspec.json.Decoder(dict[str, object]).decode
    rows: list[dict[str, object]] = []
    malformed = 0
    for line in data.split(b"\n"):
        bare = line.rstrip(b"\r")
        if not bare:
            continue
        try:
            row = decode(bare) if len(bare) <= MAX_LINE_BYTES else {}
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            row = {}
        if row:
            rows.append(row)
        else:
            malformed += 1
    return rows, malformed


def _text(value: object) -> str:
    """A value as a log of columns would have it."""
    if isinstance(value, str):
        return value if value.isprintable() else value.translate(_ESCAPED)
    if isinstance(value, float):
        return f"{value:.9f}".rstrip("0").rstrip(".") if abs(value) < 1e9 else repr(value)
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else "-"
