"""What the engine promises beside sending: which distribution, which edge, what was proved."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import replace
from typing import Any

import pytest

from perfctl.cdn.engine import CloudFrontOptimizer
from perfctl.cdn.memory import MemoryCloudFront, VirtualClock
from perfctl.cdn.model.invalidations import EdgeProof
from perfctl.cdn.planning import Inventory
from perfctl.config import CDNConfig
from perfctl.errors import AuthError, ConfigError, UnreachableError, UsageError

run = asyncio.run


def test_the_documented_examples_run(engine: CloudFrontOptimizer, control: MemoryCloudFront, edge: Any) -> None:
    async def examples() -> None:
        async with engine as cdn:
            await cdn.invalidate_content(["/api/stocks/AAPL", "/api/portfolio/123"])
            await cdn.preload_content(["/api/market/overview"])

    run(examples())
    assert control.items_paid == 2
    assert {path for _, path, _ in edge.asked} == {"/api/market/overview"}


def test_a_dry_run_asks_nobody(engine: CloudFrontOptimizer, control: MemoryCloudFront) -> None:
    control.faults = deque([UnreachableError("down")])
    report = run(engine.invalidate_content(["/a", "/b/*"], dry_run=True))
    assert (report.status, report.dry_run, report.invalidation_id) == ("planned", True, None)
    assert (report.items, report.wildcards, report.cost_usd) == (2, 1, 0.01)
    assert control.items_paid == 0


def test_nothing_to_invalidate_is_nothing_to_do(engine: CloudFrontOptimizer, control: MemoryCloudFront) -> None:
    control.faults = deque([UnreachableError("down")])
    report = run(engine.invalidate_content([], wait=True))
    assert (report.status, report.items, report.cost_usd, report.invalidation_id) == ("Completed", 0, 0.0, None)


def test_without_a_distribution_it_says_where_to_set_one(control: MemoryCloudFront) -> None:
    with pytest.raises(ConfigError) as caught:
        run(CloudFrontOptimizer(CDNConfig(), control=control).invalidate_content(["/a"]))
    assert "CLOUDFRONT_DISTRIBUTION_ID" in str(caught.value.hint)


@pytest.mark.parametrize("name", ["E9NONE", "nope.example.com"])
def test_a_distribution_that_does_not_exist_is_named_and_nothing_is_sent(
    engine: CloudFrontOptimizer, control: MemoryCloudFront, name: str
) -> None:
    with pytest.raises(UsageError, match=name):
        run(engine.invalidate_content(["/a"], distributions=["E1SHOP", name]))
    assert control.items_paid == 0


def test_who_may_not_look_a_distribution_up_may_still_invalidate_it(
    engine: CloudFrontOptimizer, control: MemoryCloudFront
) -> None:
    control.faults = deque([AuthError("cloudfront get-distribution E1SHOP: AccessDenied: not you")])
    assert run(engine.invalidate_content(["/a"], distributions=["E1SHOP"])).items == 1


def test_an_alias_is_found_whatever_its_case(engine: CloudFrontOptimizer) -> None:
    assert run(engine.distribution_ids(["WWW.example.com", "E1SHOP", "d222.cloudfront.net"])) == ("E1SHOP", "E2BLOG")


def test_tags_are_sent_where_the_distribution_learns_them(engine: CloudFrontOptimizer) -> None:
    report = run(engine.invalidate_content([], tags=["Product-7"]))
    assert (report.paths, report.tags) == (("#product-7",), 1)


def test_tags_are_refused_where_they_would_find_nothing(engine: CloudFrontOptimizer, control: MemoryCloudFront) -> None:
    with pytest.raises(UsageError, match="E2BLOG learns no cache tags"):
        run(engine.invalidate_content([], tags=["x"], distributions=["E2BLOG"]))
    assert control.items_paid == 0


def test_verify_shows_hit_before_and_miss_after(engine: CloudFrontOptimizer, edge: Any) -> None:
    run(engine.probe("/a"))
    told: list[object] = []

    def forget(waiting: object) -> None:
        told.append(waiting)
        edge.kept.clear()

    report = run(engine.invalidate_content(["/a"], verify=["/a"], tell=forget))
    assert report.status == "Completed"
    assert report.verified == (EdgeProof(f"{edge.url}/a", "hit", "miss", True, 4000, None),)


def test_verify_says_when_the_edge_still_serves_the_old(engine: CloudFrontOptimizer, clock: VirtualClock) -> None:
    run(engine.probe("/a"))
    report = run(engine.invalidate_content(["/a"], verify=["/a"]))
    assert [proof.is_fresh for proof in report.verified] == [False]
    assert report.verified[0].after == "hit"


def test_status_lists_those_in_progress_with_their_paths(engine: CloudFrontOptimizer, clock: VirtualClock) -> None:
    run(engine.invalidate_content(["/a"]))
    clock.seconds += 60
    run(engine.invalidate_content(["/b/*"]))
    (row,) = run(engine.invalidation_status()).rows
    assert (row.invalidation_id, row.status, row.paths, row.wildcards) == ("I0000000000001", "InProgress", ("/b/*",), 1)


def test_status_of_one_waits_until_it_is_complete(engine: CloudFrontOptimizer) -> None:
    sent = run(engine.invalidate_content(["/a"]))
    found = run(engine.invalidation_status(sent.invalidation_id, wait=True))
    assert ([row.status for row in found.rows], found.waited_seconds) == (["Completed"], 5.0)


def test_status_of_an_unknown_one_is_an_error(engine: CloudFrontOptimizer) -> None:
    with pytest.raises(UsageError, match="INOPE"):
        run(engine.invalidation_status("INOPE"))


def test_an_empty_id_is_an_error(engine: CloudFrontOptimizer) -> None:
    with pytest.raises(UsageError, match="ID is empty"):
        run(engine.invalidation_status(""))


def test_a_single_path_may_be_given_as_it_is(engine: CloudFrontOptimizer) -> None:
    assert run(engine.invalidate_content("/abc")).paths == ("/abc",)
    assert run(engine.preload_content("/abc", encodings=["gzip"])).requested == 1


def test_preload_warms_each_encoding_and_sees_that_it_stays(engine: CloudFrontOptimizer, edge: Any) -> None:
    report = run(engine.preload_content(["/a", "/b", "/a"]))
    assert (report.requested, report.warmed, report.failed) == (6, 6, 0)
    assert {(row.url, row.encoding) for row in report.rows} == {
        (path, encoding) for path in ("/a", "/b") for encoding in ("br", "gzip", "identity")
    }


def test_preload_reports_what_failed_first_and_goes_on(engine: CloudFrontOptimizer) -> None:
    report = run(engine.preload_content(["/ok", "/broken"], encodings=["gzip"]))
    assert [(row.url, row.is_warm, row.error) for row in report.rows] == [
        ("/broken", False, "the edge answered 503"),
        ("/ok", True, None),
    ]
    assert (report.warmed, report.failed) == (1, 1)


@pytest.mark.parametrize(
    "stranger", ["http://169.254.169.254/latest/meta-data/", "http://127.0.0.1:1/", "https://evil.example.org/"]
)
def test_preload_fetches_nothing_when_one_url_is_a_strangers(
    engine: CloudFrontOptimizer, edge: Any, stranger: str
) -> None:
    with pytest.raises(UsageError, match="not a name of the distribution"):
        run(engine.preload_content(["/a", stranger]))
    assert edge.asked == []


def test_a_name_of_the_distribution_is_asked_for_at_the_edge_that_stands_in(
    engine: CloudFrontOptimizer, edge: Any
) -> None:
    answer = run(engine.probe("https://www.example.com/a?b=c"))
    assert edge.asked == [("www.example.com", "/a?b=c", "br, gzip")]
    assert (answer.cache, answer.via_pop, answer.size_bytes) == ("miss", "FRA56-P1", 5)


def test_doctor_finds_all_well(engine: CloudFrontOptimizer) -> None:
    diagnosis = run(engine.doctor())
    assert (diagnosis.status, diagnosis.missing_permissions) == ("pass", ())
    assert diagnosis.caller == "arn:aws:iam::000000000000:user/memory"
    statement = diagnosis.policy["Statement"][0]  # type: ignore[index]
    assert statement["Resource"] == "arn:aws:cloudfront::000000000000:distribution/E1SHOP"


def test_doctor_names_a_missing_permission(engine: CloudFrontOptimizer, control: MemoryCloudFront) -> None:
    control.faults = deque([None, None, None, AuthError("cloudfront list-invalidations: AccessDenied: no")])
    diagnosis = run(engine.doctor())
    assert diagnosis.missing_permissions == ("cloudfront:ListInvalidations",)
    assert diagnosis.status == "fail"


def test_doctor_looks_at_compression_and_deployment(engine: CloudFrontOptimizer) -> None:
    diagnosis = run(engine.doctor(distribution="blog.example.com"))
    found = {row.check: row.status for row in diagnosis.rows}
    assert (found["deployed"], found["compression"], found["cache tags"]) == ("warn", "warn", "off")


def test_doctor_stops_at_unknown_keys(engine: CloudFrontOptimizer, control: MemoryCloudFront) -> None:
    control.faults = deque([AuthError("InvalidClientTokenId")])
    diagnosis = run(engine.doctor())
    assert (diagnosis.status, diagnosis.rows[0].check) == ("fail", "caller")


def test_doctor_stops_where_nobody_answers(engine: CloudFrontOptimizer, control: MemoryCloudFront) -> None:
    control.faults = deque([UnreachableError("down")])
    diagnosis = run(engine.doctor())
    assert (diagnosis.status, diagnosis.rows[0].observed) == ("fail", "down")


def test_an_edge_that_goes_away_after_sending_proves_nothing(engine: CloudFrontOptimizer, edge: Any) -> None:
    def break_it(waiting: object) -> None:
        engine.config = replace(engine.config, edge_url="http://127.0.0.1:1")

    report = run(engine.invalidate_content(["/a"], verify=["/a"], tell=break_it))
    assert report.status == "Completed"
    assert [(proof.after, proof.is_fresh) for proof in report.verified] == [("unreachable", False)]


def test_health_is_quick_and_never_raises(engine: CloudFrontOptimizer, control: MemoryCloudFront) -> None:
    assert [check.status for check in run(engine.health())] == ["pass", "pass"]
    fresh = CloudFrontOptimizer(CDNConfig(distribution_id="E1SHOP", edge_url="http://127.0.0.1:1"), control=control)
    control.faults = deque([UnreachableError("down")])
    assert [check.status for check in run(fresh.health())] == ["fail", "fail"]


def test_health_without_a_distribution_is_off() -> None:
    assert [check.status for check in run(CloudFrontOptimizer(CDNConfig()).health())] == ["off"]


def test_the_cheapest_cover_is_sent_where_it_is_chosen_and_what_it_purged_is_warmed(
    engine: CloudFrontOptimizer, control: MemoryCloudFront, edge: Any
) -> None:
    known = Inventory.of([(f"/img/{number}.png", 1) for number in range(40)])
    choosing = engine.choosing(strategy="cheapest", inventory=known)
    report = run(engine.invalidate_content(known.keys[:39], choosing=choosing, preload=True))
    assert (report.status, report.paths, report.objects, control.items_paid) == ("Completed", ("/img/*",), 40, 1)
    assert report.preloaded is not None
    assert {path for _, path, _ in edge.asked} == set(known.keys)


def test_nothing_that_was_not_asked_for_is_purged_by_default(engine: CloudFrontOptimizer) -> None:
    known = Inventory.of([(f"/img/{number}.png", 1) for number in range(40)])
    report = run(engine.invalidate_content(known.keys[:39], choosing=engine.choosing(inventory=known), dry_run=True))
    assert (report.items, report.wildcards, report.objects, report.collateral_weight) == (39, 0, 39, 0.0)


def test_whether_tags_are_learnt_is_asked_of_every_distribution(engine: CloudFrontOptimizer) -> None:
    assert run(engine.learns_tags(["E1SHOP"]))
    assert not run(engine.learns_tags(["E1SHOP", "E2BLOG"]))
