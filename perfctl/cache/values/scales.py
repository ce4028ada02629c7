"""The weight of values that came from the server, most of them by their length: a walk over a page of orders takes
longer than reading it.

Of each namespace the first values are weighed, and one of 64 after them; the others weigh what those did for each
serialised byte, and a sixteenth more. Since the ratio is of sums, not a mean of ratios, what is added up comes out
right however different the values are; a single one may hold less or more than it is taken for. Large values are
always weighed, so that no such error is large.
"""

from __future__ import annotations

from typing import Any

from perfctl.cache.values.weight import weigh_decoded

_FIRST = 16
_ONE_OF = 64
_LARGEST_BYTES = 2048
"""Serialised bytes of the largest value that is not weighed itself."""
_MARGIN = 17 / 16
_FADING = 0.97
"""What was weighed before counts so much less with each new one: the last 30 or so are what counts."""


class Scales:
    """The scales of one namespace. An estimate may be lost when two threads meet."""

    __slots__ = ("_left", "_length", "_weight", "ratio")

    def __init__(self) -> None:
        self.ratio = 0.0
        """Bytes of memory for each serialised byte; 0 until enough were weighed."""
        self._left = _FIRST
        self._weight = self._length = 0.0

    def weigh(self, value: Any, length: int) -> int:
        """The bytes of memory of a value that was serialised in `length` bytes."""
        if length <= _LARGEST_BYTES:
            left = self._left = self._left - 1
            if left > 0 and self.ratio:
                return int(length * self.ratio)
            weight = weigh_decoded(value)
            self._learn(weight, length)
            return weight
        return weigh_decoded(value)

    def _learn(self, weight: int, length: int) -> None:
        self._weight = self._weight * _FADING + weight
        self._length = self._length * _FADING + length
        if self._left <= 0:
            self._left = _ONE_OF
            self.ratio = self._weight / self._length * _MARGIN
