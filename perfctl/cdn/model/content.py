"""What became of files that were made smaller for the edge."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class OptimizedType:
    """All files of one type. What has no variant in a form counts with its own size there."""

    type: str
    """The name's ending, such as `js`."""
    files: int
    size_bytes: int
    br_bytes: int
    gzip_bytes: int
    webp_bytes: int
    avif_bytes: int
    sent_bytes: int
    """What a viewer that takes every form is sent."""
    saved_ratio: float


@dataclass(frozen=True, slots=True)
class OptimizeProblem:
    """A file that was not looked at, or not written, and why."""

    path: str
    why: str


@dataclass(frozen=True, slots=True)
class OptimizeReport:
    """What a folder, or a file, takes before and after."""

    listing: ClassVar[str] = "types"

    source: str
    written_to: str
    manifest: str | None
    """The file with the headers of each variant; None after a dry run."""
    dry_run: bool
    files: int
    written: int
    """Variants that were made; in a dry run, that would be."""
    up_to_date: int
    """Variants that were there already."""
    removed: int
    """Variants of an earlier run that no longer are what their source is."""
    size_bytes: int
    sent_bytes: int
    saved_ratio: float
    text_saved_ratio: float | None
    """Of what is text; None where there is none."""
    images_saved_ratio: float | None
    types: tuple[OptimizedType, ...]
    problems: tuple[OptimizeProblem, ...]
