"""A configuration from a file: read against the model, merged item by item, compared, applied under its version."""

from __future__ import annotations

import asyncio
import json
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from perfctl.aws import ThrottledError
from perfctl.cdn.cloudfront import ChangedMeanwhileError, config_shape
from perfctl.cdn.configuring.applying import Asked, apply, asked_for, compare, wait_until_deployed
from perfctl.cdn.configuring.merging import merged
from perfctl.cdn.configuring.reading import read_wanted
from perfctl.cdn.memory import MemoryCloudFront, VirtualClock
from perfctl.cdn.model.configuration import Change, ConfigDocument
from perfctl.cdn.model.distributions import Distribution
from perfctl.errors import AuthError, ServiceError, TimedOutError, UnreachableError, UsageError
from tests.unit.cdn.checking.checking_setups import config, listed

SHAPE = config_shape()
run = asyncio.run


def _merged(text: str, current: dict[str, Any] | None = None, *, replace: bool = False) -> dict[str, Any]:
    return merged(current or config(), read_wanted(text, "cdn.yaml", SHAPE), SHAPE, replace=replace)


def _changes(text: str, current: dict[str, Any] | None = None, *, replace: bool = False) -> list[Change]:
    asked = asked_for("E1SHOP", text, "cdn.yaml", replace=replace)
    return list(asked.on(ConfigDocument("E1", current or config()))[1])


def test_what_the_file_does_not_name_stays() -> None:
    before = config()
    after = _merged("IsIPV6Enabled: false\n", before)
    assert after == {**before, "IsIPV6Enabled": False}
    assert before == config()


def test_a_behaviour_is_merged_by_its_pattern() -> None:
    text = "CacheBehaviors:\n  - PathPattern: /api/*\n    Compress: false\n"
    assert _changes(text) == [Change("changed", "CacheBehaviors[/api/*].Compress", "true", "false")]


def test_a_new_behaviour_is_complete_and_stands_where_the_file_says() -> None:
    text = """
CacheBehaviors:
  - {PathPattern: /new/*, TargetOriginId: both, ViewerProtocolPolicy: https-only, CachePolicyId: x}
  - {PathPattern: /account/*}
  - {PathPattern: /last/*, TargetOriginId: both, ViewerProtocolPolicy: https-only, CachePolicyId: x}
"""
    after = _merged(text)["CacheBehaviors"]
    assert [one["PathPattern"] for one in after["Items"]] == ["/api/*", "/new/*", "/account/*", "/last/*"]
    assert after["Quantity"] == 4
    assert after["Items"][1]["AllowedMethods"]["CachedMethods"]["Quantity"] == 2


def test_behaviours_take_the_files_order_among_themselves() -> None:
    text = "CacheBehaviors:\n  - PathPattern: /account/*\n  - PathPattern: /api/*\n"
    assert _changes(text) == [Change("changed", "CacheBehaviors (order)", "/api/*, /account/*", "/account/*, /api/*")]


def test_remove_takes_an_item_away_and_null_a_value() -> None:
    text = """
CacheBehaviors:
  - {PathPattern: /api/*, remove: true}
  - {PathPattern: /none/*, remove: true}
DefaultRootObject: null
"""
    after = _merged(text)
    assert [one["PathPattern"] for one in after["CacheBehaviors"]["Items"]] == ["/account/*"]
    assert "DefaultRootObject" not in after
    assert [(one.kind, one.path) for one in _changes(text)] == [
        ("removed", "DefaultRootObject"), ("removed", "CacheBehaviors[/api/*]"),
    ]  # fmt: skip


def test_the_last_item_leaves_an_empty_list_as_cloudfront_writes_it() -> None:
    text = "CustomErrorResponses:\n  - {ErrorCode: 503, remove: true}\n"
    assert _merged(text)["CustomErrorResponses"] == {"Quantity": 0}


def test_aliases_are_a_set() -> None:
    assert _merged("Aliases: [b.example.com, www.example.com]\n")["Aliases"]["Items"] == [
        "www.example.com", "b.example.com",
    ]  # fmt: skip
    assert _merged("Aliases: {remove: [www.example.com]}\n")["Aliases"] == {"Quantity": 0}
    assert _merged("Aliases: null\n")["Aliases"] == {"Quantity": 0}


