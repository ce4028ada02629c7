"""JSON lines of v2 logs, an object a request."""

from __future__ import annotations

from perfctl.cdn.logs.arrays import np
from perfctl.cdn.logs.fields import spelled, tells_of_requests
from perfctl.cdn.logs.grid import Grid, separated
from perfctl.cdn.logs.lines import MAX_LINE_BYTES, PAD, Chunk
from perfctl.cdn.logs.values import Column, equals

_TAB, _NEWLINE, _SPACE, _QUOTE = 9, 10, 32, 34
_ESCAPED = str.maketrans({"\t": "%09", "\n": "%0A", "\r": "%0D"})


class JsonLines:
    """Objects whose values are strings or numbers, with any keys in any order; some are fields of logs."""

    def __init__(self) -> None:
        self.has_fields = False

    def grids(self, chunk: Chunk) -> tuple[list[Grid], int]:
        """All of a chunk as one grid; a key that an object lacks is `-` in it."""
        alike = _alike(chunk)
        if alike is not None and tells_of_requests(alike.names):
            self.has_fields = True
            return [alike], 0
        decoded, malformed = _decoded(chunk.data[: chunk.size])
        rows = _requests(decoded)
        malformed += len(decoded) - len(rows)
        if not rows:
            return [], malformed
        self.has_fields = True
        keys = tuple(dict.fromkeys(key for shape in {tuple(row): None for row in rows} for key in shape))
        names = tuple(spelled(key) for key in keys)
        text = "".join(["\t".join([_text(row.get(key)) for key in keys]) + "\n" for row in rows])
        data = text.encode("utf-8", "replace")
        return [separated(names, data + PAD, 0, len(data), _TAB).grid], malformed


def _requests(rows: list[dict[str, object]]) -> list[dict[str, object]]:
    """Those that have a field of access logs; asked once for each shape."""
    shapes = {shape: tells_of_requests(map(spelled, shape)) for shape in {tuple(row) for row in rows}}
    return rows if all(shapes.values()) else [row for row in rows if shapes[tuple(row)]]


def _alike(chunk: Chunk) -> Grid | None:
    """The grid of lines that are all written alike: the same keys in the same order, plain strings for values.

    So CloudFront writes them, and then the quotes alone say where values are. None where a line differs.
    """
    data, text = chunk.data, np.frombuffer(chunk.data, dtype=np.uint8, count=chunk.size)
    line = data[: data.find(b"\n")]
    keys = _plain_keys(line)
    if not keys or b"\\" in data or not data.isascii():
        return None
    newlines, quotes = np.flatnonzero(text == _NEWLINE), np.flatnonzero(text == _QUOTE)
    width = 4 * len(keys)
    if len(quotes) != len(newlines) * width or int((text < _SPACE).sum()) != len(newlines):
        return None
    places = quotes.reshape(-1, width)
    starts = np.concatenate(([0], newlines[:-1] + 1))
    begins = np.column_stack((starts, places[:, 3::4]))
    ends = np.column_stack((places[:, 2::4] + 1, newlines))
    if (begins > ends).any():
        return None
    for begin, end in zip(begins.T, ends.T, strict=True):
        if not equals(Column(data, begin, end), data[begin[0] : end[0]]).all():
            return None
    return Grid(tuple(spelled(key) for key in keys), data, places[:, 2::4] + 1, places[:, 3::4])


def _plain_keys(line: bytes) -> tuple[str, ...]:
    """The keys of an object whose values are all strings; none of anything else."""
    rows, _ = _decoded(line)
    row = rows[0] if rows else {}
    is_plain = all(isinstance(value, str) for value in row.values()) and line.count(b'"') == 4 * len(row)
    return tuple(row) if is_plain and line.endswith(b"}") else ()


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
