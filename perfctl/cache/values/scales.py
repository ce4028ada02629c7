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

    __slots__ = ("_left", "_length", "_weighed", "_weight", "ratio")

    def __init__(self) -> None:
        self.ratio = 0.0
        """Bytes of memory for each serialised byte; 0 until enough were weighed."""
        self._left = _ONE_OF
        self._weighed = 0
        self._weight = self._length = 0.0

    def weigh(self, value: Any, length: int) -> int:
        """The bytes of memory of a value that was serialised in `length` bytes."""
        return self.estimate(length) or self.weighed(value, length)

    def estimate(self, length: int) -> int:
        """The same before there is a value; 0 where it is `weighed` once it is there."""
        if length > _LARGEST_BYTES:
            return 0
        self._left -= 1
        if self._left > 0:
            return int(length * self.ratio)
        self._left = _ONE_OF
        return 0

    def weighed(self, value: Any, length: int) -> int:
        """What the value weighs itself."""
        weight = weigh_decoded(value)
        if length <= _LARGEST_BYTES:
            self._learn(weight, length)
        return weight

    def _learn(self, weight: int, length: int) -> None:
        self._weight = self._weight * _FADING + weight
        self._length = self._length * _FADING + length
        self._weighed += 1
        if self._weighed >= _FIRST:
            self.ratio = self._weight / self._length * _MARGIN