def test_names_that_cloudfront_takes_for_one_are_one() -> None:
    first = {"Id": "first", "CustomHeaders": listed({"HeaderName": "X-Verify", "HeaderValue": "old"})}
    current = _merged(json.dumps({"Origins": [first]}))
    after = _merged("Origins: [{Id: first, CustomHeaders: [{HeaderName: x-verify, remove: true}]}]\n", current)
    assert after["Origins"]["Items"][0]["CustomHeaders"] == {"Quantity": 0}
    after = _merged("CacheBehaviors: [{PathPattern: api/*, remove: true}]\n")
    assert [one["PathPattern"] for one in after["CacheBehaviors"]["Items"]] == ["/account/*"]
    assert _merged("Aliases: {remove: [WWW.example.com]}\n")["Aliases"] == {"Quantity": 0}
    assert _changes("Aliases: [WWW.example.com]\n") == []


@pytest.mark.parametrize("ascii_only", [True, False])
def test_json_is_read_letter_by_letter_as_json(ascii_only: bool) -> None:
    comment = 'a \U0001f680 \\ud83d\\ude80 \x7f \x85 \u2028 \t \\ " /'
    before = config(Comment=comment)
    text = json.dumps({"ETag": "E1", "DistributionConfig": before}, ensure_ascii=ascii_only)
    assert _merged(text, before, replace=True)["Comment"] == comment
    assert _changes(text, before, replace=True) == []


def test_other_lists_are_replaced() -> None:
    text = "DefaultCacheBehavior:\n  AllowedMethods: [GET, HEAD, OPTIONS]\n"
    methods = _merged(text)["DefaultCacheBehavior"]["AllowedMethods"]
    assert (methods["Quantity"], methods["Items"]) == (3, ["GET", "HEAD", "OPTIONS"])
    assert methods["CachedMethods"] == listed("HEAD", "GET")


def test_a_cache_policy_takes_the_place_of_the_times_and_values_of_old() -> None:
    old = config()
    old["DefaultCacheBehavior"] |= {"MinTTL": 0, "ForwardedValues": {"QueryString": False}}
    del old["DefaultCacheBehavior"]["CachePolicyId"]
    after = _merged("DefaultCacheBehavior: {CachePolicyId: p}\n", old)["DefaultCacheBehavior"]
    assert after["CachePolicyId"] == "p"
    assert not {"MinTTL", "ForwardedValues"} & after.keys()


def test_a_new_origin_gets_the_kind_that_its_name_says() -> None:
    text = "Origins:\n  - {Id: a, DomainName: b.s3.eu-west-1.amazonaws.com}\n  - {Id: c, DomainName: c.example.com}\n"
    *_, bucket, custom = _merged(text)["Origins"]["Items"]
    assert bucket["S3OriginConfig"] == {"OriginAccessIdentity": ""}
    assert custom["CustomOriginConfig"]["OriginProtocolPolicy"] == "https-only"


def test_a_value_of_a_header_to_the_origin_is_not_told() -> None:
    text = "Origins:\n  - {Id: first, CustomHeaders: [{HeaderName: X-Verify, HeaderValue: s3cret}]}\n"
    changes = _changes(text)
    assert "s3cret" not in repr(changes)
    after = _merged(text)
    assert "s3cret" in repr(after)
    assert "s3cret" not in repr(_changes(text.replace("s3cret", "other"), after))


def test_the_answer_of_get_distribution_config_is_read_as_it_is() -> None:
    text = json.dumps({"ETag": "E1", "DistributionConfig": config()})
    assert _changes(text) == []
    assert _changes(text, replace=True) == []


