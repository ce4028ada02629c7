"""Edge locations and the facts about viewers there."""

from __future__ import annotations

import pytest

from perfctl.cdn.delivery.behaviours import Behaviour, Origin
from perfctl.cdn.delivery.headers import Headers
from perfctl.cdn.delivery.policies import CachePolicy, Selection
from perfctl.cdn.regions import UNKNOWN, region_of
from perfctl.sandbox.edge.http import Request
from perfctl.sandbox.edge.places import HOMES, PLACES, Distances, home_of, place_named, regional_place
from perfctl.sandbox.edge.viewer_facts import with_facts

FRA, NRT, CDG = PLACES["FRA"], PLACES["NRT"], PLACES["CDG"]
NAMES = ("cloudfront-viewer-country", "cloudfront-is-mobile-viewer", "cloudfront-forwarded-proto", "x-other")
BEHAVIOUR = Behaviour(None, Origin("main", "o.test"), CachePolicy(headers=Selection("whitelist", NAMES)))


def test_every_region_has_an_edge_location_that_knows_its_region() -> None:
    assert {region: region_of(home_of(region).name) for region in HOMES} == {region: region for region in HOMES}
    assert UNKNOWN not in {region_of(place.name) for place in PLACES.values()}


@pytest.mark.parametrize(
    ("text", "code"), [("FRA", "FRA"), ("nrt57-p1", "NRT"), ("XYZ", None), ("", None), ("É€", None)]
)
def test_a_location_is_found_by_its_code_or_name(text: str, code: str | None) -> None:
    found = place_named(text)
    assert (None if found is None else found.code) == code


def test_locations_of_one_region_share_a_regional_cache() -> None:
    assert regional_place(CDG) == regional_place(PLACES["LHR"])
    assert regional_place(FRA) != regional_place(CDG)
    assert regional_place(home_of("nowhere-1")) == home_of("nowhere-1")


def test_nothing_takes_time_unless_it_is_said() -> None:
    still, world = Distances(), Distances(world=True, origin_ms=5, pops={"FRA": 20})
    assert [still.to_viewer_seconds(FRA), still.to_origin_seconds(NRT), still.between_seconds(FRA, NRT)] == [0, 0, 0]
    assert world.to_viewer_seconds(FRA) == 0.02
    assert 0.14 < world.to_origin_seconds(NRT) < 0.17


def test_a_policy_gets_the_facts_that_it_names() -> None:
    asked = Request("GET", "/", headers=Headers((("User-Agent", "Mozilla/5.0 (iPhone) Mobile"),)))
    told = with_facts(asked, BEHAVIOUR, FRA, secure=False).headers
    assert dict(told) == {
        "User-Agent": "Mozilla/5.0 (iPhone) Mobile",
        "CloudFront-Forwarded-Proto": "http",
        "CloudFront-Is-Mobile-Viewer": "true",
        "CloudFront-Viewer-Country": "DE",
    }


def test_what_a_viewer_says_of_itself_stays() -> None:
    asked = Request("GET", "/", headers=Headers((("CloudFront-Viewer-Country", "CH"),)))
    assert with_facts(asked, BEHAVIOUR, FRA, secure=False).headers.get("cloudfront-viewer-country") == "CH"
