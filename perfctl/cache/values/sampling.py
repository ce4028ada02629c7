"""What the writes of a namespace say of its dictionary: samples to train with, and whether it still pays."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from perfctl.cache.values.dictionaries import Dictionary

ENOUGH_SAMPLES = 200
"""Measured: 50 samples of 0.3 KiB give a dictionary 1 point worse, 5,000 none that is better."""
MOST_SAMPLES = 320
MOST_SAMPLE_BYTES = 8 * 1024
MOST_NAMESPACE_BYTES = 768 * 1024
SMALLEST_SAMPLE_BYTES = 48

_LOOK_EVERY = 32
_WINDOW = 64
_LEAST_GAIN = 0.03
"""Of what plain zstd leaves, a dictionary in use must save so much, or it is dropped."""


class Tracked:
    """One namespace's writes. Looked at is each one until there are samples enough, and the first ones with a new
    dictionary; then one of 32, at random."""

    __slots__ = (
        "_held_bytes",
        "_is_new",
        "_plain",
        "_seen",
        "_with",
        "active",
        "is_unsatisfied",
        "lives_longer",
        "longest_ms",
        "look_at",
        "namespace",
        "prefix",
        "rejected",
        "samples",
        "writes",
    )

    def __init__(self, namespace: str, prefix: bytes) -> None:
        self.namespace = namespace
        self.prefix = prefix
        self.active: Dictionary | None = None
        """What new values are compressed with."""
        self.rejected: set[int] = set()
        """Checksums of dictionaries that did not pay here."""
        self.is_unsatisfied = False
        """Whether the last dictionary was dropped because it did not pay: another one should be trained."""
        self.longest_ms = 0.0
        """The longest life of a value written with a dictionary; infinity where one never expires."""
        self.lives_longer = False
        """Whether that grew since the dictionary's own life was renewed."""
        self.samples: list[bytes] = []
        self.writes = 0
        self.look_at = 1
        """The number of the next write to look at."""
        self._held_bytes = 0
        self._is_new = False
        self._forget_window()

    def look(self, raw: bytes, packed_bytes: int, plain: Any) -> None:
        """A write to look at: its serialised bytes, their compressed length, and plain zstd to compare with.

        The writer counts `writes`, and calls this when they come to `look_at`.
        """
        is_sample = SMALLEST_SAMPLE_BYTES <= len(raw) <= MOST_SAMPLE_BYTES
        if is_sample:
            self._sample(raw)
        if is_sample and self.active is not None:
            self._compare(raw, packed_bytes, plain)
        is_early = self.active is None and len(self.samples) < MOST_SAMPLES and self._held_bytes < MOST_NAMESPACE_BYTES
        step = 1 if is_early or self._is_new else random.randint(1, 2 * _LOOK_EVERY)  # noqa: S311
        self.look_at = self.writes + step

    def lives(self, life_ms: float) -> None:
        """A value with the dictionary lies on the server for so long; infinity for ever."""
        if life_ms > self.longest_ms:
            self.longest_ms = life_ms
            self.lives_longer = True

    def adopt(self, dictionary: Dictionary | None) -> None:
        """Write with another dictionary from now on, or with none, and watch it from the first value on."""
        self.active = dictionary
        self.is_unsatisfied = False
        self.look_at = self.writes + 1
        self._is_new = dictionary is not None
        self._forget_window()

    def refresh_samples(self) -> None:
        """Start sampling anew: what was sampled has had its dictionary."""
        self.samples = []
        self._held_bytes = 0
        self.look_at = self.writes + 1

    @property
    def has_enough(self) -> bool:
        """Whether there are samples enough to train with."""
        return len(self.samples) >= ENOUGH_SAMPLES

    def _sample(self, raw: bytes) -> None:
        """The first values, then each in place of a random one: the sample follows what is written."""
        if len(self.samples) < MOST_SAMPLES and self._held_bytes + len(raw) <= MOST_NAMESPACE_BYTES:
            self.samples.append(raw)
            self._held_bytes += len(raw)
        elif self.samples:
            place = random.randrange(len(self.samples))  # noqa: S311 - a sample, no secret
            if self._held_bytes + len(raw) - len(self.samples[place]) <= MOST_NAMESPACE_BYTES:
                self._held_bytes += len(raw) - len(self.samples[place])
                self.samples[place] = raw

    def _compare(self, raw: bytes, packed_bytes: int, plain: Any) -> None:
        self._with += packed_bytes
        self._plain += min(len(raw), len(plain.compress(raw)))
        self._seen += 1
        if self._seen < _WINDOW or self.active is None:
            return
        self._is_new = False
        if self._with > self._plain * (1 - _LEAST_GAIN):
            self.rejected.add(self.active.checksum)
            self.adopt(None)
            self.is_unsatisfied = True
        self._forget_window()

    def _forget_window(self) -> None:
        self._with = self._plain = self._seen = 0
