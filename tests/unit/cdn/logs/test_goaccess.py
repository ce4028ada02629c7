"""The totals that GoAccess finds in the same log, where it counts the same."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from perfctl.cdn.generating import write_corpus
from perfctl.cdn.logs.counting import Reading
from perfctl.cdn.logs.listing import top
from perfctl.cdn.logs.locations import files_of
from perfctl.cdn.logs.report import report

pytestmark = pytest.mark.skipif(
    shutil.which("goaccess") is None, reason="GoAccess is NOT installed: apt-get install goaccess"
)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Some logs of the generator, as one plain file."""
    import gzip

    folder = tmp_path_factory.mktemp("goaccess")
    write_corpus(folder / "logs", lines=4000, urls=800, files=2)
    plain = folder / "all.tsv"
    plain.write_bytes(b"".join(gzip.decompress(path.read_bytes()) for path in sorted((folder / "logs").iterdir())))
    return plain


@pytest.fixture(scope="module")
def counted(corpus: Path) -> Any:
    """What GoAccess says of it."""
    out = corpus.with_suffix(".json")
    words = ["goaccess", str(corpus), "--log-format=CLOUDFRONT", "-o", str(out), "--no-global-config", "--no-progress"]
    subprocess.run(words, check=True, capture_output=True, stdin=subprocess.DEVNULL)
    return json.loads(out.read_text())


def test_requests_bytes_and_statuses_are_theirs(corpus: Path, counted: Any) -> None:
    found = report(Reading(), files_of([str(corpus)]))
    general = counted["general"]
    assert (found.requests, found.malformed) == (general["valid_requests"], general["failed_requests"])
    assert found.sent_bytes == general["bandwidth"]
    theirs = {
        row["data"][:3]: row["hits"]["count"] for kind in counted["status_codes"]["data"] for row in kind["items"]
    }
    assert {row.name: row.requests for row in found.statuses} == theirs


def test_hits_and_misses_are_theirs(corpus: Path, counted: Any) -> None:
    found = report(Reading(), files_of([str(corpus)]))
    theirs = {row["data"]: row["hits"]["count"] for row in counted["cache_status"]["data"]}
    ours = {row.name: row.requests for row in found.results}
    assert theirs
    assert {name: ours[name] for name in theirs} == theirs


def test_the_hosts_of_most_requests_are_theirs(corpus: Path, counted: Any) -> None:
    found = top(Reading(), files_of([str(corpus)]), of="ip")
    theirs = sorted((row["hits"]["count"] for row in counted["hosts"]["data"]), reverse=True)
    assert [row.requests for row in found.rows][: len(theirs)] == theirs
