"""What an item of an invalidation costs against what a purged object costs, in numbers that add up exactly."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import lcm

from perfctl.errors import UsageError

MOST_USD = 1e90
"""So that whatever is paid is still a number."""


@dataclass(frozen=True, slots=True)
class Prices:
    """Dollars for an item, and for one more request to the origin."""

    item_usd: float = 0.005
    miss_usd: float = 0.00001

    def __post_init__(self) -> None:
        for name, price in (("an item", self.item_usd), ("a miss", self.miss_usd)):
            if not 0 <= price <= MOST_USD:
                said = f"the price of {name} is {price:g}: a number from 0 on is one, up to {MOST_USD:g}"
                raise UsageError(said, hint="write 0.005")

    @property
    def exact(self) -> tuple[Fraction, Fraction]:
        """Both as the decimal numbers that were written, not as the binary ones that are nearest to them."""
        return Fraction(str(self.item_usd)), Fraction(str(self.miss_usd))

    def whole(self, weight_scale: int) -> tuple[int, int, int]:
        """Item and miss as whole numbers of one unit, and that unit's parts of a dollar; a weight counts in
        `weight_scale` parts.

        >>> Prices(0.005, 0.00001).whole(1)
        (500, 1, 100000)
        """
        item, miss = self.exact
        miss /= weight_scale
        unit = lcm(item.denominator, miss.denominator)
        return int(item * unit), int(miss * unit), unit

    def cost(self, items: int, weight: int, weight_scale: int) -> float:
        """Dollars for so many items and so much weight."""
        item, miss, unit = self.whole(weight_scale)
        return float(Fraction(item * items + miss * weight, unit))
