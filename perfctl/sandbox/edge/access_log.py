"""CloudFront's standard access logs, in the forms of `access_forms`: gzip files, new ones all the time.

Format: CloudFront developer guide, "Access logs (standard logs)". Version 1 lies where the sandbox's log folder is, at
the distribution's own prefix; a form of version 2 lies below `v2-json` or `v2-w3c`, in AWS's folders of an account.
"""

from __future__ import annotations

import gzip
import secrets
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from perfctl.sandbox.edge.access_forms import FORMS, Form, Record
from perfctl.sandbox.edge.http import logger

MAX_LINES = 20_000
MAX_FILES = 2_000


@dataclass(frozen=True, slots=True)
class _Batch:
    """Lines of one file."""

    form: Form
    folder: str
    stem: str


class AccessLog:
    """Collects lines and writes them to `DISTRIBUTION.YYYY-MM-DD-HH.ID.gz` files below one folder.

    `forms` are those of every distribution; `deliveries` tells what one has beside them.
    """

    def __init__(self, folder: Path, forms: Iterable[str] = ("v1",)) -> None:
        self._folder = folder
        self.forms = tuple(forms)
        self.deliveries: Callable[[str], Iterable[Form]] = lambda _: ()
        self._lines: dict[_Batch, list[str]] = defaultdict(list)

    def add(self, record: Record) -> None:
        """Write a line in each form; the distribution's own settings say whether there is one in version 1."""
        hour = datetime.fromtimestamp(record.at, UTC).strftime("%Y-%m-%d-%H")
        for form in (*(FORMS[name] for name in self.forms), *self.deliveries(record.distribution_id)):
            if form.follows_distribution and not record.logging.enabled:
                continue
            lines = self._lines[_Batch(form, form.folder(record), f"{record.distribution_id}.{hour}")]
            lines.append(form.line(record))
            if len(lines) >= MAX_LINES:
                self.flush()

    def flush(self) -> int:
        """Write what was collected, each file whole or not at all; returns how many files were written.

        Logs are best effort, here as at CloudFront: what cannot be written is dropped, and a warning says so.
        """
        written = 0
        while self._lines:
            batch, lines = self._lines.popitem()
            try:
                self._write(batch, lines)
                written += 1
            except OSError as error:
                logger.warning("%d lines of the access log are lost: %s", len(lines), error)
        return written

    def _write(self, batch: _Batch, lines: list[str]) -> None:
        folder = self._folder / batch.folder
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{batch.stem}.{secrets.token_hex(4)}.gz"
        text = batch.form.head + "".join(f"{line}\n" for line in lines)
        unfinished = path.with_suffix(".part")
        unfinished.write_bytes(gzip.compress(text.encode("ascii", "replace"), 6))
        unfinished.rename(path)
        _forget_oldest(folder)


def _forget_oldest(folder: Path) -> None:
    files = sorted(folder.glob("*.gz"), key=lambda path: path.stat().st_mtime)
    for path in files[: max(len(files) - MAX_FILES, 0)]:
        path.unlink(missing_ok=True)
