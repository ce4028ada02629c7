"""Realistic access logs, made up: the same bytes for the same seed, their result types by a true replay of caches."""

from __future__ import annotations

import secrets
import zlib
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from perfctl.cdn.generating.answers import HIT, MISS, REFRESH, Answers, Caches, Rules, answered
from perfctl.cdn.generating.lines import Form, Writer, hour_of
from perfctl.cdn.generating.site import DISTRIBUTION, KINDS
from perfctl.cdn.generating.traffic import Traffic, asked
from perfctl.cdn.model.simulation import Corpus
from perfctl.errors import MissingExtraError, ServiceError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

BEGIN = datetime(2026, 3, 2, tzinfo=UTC)
LINES_PER_FILE = 50_000
_LATE_MS = 40_000
"""Lines reach a file by the half minute, and a few in a hundred minutes later: logs are not chronological."""


def write_corpus(
    folder: Path,
    *,
    lines: int = 100_000,
    urls: int = 20_000,
    seed: int = 1,
    form: Form = "v1",
    files: int | None = None,
    hours: float = 8.0,
    ttl_seconds: float | Mapping[str, float] | None = None,
    caches: Caches = "location",
    has_query_in_key: bool = True,
    idle_seconds: float | None = None,
    told: Callable[[int], None] | None = None,
) -> Corpus:
    """Write so many requests for about so many URLs into gzip files of a folder, and say what they come to.

    `ttl_seconds` is the TTL of all that may be cached, or one by the kind of content; by default each kind has its
    own. `told` hears how many lines are written. Requests do not change with the TTL: two corpora of one seed differ
    in the caches' answers alone. MissingExtraError without numpy; ServiceError where the folder cannot be written.
    """
    _need_numpy()
    traffic = asked(lines, urls=urls, hours=hours, seed=seed)
    rules = Rules(_ttls(ttl_seconds), caches, has_query_in_key, idle_seconds)
    answers = answered(traffic, rules, seed=seed)
    writer = Writer(traffic, answers, begin=BEGIN, seed=seed)
    written, size = 0, 0
    names: list[str] = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for number, rows in enumerate(_portions(traffic, files, seed)):
            path = folder / _name_of(traffic, rows, number, seed, form)
            content = compressed(writer.lines(rows, form))
            _write(path, content)
            names.append(path.name)
            size += len(content)
            written += len(rows)
            if told is not None:
                told(written)
    except OSError as error:
        raise ServiceError(f"{folder}: {error.strerror}", hint="name a folder that you may write") from error
    return _corpus(folder, form, names, size, traffic, answers)


def is_made_up(folder: Path) -> bool:
    """Whether made-up logs lie in a folder."""
    return any(folder.glob(f"{DISTRIBUTION}.*"))


def compressed(text: bytes) -> bytes:
    """gzip without a time in it, by ISA-L where it is installed."""
    try:
        from isal import isal_zlib
    except ModuleNotFoundError:
        packer = zlib.compressobj(1, zlib.DEFLATED, 31)
        return packer.compress(text) + packer.flush()
    fast = isal_zlib.compressobj(2, isal_zlib.DEFLATED, 31)
    return fast.compress(text) + fast.flush()


def _need_numpy() -> None:
    try:
        import numpy  # noqa: F401
    except ModuleNotFoundError as error:
        raise MissingExtraError("ml", needed_for="making up access logs") from error


def _ttls(given: float | Mapping[str, float] | None) -> dict[str, float]:
    known = {kind.name: kind.ttl_seconds for kind in KINDS}
    if given is None:
        return known
    if isinstance(given, Mapping):
        return {**known, **given}
    return {name: given if ttl else 0.0 for name, ttl in known.items()}


def _portions(traffic: Traffic, files: int | None, seed: int) -> list[NDArray[np.int64]]:
    """The requests of each file: about by time, some of them late."""
    import numpy as np

    random = np.random.default_rng([seed, 5])
    count = files or -(-len(traffic) // LINES_PER_FILE) or 1
    late = random.exponential(_LATE_MS, len(traffic)) * np.where(random.random(len(traffic)) < 0.03, 20, 1)
    return np.array_split(np.argsort(traffic.times_ms + late, kind="stable"), count)


def _name_of(traffic: Traffic, rows: NDArray[np.int64], number: int, seed: int, form: Form) -> str:
    at = int(traffic.times_ms[rows[0]]) if len(rows) else 0
    identity = f"{(zlib.crc32(f'{seed}.{number}'.encode())):08x}"
    suffix = {"v1": "gz", "v2-json": "json.gz", "v2-w3c": "log.gz"}[form]
    return f"{DISTRIBUTION}.{hour_of(BEGIN + timedelta(milliseconds=at))}.{identity}.{suffix}"


def _write(path: Path, content: bytes) -> None:
    unfinished = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    unfinished.write_bytes(content)
    unfinished.replace(path)


def _corpus(folder: Path, form: Form, names: list[str], size: int, traffic: Traffic, answers: Answers) -> Corpus:
    import numpy as np

    counts = np.bincount(answers.result, minlength=5).tolist()
    hours = (int(traffic.times_ms[-1]) - int(traffic.times_ms[0])) / 3_600_000 if len(traffic) else 0.0
    return Corpus(
        folder=str(folder),
        form=form,
        files=len(names),
        requests=len(traffic),
        urls=len(np.unique(traffic.url)),
        size_bytes=size,
        hours=round(hours, 3),
        hits=counts[HIT],
        refresh_hits=counts[REFRESH],
        misses=counts[MISS],
        hit_ratio=(counts[HIT] + counts[REFRESH]) / len(traffic) if len(traffic) else None,
    )
