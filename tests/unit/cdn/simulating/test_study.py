"""Simulations of made-up logs, whose truth is known: the same requests, answered under the other configuration."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from perfctl.cdn.generating import write_corpus
from perfctl.cdn.logs.columns import Block, read
from perfctl.cdn.logs.locations import files_of
from perfctl.cdn.model.simulation import CdnSimulation, Corpus, WhatIf
from perfctl.cdn.simulating.bill import Prices
from perfctl.cdn.simulating.queries import QueryRule
from perfctl.cdn.simulating.study import simulated
from perfctl.cdn.simulating.wanted import Wanted, checked_region
from perfctl.errors import UsageError

PRICES = Prices(request_usd=0.01, shield_usd=0.009, transfer_usd=0.085, origin_transfer_usd=0.0, miss_usd=0.00001)
LINES, URLS = 30_000, 500
HEAD = "#Fields: date time x-edge-location sc-bytes cs-method cs-uri-stem sc-status x-edge-result-type cs-uri-query\n"


def made(folder: Path, **rules: object) -> Corpus:
    return write_corpus(folder, lines=LINES, urls=URLS, files=3, **rules)  # type: ignore[arg-type]


def study(folder: Path, wanted: Wanted, *, in_memory: int = 10**9) -> CdnSimulation:
    def blocks() -> Iterator[Block]:
        for source in files_of([str(folder)]):
            yield from read(source)

    return simulated([str(folder)], blocks(), wanted, PRICES, in_memory=in_memory)


def row(result: CdnSimulation, name: str) -> WhatIf:
    return next(one for one in result.rows if one.name == name)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("logs")


@pytest.fixture(scope="module")
def minute(folder: Path) -> Corpus:
    return made(folder / "minute", ttl_seconds=60)


@pytest.fixture(scope="module")
def simulation(folder: Path, minute: Corpus) -> CdnSimulation:
    wanted = Wanted(ttls_seconds=(10, 3600, 86400), query=QueryRule(drop=("utm_*",)), shield="eu-central-1")
    return study(folder / "minute", wanted)


def test_the_observed_row_is_what_the_logs_caches_did(simulation: CdnSimulation, minute: Corpus) -> None:
    observed = row(simulation, "observed")
    assert (observed.hits, observed.refresh_hits) == (minute.hits, minute.refresh_hits)
    assert observed.requests == minute.requests == LINES


def test_the_caches_of_the_log_are_found(simulation: CdnSimulation) -> None:
    assert (simulation.caches, simulation.cache_key, simulation.idle_seconds) == ("location", "path and query", None)
    ttls = {one.pattern: (one.ttl_seconds, one.ttl_from) for one in simulation.contents}
    assert ttls["/img/*.webp"] == ttls["/products/*.html"] == (60.0, "log")
    assert ttls["/account/*"] == (0.0, "never")


def test_the_log_replayed_is_the_log_but_for_a_small_residual(simulation: CdnSimulation) -> None:
    assert simulation.residual is not None
    assert abs(simulation.residual) < 0.001
    assert simulation.agreement is not None
    assert simulation.agreement > 0.995


@pytest.mark.parametrize(("name", "seconds"), [("TTL 10s", 10), ("TTL 1h", 3_600), ("TTL 1d", 86_400)])
def test_another_ttl_is_told_as_the_same_requests_were_answered_under_it(
    folder: Path, simulation: CdnSimulation, name: str, seconds: int
) -> None:
    truth = made(folder / name, ttl_seconds=seconds)
    told = row(simulation, name)
    assert told.hits / LINES == pytest.approx(truth.hits / LINES, abs=0.003)
    assert told.hit_ratio == pytest.approx(truth.hit_ratio, abs=0.003)


def test_regional_caches_that_forget_what_is_idle_are_found_and_another_ttl_told(folder: Path) -> None:
    made(folder / "region", ttl_seconds=300, caches="region", idle_seconds=900)
    truth = made(folder / "region-hour", ttl_seconds=3600, caches="region", idle_seconds=900)
    result = study(folder / "region", Wanted(ttls_seconds=(3600,)))
    assert (result.caches, result.idle_seconds) == ("region", 900.0)
    assert row(result, "TTL 1h").hit_ratio == pytest.approx(truth.hit_ratio, abs=0.003)


def test_paths_of_one_kind_with_ttls_of_their_own_are_told_apart(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("perfctl.cdn.simulating.requests.pattern_of", lambda path: "/*")
    made(folder / "mixed")
    result = study(folder / "mixed", Wanted())
    assert [one.pattern for one in result.contents] == ["/*"]
    assert result.cache_key == "path and query"
    assert result.residual == pytest.approx(0, abs=0.01)


def test_a_key_without_queries_is_told_and_is_found_where_it_is_so_already(folder: Path, minute: Corpus) -> None:
    truth = made(folder / "pathless", ttl_seconds=60, has_query_in_key=False)
    result = study(folder / "minute", Wanted(query=QueryRule(drop=("all",))))
    assert row(result, "without queries").hit_ratio == pytest.approx(truth.hit_ratio, abs=0.003)
    assert study(folder / "pathless", Wanted()).cache_key == "path"


def test_each_part_of_a_change_has_a_row_and_so_has_the_whole(simulation: CdnSimulation) -> None:
    names = [one.name for one in simulation.rows]
    assert names[:6] == [
        "observed",
        "as it is",
        "TTL 10s",
        "query without utm_*",
        "Shield in eu-central-1",
        "TTL 10s, query without utm_*, Shield in eu-central-1",
    ]
    assert len(names) == len(set(names)) == 10


def test_the_shield_is_charged_for_what_comes_from_other_regions(simulation: CdnSimulation) -> None:
    shielded, plain = row(simulation, "Shield in eu-central-1"), row(simulation, "as it is")
    assert 0 < shielded.shield_hits < shielded.shield_requests
    assert shielded.origin_requests < plain.origin_requests
    saved = (plain.origin_requests - shielded.origin_requests) * 0.00001 - shielded.shield_requests * 0.009 / 10_000
    assert shielded.saved_usd == pytest.approx(saved, abs=1e-5)


def test_files_in_place_of_memory_change_nothing(folder: Path, minute: Corpus) -> None:
    wanted = Wanted(ttls_seconds=(3600,), query=QueryRule(drop=("utm_*",)))
    whole, spilled = study(folder / "minute", wanted), study(folder / "minute", wanted, in_memory=5_000)
    assert [_counts(one) for one in spilled.rows] == [_counts(one) for one in whole.rows]
    assert (spilled.agreement, len(spilled.contents)) == (whole.agreement, len(whole.contents))


def test_a_pattern_gives_a_ttl_to_what_was_never_cached(folder: Path, minute: Corpus) -> None:
    general = study(folder / "minute", Wanted(ttls_seconds=(60,)))
    ruled = study(folder / "minute", Wanted(patterns=(("/account/*", 60.0),)))
    assert row(general, "TTL 1m").hits == pytest.approx(row(general, "as it is").hits, abs=30)
    assert row(ruled, "/account/* 1m").hits > row(ruled, "as it is").hits + 20


def test_bounds_of_the_ttl_hold_for_what_is_cached(folder: Path, minute: Corpus) -> None:
    result = study(folder / "minute", Wanted(min_ttl_seconds=3600))
    hour = study(folder / "minute", Wanted(ttls_seconds=(3600,)))
    assert row(result, "at least 1h").hits == row(hour, "TTL 1h").hits
    short = study(folder / "minute", Wanted(max_ttl_seconds=10))
    assert row(short, "at most 10s").hits < row(short, "as it is").hits


def test_errors_redirects_and_other_methods_stay_as_they_are(tmp_path: Path) -> None:
    lines = [
        "GET\t/a\t200\tMiss",
        "GET\t/a\t200\tHit",
        "POST\t/a\t200\tMiss",
        "GET\t/b\t404\tError",
        "GET\t/c\t301\tRedirect",
    ]
    result = simulation_of(tmp_path, lines)
    assert (result.requests, result.replayed) == (5, 2)
    assert [(one.hits, one.origin_requests) for one in result.rows] == [(1, 3)] * len(result.rows)


def test_broken_lines_are_counted_and_the_rest_is_replayed(tmp_path: Path) -> None:
    result = simulation_of(tmp_path, ["GET\t/a\t200\tMiss", "nonsense", "GET\t/a\t200\tHit"])
    assert (result.replayed, result.malformed) == (2, 1)


def test_a_log_without_a_request_says_so(tmp_path: Path) -> None:
    result = simulation_of(tmp_path, [])
    assert (result.requests, result.residual, result.agreement) == (0, None, None)
    assert all(one.hit_ratio is None for one in result.rows)


def test_a_log_without_result_types_is_refused(tmp_path: Path) -> None:
    (tmp_path / "log").write_text("#Fields: date time cs-uri-stem\n2026-05-01\t10:00:00\t/a\n")
    with pytest.raises(UsageError, match="no field x-edge-result-type"):
        study(tmp_path, Wanted())


def test_absurd_dates_and_sizes_are_no_end_of_it(tmp_path: Path) -> None:
    values = ("9999-12-31\t10:00:00", "0001-01-01\t10:00:00", "-\t-", "2026-05-01\t10:00:00")
    rows = [f"{date}\tXXX{number}\t{'9' * 18}\tGET\t/a\t200\tMiss\t-\n" for number, date in enumerate(values)]
    (tmp_path / "log").write_text(HEAD + "".join(rows))
    result = study(tmp_path, Wanted())
    assert result.undated == result.requests - result.replayed >= 2
    assert result.requests == 4


def test_a_shield_that_is_there_already_is_told(tmp_path: Path) -> None:
    head = HEAD.replace("cs-uri-query", "x-edge-detailed-result-type")
    (tmp_path / "log").write_text(head + "2026-05-01\t10:00:00\tFRA1\t9\tGET\t/a\t200\tHit\tOriginShieldHit\n")
    assert study(tmp_path, Wanted()).has_shield


def test_a_shield_stands_in_a_region_that_has_one() -> None:
    with pytest.raises(UsageError, match="no region of a Shield"):
        checked_region("mars-1")
    assert checked_region("auto") == "auto"


def _counts(one: WhatIf) -> tuple[object, ...]:
    return one.name, one.hits, one.refresh_hits, one.origin_requests, one.origin_bytes, one.cost_usd


def simulation_of(folder: Path, lines: list[str]) -> CdnSimulation:
    """A log of these methods, paths, statuses and results, a second apart."""
    rows = [
        "\t".join(("2026-05-01", f"10:00:{second:02d}", "FRA56-P3", "900", line, "-"))
        for second, line in enumerate(lines)
    ]
    (folder / "log").write_text(HEAD + "".join(f"{row}\n" for row in rows))
    return study(folder, replace(Wanted(), ttls_seconds=(60.0,)))
