"""Exposition: a frame as Prometheus and OpenMetrics read it, as JSON, or as CSV."""

from perfctl.metrics.exposition.rows import as_csv, as_json
from perfctl.metrics.exposition.text import Point, openmetrics, prometheus

__all__ = ["Point", "as_csv", "as_json", "openmetrics", "prometheus"]
