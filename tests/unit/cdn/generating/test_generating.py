"""Made-up logs: the same for a seed, in every form, and true to the caches that they tell of."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from perfctl.cdn.generating import write_corpus
from perfctl.cdn.generating.lines import Form
from perfctl.cdn.generating.site import KINDS
from perfctl.cdn.logs.columns import read
from perfctl.cdn.logs.locations import files_of
from perfctl.cdn.model.simulation import Corpus
from perfctl.errors import ServiceError

LINES = 6_000
FORMS: tuple[Form, ...] = ("v1", "v2-json", "v2-w3c")


def made(folder: Path, **asked: object) -> Corpus:
    return write_corpus(folder, lines=LINES, urls=400, files=3, **asked)  # type: ignore[arg-type]


def column(folder: Path, name: str) -> list[bytes]:
    return [
        value for source in files_of([str(folder)]) for block in read(source) for value in block.text(name).values()
    ]


def counted(values: list[bytes]) -> Mapping[bytes, int]:
    return {value: values.count(value) for value in set(values)}


@pytest.mark.parametrize("form", FORMS)
def test_the_reader_of_logs_finds_every_request_in_every_form(tmp_path: Path, form: Form) -> None:
    corpus = made(tmp_path, form=form)
    blocks = [block for source in files_of([str(tmp_path)]) for block in read(source)]
    assert sum(block.size for block in blocks) == corpus.requests == LINES
    assert sum(block.malformed for block in blocks) == 0
    results = counted(column(tmp_path, "x-edge-result-type"))
    assert results[b"Hit"] == corpus.hits
    assert results[b"RefreshHit"] == corpus.refresh_hits
    assert results[b"Miss"] == corpus.misses


def test_a_seed_makes_the_same_bytes_and_another_seed_others(tmp_path: Path) -> None:
    for name, seed in (("a", 7), ("b", 7), ("c", 8)):
        made(tmp_path / name, seed=seed)
    first, again, other = (
        [path.read_bytes() for path in sorted((tmp_path / name).iterdir())] for name in ("a", "b", "c")
    )
    assert first == again
    assert first != other


def test_the_requests_do_not_change_with_the_ttl(tmp_path: Path) -> None:
    short, long = made(tmp_path / "short", ttl_seconds=5), made(tmp_path / "long", ttl_seconds=86_400)
    for name in ("date", "time", "x-edge-location", "cs-uri-stem", "cs-uri-query", "cs-method"):
        assert column(tmp_path / "short", name) == column(tmp_path / "long", name)
    assert long.hits > short.hits


def test_a_longer_life_a_wider_cache_and_a_smaller_key_hit_more(tmp_path: Path) -> None:
    plain = made(tmp_path / "plain", ttl_seconds=600)
    wider = made(tmp_path / "wider", ttl_seconds=600, caches="region")
    keyless = made(tmp_path / "keyless", ttl_seconds=600, has_query_in_key=False)
    small = made(tmp_path / "small", ttl_seconds=600, idle_seconds=60)
    assert min(wider.hits, keyless.hits) > plain.hits > small.hits


def test_lines_of_a_file_are_not_in_order_as_those_of_cloudfront(tmp_path: Path) -> None:
    made(tmp_path)
    source = next(files_of([str(tmp_path)]))
    seconds = [second for block in read(source) for second in block.seconds().tolist()]
    assert seconds != sorted(seconds)


def test_what_is_private_or_fails_is_never_a_hit(tmp_path: Path) -> None:
    made(tmp_path)
    told = zip(*(column(tmp_path, name) for name in ("cs-uri-stem", "sc-status", "x-edge-result-type")), strict=True)
    hits = [(path, status) for path, status, result in told if result == b"Hit"]
    assert hits
    assert not [path for path, status in hits if path.startswith(b"/account/") or int(status) >= 400]


def test_all_kinds_of_content_are_asked_for(tmp_path: Path) -> None:
    made(tmp_path)
    folders = {path.split(b"/")[1] for path in column(tmp_path, "cs-uri-stem")}
    assert folders >= {b"img", b"assets", b"fonts", b"api", b"search", b"account", b"products"}
    assert abs(sum(kind.requests_share for kind in KINDS) - 1) < 1e-9


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ServiceError, match="file"):
        made(tmp_path / "file" / "below")


def test_a_single_request_is_a_log_too(tmp_path: Path) -> None:
    corpus = write_corpus(tmp_path, lines=1, urls=8)
    assert (corpus.requests, corpus.files, corpus.hours) == (1, 1, 0.0)
