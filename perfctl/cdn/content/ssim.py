"""How alike two pictures are to the eye: SSIM of Wang, Bovik, Sheikh and Simoncelli, "Image Quality Assessment: From
Error Visibility to Structural Similarity" (2004), of brightness, with its window: Gaussian, 11 pixels wide, 1.5 of
deviation. The window lies wholly within the picture; there is no scaling down beforehand.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from perfctl.errors import MissingExtraError

if TYPE_CHECKING:
    from numpy import float32, uint8
    from numpy.typing import NDArray

    Bytes = NDArray[uint8]
    Plane = NDArray[float32]

WINDOW = 11
_DEVIATION = 1.5
_C1 = (0.01 * 255) ** 2
_C2 = (0.03 * 255) ** 2
_BAND_ROWS = 512
"""A band at a time, so that a picture of 40 megapixels takes no more memory than its own."""


class Reference:
    """A picture's brightness (height x width, 0..255), to compare others of the same size with.

    At least 11 pixels each way. MissingExtraError without numpy.
    """

    def __init__(self, plane: Any) -> None:
        try:
            import numpy
        except ImportError as error:
            raise MissingExtraError("images", needed_for="making pictures smaller") from error
        self._plane: Bytes = numpy.asarray(plane, dtype=numpy.uint8)
        self._weights = _weights()

    def likeness(self, other: Any) -> float:
        """The mean SSIM of another picture: 1 where they are the same. 80 ms of CPU for a million pixels."""
        import numpy

        plane: Bytes = numpy.asarray(other, dtype=numpy.uint8)
        inner, across = (int(side) - WINDOW + 1 for side in self._plane.shape)
        total = 0.0
        for top in range(0, inner, _BAND_ROWS):
            rows = slice(top, min(top + _BAND_ROWS, inner) + WINDOW - 1)
            total += self._sum(self._plane[rows].astype(numpy.float32), plane[rows].astype(numpy.float32))
        return total / (inner * across)

    def _sum(self, first: Plane, second: Plane) -> float:
        """The SSIM of every window of a band, added up."""
        import numpy

        mean, other = self._blurred(first), self._blurred(second)
        variance = self._blurred(first * first) - mean * mean
        other_variance = self._blurred(second * second) - other * other
        both = mean * other
        covariance = self._blurred(first * second) - both
        above = (2 * both + _C1) * (2 * covariance + _C2)
        below = (mean * mean + other * other + _C1) * (variance + other_variance + _C2)
        return float(numpy.sum(above / below, dtype=numpy.float64))

    def _blurred(self, plane: Plane) -> Plane:
        """The weighted mean around each pixel whose window is within the picture: down the columns, then along."""
        return self._blurred_down(self._blurred_down(plane).T).T

    def _blurred_down(self, plane: Plane) -> Plane:
        half, height = WINDOW // 2, plane.shape[0]
        total: Plane = plane[half : height - half] * self._weights[half]
        for at in range(half):
            total += (plane[at : height - 2 * half + at] + plane[2 * half - at : height - at]) * self._weights[at]
        return total


def _weights() -> list[float]:
    import math

    half = WINDOW // 2
    raw = [math.exp(-((at - half) ** 2) / (2 * _DEVIATION**2)) for at in range(WINDOW)]
    return [weight / sum(raw) for weight in raw]
