"""Every control plane that the engine may be given answers alike: boto3's on the local CloudFront, and the twin."""

from __future__ import annotations

import asyncio
import importlib
import inspect
import pkgutil
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

import perfctl.cdn
from perfctl.aws import AwsAccess
from perfctl.cdn.cloudfront import ChangedMeanwhileError, CloudFront, ControlPlane, TooManyInProgressError
from perfctl.cdn.delivery.policies import MANAGED
from perfctl.cdn.memory import MemoryCloudFront, VirtualClock
from perfctl.cdn.model.distributions import Distribution
from perfctl.cdn.model.invalidations import Invalidation
from perfctl.errors import ServiceError, UsageError
from tests.cdn_edge import ACCESS_KEY_ID, COMPLETION_SECONDS, DISTRIBUTION_ID, SECRET_ACCESS_KEY, local_edge


@dataclass(frozen=True)
class Row:
    """A control plane, and how its time is moved on."""

    control: ControlPlane
    advance: Callable[[float], None]

    def create(self, *items: str, reference: str | None = None, at: str = DISTRIBUTION_ID) -> Invalidation:
        return asyncio.run(self.control.create_invalidation(at, items, reference or uuid.uuid4().hex))

    def get(self, identifier: str, at: str = DISTRIBUTION_ID) -> Invalidation:
        return asyncio.run(self.control.invalidation(at, identifier))

    def recent(self, at_most: int = 100) -> Sequence[Invalidation]:
        return asyncio.run(self.control.recent_invalidations(DISTRIBUTION_ID, at_most=at_most))


@contextmanager
def _memory(folder: Path) -> Iterator[Row]:
    clock = VirtualClock()
    known = Distribution(
        DISTRIBUTION_ID,
        "d1.cloudfront.net",
        ("cdn.sandbox.test",),
        "Deployed",
        True,
        compresses=True,
        tag_header="Cache-Tag",
    )

    def advance(seconds: float) -> None:
        clock.seconds += seconds

    control = MemoryCloudFront((known,), completion_seconds=COMPLETION_SECONDS, time=clock.time)
    yield Row(control, advance)


@contextmanager
def _boto3(folder: Path) -> Iterator[Row]:
    with local_edge(folder) as edge:
        access = AwsAccess(region="us-east-1", access_key_id=ACCESS_KEY_ID, secret_access_key=SECRET_ACCESS_KEY)
        yield Row(CloudFront(access, endpoint_url=edge.control_url), edge.advance)


ROWS = {MemoryCloudFront: _memory, CloudFront: _boto3}


@pytest.fixture(scope="module", params=ROWS.values(), ids=[kind.__name__ for kind in ROWS])
def started(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Row]:
    with request.param(tmp_path_factory.mktemp("control")) as row:
        yield row


@pytest.fixture
def row(started: Row) -> Row:
    """With nothing in progress."""
    started.advance(3600)
    return started


def test_every_control_plane_of_the_package_has_a_row() -> None:
    modules = [
        importlib.import_module(f"perfctl.cdn.{found.name}") for found in pkgutil.iter_modules(perfctl.cdn.__path__)
    ]
    kinds = {kind for module in modules for _, kind in inspect.getmembers(module, inspect.isclass)}
    assert {kind for kind in kinds if hasattr(kind, "create_invalidation")} - {ControlPlane} == set(ROWS)


def test_a_batch_is_in_progress_and_then_completed(row: Row) -> None:
    made = row.create("/a", "/img/*")
    assert (made.distribution_id, made.status, made.items, made.wildcards) == (DISTRIBUTION_ID, "InProgress", 2, 1)
    assert row.get(made.invalidation_id).paths == ("/a", "/img/*")
    row.advance(COMPLETION_SECONDS + 1)
    assert row.get(made.invalidation_id).status == "Completed"


def test_the_same_reference_returns_the_batch_that_there_is(row: Row) -> None:
    first = row.create("/a", reference="once")
    assert row.create("/a", reference="once").invalidation_id == first.invalidation_id


def test_the_same_reference_with_other_paths_is_refused(row: Row) -> None:
    row.create("/a", reference="other paths")
    with pytest.raises(ServiceError, match="InvalidationBatchAlreadyExists"):
        row.create("/b", reference="other paths")


def test_the_newest_are_listed_first_without_their_paths(row: Row) -> None:
    older, newer = row.create("/a"), row.create("/b")
    assert [one.invalidation_id for one in row.recent(2)] == [newer.invalidation_id, older.invalidation_id]
    assert {(one.status, one.items, one.paths) for one in row.recent(2)} == {("InProgress", None, ())}


def test_pages_go_on_until_every_batch_was_listed_once_the_newest_first(row: Row) -> None:
    made = [row.create(f"/page/{number}").invalidation_id for number in range(120)]
    page = asyncio.run(row.control.invalidation_page(DISTRIBUTION_ID))
    listed = list(page.rows)
    while page.next_marker is not None:
        page = asyncio.run(row.control.invalidation_page(DISTRIBUTION_ID, marker=page.next_marker))
        listed += page.rows
    identifiers = [one.invalidation_id for one in listed]
    assert identifiers[:120] == made[::-1]
    assert len(identifiers) == len(set(identifiers))
    assert all(one.created_at is not None and one.paths == () for one in listed)


