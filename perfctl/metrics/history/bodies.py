"""What a frame is in the file: packed, and compressed where that makes it smaller."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from perfctl.recording.frame import Frame

_PLAIN, _COMPRESSED = b"\x00", b"\x01"
_WORTH_BYTES = 200


def packed(frame: Frame) -> bytes:
    """The frame as it stands in the file."""
    plain = frame.pack()
    if len(plain) < _WORTH_BYTES:
        return _PLAIN + plain
    return _COMPRESSED + zlib.compress(plain, 1)


def unpacked(body: bytes) -> Frame:
    """The frame that was packed. ValueError where the bytes are not one."""
    from perfctl.recording.frame import Frame

    try:
        return Frame.unpack(zlib.decompress(body[1:]) if body[:1] == _COMPRESSED else body[1:])
    except (zlib.error, ValueError, KeyError, TypeError, IndexError) as error:
        raise ValueError(f"a frame of {len(body)} bytes does not read: {error}") from error
