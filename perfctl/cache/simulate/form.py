"""How a trace is written, from its name, or from its first bytes where the name does not say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

_COMPRESSIONS: Mapping[str, str] = {".zst": "zstd", ".zstd": "zstd", ".gz": "gzip"}
_LAYOUTS: Mapping[str, str] = {".u32": "u32", ".jsonl": "jsonl", ".ndjson": "jsonl"}
_MAGIC: Mapping[bytes, str] = {b"\x28\xb5\x2f\xfd": "zstd", b"\x1f\x8b\x08": "gzip"}
_LOOKED_AT = 4096


class Form(NamedTuple):
    """What the name says; None where it does not."""

    layout: str | None
    compression: str | None


def form_of(name: str) -> Form:
    """The form that a file's name announces.

    >>> form_of("web12.u32.zst")
    Form(layout='u32', compression='zstd')
    >>> form_of("requests.jsonl")
    Form(layout='jsonl', compression='none')
    >>> form_of("-")
    Form(layout=None, compression=None)
    """
    lower = name.lower()
    compression = next((kind for ending, kind in _COMPRESSIONS.items() if lower.endswith(ending)), None)
    bare = lower.rpartition(".")[0] if compression else lower
    layout = next((kind for ending, kind in _LAYOUTS.items() if bare.endswith(ending)), None)
    return Form(layout, "none" if layout and compression is None else compression)


def compression_seen(start: bytes) -> str:
    """The compression that the first bytes announce."""
    return next((kind for magic, kind in _MAGIC.items() if start.startswith(magic)), "none")


def layout_seen(start: bytes) -> str:
    """JSON Lines are text and hold no NUL; key ids of four bytes are and do almost always."""
    text = start[:_LOOKED_AT]
    if b"\0" in text:
        return "u32"
    try:
        text.decode()
    except UnicodeDecodeError as error:
        return "jsonl" if len(text) - error.start < 4 and error.start > 0 else "u32"
    return "jsonl"