def test_replace_removes_what_the_file_does_not_name() -> None:
    grown = _merged(
        "Aliases: [b.example.com]\n"
        "CacheBehaviors: [{PathPattern: /x, TargetOriginId: both, ViewerProtocolPolicy: allow-all}]\n"
    )
    text = json.dumps({"DistributionConfig": config()})
    assert _merged(text, grown, replace=True) == config()
    assert [one.path for one in _changes(text, grown, replace=True)] == ["Aliases[b.example.com]", "CacheBehaviors[/x]"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Orgins: []\n", "cdn.yaml:1:1: unknown key 'Orgins'"),
        ("DefaultCacheBehavior:\n  Compres: true\n", "cdn.yaml:2:3: unknown key 'Compres'"),
        ("Enabled: true\nEnabled: false\n", "cdn.yaml:2:1: Enabled stands twice"),
        ("IsIPV6Enabled: maybe\n", "cdn.yaml:1:16: IsIPV6Enabled: 'maybe'"),
        ("HttpVersion: http4\n", "HttpVersion: 'http4'"),
        ("CustomErrorResponses: [{ErrorCode: many}]\n", "'many' is not what CloudFront takes"),
        ("CacheBehaviors: [{Compress: true}]\n", "an item of CacheBehaviors has no PathPattern"),
        ("CacheBehaviors: [{PathPattern: /a}, {PathPattern: /a}]\n", "CacheBehaviors[/a] stands twice"),
        ("Origins: text\n", "Origins is a mapping"),
        ("Origins: null\n", "Origins is required by CloudFront"),
        ("Comment: [a]\n", "Comment is one value"),
        ("- a\n", "the file is a mapping"),
        ("CallerReference: other\n", "cannot be changed"),
        ("CacheBehaviors: [{PathPattern: /a}]\n", "cdn.yaml:1:18: CacheBehaviors[/a] has no TargetOriginId"),
        ("a: {b\n", "cdn.yaml:2:1"),
        ("DefaultCacheBehavior: {MinTTL: --5}\n", "MinTTL: '--5'"),
        (f"DefaultCacheBehavior: {{MinTTL: {'9' * 5000}}}\n", "is not what CloudFront takes"),
        ("OriginGroups: [{Id: a, Members: [null]}]\n", "OriginGroups[a].Members[0] is null"),
        ("CacheBehaviors: [{PathPattern: null}]\n", "has no PathPattern"),
        ("CacheBehaviors: [{PathPattern: /a}, {PathPattern: a}]\n", "CacheBehaviors[a] stands twice"),
        ("DistributionConfig: {Comment: a}\nIsIPV6Enabled: true\n", "cdn.yaml:2:1: 'IsIPV6Enabled' beside"),
        ("\n", "it is empty"),
        ("&a [*a]\n", "cdn.yaml"),
    ],
)
def test_what_cannot_be_meant_is_named_with_its_line(text: str, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        _merged(text)
    assert said in str(caught.value)
    assert caught.value.hint


def test_every_fault_of_a_file_is_named_at_once() -> None:
    with pytest.raises(UsageError, match="3 faults") as caught:
        _merged("A: 1\nB: 2\nHttpVersion: http4\n")
    assert [f"cdn.yaml:{line}:" in str(caught.value) for line in (1, 2, 3)] == [True] * 3


# Applying


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def control(clock: VirtualClock) -> MemoryCloudFront:
    known = Distribution("E1SHOP", "d111.cloudfront.net", ("www.example.com",), "Deployed", True)
    return MemoryCloudFront((known,), time=clock.time, configs={"E1SHOP": config()})


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PERFCTL_STATE_DIR", str(tmp_path / "state"))
    return tmp_path / "state"


def _asked(text: str = "IsIPV6Enabled: false\n", *, replace: bool = False) -> Asked:
    return asked_for("E1SHOP", text, "cdn.yaml", replace=replace)


def test_what_was_agreed_is_applied_and_the_way_back_leads_back(
    control: MemoryCloudFront, clock: VirtualClock, state: Path
) -> None:
    asked = _asked("Aliases: [b.example.com]\n")
    agreed = run(compare(control, asked))
    done = run(apply(control, asked, agreed, clock.time))
    assert (done.status, done.attempts, done.changes) == ("InProgress", 1, agreed.changes)
    assert control.configs["E1SHOP"]["Aliases"]["Quantity"] == 2
    assert done.saved is not None
    saved = Path(done.saved)
    assert (saved.parent, saved.stat().st_mode & 0o777) == (state / "cdn", 0o600)
    back = _asked(saved.read_text(), replace=True)
    run(apply(control, back, run(compare(control, back)), clock.time))
    assert control.configs["E1SHOP"] == config()


def test_nothing_to_change_sends_nothing(control: MemoryCloudFront, clock: VirtualClock, state: Path) -> None:
    asked = _asked("IsIPV6Enabled: true\n")
    done = run(apply(control, asked, run(compare(control, asked)), clock.time))
    assert (done.status, done.attempts, done.saved, state.exists()) == ("unchanged", 0, None, False)


class Hurried(MemoryCloudFront):
    """Somebody else changes the comment just before the first update arrives."""

    hurries: list[dict[str, Any]]

    async def update_distribution(self, distribution_id: str, config: dict[str, Any], etag: str) -> ConfigDocument:
        if self.hurries:
            mine = {**deepcopy(self.configs[distribution_id]), **self.hurries.pop()}
            await super().update_distribution(distribution_id, mine, etag)
        return await super().update_distribution(distribution_id, config, etag)


def _hurried(*changes: dict[str, Any]) -> Hurried:
    known = Distribution("E1SHOP", "d111.cloudfront.net", (), "Deployed", True)
    control = Hurried((known,), configs={"E1SHOP": config()})
    control.hurries = list(changes)
    return control


def test_where_somebody_else_was_faster_both_changes_stand(clock: VirtualClock) -> None:
    control, asked = _hurried({"Comment": "theirs"}), _asked()
    done = run(apply(control, asked, run(compare(control, asked)), clock.time))
    assert (done.attempts, done.status) == (2, "InProgress")
    after = control.configs["E1SHOP"]
    assert (after["Comment"], after["IsIPV6Enabled"]) == ("theirs", False)


def test_where_somebody_else_changed_the_same_value_nothing_is_sent(clock: VirtualClock) -> None:
    control, asked = _hurried({"Comment": "theirs"}), _asked("Comment: mine\n")
    with pytest.raises(ServiceError, match="changed by somebody else"):
        run(apply(control, asked, run(compare(control, asked)), clock.time))
    assert control.configs["E1SHOP"]["Comment"] == "theirs"


def test_a_secret_that_somebody_else_changed_is_not_overwritten_unseen(clock: VirtualClock) -> None:
    def origins(value: str) -> Any:
        header = {"HeaderName": "X-Verify", "HeaderValue": value}
        return _merged(json.dumps({"Origins": [{"Id": "first", "CustomHeaders": [header]}]}))["Origins"]

    control = _hurried({"Origins": origins("theirs")})
    control.configs["E1SHOP"]["Origins"] = origins("old")
    asked = _asked("Origins: [{Id: first, CustomHeaders: [{HeaderName: X-Verify, HeaderValue: mine}]}]\n")
    with pytest.raises(ServiceError, match="changed by somebody else"):
        run(apply(control, asked, run(compare(control, asked)), clock.time))
    assert "theirs" in repr(control.configs["E1SHOP"])


def test_who_is_always_slower_is_told_so(clock: VirtualClock) -> None:
    control, asked = _hurried(*({"Comment": str(number)} for number in range(9))), _asked()
    with pytest.raises(ChangedMeanwhileError):
        run(apply(control, asked, run(compare(control, asked)), clock.time))


class Lost(MemoryCloudFront):
    """Takes the update, and its answer is lost."""

    async def update_distribution(self, distribution_id: str, config: dict[str, Any], etag: str) -> ConfigDocument:
        await super().update_distribution(distribution_id, config, etag)
        raise UnreachableError("the answer was lost")


def test_a_lost_answer_is_found_out_by_reading_again(clock: VirtualClock) -> None:
    control = Lost((Distribution("E1SHOP", "d", (), "Deployed", True),), configs={"E1SHOP": config()}, time=clock.time)
    asked = _asked()
    done = run(apply(control, asked, run(compare(control, asked)), clock.time))
    assert (done.status, done.attempts) == ("InProgress", 1)
    assert control.configs["E1SHOP"]["IsIPV6Enabled"] is False


def test_throttling_is_waited_for_and_a_missing_permission_is_told(
    control: MemoryCloudFront, clock: VirtualClock
) -> None:
    asked = _asked()
    agreed = run(compare(control, asked))
    control.faults.extend([None, ThrottledError("Rate exceeded")])
    assert run(apply(control, asked, agreed, clock.time)).attempts == 2
    asked = _asked("Comment: other\n")
    agreed = run(compare(control, asked))
    control.faults.extend([None, AuthError("AccessDenied")])
    with pytest.raises(AuthError):
        run(apply(control, asked, agreed, clock.time))


def test_waiting_ends_when_every_edge_location_has_it(control: MemoryCloudFront, clock: VirtualClock) -> None:
    asked = _asked()
    run(apply(control, asked, run(compare(control, asked)), clock.time))
    told: list[int] = []
    waited = run(wait_until_deployed(control, "E1SHOP", clock.time, seconds=60, told=told.append))
    assert control.completion_seconds <= waited <= control.completion_seconds + 3
    assert told


def test_waiting_too_long_says_that_it_goes_on(control: MemoryCloudFront, clock: VirtualClock) -> None:
    control.completion_seconds = 1e6
    asked = _asked()
    run(apply(control, asked, run(compare(control, asked)), clock.time))
    with pytest.raises(TimedOutError, match="goes on"):
        run(wait_until_deployed(control, "E1SHOP", clock.time, seconds=30))
