"""How alike two pictures are to the eye: SSIM of Wang, Bovik, Sheikh and Simoncelli, "Image Quality Assessment: From
Error Visibility to Structural Similarity" (2004), of brightness, with its window: Gaussian, 11 pixels wide, 1.5 of
deviation. The window lies wholly within the picture; there is no scaling down beforehand.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from perfctl.errors import MissingExtraError

if TYPE_CHECKING:
    from numpy import float32
    from numpy.typing import NDArray

    Plane = NDArray[float32]

WINDOW = 11
_DEVIATION = 1.5
_C1 = (0.01 * 255) ** 2
_C2 = (0.03 * 255) ** 2


class Reference:
    """A picture's brightness (height x width, 0..255), to compare others of the same size with.

    At least 11 pixels each way. MissingExtraError without numpy.
    """

    def __init__(self, plane: Any) -> None:
        try:
            import numpy
        except ImportError as error:
            raise MissingExtraError("images", needed_for="making pictures smaller") from error
        self._plane: Plane = numpy.asarray(plane, dtype=numpy.float32)
        self._weights = [float(weight) for weight in _weights()]
        self._mean = self._blurred(self._plane)
        self._variance = self._blurred(self._plane * self._plane) - self._mean * self._mean

    def likeness(self, other: Any) -> float:
        """The mean SSIM of another picture: 1 where they are the same. 50 ms of CPU for a million pixels."""
        import numpy

        plane: Plane = numpy.asarray(other, dtype=numpy.float32)
        mean = self._blurred(plane)
        variance = self._blurred(plane * plane) - mean * mean
        both = self._mean * mean
        covariance = self._blurred(self._plane * plane) - both
        above = (2 * both + _C1) * (2 * covariance + _C2)
        below = (self._mean * self._mean + mean * mean + _C1) * (self._variance + variance + _C2)
        return float(numpy.mean(above / below, dtype=numpy.float64))

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
