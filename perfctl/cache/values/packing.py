"""The serialised bytes of a value, made fewer where that pays, and made again within bounds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from perfctl.cache.values.bounds import MAX_VALUE_BYTES, is_bomb, may_expand
from perfctl.cache.values.compressors import COMPRESSOR_NAMES, compressor_named
from perfctl.cache.values.header import Header, UndecodableError
from perfctl.errors import UsageError
from perfctl.units import format_bytes

if TYPE_CHECKING:
    from perfctl.cache.values.dictionaries import Dictionary
    from perfctl.cache.values.plans import Plan

LEAST_BYTES = 128
"""Below this nothing is gained without a dictionary (measured: 0.3 KiB of JSON gains a quarter)."""
LEAST_WITH_DICTIONARY_BYTES = 32
LARGEST_WITH_DICTIONARY_BYTES = 32 * 1024
"""Above, a dictionary saves less than a point."""
MOST_LEFT = 0.9
"""Compressed only where this share or less is left."""


def packed(plan: Plan, raw: bytes) -> tuple[int, bytes]:
    """The header's codec byte and the body of a value without a dictionary. UsageError when it is too big."""
    length = len(raw)
    if length > MAX_VALUE_BYTES:
        raise UsageError(
            f"cannot cache a value of {format_bytes(length)}: the limit is {format_bytes(MAX_VALUE_BYTES)}",
            hint="cache its parts under keys of their own",
        )
    if plan.compressor is None or length < LEAST_BYTES:
        return plan.codec_none, raw
    body = plan.compressor.compress(raw)
    if len(body) > length * MOST_LEFT or not may_expand(len(body), length):
        return plan.codec_none, raw
    if is_bomb(raw, len(body), plan.codec_none >> 4):
        return plan.codec_none, raw
    return plan.codec_packed, body


def expanded(body: bytes, header: Header, dictionary: Dictionary | None) -> bytes:
    """The serialised bytes. UndecodableError for what is damaged or made to fill the memory."""
    length = header.length
    if not may_expand(len(body), length):
        raise UndecodableError(f"announces {length} bytes, which no value of ours has")
    name = COMPRESSOR_NAMES.get(header.codec & 15)
    if name is None:
        raise UndecodableError(f"compressor {header.codec & 15} is unknown")
    if name == "none" and len(body) != length:
        raise UndecodableError(f"{len(body)} bytes where {length} were announced")
    compressor: Any = dictionary.coder if dictionary is not None else compressor_named(name)
    try:
        if header.format == 1 and name == "zstd":
            raw: bytes = compressor.expand_framed(body, length)
        else:
            raw = compressor.expand(body, length)
    except ValueError as error:
        raise UndecodableError(str(error)) from error
    if is_bomb(raw, len(body), header.codec >> 4):
        raise UndecodableError("expands to containers without end")
    return raw
