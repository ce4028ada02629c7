"""The interval of a median: the percentile bootstrap, computed exactly instead of drawn.

Efron (1979, "Bootstrap methods: another look at the jackknife") draws samples with replacement and takes the median of
each. Which values those medians have, and how often, follows from binomial probabilities (Maritz and Jarrett, 1978, "A
note on estimating the variance of the sample median"), so nothing is drawn here: the same pairs always give the same
interval, without the error of a few thousand draws. Ours differs in an even number of pairs, too: the joint
probability of the two middle values is used, since the median lies between them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import accumulate

CONFIDENCE = 0.99
"""Of each bound by itself."""


def median_interval(values: Sequence[float], *, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """A lower and an upper bound of the median, each with this confidence. At least one value.

    >>> lower, upper = median_interval([1.0, 2.0, 3.0, 4.0, 5.0])
    >>> lower, upper
    (1.0, 5.0)
    """
    found = sorted(_medians(sorted(values)))
    total = math.fsum(share for _, share in found)
    return _quantile(found, (1 - confidence) * total), _quantile(found, confidence * total)


def _quantile(found: Sequence[tuple[float, float]], share: float) -> float:
    sums = accumulate(probability for _, probability in found)
    reached = (value for (value, _), so_far in zip(found, sums, strict=True) if so_far >= share)
    return next(reached, found[-1][0])


def _medians(ordered: Sequence[float]) -> Iterator[tuple[float, float]]:
    """Every median that a sample with replacement may have, with its probability."""
    count = len(ordered)
    if count % 2:
        below = [_at_least(count, each / count, (count + 1) // 2) for each in range(count + 1)]
        yield from ((ordered[each], below[each + 1] - below[each]) for each in range(count))
        return
    half = count // 2
    ways = math.comb(count, half)
    up_to = [(each / count) ** half for each in range(count + 1)]
    below = [_at_least(count, each / count, half) for each in range(count + 1)]
    for low in range(count):
        apart = 0.0
        for high in range(low + 1, count):
            share = ways * (up_to[low + 1] - up_to[low]) * (up_to[count - high] - up_to[count - high - 1])
            apart += share
            yield (ordered[low] + ordered[high]) / 2, share
        yield ordered[low], max(0.0, below[low + 1] - below[low] - apart)


def _at_least(count: int, share: float, least: int) -> float:
    """The probability of at least so many of `count` draws, each with the probability `share`."""
    chances = (math.comb(count, each) * share**each * (1 - share) ** (count - each) for each in range(least, count + 1))
    return math.fsum(chances)
