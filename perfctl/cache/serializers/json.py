"""JSON, for values that other languages read: text, numbers, lists and dicts with text keys, nothing else."""

from __future__ import annotations

import json
from typing import Any


class Json:
    """Refuses what JSON would change on the way, such as a tuple, rather than give back another type."""

    scalars = frozenset({type(None), bool, int, float, str})
    containers = frozenset({list, dict})
    any_keys = False

    def dumps(self, value: Any) -> bytes:
        """Compact UTF-8."""
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()

    def loads(self, data: bytes) -> Any:
        """ValueError for what is not JSON, or nests deeper than any value of ours."""
        try:
            return json.loads(data)
        except RecursionError as error:
            raise ValueError("nests too deep") from error


SERIALIZER = Json()
