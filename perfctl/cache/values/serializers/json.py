"""JSON, for values that other languages read: text, numbers, lists and dicts with text keys, nothing else."""

from __future__ import annotations

import json
from typing import Any


class Json:
    """Refuses what JSON would change on the way, such as a tuple, rather than give back another type."""

    scalars = frozenset({type(None), bool, int, float, str})
    containers = frozenset({list, dict})
    any_keys = False
    failures: tuple[type[Exception], ...] = (ValueError,)
    hint = "cache a dict, list, text or number made of it, or set cache.serialization_method: msgpack"

    def parts(self, value: Any) -> None:
        """JSON has no other types."""
        return

    def fault(self, value: Any) -> str | None:
        """Python prints and reads no integer of more than 4,300 digits."""
        if type(value) is int and value.bit_length() > _MAX_INTEGER_BITS:
            return "has too many digits for JSON"
        return None

    def dumps(self, value: Any) -> bytes:
        """Compact UTF-8. NaN and the infinities are written as Python and JavaScript name them."""
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()

    def loads(self, data: bytes, *, lenient: bool = False) -> Any:
        """ValueError for what is not JSON, or nests deeper than any value of ours."""
        try:
            return json.loads(data)
        except RecursionError as error:
            raise ValueError("nests too deep") from error

    unpack = loads


_MAX_INTEGER_BITS = 14_000

SERIALIZER = Json()
