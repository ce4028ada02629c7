"""Drawing what one pass over all engines found and did."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from perfctl.render.view import View

VIEWS: Mapping[type, Callable[[Any], View]] = {}

LATER = {"perfctl.operations.optimizing.model.Optimization": "operations_optimize:optimization_view"}
