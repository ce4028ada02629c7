"""What a folder takes before and after, type by type (pure)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from perfctl.cdn.content.encodings import is_compressible
from perfctl.cdn.content.examining import Examined
from perfctl.cdn.content.file_types import ending_of
from perfctl.cdn.content.manifest import MadeFile
from perfctl.cdn.content.pictures import is_picture
from perfctl.cdn.content.variants import SUFFIXES, Form
from perfctl.cdn.model.content import OptimizedType, OptimizeProblem, OptimizeReport

_OTHER = "other"


def summed(
    source: str,
    manifest: str | None,
    written_to: str,
    done: Sequence[Examined],
    *,
    problems: Sequence[OptimizeProblem],
    removed: int,
) -> OptimizeReport:
    """The report of a run; without a manifest it was a dry one."""
    files = [one.made for one in done]
    texts = [file for file in files if is_compressible(file.content_type)]
    images = [file for file in files if is_picture(file.content_type)]
    return OptimizeReport(
        source=source,
        written_to=written_to,
        manifest=manifest,
        dry_run=manifest is None,
        files=len(files),
        written=sum(len(one.to_write) for one in done),
        up_to_date=sum(one.kept for one in done),
        removed=removed,
        size_bytes=_size(files),
        sent_bytes=_sent(files),
        saved_ratio=_saved(files),
        text_saved_ratio=_saved(texts) if texts else None,
        images_saved_ratio=_saved(images) if any(file.forms for file in images) else None,
        types=tuple(_by_type(done)),
        problems=tuple(problems),
    )


def _by_type(done: Iterable[Examined]) -> list[OptimizedType]:
    """The type that took the most first; what has no name of a type, last."""
    grouped: dict[str, list[MadeFile]] = {}
    for one in done:
        is_known = is_compressible(one.made.content_type) or is_picture(one.made.content_type)
        grouped.setdefault(ending_of(one.name) if is_known else _OTHER, []).append(one.made)
    rows = [_row(name, files) for name, files in grouped.items()]
    return sorted(rows, key=lambda row: (row.type == _OTHER, -row.size_bytes, row.type))


def _row(name: str, files: Sequence[MadeFile]) -> OptimizedType:
    forms = {form: sum(_size_in(file, form) for file in files) for form in SUFFIXES}
    return OptimizedType(
        type=name,
        files=len(files),
        size_bytes=_size(files),
        br_bytes=forms["br"],
        gzip_bytes=forms["gzip"],
        webp_bytes=forms["webp"],
        avif_bytes=forms["avif"],
        sent_bytes=_sent(files),
        saved_ratio=_saved(files),
    )


def _size_in(file: MadeFile, form: Form) -> int:
    return next((one.size_bytes for one in file.variants if one.form == form), file.size_bytes)


def _size(files: Iterable[MadeFile]) -> int:
    return sum(file.size_bytes for file in files)


def _sent(files: Iterable[MadeFile]) -> int:
    return sum(min((one.size_bytes for one in file.variants), default=file.size_bytes) for file in files)


def _saved(files: Sequence[MadeFile]) -> float:
    size = _size(files)
    return round(1 - _sent(files) / size, 4) if size else 0.0
