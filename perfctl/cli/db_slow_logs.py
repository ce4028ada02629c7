"""`perfctl db slow --log FILE`: reading log files with progress, stopped at once when the run is."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from perfctl.cli.progress import progress_of
from perfctl.errors import PerfctlError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from perfctl.cli.run import Run
    from perfctl.db.model.statements import SlowQueries
    from perfctl.db.statements.order import Wanted
    from perfctl.db.statements.sources import Look

_MEGABYTE = 1_000_000
_ASK_SECONDS = 2.0
"""A prefix can be guessed as well: a server that is away is not waited for."""


class _StoppedError(Exception):
    """The run has ended: nobody wants the rest of the files."""


async def looked_in_logs(run: Run, wanted: Wanted, look: Look) -> SlowQueries:
    """The costliest shapes in the files that were named, else in those of the context."""
    from perfctl.db.logs.files import found
    from perfctl.db.logs.summary import summary

    files = look.log_files or run.settings.database.log_files
    if not files:
        raise UsageError(
            "no log file was named",
            hint="name them with --log, such as --log '/var/log/postgresql/*.log', or as database.log_files",
            where="--log",
        )
    given = look.log_line_prefix if look.log_line_prefix is not None else run.settings.database.log_line_prefix
    with _ticking(run, sum(file.size_bytes for file in found(files))) as told:
        answer = await asyncio.to_thread(
            summary,
            files,
            log_line_prefix=given,
            likely_prefix=None if given is not None else await _prefix_of_server(run, files),
            since=look.since,
            until=look.until,
            wanted=wanted,
            told=told,
        )
    _refuse_no_log(answer)
    return answer


def _refuse_no_log(answer: SlowQueries) -> None:
    """Files that are not empty, and hold nothing that a server logs: that nothing was slow is not what they say."""
    log = answer.log
    if log is None or log.records or not log.bytes_read:
        return
    why = next((note for note in answer.notes if "log_line_prefix" in note), "they hold no message of a server")
    raise UsageError(
        f"nothing that PostgreSQL logs was found in {', '.join(log.files)}: {why}",
        hint="give a csvlog, a jsonlog or a plain log; --log-line-prefix says how the lines of a plain one begin",
        where="--log",
    )


async def _prefix_of_server(run: Run, files: tuple[str, ...]) -> str | None:
    """The server's own log_line_prefix, where a plain log is among the files and there is a server that says it."""
    from perfctl.db.logs.reading import is_plain

    config = run.settings.database
    if not config.is_configured or not await asyncio.to_thread(is_plain, files):
        return None
    with suppress(PerfctlError):
        return await run.optimizer.database.log_line_prefix(timeout=_ASK_SECONDS)
    return None


@contextmanager
def _ticking(run: Run, total_bytes: int) -> Iterator[Callable[[int], None]]:
    """Told what was read since; ends the reading, which is in a thread, when the run is interrupted."""
    stopped, done = threading.Event(), 0
    with progress_of(run, "log, MB", total_bytes // _MEGABYTE or None) as progress:

        def told(more: int) -> None:
            nonlocal done
            if stopped.is_set():
                raise _StoppedError
            done += more
            if progress is not None:
                progress(done // _MEGABYTE)

        try:
            yield told
        finally:
            stopped.set()
