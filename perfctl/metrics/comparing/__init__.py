"""Comparing: is one command slower than another, on a machine that others use as well?"""

from perfctl.metrics.comparing.comparing import compare
from perfctl.metrics.comparing.model import Comparison, Pair

__all__ = ["Comparison", "Pair", "compare"]
