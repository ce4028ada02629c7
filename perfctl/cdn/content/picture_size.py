"""How large a picture says it is, from its first bytes: asked before anything is decoded (pure)."""

from __future__ import annotations

from typing import Literal, NamedTuple

_PNG = b"\x89PNG\r\n\x1a\n"
_JPEG_SIZES = frozenset((*range(0xC0, 0xC4), *range(0xC5, 0xC8), *range(0xC9, 0xCC), *range(0xCD, 0xD0)))
"""The start-of-frame markers; C4, C8 and CC are others."""
_JPEG_ALONE = frozenset((0x01, *range(0xD0, 0xD9)))
"""Markers without a length."""


class PictureSize(NamedTuple):
    """A still picture's form and its size in pixels."""

    form: Literal["jpeg", "png"]
    width: int
    height: int


def picture_size(content: bytes) -> PictureSize | None:
    """Of a JPEG or a PNG; None for anything else, what is broken, and a PNG that moves or has more than 8
    bits of a colour, which Pillow would cut off."""
    if content.startswith(_PNG):
        return _png_size(content)
    return _jpeg_size(content) if content.startswith(b"\xff\xd8") else None


def _png_size(content: bytes) -> PictureSize | None:
    if content[12:16] != b"IHDR" or b"acTL" in content[: content.find(b"IDAT") + 1]:
        return None
    width, height, bits = int.from_bytes(content[16:20]), int.from_bytes(content[20:24]), content[24:25]
    return PictureSize("png", width, height) if width and height and bits <= b"\x08" else None


def _jpeg_size(content: bytes) -> PictureSize | None:
    at = 2
    while at + 9 <= len(content) and content[at] == 0xFF:
        marker = content[at + 1]
        if marker in _JPEG_SIZES:
            height, width = int.from_bytes(content[at + 5 : at + 7]), int.from_bytes(content[at + 7 : at + 9])
            return PictureSize("jpeg", width, height) if width and height else None
        if marker == 0xFF:
            at += 1
        elif marker in _JPEG_ALONE:
            at += 2
        else:
            at += 2 + max(int.from_bytes(content[at + 2 : at + 4]), 2)
    return None
