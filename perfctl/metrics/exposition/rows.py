"""A frame as rows, one a series: for JSON and for CSV."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, fields
from typing import TYPE_CHECKING, Any

from perfctl.metrics.exposition.families import catalogued_unit
from perfctl.metrics.model.exported import SeriesRow

if TYPE_CHECKING:
    from perfctl.recording.frame import Frame
    from perfctl.recording.series import Series


def rows_of(frame: Frame) -> tuple[SeriesRow, ...]:
    """One row a series, sorted by name and labels; what a kind does not have is None."""
    return tuple(sorted(_rows(frame), key=lambda row: (row.metric, sorted(row.labels.items()))))


def as_json(frame: Frame) -> str:
    """One document: when the frame ends, how many seconds it covers, and its rows."""
    rows = [asdict(row) for row in rows_of(frame)]
    return json.dumps({"at": frame.at, "seconds": frame.seconds, "rows": rows}, ensure_ascii=False) + "\n"


def as_csv(frame: Frame) -> str:
    """RFC 4180: a header, then a line a series; labels as JSON in their cell."""
    return csv_of(rows_of(frame))


def csv_of(rows: Sequence[SeriesRow]) -> str:
    """The same of rows."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    names = [field.name for field in fields(SeriesRow)]
    writer.writerow(names)
    for row in rows:
        cells = asdict(row) | {"labels": json.dumps(dict(row.labels), ensure_ascii=False)}
        writer.writerow(["" if cells[name] is None else cells[name] for name in names])
    return text.getvalue()


def _rows(frame: Frame) -> Iterator[SeriesRow]:
    for series, total in frame.counters.items():
        rate = total / frame.seconds if frame.seconds > 0 else None
        yield _row(series, "counter", value=total, per_second=rate)
    for series, gauged in frame.gauges.items():
        mean = gauged.sum / gauged.count if gauged.count else None
        extremes = {"minimum": gauged.minimum, "maximum": gauged.maximum, "mean": mean}
        yield _row(series, "gauge", value=gauged.last, count=gauged.count, **extremes)
    for series, histogram in frame.histograms.items():
        if histogram.count:
            yield _row(
                series,
                "histogram",
                count=histogram.count,
                sum=histogram.sum,
                minimum=histogram.minimum,
                maximum=histogram.maximum,
                mean=histogram.mean,
                p50=histogram.quantile(0.5),
                p95=histogram.quantile(0.95),
                p99=histogram.quantile(0.99),
            )


def _row(series: Series, kind: str, **figures: Any) -> SeriesRow:
    return SeriesRow(
        metric=series.name, labels=dict(series.labels), kind=kind, unit=catalogued_unit(series.name), **figures
    )
