"""What the metrics answer: one file a part."""

from perfctl.metrics.model.figures import FIGURES, Figure, PerformanceMetrics, Reading, metrics_of
from perfctl.metrics.model.snapshots import MetricsSnapshot, snapshot_of

__all__ = [
    "FIGURES",
    "Figure",
    "MetricsSnapshot",
    "PerformanceMetrics",
    "Reading",
    "metrics_of",
    "snapshot_of",
]