def test_a_sixteenth_wildcard_has_no_room_until_others_complete(row: Row) -> None:
    row.create(*(f"/{number}/*" for number in range(15)))
    with pytest.raises(TooManyInProgressError, match="TooManyInvalidationsInProgress"):
        row.create("/x/*")
    row.create("/exact/paths/are/counted/apart")
    row.advance(COMPLETION_SECONDS + 1)
    assert row.create("/x/*").status == "InProgress"


def test_three_thousand_exact_paths_have_room_and_no_more(row: Row) -> None:
    row.create(*(f"/{number}" for number in range(3000)))
    with pytest.raises(TooManyInProgressError):
        row.create("/one-more")


@pytest.mark.parametrize("item", ["no-slash", "/a*b", "/é", "/a b", "/" + "a" * 4000])
def test_a_malformed_path_is_refused_by_the_service(row: Row, item: str) -> None:
    with pytest.raises(ServiceError, match="InvalidArgument"):
        row.create(item)


def test_a_tag_is_taken(row: Row) -> None:
    assert asyncio.run(row.control.knows_tags())
    assert row.create("#product-7").items == 1


def test_what_does_not_exist_is_named(row: Row) -> None:
    with pytest.raises(UsageError, match="NoSuchDistribution"):
        row.create("/a", at="E9NONE")
    with pytest.raises(UsageError, match="NoSuchDistribution"):
        asyncio.run(row.control.distribution("E9NONE"))
    with pytest.raises(UsageError, match="NoSuchInvalidation"):
        row.get("I9NONE")


def test_a_distribution_tells_its_names_and_switches(row: Row) -> None:
    found = asyncio.run(row.control.distribution(DISTRIBUTION_ID))
    assert (found.id, found.enabled, found.status) == (DISTRIBUTION_ID, True, "Deployed")
    assert (found.compresses, found.tag_header, found.aliases) == (True, "Cache-Tag", ("cdn.sandbox.test",))
    assert found.domain_name.endswith(".cloudfront.net")
    assert found.id in [one.id for one in asyncio.run(row.control.distributions())]
    assert asyncio.run(row.control.read_distribution_config(DISTRIBUTION_ID))


def test_the_caller_is_known(row: Row) -> None:
    caller = asyncio.run(row.control.caller())
    assert caller.arn.startswith(f"arn:aws:iam::{caller.account}:user/")


def test_an_endpoint_that_is_something_else_is_told_as_a_service_that_refuses(tmp_path: Path) -> None:
    with local_edge(tmp_path) as edge:
        access = AwsAccess(region="us-east-1", access_key_id=ACCESS_KEY_ID, secret_access_key=SECRET_ACCESS_KEY)
        control = CloudFront(access, endpoint_url=edge.edge_url)
        for call in (control.distribution("E1"), control.distributions(), control.recent_invalidations("E1")):
            with pytest.raises(ServiceError):
                asyncio.run(call)


def test_a_configuration_is_read_changed_and_read_again(row: Row) -> None:
    before = asyncio.run(row.control.distribution_config(DISTRIBUTION_ID))
    changed = before.config | {"Comment": f"changed {uuid.uuid4().hex}"}
    after = asyncio.run(row.control.update_distribution(DISTRIBUTION_ID, changed, before.etag))
    assert after.etag != before.etag
    assert after.config["Comment"] == changed["Comment"]
    assert asyncio.run(row.control.distribution_config(DISTRIBUTION_ID)) == after
    assert asyncio.run(row.control.distribution(DISTRIBUTION_ID)).status == "InProgress"
    row.advance(COMPLETION_SECONDS + 1)
    assert asyncio.run(row.control.distribution(DISTRIBUTION_ID)).status == "Deployed"


def test_a_change_of_a_version_that_is_no_longer_is_refused(row: Row) -> None:
    before = asyncio.run(row.control.distribution_config(DISTRIBUTION_ID))
    asyncio.run(row.control.update_distribution(DISTRIBUTION_ID, before.config | {"Comment": "mine"}, before.etag))
    with pytest.raises(ChangedMeanwhileError, match="PreconditionFailed"):
        asyncio.run(row.control.update_distribution(DISTRIBUTION_ID, before.config, before.etag))
    assert asyncio.run(row.control.distribution_config(DISTRIBUTION_ID)).config["Comment"] == "mine"


@pytest.mark.parametrize("policy_id", MANAGED)
def test_a_managed_policy_is_what_the_rules_of_delivery_say(row: Row, policy_id: str) -> None:
    found = asyncio.run(row.control.cache_policy(policy_id))
    assert (found.id, found.name, found.policy) == (policy_id, MANAGED[policy_id].name, MANAGED[policy_id].policy)
    assert found.is_managed


def test_a_policy_that_does_not_exist_is_named(row: Row) -> None:
    with pytest.raises(UsageError, match="NoSuchCachePolicy"):
        asyncio.run(row.control.cache_policy("00000000-0000-0000-0000-000000000000"))


def test_additional_metrics_are_off_until_they_are_switched_on(row: Row) -> None:
    assert asyncio.run(row.control.monitoring(DISTRIBUTION_ID)) is False


def test_what_has_no_configuration_is_named(row: Row) -> None:
    with pytest.raises(UsageError, match="NoSuchDistribution"):
        asyncio.run(row.control.distribution_config("E9NONE"))
    with pytest.raises(UsageError, match="NoSuchDistribution"):
        asyncio.run(row.control.monitoring("E9NONE"))
