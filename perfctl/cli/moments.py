"""Moments as people write them: so long ago, a day, or a time."""

from __future__ import annotations

from perfctl.units import moment

__all__ = ["moment"]
