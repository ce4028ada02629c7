"""numpy, or what to install: every module of this room that counts takes it from here."""

from __future__ import annotations

from perfctl.errors import MissingExtraError

try:
    import numpy as np
except ImportError as error:
    raise MissingExtraError("ml", needed_for="reading access logs") from error

from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
Words = NDArray[np.uint64]
Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

__all__ = ["Bytes", "Floats", "Ints", "Mask", "Words", "np"]
